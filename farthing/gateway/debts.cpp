// SPDX-License-Identifier: Apache-2.0
// What was served on credit: its settlement, also for gateways that are gone.
#include "farthing/gateway/checkout.hpp"
#include "farthing/gateway/fate.hpp"

namespace farthing::gateway {
namespace {

/// An open debt is asked about again, until its authorisation is over for any clock.
constexpr std::chrono::milliseconds kAskAgain{5'000};
constexpr scheme::UnixSeconds kExpiryGrace = 60;

}  // namespace

Task<> Checkout::pay_debt(std::shared_ptr<Settlement> settlement, v2::Payment payment,
                          std::shared_ptr<const scheme::Opened> opened,
                          std::shared_ptr<Credit::Open> credit) {
    parts_.metrics.debts.set(static_cast<double>(credit_.count()));
    const auto now = parts_.payments.now();
    const auto until = [now](scheme::UnixSeconds time) { return time > now ? time - now : 0; };
    const auto left = std::min(until(settlement->waiting.due), until(opened->valid_before()));
    // Settling takes its time: it begins in the middle of the window, or of what the payer signed.
    co_await parts_.env.clock.sleep(std::chrono::milliseconds(500 * left));
    auto fate = Fate::open;
    for (;;) {
        settlement->give_up = parts_.env.clock.steady_now() + rules_.settle_patience;
        co_await carry_out(settlement, payment);
        if (settlement->is_taken) co_return;
        fate = fate_of(settlement->result);
        const bool is_open = fate != Fate::settled && fate != Fate::failed;
        if (!is_open || parts_.payments.now() > opened->valid_before() + kExpiryGrace) break;
        settlement->may_have_been_sent = settlement->waiting.may_have_been_sent;
        co_await parts_.env.clock.sleep(kAskAgain);
    }
    if (fate != Fate::settled) {
        const auto& payer = opened->key().payer;
        parts_.metrics.debts_unpaid_total.add();
        parts_.env.log.error(
            "debt_unpaid",
            {{"payer", payer.to_checksum()},
             {"amount", opened->amount().to_decimal()},
             {"asset", payment.requirements.asset},
             {"network", payment.requirements.network.id},
             {"reason", settlement->result ? settlement->result->error_reason.value_or("")
                                           : to_string(settlement->result.error())}});
        if (credit) credit->lose();
        credit_.bar(payer);
        const auto barred = co_await parts_.payments.bar(payer);
        if (!barred) parts_.env.log.warn("not_barred", {{"reason", to_string(barred.error())}});
    }
    if (settlement->is_delivered || fate != Fate::settled) settlement->hold.use();
    credit.reset();
    parts_.metrics.debts.set(static_cast<double>(credit_.count()));
}

Task<> Checkout::take_over_debts() {
    const auto barred = co_await parts_.payments.barred();
    if (barred) {
        for (const auto& payer : *barred) credit_.bar(payer);
    }
    auto owed = co_await parts_.payments.owed();
    if (!owed) {
        parts_.env.log.warn("debts_not_read", {{"reason", to_string(owed.error())}});
        co_return;
    }
    for (auto& each : *owed) co_await take_over(std::move(each));
}

Task<> Checkout::take_over(store::Purchase owed) {
    const auto damaged = [&](std::string_view why) {
        parts_.env.log.error("debt_damaged",
                             {{"payer", owed.key.payer.to_checksum()}, {"reason", why}});
    };
    const auto text = json::parse(owed.payment);
    const auto* object = text ? text->if_object() : nullptr;
    const auto* request = object == nullptr ? nullptr : object->if_contains("request");
    const auto* decimals = object == nullptr ? nullptr : object->if_contains("decimals");
    if (request == nullptr || decimals == nullptr) co_return damaged("no request");
    auto payment = dialect::facilitator_request(*request);
    if (!payment) co_return damaged(to_string(payment.error()));
    const auto digits = json::decode<std::uint32_t>(*decimals);
    const auto* scheme = scheme::find_scheme(payment->requirements.scheme);
    if (!digits || scheme == nullptr) co_return damaged("an unknown scheme");
    auto opened = scheme->open(*payment);
    if (!opened || (*opened)->key() != owed.key) co_return damaged("another payment");
    auto hold = parts_.payments.enter(owed.key);
    using Standing = PaymentBook::Standing;
    if (hold.standing() == Standing::in_hand || hold.standing() == Standing::used) co_return;
    const auto claimed = co_await hold.claim(true);
    if (!claimed || hold.standing() != Standing::waiting || !hold.is_durable()) co_return;
    Credit::Debt debt{owed.key.payer, payment->requirements.pay_to, (*opened)->amount(), *digits};
    std::shared_ptr<Credit::Open> credit = credit_.take_over(debt);
    auto settlement = std::make_shared<Settlement>(parts_.loop, std::move(hold));
    settlement->waiting = settlement->hold.waiting();
    settlement->may_have_been_sent = settlement->waiting.may_have_been_sent;
    settlement->with_answer = false;
    settlement->is_debt = true;
    parts_.env.log.info("debt_taken_over", {{"payer", owed.key.payer.to_checksum()}});
    parts_.settlements.spawn(pay_debt(std::move(settlement), *std::move(payment),
                                      *std::move(opened), std::move(credit)));
}

}  // namespace farthing::gateway
