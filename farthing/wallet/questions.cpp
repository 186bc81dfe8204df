// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/questions.hpp"

#include <algorithm>

#include "farthing/crypto/sha256.hpp"

namespace farthing::wallet {
namespace {

/// All that an operator is asked, but for the words around it: the wallet's may hold what is left,
/// a model's differ each time, and neither is part of what is approved.
Bytes32 content_of(ledger::Decision question) {
    question.why.clear();
    question.reason.clear();
    return sha256(json::encode_text(question));
}

}  // namespace

void Questions::apply(const ledger::Entry& entry) {
    if (const auto* decision = std::get_if<ledger::Decision>(&entry.event)) {
        if (decision->verdict != ledger::Verdict::ask) return;
        if (asked_.size() == kRememberedMax) asked_.pop_front();
        asked_.push_back({.seq = entry.seq,
                          .time = entry.time,
                          .content = content_of(*decision),
                          .agent = decision->agent,
                          .card = decision->card,
                          .answer = {}});
    } else if (const auto* answer = std::get_if<ledger::Approval>(&entry.event)) {
        const auto found = std::ranges::lower_bound(asked_, answer->decision, {}, &Asked::seq);
        if (found != asked_.end() && found->seq == answer->decision) found->answer = answer->answer;
    }
}

std::optional<ledger::Seq> Questions::standing(const ledger::Decision& question,
                                               ledger::UnixMillis now) const {
    const auto content = content_of(question);
    for (auto each = asked_.rbegin(); each != asked_.rend(); ++each) {
        if (each->time + kStands <= now) return std::nullopt;
        if (each->content != content) continue;
        const bool stands = !each->answer || *each->answer == ledger::Approved::denied;
        return stands ? std::optional(each->seq) : std::nullopt;
    }
    return std::nullopt;
}

std::size_t Questions::waiting(const ledger::Decision& question, ledger::UnixMillis now) const {
    std::size_t out = 0;
    for (auto each = asked_.rbegin(); each != asked_.rend() && each->time + kStands > now; ++each) {
        const bool same = each->agent == question.agent && each->card == question.card;
        out += same && !each->answer ? 1 : 0;
    }
    return out;
}

}  // namespace farthing::wallet
