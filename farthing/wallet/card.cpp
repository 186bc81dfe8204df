// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/card.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/ledger/payments.hpp"

namespace farthing::wallet {
namespace {

policy::Finding finding(std::string_view code, std::string reason, std::string suggestion) {
    policy::Finding out;
    out.code = code;
    out.condition = "card";
    out.reason = std::move(reason);
    out.suggestion = std::move(suggestion);
    return out;
}

constexpr const char* kAnother = "ask for another card";

}  // namespace

bool Card::is_for(std::string_view who) const {
    const auto pattern = policy::parse_host_pattern(vendor);
    return pattern && pattern->matches(who);
}

const Card* CardBook::find(const std::string& id) const {
    const auto found = cards_.find(id);
    return found == cards_.end() ? nullptr : &found->second;
}

std::optional<policy::Finding> CardBook::refusal(const std::string& id, std::string_view vendor,
                                                 const std::optional<U256>& value,
                                                 ledger::UnixMillis now) const {
    const auto* card = find(id);
    if (card == nullptr) return finding("card_unknown", "there is no such card", kAnother);
    if (card->revoked) return finding("card_revoked", "the card was taken back", kAnother);
    if (card->expires <= now) return finding("card_expired", "the card has expired", kAnother);
    if (!card->is_for(vendor)) {
        return finding("card_vendor", "the card is for another vendor",
                       fmt::format("use it with {}", card->vendor));
    }
    if (card->used >= card->uses) {
        return finding("card_used", "the card has no use left", kAnother);
    }
    if (!value) {
        return finding("card_value",
                       "the card is in dollars, and the pact does not value this asset",
                       "pay with an asset that the pact values");
    }
    const auto sum = card->spent.checked_add(*value);
    if (sum && *sum <= card->value) return std::nullopt;
    auto out = finding("card_amount", "the card does not cover this price", kAnother);
    out.limit = ledger::dollars(card->value);
    out.used = ledger::dollars(card->spent);
    return out;
}

Result<> CardBook::use(ledger::Seq decision, const ledger::Decision& what) {
    const auto card = cards_.find(what.card);
    if (card == cards_.end()) return {};
    const auto sum = card->second.spent.checked_add(what.value);
    if (!sum) return fail(Errc::overflow, "the sum of what a card has paid");
    card->second.spent = *sum;
    ++card->second.used;
    open_[decision] = {decision, what.card, what.value};
    return {};
}

void CardBook::give_back(ledger::Seq decision) {
    const auto open = open_.find(decision);
    if (open == open_.end()) return;
    const auto card = cards_.find(open->second.card);
    if (card != cards_.end()) {
        card->second.spent = card->second.spent.checked_sub(open->second.value).value_or(U256{});
        if (card->second.used > 0) --card->second.used;
    }
    open_.erase(open);
}

Result<> CardBook::apply(ledger::Transaction& transaction, const ledger::Entry& entry) {
    if (const auto* change = std::get_if<ledger::CardChange>(&entry.event)) {
        const auto known = cards_.find(change->card);
        if (change->change == ledger::Change::revoked) {
            if (known != cards_.end()) known->second.revoked = true;
        } else if (known == cards_.end()) {
            // A second one of the same name changes nothing: it would be a way to raise a limit.
            cards_[change->card] = {.id = change->card,
                                    .token = change->token,
                                    .value = change->value,
                                    .vendor = change->vendor,
                                    .task = change->task,
                                    .uses = change->uses,
                                    .expires = change->expires,
                                    .spent = {}};
        }
    } else if (const auto* decision = std::get_if<ledger::Decision>(&entry.event)) {
        if (decision->verdict == ledger::Verdict::allow && !decision->card.empty()) {
            return use(entry.seq, *decision);
        }
    } else if (const auto* released = std::get_if<ledger::Released>(&entry.event)) {
        give_back(released->decision);
    } else if (const auto* settled = std::get_if<ledger::Settled>(&entry.event)) {
        if (open_.erase(settled->decision) > 0) return {};
        // It was released, and the chain knows better.
        FARTHING_TRY(const auto decided, transaction.find(settled->decision));
        const auto* what = decided ? std::get_if<ledger::Decision>(&decided->event) : nullptr;
        if (what == nullptr || what->card.empty()) return {};
        FARTHING_CHECK(use(settled->decision, *what));
        open_.erase(settled->decision);
    }
    return {};
}

json::Value CardBook::checkpoint(ledger::UnixMillis now) const {
    Checkpoint out;
    for (const auto& [seq, each] : open_) out.open.push_back(each);
    for (const auto& [id, each] : cards_) {
        const bool in_use =
            std::ranges::any_of(out.open, [&](const Use& use) { return use.card == id; });
        if (each.expires > now || in_use) out.cards.push_back(each);
    }
    return json::encode(out);
}

Result<CardBook> CardBook::restore(const json::Value& checkpoint) {
    FARTHING_TRY(auto saved, json::decode<Checkpoint>(checkpoint));
    CardBook out;
    for (auto& each : saved.cards) {
        auto id = each.id;
        out.cards_.emplace(std::move(id), std::move(each));
    }
    for (auto& each : saved.open) {
        const auto seq = each.decision;
        out.open_.emplace(seq, std::move(each));
    }
    return out;
}

Result<CardBook> read_cards(ledger::Transaction& transaction) {
    CardBook out;
    FARTHING_CHECK(transaction.since(
        0, [&](const ledger::Entry& entry) { return out.apply(transaction, entry); }));
    return out;
}

}  // namespace farthing::wallet
