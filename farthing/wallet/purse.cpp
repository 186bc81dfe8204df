// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/purse.hpp"

namespace farthing::wallet {
namespace {

ledger::Signed entry_of(const Issued& issued, const std::optional<Bytes32>& request) {
    ledger::Signed out;
    out.request = request;
    out.signature = issued.hash;
    out.nonce = issued.nonce;
    out.valid_before = static_cast<std::uint64_t>(issued.valid_before.time_since_epoch().count());
    return out;
}

}  // namespace

Wish wish_of(Purchase purchase, const Errand& errand, const Foreknown& known) {
    Wish wish;
    wish.request.method = std::move(purchase.method);
    wish.request.url = purchase.url.to_string();
    wish.request.claimed = std::move(purchase.claimed);
    wish.request.tool = errand.tool;
    wish.request.network = std::move(purchase.network);
    wish.request.asset = purchase.asset;
    wish.request.pay_to = purchase.pay_to;
    wish.request.amount = purchase.amount;
    wish.request.lifetime = purchase.lifetime;
    wish.request.quoted = price_in(known.quoted, wish.request.network, wish.request.asset);
    wish.request.task = errand.task;
    wish.request.justified = !errand.reason.empty();
    wish.reason = errand.reason;
    wish.agent = errand.agent;
    wish.card = errand.card;
    return wish;
}

Result<> Purse::check_leave() const {
    if (!known_.may_pay || known_.may_pay()) return {};
    return fail(Errc::api_key_invalid, "the token was taken back meanwhile");
}

Task<Result<Grant>> Purse::before_signing(Purchase purchase, Seal seal) {
    FARTHING_CO_CHECK(check_leave());
    auto wish = wish_of(std::move(purchase), errand_, known_);
    // The pact as it is now, not as it was when the request began.
    FARTHING_CO_TRY(terms_, mandate_.now());
    const bool seals = seal != nullptr;
    Spending::Sign sign;
    if (seals) {
        // A copy of all it needs: it may still run when nobody waits for it any more.
        sign = [seal = std::move(seal), request = known_.request] {
            return entry_of(seal(), request);
        };
    }
    auto decided = co_await terms_->spending.decide(std::move(wish), std::move(sign));
    if (!decided) co_return fail(std::move(decided).error());
    decided_ = std::move(*decided);
    if (decided_->decision.verdict == policy::Verdict::allow) {
        has_sent_ = seals;
        co_return decided_->seq;
    }
    co_return fail(Errc::not_allowed, decided_->decision.text);
}

Task<Result<>> Purse::before_sending(Grant grant, Issued issued) {
    if (auto may = check_leave(); !may) co_return may;
    auto event = entry_of(issued, known_.request);
    event.decision = grant;
    auto noted = co_await terms_->spending.record(std::move(event));
    has_sent_ = noted.has_value();
    co_return noted;
}

Task<Result<>> Purse::never_sent(Grant grant) {
    has_sent_ = false;
    ledger::Released event;
    event.decision = grant;
    event.why = "never_sent";
    co_return co_await terms_->spending.record(std::move(event));
}

Task<Result<>> Purse::settled(Grant grant, Receipted receipt) {
    ledger::Settled event;
    event.decision = grant;
    event.transaction = receipt.transaction;
    event.delivered = receipt.delivered;
    event.status = static_cast<std::uint32_t>(receipt.status);
    co_return co_await terms_->spending.record(std::move(event));
}

}  // namespace farthing::wallet
