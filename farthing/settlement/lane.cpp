// SPDX-License-Identifier: Apache-2.0
// The sending half of a lane.
#include "farthing/settlement/lane.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "farthing/base/hex.hpp"
#include "farthing/evm/transaction.hpp"
#include "farthing/settlement/fees.hpp"

namespace farthing::settlement {
namespace {

constexpr std::chrono::milliseconds kBackoff{100};
/// Tries to find a free nonce and a good fee, and tries to get an answer to one send.
constexpr int kAttemptsMax = 6;
constexpr int kSendsMax = 3;

std::chrono::milliseconds backoff(int attempt) { return kBackoff * (1 << attempt); }

}  // namespace

Lane::Lane(Env env, Loop& loop, chain::Chain& chain, store::IntentStore& intents, Queue& queue,
           PrivateKey key, LaneConfig config)
    : env_(env),
      chain_(chain),
      intents_(intents),
      queue_(queue),
      key_(std::move(key)),
      address_(address_of(key_)),
      config_(config),
      chain_id_(chain.network().chain_id().value_or(0)),
      flight_changed_(loop),
      sent_total_(env.metrics.counter("farthing_settlement_transactions_sent_total",
                                      "Transactions broadcast", {{"network", chain.network().id}})),
      replaced_total_(env.metrics.counter("farthing_settlement_transactions_replaced_total",
                                          "Transactions sent again with higher fees",
                                          {{"network", chain.network().id}})),
      nonce_conflicts_total_(
          env.metrics.counter("farthing_settlement_nonce_conflicts_total",
                              "Nonces that went to a transaction of another process",
                              {{"network", chain.network().id}})),
      in_flight_gauge_(env.metrics.gauge(
          "farthing_settlement_transactions_in_flight", "Transactions sent and not mined",
          {{"network", chain.network().id}, {"key", address_.to_checksum()}})),
      balance_gauge_(env.metrics.gauge(
          "farthing_settlement_key_balance_wei", "What the key has to pay gas with",
          {{"network", chain.network().id}, {"key", address_.to_checksum()}})) {}

SubmissionPtr Lane::resume(SubmissionPtr submission,
                           const std::vector<store::Broadcast>& versions) {
    const auto& last = versions.back();
    submission->state = Submission::State::sent;
    submission->nonce = last.account_nonce;
    for (const auto& each : versions) submission->hashes.push_back(each.hash);
    const auto same = std::ranges::find_if(
        in_flight_, [&](const auto& each) { return each->hash == last.hash && !each->ended; });
    if (same != in_flight_.end()) {
        submission->shared = (*same)->carries.front()->shared;
        (*same)->carries.push_back(submission);
        return submission;
    }
    auto flight = std::make_shared<Flight>();
    flight->carries.push_back(submission);
    flight->gas_limit = last.gas_limit;
    flight->nonce = last.account_nonce;
    flight->hash = last.hash;
    flight->hashes = submission->hashes;
    flight->raw = last.raw;
    // Without them it can be sent again as it is, and not replaced.
    if (auto read = read_transaction(last.raw)) {
        flight->call = {read->fields.to, std::move(read->fields.data)};
        submission->shared = is_shared(flight->call.to);
        flight->fees = chain::Fees{.max_fee = read->fields.max_fee_per_gas,
                                   .priority_fee = read->fields.max_priority_fee_per_gas,
                                   .base_fee = {}};
    }
    // No node has said yet that it has it, and it is late.
    flight->doubtful = true;
    flight->signed_at = env_.clock.steady_now();
    flight->sent_at = env_.clock.steady_now() - config_.rebroadcast_after;
    in_flight_.push_back(std::move(flight));
    ++flights_;
    flight_changed_.notify();
    return submission;
}

Task<> Lane::run() {
    using namespace asio::experimental::awaitable_operators;
    co_await (run_sender() && run_watcher() && run_purse());
}

void Lane::set_ours_until(SteadyTime until) {
    const bool was_ours = is_ours();
    ours_until_ = until;
    if (is_ours() == was_ours) return;
    // Whoever had the key has used nonces.
    next_nonce_.reset();
    env_.log.info(was_ours ? "key_given_up" : "key_taken",
                  {{"network", chain_.network().id}, {"key", address_.to_checksum()}});
    queue_.notify();
    flight_changed_.notify();
}

bool Lane::may_send() const {
    if (!is_ours() || in_flight_.size() >= config_.in_flight_max) return false;
    return purse_ != Purse::empty || !others_able_ || !others_able_();
}

Task<> Lane::run_sender() {
    for (;;) {
        auto load = may_send() ? queue_.take(in_flight_.empty()) : Load{};
        if (!load.empty()) {
            co_await send_load(std::move(load));
            continue;
        }
        const auto ripe_at = may_send() ? queue_.ripe_at() : std::nullopt;
        if (ripe_at) {
            co_await queue_.wait_until(*ripe_at);
        } else {
            co_await queue_.wait();
        }
    }
}

/// The nonce and the fees: read when unknown or stale. Nothing is sent without both.
Task<Result<>> Lane::prepare() {
    if (!fees_ || env_.clock.steady_now() - fees_read_at_ > config_.fees_max_age) {
        auto fees = co_await chain_.fees();
        if (!fees) co_return fail(Errc::rpc_failed, fees.error().detail);
        FARTHING_CO_TRY(fees_, fees_within(*fees, config_.max_fee_per_gas));
        fees_read_at_ = env_.clock.steady_now();
    }
    // Last: the watcher may forget the nonce while anything is waited for.
    if (next_nonce_) co_return Result<>{};
    auto pending = co_await chain_.pending_nonce(address_);
    if (!pending) co_return fail(Errc::rpc_failed, pending.error().detail);
    auto nonce = *pending;
    // A node that is behind does not know of what flies already.
    for (const auto& each : in_flight_) {
        const bool holds_it = !each->doubtful && !each->spent_since && !each->ended;
        if (holds_it) nonce = std::max(nonce, each->nonce + 1);
    }
    next_nonce_ = nonce;
    co_return Result<>{};
}

/// A version with these fees; every submission knows its hash from here on.
void Lane::sign_version(Flight& flight, const chain::Fees& fees) const {
    const Transaction transaction{.chain_id = chain_id_,
                                  .nonce = flight.nonce,
                                  .max_priority_fee_per_gas = fees.priority_fee,
                                  .max_fee_per_gas = fees.max_fee,
                                  .gas_limit = flight.gas_limit,
                                  .to = flight.call.to,
                                  .value = {},
                                  .data = flight.call.data};
    auto made = sign(transaction, key_);
    flight.fees = fees;
    flight.hash = made.hash;
    flight.hashes.push_back(made.hash);
    flight.raw = std::move(made.raw);
    flight.signed_at = env_.clock.steady_now();
    flight.sent_at = flight.signed_at;
    for (const auto& each : flight.carries) each->hashes.push_back(made.hash);
}

Lane::FlightPtr Lane::sign_now(const Load& load) const {
    auto flight = std::make_shared<Flight>();
    flight->carries = load;
    flight->call = call_of(load, queue_.batching());
    flight->gas_limit = gas_of(load);
    flight->nonce = *next_nonce_;
    sign_version(*flight, *fees_);
    for (const auto& each : load) {
        each->nonce = flight->nonce;
        each->shared = load.size() > 1;
        each->state = Submission::State::sent;
    }
    return flight;
}

/// Durable before its bytes leave.
Task<Result<>> Lane::keep(FlightPtr flight) {
    std::vector<scheme::PaymentKey> keys;
    for (const auto& each : flight->carries) {
        if (each->payment && !each->forgotten && !each->is_final()) keys.push_back(*each->payment);
    }
    if (keys.empty()) co_return Result<>{};
    store::Broadcast broadcast{.signer = address_,
                               .account_nonce = flight->nonce,
                               .gas_limit = flight->gas_limit,
                               .hash = flight->hash,
                               .raw = flight->raw};
    auto kept = co_await intents_.add_broadcast(std::move(keys), std::move(broadcast));
    co_return kept;
}

/// A write of which nobody knows whether it happened is made again until it is known: told as a
/// failure, it would be sent by whoever finds it. Errors: write_unknown when another node has one
/// of the payments meanwhile.
Task<Result<>> Lane::keep_for_certain(FlightPtr flight) {
    const auto first = co_await keep(flight);
    if (first || first.error().code != Errc::write_unknown) co_return first;
    for (int again = 0;; again = std::min(again + 1, kAttemptsMax)) {
        const auto pause = backoff(again);
        co_await env_.clock.sleep(pause);
        const auto kept = co_await keep(flight);
        if (kept) co_return kept;
        if (kept.error().code == Errc::intent_not_ours) co_return first;
    }
}

/// Its bytes are in no pool, and stay here. As long as they are recorded, none of what they carry
/// may fail: somebody else could send them. False when another node may be doing so already.
Task<bool> Lane::unkeep(FlightPtr flight) {
    std::vector<scheme::PaymentKey> keys;  // also of what nobody waits for: it was recorded too
    for (const auto& each : flight->carries) {
        if (each->payment) keys.push_back(*each->payment);
    }
    Result<> dropped;
    for (int again = 0; !keys.empty(); again = std::min(again + 1, kAttemptsMax)) {
        dropped = co_await intents_.drop_broadcast(keys, flight->hash);
        if (dropped || dropped.error().code == Errc::intent_not_ours) break;
        const auto pause = backoff(again);
        co_await env_.clock.sleep(pause);
    }
    if (!dropped) co_return false;
    for (const auto& each : flight->carries) std::erase(each->hashes, flight->hash);
    co_return true;
}

Task<> Lane::send_load(Load load) {
    Error why{Errc::unexpected_settle_error, "no free nonce was found"};
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
        drop_withdrawn(load);
        if (load.empty()) co_return;
        if (attempt > 0) {
            const auto pause = backoff(attempt - 1);
            co_await env_.clock.sleep(pause);
        }
        auto prepared = co_await prepare();
        if (!prepared) {
            why = prepared.error();
            continue;
        }
        drop_withdrawn(load);
        if (load.empty()) co_return;
        if (!is_ours()) {
            queue_.give_back(load);
            co_return;
        }
        const auto flight = sign_now(load);
        auto kept = co_await keep_for_certain(flight);
        const auto is_over = [](const auto& each) { return each->withdrawn; };
        if (kept && std::ranges::all_of(load, is_over)) co_return;  // expired meanwhile
        if (kept && !is_ours()) {
            // Whoever has the key now uses its nonces.
            co_await unkeep(flight);
            for (const auto& each : load) finish(*each, Submission::State::lost);
            co_return;
        }
        if (!kept && kept.error().code == Errc::write_unknown) {
            // Whoever has one of them may find all the bytes, and send them.
            for (const auto& each : load) finish(*each, Submission::State::lost);
            co_return;
        }
        if (!kept) {
            for (const auto& each : load) {
                each->hashes.pop_back();
                each->state = Submission::State::queued;
            }
            if (load.size() > 1) {
                queue_.give_back_alone(load);
            } else {
                refuse(*load.front(), kept.error().code, kept.error().detail);
            }
            co_return;
        }
        const auto sent = co_await broadcast(flight);
        if (sent == Sent::done) co_return;
        for (const auto& each : load) each->state = Submission::State::queued;
        why = load.front()->error;
    }
    drop_withdrawn(load);
    for (const auto& each : load) refuse(*each, why.code, why.detail);
}

