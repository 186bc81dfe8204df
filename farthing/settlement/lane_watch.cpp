// SPDX-License-Identifier: Apache-2.0
// The watching half of a lane: receipts, stuck transactions, and the key's balance.
#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/hex.hpp"
#include "farthing/settlement/fees.hpp"
#include "farthing/settlement/lane.hpp"

namespace farthing::settlement {
namespace {

constexpr std::size_t kRefreshedPerRound = 16;
/// Between looks when something new flies: it may be mined already, and so may its neighbours.
constexpr std::chrono::milliseconds kSoon{10};
/// What a transfer of nothing to oneself costs.
constexpr std::uint64_t kEmptyGas = 21'000;

bool is_unwanted(const Flight& flight) {
    return std::ranges::all_of(flight.carries, [](const auto& each) { return each->forgotten; });
}

}  // namespace

Task<> Lane::run_watcher() {
    for (;;) {
        if (in_flight_.empty()) {
            co_await flight_changed_.wait();
            continue;
        }
        const auto flights = flights_;
        co_await look();
        if (is_ours()) {
            co_await refresh();
        } else {
            co_await look_at_nonces();
        }
        drop_ended();
        if (in_flight_.empty()) continue;
        const auto pause = flights_ == flights ? config_.poll_interval : kSoon;
        const auto next_look = env_.clock.steady_now() + std::min(pause, config_.poll_interval);
        co_await flight_changed_.wait_until(env_.clock, next_look);
    }
}

Task<> Lane::look() {
    const auto count = std::min(in_flight_.size(), look_size_);
    const auto split = in_flight_.begin() + static_cast<std::ptrdiff_t>(count);
    // A copy: transactions arrive while we ask.
    const std::vector asked(in_flight_.begin(), split);
    // The next look asks about those behind, so that one that cannot be read hides none.
    std::ranges::rotate(in_flight_, split);
    std::vector<Bytes32> hashes;
    for (const auto& each : asked) {
        hashes.insert(hashes.end(), each->hashes.begin(), each->hashes.end());
    }
    auto receipts = co_await chain_.receipts(std::move(hashes));
    if (!receipts) {
        look_size_ = std::max<std::size_t>(1, count / 2);
        env_.log.warn("receipts_unavailable",
                      {{"network", chain_.network().id}, {"reason", receipts.error().detail}});
        co_await env_.clock.sleep(config_.poll_interval);
        co_return;
    }
    look_size_ = std::min(kTransactionsPerLook, look_size_ * 2);
    learn(asked, *receipts);
}

void Lane::learn(const std::vector<FlightPtr>& asked,
                 const std::vector<std::optional<chain::Receipt>>& receipts) {
    const auto now = env_.clock.steady_now();
    std::optional<std::uint64_t> mined;
    for (const auto& each : asked) {
        if (each->ended) continue;
        const auto found = std::ranges::find_if(receipts, [&](const auto& receipt) {
            return receipt && std::ranges::find(each->hashes, receipt->hash) != each->hashes.end();
        });
        if (found != receipts.end()) {
            mined = std::max(mined.value_or(0), each->nonce);
            end(*each, Submission::State::mined, std::make_shared<const chain::Receipt>(**found));
        } else if (each->spent_since && now - *each->spent_since >= config_.lost_after) {
            env_.log.warn("transaction_lost", {{"key", address_.to_checksum()},
                                               {"account_nonce", each->nonce},
                                               {"txn", to_hex(each->hash)}});
            end(*each, Submission::State::lost);
        }
    }
    if (!mined) return;
    // Nonces are mined in their order: those before it are spent.
    for (const auto& each : in_flight_) {
        if (!each->ended && each->nonce <= *mined && !each->spent_since) {
            each->spent_since = now;
        }
    }
}

void Lane::end(Flight& flight, Submission::State state,
               std::shared_ptr<const chain::Receipt> receipt) {
    flight.ended = true;
    for (const auto& each : flight.carries) {
        each->receipt = receipt;
        finish(*each, state);
    }
}

bool Lane::is_first(const Flight& flight) const {
    return std::ranges::none_of(in_flight_, [&](const auto& each) {
        return !each->ended && !each->spent_since && each->nonce < flight.nonce;
    });
}

/// What a node may have dropped is sent again, what is stuck is replaced; the lowest nonce first,
/// as the others wait for it.
Task<> Lane::refresh() {
    const auto now = env_.clock.steady_now();
    std::vector<FlightPtr> due;
    for (const auto& each : in_flight_) {
        const bool late = now - each->sent_at >= config_.rebroadcast_after;
        if (late && !each->ended && !each->spent_since) due.push_back(each);
    }
    std::ranges::sort(due, {}, &Flight::nonce);
    if (due.size() > kRefreshedPerRound) due.resize(kRefreshedPerRound);
    for (const auto& each : due) {
        bool answered = false;
        // Those behind the first are mined once it is, unless their own fees are too low; then it
        // is their turn as soon as they are first.
        const bool stuck = each->fees && !each->doubtful && is_first(*each) &&
                           now - each->signed_at >= config_.replace_after;
        if (stuck) {
            answered = co_await push(each);
        } else {
            answered = co_await send_again(each);
        }
        if (!answered || !is_ours()) co_return;
    }
}

/// Another process has the key: whether it has used the nonces of what flies here.
Task<> Lane::look_at_nonces() {
    const auto late = env_.clock.steady_now() - config_.rebroadcast_after;
    const bool any_late = std::ranges::any_of(in_flight_, [&](const auto& each) {
        return !each->ended && !each->spent_since && each->sent_at <= late;
    });
    if (!any_late) co_return;
    auto next = co_await chain_.mined_nonce(address_);
    if (!next) co_return;
    for (const auto& each : in_flight_) {
        if (each->nonce < *next && !each->spent_since) {
            each->spent_since = env_.clock.steady_now();
        }
    }
}

/// As it is. False when the node does not answer.
Task<bool> Lane::send_again(FlightPtr flight) {
    auto result = co_await chain_.send(flight->raw);
    if (!result) co_return false;
    env_.log.warn("transaction_sent_again", {{"key", address_.to_checksum()},
                                             {"account_nonce", flight->nonce},
                                             {"txn", to_hex(flight->hash)},
                                             {"node", result->message}});
    flight->sent_at = env_.clock.steady_now();
    if (result->taken == chain::Taken::accepted && flight->doubtful) {
        flight->doubtful = false;
        next_nonce_.reset();
    } else if (result->taken == chain::Taken::nonce_used) {
        // Spent: by this very transaction, or by another one. The next looks tell.
        flight->spent_since = env_.clock.steady_now();
    }
    co_return true;
}

/// It should have been mined: perhaps it is, or its turn does not come, or its fees are too low.
/// False when the node does not answer.
Task<bool> Lane::push(FlightPtr flight) {
    auto next = co_await chain_.mined_nonce(address_);
    if (!next) co_return false;
    if (*next > flight->nonce) {
        flight->spent_since = env_.clock.steady_now();
        co_return true;
    }
    bool answered = false;
    if (*next < flight->nonce) {
        answered = co_await fill_gap(flight, *next);
    } else {
        answered = co_await replace(flight);
    }
    co_return answered;
}

/// The nonces before it went to transactions that are no more: others that do nothing take them.
Task<bool> Lane::fill_gap(FlightPtr first, std::uint64_t from) {
    auto now = co_await chain_.fees();
    if (!now) co_return false;
    const auto fees = fees_within(*now, config_.max_fee_per_gas);
    if (!fees) co_return true;
    const auto end = std::min(first->nonce, from + kRefreshedPerRound);
    for (auto nonce = from; nonce < end && is_ours(); ++nonce) {
        auto filler = std::make_shared<Flight>();
        filler->nonce = nonce;
        filler->call = {address_, {}};
        filler->gas_limit = kEmptyGas;
        sign_version(*filler, *fees);
        auto result = co_await chain_.send(filler->raw);
        if (!result) co_return false;
        env_.log.warn("gap_filled", {{"key", address_.to_checksum()},
                                     {"account_nonce", nonce},
                                     {"txn", to_hex(filler->hash)},
                                     {"node", result->message}});
        // What is there after all is somebody's, and goes on by itself.
        if (result->taken == chain::Taken::accepted) in_flight_.push_back(std::move(filler));
    }
    first->signed_at = first->sent_at = env_.clock.steady_now();
    co_return true;
}

/// With higher fees; what nobody wants any more makes room for a transaction that does nothing.
/// False when the node does not answer.
Task<bool> Lane::replace(FlightPtr flight) {
    auto now = co_await chain_.fees();
    if (!now) co_return false;
    const auto fees = fees_to_replace(*flight->fees, *now, config_.max_fee_per_gas);
    if (!fees || flight->ended) {
        env_.log.warn("fee_ceiling_reached", {{"key", address_.to_checksum()},
                                              {"account_nonce", flight->nonce},
                                              {"txn", to_hex(flight->hash)},
                                              {"base_fee", now->base_fee.to_decimal()}});
        auto answered = co_await send_again(flight);
        co_return answered;
    }
    auto version = *flight;
    if (is_unwanted(version)) {
        version.call = {address_, {}};
        version.gas_limit = kEmptyGas;
    }
    sign_version(version, *fees);
    // Known before it is sent: whichever version is mined is looked for.
    flight->hashes = version.hashes;
    const auto next = std::make_shared<Flight>(version);
    auto kept = co_await keep(next);
    // One that another node has adopted meanwhile finds its transfer by the events.
    if (!kept && kept.error().code != Errc::intent_not_ours) {
        env_.log.warn("replacement_not_recorded",
                      {{"key", address_.to_checksum()}, {"reason", kept.error().detail}});
        auto answered = co_await send_again(flight);
        co_return answered;
    }
    if (flight->ended || !is_ours()) co_return true;
    auto result = co_await chain_.send(next->raw);
    // Unless it was certainly not taken, the next version must offer more than this one.
    const bool counts = !result || result->taken == chain::Taken::accepted ||
                        result->taken == chain::Taken::underpriced ||
                        result->taken == chain::Taken::unclear;
    if (counts) flight->fees = next->fees;
    flight->signed_at = flight->sent_at = env_.clock.steady_now();
    env_.log.warn("transaction_replaced", {{"key", address_.to_checksum()},
                                           {"account_nonce", flight->nonce},
                                           {"txn", to_hex(next->hash)},
                                           {"max_fee", fees->max_fee.to_decimal()},
                                           {"node", result ? result->message : "no answer"}});
    if (!result) co_return false;
    if (result->taken == chain::Taken::accepted) {
        replaced_total_.add();
        flight->hash = next->hash;
        flight->raw = next->raw;
        flight->call = next->call;
        flight->gas_limit = next->gas_limit;
    } else if (result->taken == chain::Taken::nonce_used) {
        flight->spent_since = env_.clock.steady_now();
    } else if (result->taken == chain::Taken::no_funds) {
        set_purse(Purse::empty);
    }
    co_return true;
}

void Lane::drop_ended() {
    const auto before = in_flight_.size();
    std::erase_if(in_flight_, [](const auto& each) {
        return each->ended || (each->doubtful && is_unwanted(*each));
    });
    in_flight_gauge_.set(static_cast<double>(in_flight_.size()));
    if (in_flight_.size() != before) queue_.notify();
}

// ---- What the key has for gas

Task<> Lane::run_purse() {
    for (;;) {
        auto balance = co_await chain_.balance(address_);
        if (balance) weigh(*balance);
        co_await env_.clock.sleep(config_.purse_interval);
    }
}

void Lane::weigh(const U256& balance) {
    balance_gauge_.set(std::stod(balance.to_decimal()));
    const auto costs = [&](std::uint64_t gas) {
        const auto cost = fees_ ? fees_->max_fee.checked_mul(U256(gas)) : std::optional(U256{});
        return cost.value_or(U256::max());
    };
    if (balance.is_zero() || balance < costs(kEmptyGas)) {
        set_purse(Purse::empty);
    } else if (balance < costs(config_.purse_gas_min)) {
        set_purse(Purse::low);
    } else {
        set_purse(Purse::good);
    }
}

void Lane::set_purse(Purse purse) {
    if (purse == purse_) return;
    purse_ = purse;
    if (purse == Purse::good) {
        env_.log.info("gas_filled_up",
                      {{"network", chain_.network().id}, {"key", address_.to_checksum()}});
    } else {
        env_.log.warn(purse == Purse::low ? "gas_low" : "gas_empty",
                      {{"network", chain_.network().id}, {"key", address_.to_checksum()}});
    }
    queue_.notify();
}

}  // namespace farthing::settlement
