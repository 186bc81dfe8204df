// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/lane.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "farthing/base/hex.hpp"
#include "farthing/evm/transaction.hpp"

namespace farthing::settlement {
namespace {

constexpr std::chrono::milliseconds kBackoff{100};
/// Tries to find a free nonce and a good fee, and tries to get an answer to one send.
constexpr int kAttemptsMax = 6;
constexpr int kSendsMax = 3;
constexpr std::size_t kReceiptsPerLook = 100;
constexpr std::size_t kRebroadcastsPerRound = 16;
/// Between looks when something new flies: it may be mined already, and so may its neighbours.
constexpr std::chrono::milliseconds kSoon{10};

std::chrono::milliseconds backoff(int attempt) { return kBackoff * (1 << attempt); }

}  // namespace

Lane::Lane(Env env, Loop& loop, chain::Chain& chain, PrivateKey key, LaneConfig config)
    : env_(env),
      loop_(loop),
      chain_(chain),
      key_(std::move(key)),
      address_(address_of(key_)),
      config_(config),
      chain_id_(chain.network().chain_id().value_or(0)),
      look_size_(kReceiptsPerLook),
      queue_changed_(loop),
      flight_changed_(loop),
      sent_total_(env.metrics.counter("farthing_settlement_transactions_sent_total",
                                      "Transactions broadcast", {{"network", chain.network().id}})),
      nonce_conflicts_total_(
          env.metrics.counter("farthing_settlement_nonce_conflicts_total",
                              "Nonces that went to a transaction of another process",
                              {{"network", chain.network().id}})),
      in_flight_gauge_(env.metrics.gauge("farthing_settlement_transactions_in_flight",
                                         "Transactions sent and not mined",
                                         {{"network", chain.network().id}})),
      queued_gauge_(env.metrics.gauge("farthing_settlement_transactions_queued",
                                      "Transactions waiting for their nonce",
                                      {{"network", chain.network().id}})) {}

std::shared_ptr<Submission> Lane::submit(
    Call call, std::uint64_t gas_limit,
    std::function<Task<Result<>>(const Submission&)> before_send) {
    auto submission = std::make_shared<Submission>(loop_);
    submission->before_send = std::move(before_send);
    submission->call = std::move(call);
    submission->gas_limit = gas_limit;
    queue_.push_back(submission);
    queued_gauge_.set(static_cast<double>(queue_.size()));
    queue_changed_.notify();
    return submission;
}

std::shared_ptr<Submission> Lane::resume(Call call, const store::Broadcast& broadcast,
                                         std::vector<Bytes32> hashes) {
    auto submission = std::make_shared<Submission>(loop_);
    submission->call = std::move(call);
    submission->gas_limit = broadcast.gas_limit;
    submission->nonce = broadcast.account_nonce;
    submission->hash = broadcast.hash;
    submission->hashes = std::move(hashes);
    submission->raw = broadcast.raw;
    submission->state = Submission::State::sent;
    // No node has said yet that it has it, and it is late.
    submission->doubtful = true;
    submission->sent_at = env_.clock.steady_now() - config_.rebroadcast_after;
    in_flight_.push_back(submission);
    ++flights_;
    flight_changed_.notify();
    return submission;
}

Task<> Lane::run() {
    using namespace asio::experimental::awaitable_operators;
    co_await (run_sender() && run_watcher());
}

// ---- Sending

Task<> Lane::run_sender() {
    for (;;) {
        queued_gauge_.set(static_cast<double>(queue_.size()));
        if (queue_.empty()) {
            co_await queue_changed_.wait();
            continue;
        }
        auto next = queue_.front();
        queue_.pop_front();
        co_await send_next(std::move(next));
    }
}

/// The nonce and the fees: read when unknown or stale. Nothing is sent without both.
Task<Result<>> Lane::prepare() {
    if (!fees_ || env_.clock.steady_now() - fees_read_at_ > config_.fees_max_age) {
        auto fees = co_await chain_.fees();
        if (!fees) co_return fail(std::move(fees).error());
        fees_ = *fees;
        fees_read_at_ = env_.clock.steady_now();
    }
    // Last: the watcher may forget the nonce while anything is waited for.
    if (next_nonce_) co_return Result<>{};
    auto pending = co_await chain_.pending_nonce(address_);
    if (!pending) co_return fail(std::move(pending).error());
    auto nonce = *pending;
    // A node that is behind does not know of what flies already.
    for (const auto& each : in_flight_) {
        const bool holds_it = !each->doubtful && !each->spent_since && !each->is_final();
        if (holds_it) nonce = std::max(nonce, each->nonce + 1);
    }
    next_nonce_ = nonce;
    co_return Result<>{};
}

void Lane::sign_now(Submission& submission) {
    const Transaction transaction{.chain_id = chain_id_,
                                  .nonce = *next_nonce_,
                                  .max_priority_fee_per_gas = fees_->priority_fee,
                                  .max_fee_per_gas = fees_->max_fee,
                                  .gas_limit = submission.gas_limit,
                                  .to = submission.call.to,
                                  .value = {},
                                  .data = submission.call.data};
    auto made = sign(transaction, key_);
    submission.signer = address_;
    submission.nonce = *next_nonce_;
    submission.hash = made.hash;
    submission.hashes.push_back(made.hash);
    submission.raw = std::move(made.raw);
    submission.sent_at = env_.clock.steady_now();
    submission.state = Submission::State::sent;
}

Task<> Lane::send_next(SubmissionPtr submission) {
    Error why{Errc::unexpected_settle_error, "no free nonce was found"};
    for (int attempt = 0; attempt < kAttemptsMax && !submission->withdrawn; ++attempt) {
        if (attempt > 0) {
            const auto pause = backoff(attempt - 1);
            co_await env_.clock.sleep(pause);
        }
        auto prepared = co_await prepare();
        if (!prepared) {
            why = {Errc::rpc_failed, prepared.error().detail};
            continue;
        }
        if (submission->withdrawn) break;
        sign_now(*submission);
        if (submission->before_send) {
            auto kept = co_await submission->before_send(*submission);
            if (!kept) {
                submission->hashes.pop_back();
                refuse(*submission, Errc::io_failed, kept.error().detail);
                co_return;
            }
        }
        const auto sent = co_await broadcast(submission);
        if (sent == Sent::done) co_return;
        submission->state = Submission::State::queued;
        why = submission->error;
    }
    if (submission->withdrawn) why = {Errc::timed_out, "withdrawn before it was sent"};
    refuse(*submission, why.code, why.detail);
}

Task<Lane::Sent> Lane::broadcast(SubmissionPtr submission) {
    std::string said;
    for (int attempt = 0; attempt < kSendsMax; ++attempt) {
        if (attempt > 0) {
            const auto pause = backoff(attempt - 1);
            co_await env_.clock.sleep(pause);
        }
        auto result = co_await chain_.send(submission->raw);
        if (result && result->taken != chain::Taken::unclear) {
            const bool first = said.empty();
            if (first || result->taken == chain::Taken::accepted) {
                co_return take_answer(submission, *result);
            }
            // An earlier try may have arrived; then this answer means nothing.
            if (result->taken == chain::Taken::nonce_used) {
                submission->spent_since = env_.clock.steady_now();
            }
            doubt(submission, result->message);
            co_return Sent::done;
        }
        // The node may have it: the same bytes again do no harm.
        said = result ? "it said: " + result->message : "no answer: " + result.error().detail;
    }
    doubt(submission, said);
    co_return Sent::done;
}

/// A clear answer to bytes that no node has been given before, or an acceptance.
Lane::Sent Lane::take_answer(const SubmissionPtr& submission, const chain::SendResult& said) {
    switch (said.taken) {
        case chain::Taken::accepted:
        case chain::Taken::unclear:
            fly(submission);
            return Sent::done;
        case chain::Taken::nonce_used:
        case chain::Taken::underpriced:
            // Another process uses the key, or fees rose: read both again.
            nonce_conflicts_total_.add();
            env_.log.warn("nonce_conflict", {{"key", address_.to_checksum()},
                                             {"account_nonce", submission->nonce},
                                             {"node", said.message}});
            next_nonce_.reset();
            fees_.reset();
            submission->error = {Errc::unexpected_settle_error,
                                 "no free nonce and fee was found: " + said.message};
            return Sent::again;
        case chain::Taken::busy:
            submission->error = {Errc::rpc_failed, "the node takes no more: " + said.message};
            return Sent::again;
        case chain::Taken::no_funds:
            refuse(*submission, Errc::unexpected_settle_error,
                   "the facilitator's key " + address_.to_checksum() + " cannot pay the gas");
            return Sent::done;
        case chain::Taken::refused:
            refuse(*submission, Errc::exact_transaction_failed, said.message);
            return Sent::done;
    }
    return Sent::done;
}

void Lane::fly(const SubmissionPtr& submission) {
    next_nonce_ = submission->nonce + 1;
    env_.log.info("transaction_sent", {{"key", address_.to_checksum()},
                                       {"account_nonce", submission->nonce},
                                       {"txn", to_hex(submission->hash)}});
    in_flight_.push_back(submission);
    ++flights_;
    in_flight_gauge_.set(static_cast<double>(in_flight_.size()));
    sent_total_.add();
    submission->changed.notify();
    flight_changed_.notify();
}

/// Whether the node has it is not known: the watcher finds out. Its nonce is not counted as taken,
/// or everything behind it would wait for it for ever.
void Lane::doubt(const SubmissionPtr& submission, const std::string& said) {
    env_.log.warn("transaction_in_doubt", {{"key", address_.to_checksum()},
                                           {"account_nonce", submission->nonce},
                                           {"txn", to_hex(submission->hash)},
                                           {"node", said}});
    submission->doubtful = true;
    fly(submission);
    next_nonce_.reset();
}

// ---- Watching

Task<> Lane::run_watcher() {
    for (;;) {
        if (in_flight_.empty()) {
            co_await flight_changed_.wait();
            continue;
        }
        const auto flights = flights_;
        co_await look();
        co_await rebroadcast();
        drop_ended();
        in_flight_gauge_.set(static_cast<double>(in_flight_.size()));
        if (in_flight_.empty()) continue;
        const auto pause = flights_ == flights ? config_.poll_interval : kSoon;
        const auto next_look = env_.clock.steady_now() + std::min(pause, config_.poll_interval);
        co_await flight_changed_.wait_until(env_.clock, next_look);
    }
}

Task<> Lane::look() {
    const auto count = std::min(in_flight_.size(), look_size_);
    const auto split = in_flight_.begin() + static_cast<std::ptrdiff_t>(count);
    // A copy: submissions arrive while we ask.
    const std::vector asked(in_flight_.begin(), split);
    // The next look asks about those behind, so that one that cannot be read hides none.
    std::ranges::rotate(in_flight_, split);
    std::vector<Bytes32> hashes;
    for (const auto& each : asked) hashes.push_back(each->hash);
    auto receipts = co_await chain_.receipts(std::move(hashes));
    if (!receipts) {
        look_size_ = std::max<std::size_t>(1, count / 2);
        env_.log.warn("receipts_unavailable",
                      {{"network", chain_.network().id}, {"reason", receipts.error().detail}});
        co_await env_.clock.sleep(config_.poll_interval);
        co_return;
    }
    look_size_ = std::min(kReceiptsPerLook, look_size_ * 2);
    learn(asked, *std::move(receipts));
}

void Lane::learn(const std::vector<SubmissionPtr>& asked,
                 std::vector<std::optional<chain::Receipt>> receipts) {
    const auto now = env_.clock.steady_now();
    std::optional<std::uint64_t> mined;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        auto& each = *asked[i];
        if (each.is_final()) continue;
        if (receipts[i]) {
            mined = std::max(mined.value_or(0), each.nonce);
            each.receipt = std::move(receipts[i]);
            finish(each, Submission::State::mined);
        } else if (each.spent_since && now - *each.spent_since >= config_.lost_after) {
            env_.log.warn("transaction_lost", {{"key", address_.to_checksum()},
                                               {"account_nonce", each.nonce},
                                               {"txn", to_hex(each.hash)}});
            finish(each, Submission::State::lost);
        }
    }
    if (!mined) return;
    // Nonces are mined in their order: those before it are spent.
    for (const auto& each : in_flight_) {
        if (!each->is_final() && each->nonce <= *mined && !each->spent_since) {
            each->spent_since = now;
        }
    }
}

