// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/checkout.hpp"

#include <fmt/format.h>

#include "farthing/base/hex.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/gateway/fate.hpp"
#include "farthing/gateway/responses.hpp"
#include "farthing/net/body_fault.hpp"

namespace farthing::gateway {

struct Checkout::Deal {
    Sale sale;
    v2::Payment payment;
    std::shared_ptr<const scheme::Opened> opened;
    std::uint32_t decimals = 0;  ///< of the asset
    std::string payer;
    bool body_read = false;
    SteadyTime give_up;  ///< the client waits no longer

    [[nodiscard]] std::uint64_t version() const { return payment.x402_version; }
    [[nodiscard]] Bytes32 print() const {
        const auto& request = sale.origin.request;
        const auto asked = print_of(request.method, sale.origin.url.target, request.body);
        // With what was signed and the signature: who only knows the nonce gets nothing.
        return keccak256({ByteView(asked), ByteView(opened->print())});
    }
};

namespace {

constexpr std::chrono::seconds kBusyRetry{1};
constexpr std::chrono::seconds kUnavailableRetry{5};
constexpr std::uint64_t kSignedForMax = 86'400;
/// A settlement is asked for however late it is, for the origin has worked: long enough to reach
/// who is asked.
constexpr std::chrono::milliseconds kPatienceMin{1'000};

/// How long the client waits: what it says itself, and no longer than it was told to sign for.
std::chrono::seconds patience_of(const Sale& sale, const v2::PaymentRequirements& wanted) {
    const std::chrono::seconds signed_for(
        std::min<std::uint64_t>(wanted.max_timeout_seconds, kSignedForMax));
    return std::min(sale.timeout.value_or(signed_for), signed_for);
}

Answered plain(net::Response response, Ending ending, std::string reason) {
    Answered out;
    out.answer.response = std::move(response);
    out.ending = ending;
    out.reason = std::move(reason);
    return out;
}

/// It is in hand elsewhere.
Answered taken() {
    return plain(try_again(409, "payment_in_flight", kBusyRetry), Ending::busy,
                 "payment_in_flight");
}

Answered refused(const Sale& sale, std::string_view error) {
    return plain(payment_required(sale.route, sale.url, error), Ending::refused,
                 std::string(error));
}

/// What the payer is told of an error of /verify. Source: protocol.md 5.3.
Answered after_verify_error(const Sale& sale, const Error& error) {
    if (error.code == Errc::facilitator_failed) return refused(sale, error.detail);
    const auto reason = to_string(error);
    const auto failed = [&](net::Response response) {
        return plain(std::move(response), Ending::facilitator_failed, reason);
    };
    switch (kind_of(error.code)) {
        case Kind::refused:
        case Kind::invalid:
            return refused(sale, wire_code(error.code));
        case Kind::internal:
            return failed(json_error(500, "Internal Server Error"));
        case Kind::unavailable:
        case Kind::unknown:
            break;
    }
    if (error.code == Errc::overloaded || error.code == Errc::shutting_down)
        return failed(try_again(503, wire_code(error.code), kUnavailableRetry));
    // What the facilitator answered goes to the payer, as in the reference; what our own parts say
    // of it (addresses of nodes) does not.
    return failed(json_error(502, error.code == Errc::facilitator_invalid_data
                                      ? error.detail
                                      : "the payment could not be verified: the facilitator does "
                                        "not answer"));
}

v2::SettleResponse receipt_of_error(const v2::Payment& payment, const Error& error,
                                    std::string_view reason) {
    v2::SettleResponse receipt;
    receipt.error_reason = reason;
    receipt.error_message = error.detail.empty() ? std::string(reason) : error.detail;
    receipt.network = dialect::network_in(payment.x402_version, payment.requirements.network);
    return receipt;
}

Answered body_refused(const Error& error) {
    return plain(json_error(net::status_of_body_fault(error), "request body: " + to_string(error)),
                 Ending::bad_request, to_string(error));
}

}  // namespace

Task<Answered> Checkout::run(Sale sale, dialect::Received received) {
    auto payable = match_payment(sale.route, std::move(received));
    if (!payable) co_return refused(sale, wire_code(payable.error().code));
    Deal deal{std::move(sale),
              std::move(payable->payment),
              std::move(payable->opened),
              payable->offer->decimals,
              {},
              false,
              {}};
    deal.payer = deal.opened->key().payer.to_checksum();
    deal.give_up =
        parts_.env.clock.steady_now() + patience_of(deal.sale, payable->offer->requirements);
    auto hold = parts_.payments.enter(deal.opened->key());
    Answered answered;
    if (auto obstacle_there = obstacle(deal, {}, hold.standing())) {
        answered = *std::move(obstacle_there);
    } else if (hold.standing() == PaymentBook::Standing::waiting) {
        answered = co_await resume(deal, std::move(hold));
    } else {
        answered = co_await buy(deal, std::move(hold));
    }
    if (answered.payer.empty()) answered.payer = deal.payer;
    answered.requirements = &payable->offer->requirements;
    co_return answered;
}

std::optional<Answered> Checkout::obstacle(const Deal& deal, const Result<>& claimed,
                                           Register::Hold::Standing standing) {
    if (!claimed) {
        return plain(
            try_again(503, "nothing was charged: payments cannot be recorded", kUnavailableRetry),
            Ending::store_failed, to_string(claimed.error()));
    }
    if (standing == PaymentBook::Standing::in_hand) return taken();
    if (standing == PaymentBook::Standing::used)
        return refused(deal.sale, wire_code(Errc::exact_nonce_already_used));
    return std::nullopt;
}

Task<std::optional<Answered>> Checkout::read_body(Deal& deal) {
    if (deal.sale.body == nullptr || std::exchange(deal.body_read, true)) co_return std::nullopt;
    auto body = co_await deal.sale.body->read_all(rules_.request_body_bytes_max);
    if (!body) co_return body_refused(body.error());
    deal.sale.origin.request.body = *std::move(body);
    co_return std::nullopt;
}

std::chrono::milliseconds Checkout::left_until(SteadyTime give_up) const {
    const auto left = give_up - parts_.env.clock.steady_now();
    return std::max(std::chrono::floor<std::chrono::milliseconds>(left), kPatienceMin);
}

Task<Answered> Checkout::buy(Deal& deal, Register::Hold hold) {
    const auto began = parts_.env.clock.steady_now();
    auto verifying = parts_.facilitator.verify(deal.payment);
    auto verdict = co_await with_deadline(std::move(verifying), left_until(deal.give_up));
    observe(parts_.metrics.verify_seconds, parts_.env.clock.steady_now() - began);
    if (!verdict || !verdict->is_valid) {
        auto refusal = verdict ? refused(deal.sale, verdict->invalid_reason.value_or(std::string(
                                                        wire_code(Errc::unexpected_verify_error))))
                               : after_verify_error(deal.sale, verdict.error());
        auto answered = co_await look_up(deal, std::move(hold), std::move(refusal));
        co_return answered;
    }
    auto bad_body = co_await read_body(deal);
    if (bad_body) co_return *std::move(bad_body);
    // The last moment to spare who has left: once the origin has worked, it is charged.
    if (deal.sale.client_gone()) {
        co_return plain(
            try_again(503, "nothing was charged: the client closed the connection", kBusyRetry),
            Ending::abandoned, "the client closed the connection");
    }
    const auto claimed = co_await hold.claim();
    auto hindered = obstacle(deal, claimed, hold.standing());
    if (hindered) co_return *std::move(hindered);
    if (hold.standing() == PaymentBook::Standing::waiting) {
        auto answered = co_await resume(deal, std::move(hold));
        co_return answered;
    }
    auto answered = co_await begin(deal, std::move(hold));
    co_return answered;
}

Task<Answered> Checkout::look_up(Deal& deal, Register::Hold hold, Answered refusal) {
    const auto claimed = co_await hold.claim(true);
    if (!claimed) {
        // Not known whether an answer waits: told to pay again, it might be paid twice.
        auto hindered = obstacle(deal, claimed, hold.standing());
        co_return *std::move(hindered);
    }
    if (hold.standing() == PaymentBook::Standing::in_hand) co_return taken();
    if (hold.standing() != PaymentBook::Standing::waiting) co_return refusal;
    auto answered = co_await resume(deal, std::move(hold));
    co_return answered;
}

Task<Answered> Checkout::resume(Deal& deal, Register::Hold hold) {
    auto bad_body = co_await read_body(deal);
    if (bad_body) co_return *std::move(bad_body);
    const bool is_kept = hold.waiting().answer != nullptr;
    const auto claimed = co_await hold.claim();
    // What this process has kept it gives, whatever became of the store.
    if (claimed || !is_kept) {
        auto hindered = obstacle(deal, claimed, hold.standing());
        if (hindered) co_return *std::move(hindered);
    }
    const auto waiting = hold.waiting();
    if (waiting.request != deal.print()) {
        co_return plain(json_error(409, "payment_for_another_request"), Ending::busy,
                        "payment_for_another_request");
    }
    if (waiting.receipt && !waiting.answer && waiting.has_run) {
        hold.use();
        co_return no_longer_kept(deal, *waiting.receipt);
    }
    if (!waiting.answer) {
        auto answered = co_await begin(deal, std::move(hold));
        co_return answered;
    }
    auto answered = co_await settle(deal, std::move(hold), waiting.answer);
    co_return answered;
}

/// What was paid for was sent once, perhaps in vain. Another run of the origin would be another
/// answer for the same money, for whoever hangs up each time.
Answered Checkout::no_longer_kept(const Deal& deal, v2::SettleResponse receipt) {
    auto out = plain(json_error(410, "the answer to this payment is no longer kept"),
                     Ending::undelivered, "the answer is no longer kept");
    out.transaction = receipt.transaction;
    add_receipt(out.answer.response.headers, deal.version(), std::move(receipt));
    expose_payment_headers(out.answer.response.headers);
    return out;
}

Task<std::expected<OriginAnswer, OriginFailure>> Checkout::ask_origin(const Deal& deal) {
    const auto began = parts_.env.clock.steady_now();
    auto fetched =
        co_await fetch_whole(parts_.origin, deal.sale.origin, rules_.response_body_bytes_max);
    observe(parts_.metrics.origin_seconds, parts_.env.clock.steady_now() - began);
    co_return fetched;
}

Task<Answered> Checkout::begin(Deal& deal, Register::Hold hold) {
    if (deal.sale.route.settle == SettleWhen::before) {
        auto answered = co_await prepay(deal, std::move(hold));
        co_return answered;
    }
    auto answered = co_await serve(deal, std::move(hold));
    co_return answered;
}

Task<Answered> Checkout::prepay(Deal& deal, Register::Hold hold) {
    auto settlement = prepare(deal, std::move(hold), nullptr);
    if (!settlement->waiting.receipt) co_await carried_out(deal, settlement);
    if (settlement->is_taken || fate_of(settlement->result) != Fate::settled)
        co_return conclude(deal, settlement);
    auto fetched = co_await ask_origin(deal);
    if (!fetched || fetched->response.status >= 500) {
        // It is paid, and may ask again.
        Answered failed;
        if (fetched) {
            failed.reason = fmt::format("the origin answered {}", fetched->response.status);
            failed.answer = *std::move(fetched);
        } else {
            failed.reason = to_string(fetched.error().cause);
            failed.answer.response = json_error(fetched.error().status, fetched.error().message);
        }
        failed.ending = Ending::origin_failed;
        failed.transaction = settlement->result->transaction;
        add_receipt(failed.answer.response.headers, deal.version(), *settlement->result);
        make_private(failed.answer.response.headers);
        expose_payment_headers(failed.answer.response.headers);
        co_return failed;
    }
    auto& waiting = settlement->waiting;
    waiting.answer = std::make_shared<const OriginAnswer>(*std::move(fetched));
    waiting.has_run = true;
    // What cannot be written this process still knows; who has taken it over serves it too.
    const auto kept = co_await settlement->hold.keep(waiting, true);
    if (!kept) co_return conclude(deal, settlement);
    co_return conclude(deal, std::move(settlement));
}

Task<Answered> Checkout::serve(Deal& deal, Register::Hold hold) {
    auto fetched = co_await ask_origin(deal);
    if (!fetched) {
        const auto& failure = fetched.error();
        co_return plain(json_error(failure.status, failure.message), Ending::origin_failed,
                        to_string(failure.cause));
    }
    if (fetched->response.status >= 400) {
        Answered answered;
        answered.reason = fmt::format("the origin answered {}", fetched->response.status);
        answered.answer = *std::move(fetched);
        answered.ending = Ending::origin_refused;
        co_return answered;
    }
    auto answer = std::make_shared<const OriginAnswer>(*std::move(fetched));
    const bool is_new = hold.standing() == PaymentBook::Standing::fresh;
    if (deal.sale.route.settle == SettleWhen::deferred && is_new && hold.is_durable()) {
        Credit::Debt debt{deal.opened->key().payer, deal.payment.requirements.pay_to,
                          deal.opened->amount(), deal.decimals};
        std::shared_ptr<Credit::Open> credit = credit_.give(debt);
        if (credit) {
            auto settlement = prepare(deal, std::move(hold), std::move(answer));
            auto answered = co_await defer(deal, std::move(settlement), std::move(credit));
            co_return answered;
        }
        parts_.metrics.credit_refused_total.add();
    }
    auto answered = co_await settle(deal, std::move(hold), std::move(answer));
    co_return answered;
}

std::shared_ptr<Settlement> Checkout::prepare(const Deal& deal, Register::Hold hold,
                                              std::shared_ptr<const OriginAnswer> answer) {
    const bool was_waiting = hold.standing() == PaymentBook::Standing::waiting;
    Waiting waiting;
    if (was_waiting) waiting = hold.waiting();
    auto settlement = std::make_shared<Settlement>(parts_.loop, std::move(hold));
    settlement->may_have_been_sent = was_waiting && waiting.may_have_been_sent;
    settlement->with_answer = waiting.answer != answer;
    if (!was_waiting) waiting.idempotency_key = to_hex_digits(parts_.env.random.bytes32());
    waiting.request = deal.print();
    waiting.has_run = answer != nullptr;
    waiting.answer = std::move(answer);
    waiting.may_have_been_sent = true;
    // It goes on waiting, no longer than it would have without this request.
    if (waiting.receipt) settlement->result = *waiting.receipt;
    settlement->waiting = std::move(waiting);
    settlement->give_up = deal.give_up;
    return settlement;
}

/// In a task of its own: a client that goes away now does not undo a payment.
Task<> Checkout::carried_out(Deal& deal, std::shared_ptr<Settlement> settlement) {
    parts_.settlements.spawn(carry_out(settlement, deal.payment));
    while (!settlement->is_over) co_await settlement->ended.wait();
}

Task<Answered> Checkout::settle(Deal& deal, Register::Hold hold,
                                std::shared_ptr<const OriginAnswer> answer) {
    auto settlement = prepare(deal, std::move(hold), std::move(answer));
    if (!settlement->waiting.receipt) co_await carried_out(deal, settlement);
    co_return conclude(deal, std::move(settlement));
}

Task<Answered> Checkout::defer(Deal& deal, std::shared_ptr<Settlement> settlement,
                               std::shared_ptr<Credit::Open> credit) {
    auto& waiting = settlement->waiting;
    const auto request = dialect::facilitator_request_body(deal.payment);
    if (request) {
        waiting.payment =
            json::to_text(json::Object{{"decimals", deal.decimals}, {"request", *request}});
        const auto window = std::chrono::ceil<std::chrono::seconds>(rules_.settle_window);
        waiting.due = parts_.payments.now() + static_cast<std::uint64_t>(window.count());
    }
    const auto kept = co_await settlement->hold.keep(waiting, true);
    if (!kept && kept.error().code == Errc::intent_not_ours) {
        settlement->hold.forget();
        co_return taken();
    }
    if (!kept || !request) {
        // What is not written down is no debt: it is settled now.
        waiting.payment.clear();
        waiting.due = 0;
        co_await carried_out(deal, settlement);
        co_return conclude(deal, std::move(settlement));
    }
    settlement->is_kept = true;
    settlement->with_answer = false;
    settlement->is_debt = true;
    Answered out;
    out.answer = *waiting.answer;
    out.ending = Ending::deferred;
    make_private(out.answer.response.headers);
    out.settlement = settlement;
    parts_.settlements.spawn(
        pay_debt(std::move(settlement), deal.payment, deal.opened, std::move(credit)));
    co_return out;
}

Answered Checkout::conclude(Deal& deal, std::shared_ptr<Settlement> settlement) const {
    const auto& result = settlement->result;
    const auto& route = deal.sale.route;
    const auto& url = deal.sale.url;
    const auto version = deal.version();
    if (settlement->is_taken) return taken();
    Answered out;
    if (result) {
        out.transaction =
            result->transaction.empty() ? settlement->waiting.transaction : result->transaction;
        out.payer = result->payer.value_or("");
        out.reason = result->error_reason.value_or("");
    } else {
        out.reason = to_string(result.error());
    }
    auto receipt =
        result ? *result : receipt_of_error(deal.payment, result.error(), result.error().detail);
    if (receipt.network.empty())
        receipt.network = dialect::network_in(version, deal.payment.requirements.network);
    switch (fate_of(result)) {
        case Fate::settled:
            out.ending = Ending::paid;
            out.answer = *settlement->waiting.answer;
            add_receipt(out.answer.response.headers, version, std::move(receipt));
            make_private(out.answer.response.headers);
            expose_payment_headers(out.answer.response.headers);
            out.settlement = std::move(settlement);
            break;
        case Fate::failed:
            out.ending = Ending::not_settled;
            if (receipt.error_reason.value_or("").empty())
                receipt.error_reason =
                    wire_code(result ? Errc::unexpected_settle_error : result.error().code);
            out.answer.response = not_settled(route, url, version, receipt);
            break;
        case Fate::open:
            out.ending = Ending::pending;
            receipt.error_reason = wire_code(Errc::settlement_pending);
            if (receipt.transaction.empty()) receipt.transaction = settlement->waiting.transaction;
            out.answer.response = still_pending(version, receipt);
            break;
        case Fate::unreadable:
            out.ending = Ending::pending;
            out.answer.response = json_error(502, result.error().detail);
            break;
        case Fate::nothing_sent:
            out.ending = Ending::facilitator_failed;
            out.answer.response =
                try_again(502, "the payment could not be settled: the facilitator does not answer",
                          kUnavailableRetry);
            break;
    }
    return out;
}

void Checkout::delivered(const Answered& answered) {
    if (!answered.settlement) return;
    answered.settlement->is_delivered = true;
    if (!answered.settlement->is_debt) answered.settlement->hold.use();
}

}  // namespace farthing::gateway