Task<Lane::Sent> Lane::broadcast(FlightPtr flight) {
    std::string said;
    for (int attempt = 0; attempt < kSendsMax; ++attempt) {
        if (attempt > 0) {
            const auto pause = backoff(attempt - 1);
            co_await env_.clock.sleep(pause);
        }
        auto result = co_await chain_.send(flight->raw);
        if (result && result->taken != chain::Taken::unclear) {
            const bool first = said.empty();
            bool is_certain = result->taken == chain::Taken::accepted;
            if (first && !is_certain) is_certain = co_await unkeep(flight);
            if (is_certain) co_return take_answer(flight, *result);
            // An earlier try may have arrived; then this answer means nothing.
            if (result->taken == chain::Taken::nonce_used) {
                flight->spent_since = env_.clock.steady_now();
            }
            doubt(flight, result->message);
            co_return Sent::done;
        }
        // The node may have it: the same bytes again do no harm.
        said = result ? "it said: " + result->message : "no answer: " + result.error().detail;
    }
    doubt(flight, said);
    co_return Sent::done;
}

/// A clear answer to bytes that no node has been given before, or an acceptance.
Lane::Sent Lane::take_answer(const FlightPtr& flight, const chain::SendResult& said) {
    const auto try_again = [&](Errc code, const std::string& detail) {
        for (const auto& each : flight->carries) each->error = {code, detail};
        return Sent::again;
    };
    switch (said.taken) {
        case chain::Taken::accepted:
        case chain::Taken::unclear:
            fly(flight);
            return Sent::done;
        case chain::Taken::nonce_used:
        case chain::Taken::underpriced:
            // Another process uses the key, or fees rose: read both again.
            nonce_conflicts_total_.add();
            env_.log.warn("nonce_conflict", {{"key", address_.to_checksum()},
                                             {"account_nonce", flight->nonce},
                                             {"node", said.message}});
            next_nonce_.reset();
            fees_.reset();
            return try_again(Errc::unexpected_settle_error,
                             "no free nonce and fee was found: " + said.message);
        case chain::Taken::busy:
            return try_again(Errc::rpc_failed, "the node takes no more: " + said.message);
        case chain::Taken::no_funds:
            set_purse(Purse::empty);
            turn_away(*flight, Errc::unexpected_settle_error,
                      "the facilitator's key " + address_.to_checksum() + " cannot pay the gas");
            return Sent::done;
        case chain::Taken::refused:
            turn_away(*flight, Errc::exact_transaction_failed, said.message);
            return Sent::done;
    }
    return Sent::done;
}

