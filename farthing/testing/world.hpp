// SPDX-License-Identifier: Apache-2.0
// World: the whole settlement graph over a chain in memory, with time that passes on demand, in one
// line: `World world;`.
#pragma once

#include "farthing/io/task_group.hpp"
#include "farthing/settlement/settler.hpp"
#include "farthing/store/memory_intents.hpp"
#include "farthing/testing/capture_log.hpp"
#include "farthing/testing/chain/fake_chain.hpp"
#include "farthing/testing/manual_clock.hpp"
#include "farthing/testing/payments.hpp"
#include "farthing/testing/seeded_random.hpp"

namespace farthing::testing {

/// A task under way, and its value once it has ended.
template <class T>
using Started = std::shared_ptr<std::optional<T>>;

struct WorldConfig {
    std::uint64_t seed = 1;
    settlement::LaneConfig lane;
    settlement::QueueConfig queue;
    std::size_t keys = 1;  ///< of the facilitator
    std::string node = "this node";
    settlement::FactsConfig facts;
    settlement::SettlerConfig settler;
    scheme::Policy policy;
};

/// Everything but the settlement graph: for tests that build their own.
class ChainWorld {
  public:
    static constexpr std::uint64_t kGasKey = 100;  ///< index of the facilitator's key
    static constexpr std::uint64_t kDollars = 1'000'000'000;

    explicit ChainWorld(std::uint64_t seed = 1) : random(seed), running(loop) {
        chain.set_wei(address_of(development_key(kGasKey)), U256(1'000'000'000'000'000'000));
    }
    ~ChainWorld() { stop(); }
    ChainWorld(const ChainWorld&) = delete;
    ChainWorld& operator=(const ChainWorld&) = delete;

    // Destroyed last: tasks that are never resumed end with the loop, and leave the clock then.
    ManualClock clock;
    Loop loop;
    SeededRandom random;
    CaptureLog log;
    Metrics metrics;
    Env env{clock, random, log, metrics};
    FakeChain chain{clock, evm_network(84532)};
    TaskGroup running;

    /// Ends everything that runs for ever.
    void stop() {
        running.cancel();
        for (int i = 0; i < 100 && running.size() > 0; ++i) ManualClock::run_ready(loop);
    }

    /// Starts a task; it goes on whenever the loop runs.
    template <class T>
    Started<T> start(Task<T> task) {
        auto out = std::make_shared<std::optional<T>>();
        running.spawn(keep(std::move(task), out));
        return out;
    }
    /// Lets time pass until `done()`; false when `limit` is over first, or nothing is left to wait
    /// for.
    template <class Done>
    bool run_until(Done done, SteadyTime::duration limit = std::chrono::hours(1)) {
        const auto end = clock.steady_now() + limit;
        ManualClock::run_ready(loop);
        while (!done()) {
            const auto next = clock.next_deadline();
            if (!next || *next > end) return false;
            clock.advance_in(loop, std::max(*next - clock.steady_now(), SteadyTime::duration{}));
        }
        return true;
    }
    /// The value of a task, letting as much time pass as it takes, at most an hour.
    template <class T>
    T run(Task<T> task) {
        const auto out = start(std::move(task));
        const bool ended = run_until([&] { return out->has_value(); });
        invariant(ended, "a task ends within an hour");
        return **out;
    }
    void run(Task<> task) { run(to_end(std::move(task))); }
    void advance(SteadyTime::duration by) { clock.advance_in(loop, by); }

    /// The facilitator's.
    static std::vector<PrivateKey> gas_keys(std::size_t count) {
        std::vector<PrivateKey> keys;
        for (std::uint64_t i = 0; i < count; ++i) keys.push_back(development_key(kGasKey + i));
        return keys;
    }

    /// An account with dollars.
    PrivateKey funded(std::uint64_t index) {
        auto key = development_key(index);
        chain.evm.token.balances[address_of(key)] = U256(kDollars);
        return key;
    }
    /// A good payment of `amount` from account `index`, not signed yet.
    Crafted craft(std::uint64_t index, U256 amount = U256(1000)) {
        const auto payer = address_of(funded(index));
        return Crafted::from(payer, clock.unix_seconds(), random.bytes32(),
                             usdc_requirements(amount));
    }
    /// The same, signed and opened.
    std::shared_ptr<const scheme::Opened> payment(std::uint64_t index, U256 amount = U256(1000)) {
        return open(craft(index, amount).sign_with(development_key(index)));
    }
    static std::shared_ptr<const scheme::Opened> open(const Crafted& crafted) {
        auto opened = crafted.open();
        invariant(opened.has_value(), "a crafted payment opens");
        return *opened;
    }

    /// Transactions that moved tokens for this payment.
    [[nodiscard]] std::size_t transfers_of(const scheme::Opened& payment) const {
        return static_cast<std::size_t>(std::ranges::count_if(chain.mined(), [&](const auto& each) {
            std::vector<scheme::LogEvent> events;
            for (const auto& event : each.receipt.events) {
                events.push_back({event.address, event.topics, event.data});
            }
            return payment.proved_by(events).has_value();
        }));
    }

    /// The task, with a value at its end.
    static Task<bool> to_end(Task<> task) {
        co_await std::move(task);
        co_return true;
    }

  private:
    template <class T>
    static Task<> keep(Task<T> task, Started<T> out) {
        out->emplace(co_await std::move(task));
    }
};

/// With lanes, an examiner and a settler at work.
class World : public ChainWorld {
  public:
    explicit World(WorldConfig config = {})
        : ChainWorld(config.seed),
          intents(table, config.node),
          lanes(env, loop, chain, intents, gas_keys(config.keys), config.lane, config.queue),
          examiner(env, loop, chain, lanes.address(), config.policy, config.facts),
          settler(env, loop, chain, examiner, lanes, intents, settler_config(config)) {
        lanes.queue().set_batching(settlement::Batching::batch_contract);
        for (const auto& each : lanes.all()) {
            chain.set_wei(each->address(), U256(1'000'000'000'000'000'000));
        }
        running.spawn(lanes.run());
        running.spawn(settler.run());
    }
    ~World() { stop(); }

    std::shared_ptr<store::MemoryTable> table = std::make_shared<store::MemoryTable>(clock);
    store::MemoryIntents intents;
    settlement::Lanes lanes;
    settlement::Examiner examiner;
    settlement::Settler settler;

    Started<settlement::Outcome> start_settle(
        std::shared_ptr<const scheme::Opened> payment,
        std::chrono::milliseconds patience = std::chrono::seconds(60)) {
        return start(settler.settle(std::move(payment), patience));
    }
    settlement::Outcome settle(std::shared_ptr<const scheme::Opened> payment,
                               std::chrono::milliseconds patience = std::chrono::seconds(60)) {
        return run(settler.settle(std::move(payment), patience));
    }

  private:
    /// The token of the chain is one that the operator knows.
    settlement::SettlerConfig settler_config(const WorldConfig& config) const {
        auto out = config.settler;
        out.known_tokens.insert(chain.evm.token_address);
        out.node = config.node;
        return out;
    }
};

}  // namespace farthing::testing
