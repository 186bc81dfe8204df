// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/reconcile.hpp"

#include "farthing/evm/eip3009.hpp"

namespace farthing::wallet {
namespace {

using ledger::Transaction;

/// Whether the authorisation was used, at the newest block.
Task<Result<bool>> is_used(chain::Chain& chain, const ledger::Payment& payment) {
    const auto& decision = payment.decision();
    const auto token = parse_address(decision.asset);
    const auto payer = parse_address(decision.payer);
    if (!token || !payer) co_return fail(Errc::ledger_altered, "a decision without addresses");
    std::vector<chain::Read> reads;
    reads.push_back(
        chain::Read::of(eip3009::authorization_state(*token, *payer, payment.signature->nonce)));
    auto answers = co_await chain.read(std::move(reads));
    if (!answers) co_return fail(std::move(answers).error());
    constexpr std::size_t word = 32;
    if (answers->size() != 1 || !answers->front() || answers->front()->size() != word) {
        co_return fail(Errc::rpc_failed, "authorizationState: no answer of a token");
    }
    const auto& bytes = *answers->front();
    co_return std::ranges::any_of(bytes, [](auto each) { return each != 0; });
}

Task<Result<>> append(ledger::Ledger& ledger, ledger::Event event) {
    auto work = [event = std::move(event)](Transaction& transaction) -> Result<> {
        FARTHING_CHECK(transaction.append(event));
        return {};
    };
    co_return co_await ledger.transact(std::move(work));
}

ledger::Event released(const ledger::Payment& payment, std::string_view why) {
    ledger::Released event;
    event.decision = payment.entry.seq;
    event.why = why;
    return event;
}

ledger::Event settled(const ledger::Payment& payment) {
    ledger::Settled event;
    event.decision = payment.entry.seq;
    event.note = "the chain says that it was used";
    return event;
}

/// Seconds. One endpoint may stand for several nodes, of which one is a few blocks behind.
constexpr std::uint64_t kExpiryGrace = 60;

/// What is proved about a signed payment.
Task<Result<std::optional<ledger::Event>>> fate_of(const ledger::Payment& payment,
                                                   chain::Chain* chain) {
    std::optional<ledger::Event> out;
    if (chain == nullptr || chain->network().id != payment.decision().network) co_return out;
    // The head first: what is unused at a later block than this one was unused at this one.
    const auto head = co_await chain->head();
    if (!head) co_return fail(head.error());
    const auto used = co_await is_used(*chain, payment);
    if (!used) co_return fail(used.error());
    if (*used) {
        out = settled(payment);
    } else if (head->timestamp > payment.signature->valid_before + kExpiryGrace) {
        out = released(payment, "expired_unused");
    }
    co_return out;
}

}  // namespace

Task<Result<std::vector<ledger::Payment>>> reserved(ledger::Ledger& ledger) {
    auto work = [](Transaction& transaction) -> Result<std::vector<ledger::Payment>> {
        std::vector<ledger::Payment> out;
        const ledger::Filter open{.kind = "decision", .reserved = true};
        FARTHING_CHECK(ledger::for_each_payment(transaction, open,
                                                [&](const ledger::Payment& each) -> Result<> {
                                                    out.push_back(each);
                                                    return {};
                                                }));
        return out;
    };
    co_return co_await ledger.transact(std::move(work));
}

Task<Result<Reconciled>> reconcile(ledger::Ledger& ledger, std::uint64_t now, chain::Chain* chain,
                                   std::uint64_t patience) {
    constexpr std::uint64_t second = 1'000;
    auto open = co_await reserved(ledger);
    if (!open) co_return fail(std::move(open).error());
    Reconciled out;
    for (const auto& payment : *open) {
        std::optional<ledger::Event> event;
        if (payment.signature) {
            auto fate = co_await fate_of(payment, chain);
            if (!fate) co_return fail(std::move(fate).error());
            event = std::move(*fate);
        } else if (now >= payment.entry.time / second + patience) {
            event = released(payment, "never_signed");
        }
        if (!event) {
            ++out.open;
            continue;
        }
        ++(std::holds_alternative<ledger::Settled>(*event) ? out.settled : out.released);
        auto noted = co_await append(ledger, std::move(*event));
        // Its own process, or another that reconciles, was quicker.
        if (!noted && noted.error().code != Errc::invalid_argument) {
            co_return fail(std::move(noted).error());
        }
    }
    co_return out;
}

}  // namespace farthing::wallet