/// What a node may have dropped is sent again, the lowest nonce first: the others wait for it.
Task<> Lane::rebroadcast() {
    const auto now = env_.clock.steady_now();
    std::vector<SubmissionPtr> due;
    for (const auto& each : in_flight_) {
        const bool late = now - each->sent_at >= config_.rebroadcast_after;
        if (late && !each->is_final() && !each->spent_since) due.push_back(each);
    }
    std::ranges::sort(due, {}, &Submission::nonce);
    if (due.size() > kRebroadcastsPerRound) due.resize(kRebroadcastsPerRound);
    for (const auto& each : due) {
        auto result = co_await chain_.send(each->raw);
        if (!result) co_return;
        env_.log.warn("transaction_sent_again", {{"key", address_.to_checksum()},
                                                 {"account_nonce", each->nonce},
                                                 {"txn", to_hex(each->hash)},
                                                 {"node", result->message}});
        each->sent_at = env_.clock.steady_now();
        if (result->taken == chain::Taken::accepted && each->doubtful) {
            each->doubtful = false;
            next_nonce_.reset();
        } else if (result->taken == chain::Taken::nonce_used) {
            // Spent: by this very transaction, or by another one. The next looks tell.
            each->spent_since = env_.clock.steady_now();
        }
    }
}

void Lane::drop_ended() {
    std::erase_if(in_flight_, [](const auto& each) {
        return each->is_final() || (each->forgotten && each->doubtful);
    });
}

void Lane::finish(Submission& submission, Submission::State state) {
    submission.state = state;
    submission.changed.notify();
}

void Lane::refuse(Submission& submission, Errc code, std::string detail) {
    submission.error = {code, std::move(detail)};
    finish(submission, Submission::State::refused);
}

}  // namespace farthing::settlement
