// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/checkout.hpp"

#include <fmt/format.h>

#include "farthing/base/hex.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/gateway/responses.hpp"
#include "farthing/net/body_fault.hpp"

namespace farthing::gateway {

struct Checkout::Deal {
    Sale sale;
    v2::Payment payment;
    std::unique_ptr<const scheme::Opened> opened;
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

/// How a settlement stands, from the facilitator's answer.
enum class Fate : std::uint8_t {
    settled,
    failed,        ///< it has not happened and will not
    open,          ///< it may have happened
    unreadable,    ///< the same; the facilitator's answer was none
    nothing_sent,  ///< it has not happened, and may be tried again
};

Fate fate_of(const Result<v2::SettleResponse>& result) {
    if (result) {
        if (result->success) return Fate::settled;
        return result->error_reason == wire_code(Errc::settlement_pending) ? Fate::open
                                                                           : Fate::failed;
    }
    const auto code = result.error().code;
    if (code == Errc::facilitator_invalid_data) return Fate::unreadable;
    if (code == Errc::facilitator_failed) return Fate::failed;
    switch (kind_of(code)) {
        case Kind::refused:
        case Kind::invalid:
            return Fate::failed;
        case Kind::unavailable:
            return Fate::nothing_sent;
        case Kind::unknown:
        case Kind::internal:
            break;
    }
    return Fate::open;
}

/// The answer to a settlement that an earlier call may have sent already. Only two things end the
/// doubt: a success, and a failure of a transaction that is named, or said by a facilitator that
/// answers what became of the first call (`remembers`). Everything else (busy, down, "nonce already
/// used", nonsense) would be said of a payment that has moved its money too.
Result<v2::SettleResponse> in_doubt(Result<v2::SettleResponse> answer, bool remembers) {
    const auto fate = fate_of(answer);
    if (fate == Fate::settled) return answer;
    if (fate == Fate::failed && answer && (remembers || !answer->transaction.empty()))
        return answer;
    v2::SettleResponse open;
    open.error_reason = wire_code(Errc::settlement_pending);
    open.error_message =
        fmt::format("the facilitator says {} of a payment it may have settled",
                    answer ? answer->error_reason.value_or("no") : to_string(answer.error()));
    if (answer) open.transaction = answer->transaction;
    return open;
}

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

/// Says that a settlement is over however its task ends.
class EndOfSettlement {
  public:
    explicit EndOfSettlement(Settlement& settlement) : settlement_(settlement) {}
    EndOfSettlement(const EndOfSettlement&) = delete;
    EndOfSettlement& operator=(const EndOfSettlement&) = delete;
    ~EndOfSettlement() {
        settlement_.is_over = true;
        settlement_.ended.notify();
    }

  private:
    Settlement& settlement_;
};

}  // namespace

Task<Answered> Checkout::run(Sale sale, dialect::Received received) {
    auto payable = match_payment(sale.route, std::move(received));
    if (!payable) co_return refused(sale, wire_code(payable.error().code));
    Deal deal{
        std::move(sale), std::move(payable->payment), std::move(payable->opened), {}, false, {}};
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
    auto answered = co_await serve(deal, std::move(hold));
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
    if (waiting.receipt && !waiting.answer) {
        hold.use();
        co_return no_longer_kept(deal, *waiting.receipt);
    }
    if (!waiting.answer) {
        auto answered = co_await serve(deal, std::move(hold));
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

Task<Answered> Checkout::serve(Deal& deal, Register::Hold hold) {
    const auto began = parts_.env.clock.steady_now();
    auto fetched =
        co_await fetch_whole(parts_.origin, deal.sale.origin, rules_.response_body_bytes_max);
    observe(parts_.metrics.origin_seconds, parts_.env.clock.steady_now() - began);
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
    auto answered = co_await settle(deal, std::move(hold), std::move(answer));
    co_return answered;
}

Task<Answered> Checkout::settle(Deal& deal, Register::Hold hold,
                                std::shared_ptr<const OriginAnswer> answer) {
    const bool was_waiting = hold.standing() == PaymentBook::Standing::waiting;
    Waiting waiting;
    if (was_waiting) waiting = hold.waiting();
    const auto receipt = waiting.receipt;
    auto settlement = std::make_shared<Settlement>(parts_.loop, std::move(hold));
    settlement->may_have_been_sent = was_waiting && waiting.may_have_been_sent;
    settlement->with_answer = waiting.answer != answer;
    if (!was_waiting) waiting.idempotency_key = to_hex_digits(parts_.env.random.bytes32());
    waiting.request = deal.print();
    waiting.answer = std::move(answer);
    waiting.may_have_been_sent = true;
    settlement->waiting = std::move(waiting);
    settlement->give_up = deal.give_up;
    if (receipt) {
        // It goes on waiting, no longer than it would have without this request.
        settlement->result = *receipt;
        co_return conclude(deal, std::move(settlement));
    }
    // In a task of its own: a client that goes away now does not undo a payment.
    parts_.settlements.spawn(carry_out(settlement, deal.payment));
    while (!settlement->is_over) co_await settlement->ended.wait();
    co_return conclude(deal, std::move(settlement));
}

Task<> Checkout::carry_out(std::shared_ptr<Settlement> settlement, v2::Payment payment) {
    auto& waiting = settlement->waiting;
    auto& hold = settlement->hold;
    auto& may_have_been_sent = settlement->may_have_been_sent;
    auto& result = settlement->result;
    const EndOfSettlement end(*settlement);
    result = fail(Errc::settlement_pending, "the settlement was broken off");
    const auto kept = co_await hold.keep(waiting, settlement->with_answer);
    if (!kept && kept.error().code == Errc::intent_not_ours) {
        settlement->is_taken = true;
        hold.forget();
        co_return;
    }
    const auto began = parts_.env.clock.steady_now();
    facilitator::Asking asking{std::min(rules_.settle_patience, left_until(settlement->give_up)),
                               waiting.idempotency_key};
    auto answer = co_await parts_.facilitator.settle(payment, asking);
    if (fate_of(answer) == Fate::open && answer && !answer->transaction.empty()) {
        // Once more, as the reference does. Source: protocol.md 5.3.
        may_have_been_sent = true;
        waiting.transaction = answer->transaction;
        asking.patience = std::min(rules_.settle_patience, left_until(settlement->give_up));
        answer = co_await parts_.facilitator.settle(std::move(payment), asking);
    }
    observe(parts_.metrics.settle_seconds, parts_.env.clock.steady_now() - began);
    if (may_have_been_sent) answer = in_doubt(std::move(answer), rules_.facilitator_remembers);
    result = std::move(answer);
    if (result && !result->transaction.empty()) waiting.transaction = result->transaction;
    switch (fate_of(result)) {
        case Fate::failed:
            hold.forget();
            co_return;
        case Fate::settled:
            waiting.receipt = *result;
            break;
        case Fate::nothing_sent:
            waiting.may_have_been_sent = false;
            break;
        case Fate::open:
        case Fate::unreadable:
            break;
    }
    // Before anybody hears of it. What cannot be written this process still knows.
    const auto recorded = co_await hold.keep(waiting, false);
    if (!recorded) co_return;
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
    if (answered.settlement) answered.settlement->hold.use();
}

}  // namespace farthing::gateway