/// Certain to be in no pool, and this lane cannot send it.
void Lane::turn_away(const Flight& flight, Errc code, const std::string& detail) {
    const bool is_purse = code == Errc::unexpected_settle_error;
    const bool has_relief = is_purse && others_able_ && others_able_();
    const bool is_shared = flight.carries.size() > 1;
    if (!has_relief && !is_shared) {
        refuse(*flight.carries.front(), code, detail);
        return;
    }
    for (const auto& each : flight.carries) each->state = Submission::State::queued;
    if (has_relief) {
        queue_.give_back(flight.carries);
    } else {
        // Perhaps it was too much at once, or one of them is to blame.
        queue_.give_back_alone(flight.carries);
    }
}

void Lane::fly(const FlightPtr& flight) {
    next_nonce_ = flight->nonce + 1;
    env_.log.info("transaction_sent", {{"key", address_.to_checksum()},
                                       {"account_nonce", flight->nonce},
                                       {"payments", flight->carries.size()},
                                       {"txn", to_hex(flight->hash)}});
    in_flight_.push_back(flight);
    ++flights_;
    in_flight_gauge_.set(static_cast<double>(in_flight_.size()));
    sent_total_.add();
    for (const auto& each : flight->carries) each->changed.notify();
    flight_changed_.notify();
}

/// Whether the node has it is not known: the watcher finds out. Its nonce is not counted as taken,
/// or everything behind it would wait for it for ever.
void Lane::doubt(const FlightPtr& flight, const std::string& said) {
    env_.log.warn("transaction_in_doubt", {{"key", address_.to_checksum()},
                                           {"account_nonce", flight->nonce},
                                           {"txn", to_hex(flight->hash)},
                                           {"node", said}});
    flight->doubtful = true;
    fly(flight);
    next_nonce_.reset();
}

}  // namespace farthing::settlement
