// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/open_requests.hpp"

#include <fmt/format.h>

namespace farthing::wallet {
namespace {

/// At the most; beyond, a repetition pays again.
constexpr std::size_t kOpenMax = 10'000;

/// Longer than any pact lets a signature live.
constexpr ledger::UnixMillis kLookBack = 2ULL * 3'600 * 1'000;

/// Nobody has heard the answer: also of one of which the chain has said since that it was paid.
bool is_open(const ledger::Payment& payment) {
    if (payment.state == ledger::State::reserved) return true;
    return payment.state == ledger::State::settled && payment.settled->status == 0;
}

/// What the ledger knows of a payment; nothing for what is no payment of a token.
std::optional<Payment> payment_of(const ledger::Payment& noted, const AssetTable& assets) {
    const auto& decision = noted.decision();
    const auto token = parse_address(decision.asset);
    const auto payer = parse_address(decision.payer);
    if (!token || !payer) return std::nullopt;
    Payment out;
    out.requirements.network = {decision.network};
    out.requirements.amount = decision.amount;
    out.requirements.asset = decision.asset;
    out.requirements.pay_to = decision.pay_to;
    const auto* asset = assets.find(out.requirements.network, *token);
    if (asset != nullptr) out.asset = *asset;
    out.asset.address = *token;
    out.payer = *payer;
    out.nonce = noted.signature->nonce;
    out.valid_before =
        UnixTime{std::chrono::seconds{static_cast<std::int64_t>(noted.signature->valid_before)}};
    return out;
}

}  // namespace

Task<Result<>> OpenRequests::load(ledger::Ledger& ledger, const AssetTable& assets, UnixTime now) {
    auto work = [](ledger::Transaction& transaction) -> Result<std::vector<ledger::Payment>> {
        FARTHING_TRY(const auto newest, transaction.now());
        const ledger::Filter issued{.kind = "signed", .from = newest - std::min(newest, kLookBack)};
        FARTHING_TRY(const auto entries, transaction.newest(issued, kOpenMax));
        std::vector<ledger::Payment> out;
        for (const auto& entry : entries) {
            FARTHING_TRY(const auto decision, transaction.find(*ledger::decision_of(entry.event)));
            if (!decision) continue;
            FARTHING_TRY(auto payment, ledger::payment_of(transaction, *decision));
            if (is_open(payment)) out.push_back(std::move(payment));
        }
        return out;
    };
    const auto left = co_await ledger.transact(std::move(work));
    if (!left) co_return fail(left.error());
    for (const auto& each : *left) {
        if (!each.signature || !each.signature->request) continue;
        const auto payment = payment_of(each, assets);
        if (!payment || payment->valid_before <= now || open_.size() >= kOpenMax) continue;
        const Error unheard{Errc::outcome_unknown, "it was signed before this program started; " +
                                                       how_to_find_out(*payment)};
        open_.try_emplace(*each.signature->request, OpenRequest{unheard, {}, *payment});
    }
    co_return Result<>{};
}

const OpenRequest* OpenRequests::find(const Bytes32& request, UnixTime now) {
    std::erase_if(open_, [&](const auto& each) { return each.second.payment.valid_before <= now; });
    const auto found = open_.find(request);
    return found == open_.end() ? nullptr : &found->second;
}

void OpenRequests::begin(const Bytes32& request, const Payment& payment) {
    if (open_.size() >= kOpenMax) return;
    const Error in_hand{Errc::outcome_unknown,
                        "the same request is in hand, and is being paid for"};
    open_.try_emplace(request, OpenRequest{in_hand, {}, payment});
}

OpenRequest* OpenRequests::of(const Bytes32& request, const Bytes32& nonce) {
    const auto found = open_.find(request);
    if (found == open_.end() || found->second.payment.nonce != nonce) return nullptr;
    return &found->second;
}

void OpenRequests::update(const Bytes32& request, OpenRequest known) {
    if (auto* open = of(request, known.payment.nonce)) *open = std::move(known);
}

void OpenRequests::end(const Bytes32& request, const Bytes32& nonce) {
    if (of(request, nonce) != nullptr) open_.erase(request);
}

}  // namespace farthing::wallet
