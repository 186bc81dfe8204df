// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/paid_request.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/hex.hpp"
#include "farthing/wire/dialect.hpp"

namespace farthing::wallet {

using Meaning = Answer::Meaning;

Error unknown_outcome(std::string_view why, const std::optional<Bytes32>& transaction) {
    auto detail = fmt::format("the payment may have been made, do not pay again blindly: {}", why);
    if (transaction) detail += fmt::format(" (transaction {})", to_hex(*transaction));
    return {Errc::outcome_unknown, std::move(detail)};
}

PaidRequest::PaidRequest(Env env, Line& line, const PayerConfig& config, Exchange unpaid,
                         Authorised& authorised, Flight& flight)
    : env_(env),
      line_(line),
      config_(config),
      url_(std::move(unpaid.url)),
      request_(std::move(unpaid.request)),
      authorised_(authorised),
      flight_(flight) {
    request_.headers.set(authorised_.header_name, authorised_.header_value);
    // A repetition we did not hear of would turn "already used" into a refusal of a payment that
    // was taken.
    request_.repeatable = false;
}

Task<Result<Exchange>> PaidRequest::run() {
    for (;;) {
        flight_.sent = true;
        auto opened = co_await line_.open(url_, request_);
        Answer answer;
        if (opened) {
            answer = co_await answer_of(*opened);
            if (redirected(*opened, answer)) continue;
        } else {
            answer.meaning = Meaning::busy;
            answer.error = std::move(opened.error().error);
            if (opened.error().sent == net::Sent::maybe) may_have_moved_ = true;
        }
        const auto next = judge(answer, opened ? opened->head.status : 0);
        if (!next) co_return fail(next.error());
        if (*next == Next::deliver) co_return std::move(*opened);
        const auto delay = delay_after(answer);
        const auto error = *answer.error;
        // Past its time the authorisation cannot be executed: asking again is of no use.
        if (env_.clock.now() + delay >= authorised_.payment.valid_before) {
            co_return fail(over(error));
        }
        co_await line_.wait(error, delay);
    }
}

/// What the server asks for, within our patience: one that has our signature could otherwise hold
/// us for as long as it likes.
std::chrono::milliseconds PaidRequest::delay_after(const Answer& answer) const {
    auto delay = line_.delay(failures_, answer.retry_after);
    if (answer.meaning == Meaning::busy) delay = std::min(delay, config_.backoff_max);
    if (!pending_until_) return delay;
    // Rounded up, so that the last answer comes when the time is over.
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*pending_until_ - env_.clock.steady_now());
    return std::clamp(left, std::chrono::milliseconds(0), delay);
}

bool PaidRequest::ask_again_for_body() {
    may_have_moved_ = true;
    return ++failures_ <= config_.resends_max &&
           env_.clock.now() < authorised_.payment.valid_before;
}

Task<Answer> PaidRequest::answer_of(Exchange& exchange) {
    if (body_matters(exchange.head.status)) {
        // A body that is too long or breaks off is judged as far as it came.
        auto read = co_await read_body(exchange, dialect::kHeaderBytesMax);
        static_cast<void>(read);
    }
    const auto& payment = authorised_.payment;
    const Signed ours{payment.requirements.network, payment.requirements.amount, payment.payer};
    co_return read_answer(exchange.head, ours);
}

/// A redirect that has not taken the payment leads, on the same origin only, to who takes it.
bool PaidRequest::redirected(const Exchange& exchange, const Answer& answer) {
    if (answer.meaning != Meaning::unproved || hops_ >= config_.redirects_max) return false;
    if (config_.redirects == Redirects::never) return false;
    auto step = next_step(url_, request_, exchange.head, Redirects::same_origin);
    if (!step) return false;
    ++hops_;
    url_ = std::move(step->url);
    request_ = std::move(step->request);
    return true;
}

Result<PaidRequest::Next> PaidRequest::judge(const Answer& answer, int status) {
    auto& payment = authorised_.payment;
    if (answer.transaction) {
        flight_.transaction = answer.transaction;
        line_.transaction_named(*answer.transaction);
    }
    switch (answer.meaning) {
        case Meaning::settled:
            payment.receipt = Payment::Receipt::verified;
            payment.transaction = answer.transaction;
            return Next::deliver;
        case Meaning::unproved:
            return judge_unproved(status);
        case Meaning::unsettled:
            if (may_have_moved_) {
                return fail(unknown_outcome(
                    fmt::format("an answer was lost, and then the server answered {}", status),
                    flight_.transaction));
            }
            return Next::deliver;
        case Meaning::forged:
            return fail(*answer.error);
        case Meaning::rejected:
            if (!may_have_moved_) return fail(*answer.error);
            return fail(unknown_outcome(
                "an answer was lost, and then the server refused with " + answer.error->detail,
                flight_.transaction));
        case Meaning::pending:
            return judge_pending(answer);
        case Meaning::busy:
            return judge_busy(answer, status);
    }
    return fail(Errc::internal, "an answer without a meaning");
}

Result<PaidRequest::Next> PaidRequest::judge_unproved(int status) {
    auto& payment = authorised_.payment;
    // Nothing came, and whoever sent us away holds the signature.
    if (is_redirect(status)) {
        return fail(unknown_outcome(
            fmt::format("the server answered {}, a redirect that was not followed", status),
            flight_.transaction));
    }
    payment.receipt = Payment::Receipt::missing;
    return Next::deliver;
}

Result<PaidRequest::Next> PaidRequest::judge_pending(const Answer& answer) {
    may_have_moved_ = true;
    ++failures_;
    const auto now = env_.clock.steady_now();
    if (!pending_until_) pending_until_ = now + config_.pending_wait;
    if (now < *pending_until_) return Next::again;
    auto error = *answer.error;
    if (!answer.transaction && flight_.transaction) {
        error.detail += fmt::format(" (transaction {})", to_hex(*flight_.transaction));
    }
    return fail(std::move(error));
}

Result<PaidRequest::Next> PaidRequest::judge_busy(const Answer& answer, int status) {
    // Too many requests is said before anything is done; any other answer, or none, may come after.
    constexpr int too_many_requests = 429;
    if (status != 0 && status != too_many_requests) may_have_moved_ = true;
    if (++failures_ <= config_.resends_max) return Next::again;
    if (status == too_many_requests && !may_have_moved_) return Next::deliver;
    return fail(over(*answer.error));
}

/// The end without an answer: unknown if any attempt can have reached the server, else what kept
/// them all from it.
Error PaidRequest::over(const Error& error) const {
    if (!may_have_moved_) return error;
    return unknown_outcome(to_string(error), flight_.transaction);
}

}  // namespace farthing::wallet
