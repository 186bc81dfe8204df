// SPDX-License-Identifier: Apache-2.0
// A process that can die between any two steps: its settlement graph over a chain and a store that
// outlive it. What died is not torn down: none of its tasks gets past its next step any more.
#pragma once

#include <functional>

#include "farthing/testing/world.hpp"

namespace farthing::testing {

/// One process's life. Every request to the chain and the store asks before and after whether it
/// goes on.
class Life {
  public:
    Life(Clock& clock, Loop& loop, std::function<bool()> dies)
        : clock_(clock), loop_(loop), dies_(std::move(dies)) {}

    [[nodiscard]] bool is_over() const { return over_; }
    void end() { over_ = true; }
    /// Does not return once life is over.
    Task<> pass() {
        if (!over_ && dies_ && dies_()) over_ = true;
        if (!over_) co_return;
        Timer never(loop_);
        while (over_) co_await clock_.wait(never, SteadyTime::max());
    }
    template <class T>
    Task<T> step(Task<T> task) {
        co_await pass();
        auto out = co_await std::move(task);
        co_await pass();
        co_return out;
    }
    Task<> wait(std::chrono::milliseconds time) {
        if (time > std::chrono::milliseconds(0)) co_await clock_.sleep(time);
    }

  private:
    Clock& clock_;
    Loop& loop_;
    std::function<bool()> dies_;
    bool over_ = false;
};

class MortalChain final : public chain::Chain {
  public:
    MortalChain(Life& life, chain::Chain& real) : life_(life), real_(real) {}

    [[nodiscard]] const Network& network() const override { return real_.network(); }
    Task<Result<std::uint64_t>> chain_id() override { return life_.step(real_.chain_id()); }
    Task<Result<chain::Head>> head(chain::HeadAt at) override { return life_.step(real_.head(at)); }
    Task<Result<std::vector<std::optional<chain::Head>>>> blocks(
        std::vector<std::uint64_t> numbers) override {
        return life_.step(real_.blocks(std::move(numbers)));
    }
    Task<Result<chain::Fees>> fees() override { return life_.step(real_.fees()); }
    Task<Result<U256>> balance(Address account) override {
        return life_.step(real_.balance(account));
    }
    Task<Result<std::uint64_t>> pending_nonce(Address account) override {
        return life_.step(real_.pending_nonce(account));
    }
    Task<Result<std::uint64_t>> mined_nonce(Address account) override {
        return life_.step(real_.mined_nonce(account));
    }
    Task<Result<std::vector<chain::CallResult>>> read(std::vector<chain::Read> reads) override {
        return life_.step(real_.read(std::move(reads)));
    }
    Task<Result<std::expected<std::uint64_t, chain::Revert>>> estimate_gas(Call call,
                                                                           Address from) override {
        return life_.step(real_.estimate_gas(std::move(call), from));
    }
    Task<Result<chain::SendResult>> send(Bytes raw) override {
        return life_.step(real_.send(std::move(raw)));
    }
    Task<Result<std::vector<std::optional<chain::Receipt>>>> receipts(
        std::vector<Bytes32> hashes) override {
        return life_.step(real_.receipts(std::move(hashes)));
    }
    Task<Result<std::vector<chain::Log>>> logs(chain::LogFilter filter) override {
        return life_.step(real_.logs(std::move(filter)));
    }

  private:
    Life& life_;
    chain::Chain& real_;
};

/// What goes wrong with one request to the store.
enum class StoreFault : std::uint8_t {
    none,
    not_written,  ///< it fails, and nothing has happened
    written,      ///< it fails, and has happened all the same
};

class MortalIntents final : public store::IntentStore {
  public:
    MortalIntents(Life& life, store::IntentStore& real) : life_(life), real_(real) {}

    std::function<StoreFault()> faults;
    /// How long an answer takes to come.
    std::function<std::chrono::milliseconds()> delay;
    /// It is written down that somebody heard of this payment; true once the asker knows.
    std::function<void(const scheme::PaymentKey&, bool)> told;

    Task<Result<std::optional<store::Intent>>> begin(store::Intent intent) override {
        return step(real_.begin(std::move(intent)));
    }
    Task<Result<>> add_broadcast(std::vector<scheme::PaymentKey> keys,
                                 store::Broadcast broadcast) override {
        return step(real_.add_broadcast(std::move(keys), std::move(broadcast)));
    }
    Task<Result<>> drop_broadcast(std::vector<scheme::PaymentKey> keys, Bytes32 hash) override {
        return step(real_.drop_broadcast(std::move(keys), hash));
    }
    Task<Result<>> end(scheme::PaymentKey key, store::Ending ending) override {
        return step(real_.end(std::move(key), std::move(ending)));
    }
    Task<Result<std::optional<store::Intent>>> find(scheme::PaymentKey key) override {
        return step(real_.find(std::move(key)));
    }
    Task<Result<bool>> tell(scheme::PaymentKey key, std::string asker) override {
        co_await life_.pass();
        const auto fault = faults ? faults() : StoreFault::none;
        if (fault == StoreFault::not_written) co_return lost();
        auto out = co_await real_.tell(key, std::move(asker));
        const bool granted = out && *out;
        if (told && granted) told(key, false);
        co_await life_.wait(delay ? delay() : std::chrono::milliseconds(0));
        co_await life_.pass();
        if (fault == StoreFault::written) co_return unknown();
        if (told && granted) told(key, true);
        co_return out;
    }
    Task<Result<>> untell(scheme::PaymentKey key) override {
        return step(real_.untell(std::move(key)));
    }
    Task<Result<>> hand_over(scheme::PaymentKey key) override {
        return step(real_.hand_over(std::move(key)));
    }
    Task<Result<>> reopen(scheme::PaymentKey key, Bytes32 gone) override {
        return step(real_.reopen(std::move(key), gone));
    }
    Task<Result<std::vector<store::Intent>>> settled_since(Network network,
                                                           scheme::UnixSeconds time) override {
        return step(real_.settled_since(std::move(network), time));
    }
    Task<Result<std::vector<store::Intent>>> adopt(Network network) override {
        return step(real_.adopt(std::move(network)));
    }
    Task<Result<std::vector<store::Intent>>> mine(Network network) override {
        return step(real_.mine(std::move(network)));
    }
    Task<Result<std::vector<store::Intent>>> unheard(Network network) override {
        return step(real_.unheard(std::move(network)));
    }

  private:
    static std::unexpected<Error> lost() { return fail(Errc::io_failed, "the disk failed"); }
    static std::unexpected<Error> unknown() {
        return fail(Errc::write_unknown, "the database went away");
    }
    template <class T>
    Task<Result<T>> step(Task<Result<T>> task) {
        co_await life_.pass();
        const auto fault = faults ? faults() : StoreFault::none;
        if (fault == StoreFault::not_written) co_return lost();
        auto out = co_await std::move(task);
        co_await life_.wait(delay ? delay() : std::chrono::milliseconds(0));
        co_await life_.pass();
        if (fault == StoreFault::written) co_return unknown();
        co_return out;
    }

    Life& life_;
    store::IntentStore& real_;
};

/// Of a node that is alone: whatever it wants is free, when the answer comes.
class LoneReservations final : public store::ReservationStore {
  public:
    explicit LoneReservations(Life& life) : life_(life) {}

    std::function<std::chrono::milliseconds()> delay;

    Task<Result<bool>> reserve(store::Reserved /*payment*/, U256 /*room*/) override {
        co_await answer();
        co_return true;
    }
    Task<Result<>> hold(store::Reserved /*payment*/) override {
        co_await answer();
        co_return Result<>();
    }
    Task<Result<>> let_go(scheme::PaymentKey /*key*/,
                          std::chrono::milliseconds /*after*/) override {
        co_await answer();
        co_return Result<>();
    }

  private:
    Task<> answer() {
        co_await life_.wait(delay ? delay() : std::chrono::milliseconds(0));
        co_await life_.pass();
    }

    Life& life_;
};

/// A process that settles, until it dies.
class MortalNode {
  public:
    MortalNode(ChainWorld& world, std::shared_ptr<store::MemoryTable> table, std::string id,
               const WorldConfig& config, std::function<bool()> dies)
        : life(world.clock, world.loop, std::move(dies)),
          chain(life, world.chain),
          memory(std::move(table), id),
          intents(life, memory),
          reservations(life),
          lanes(world.env, world.loop, chain, intents, ChainWorld::gas_keys(config.keys),
                config.lane, config.queue),
          examiner(world.env, world.loop, chain, lanes.address(), config.policy, config.facts,
                   &reservations),
          settler(world.env, world.loop, chain, examiner, lanes, intents, of_node(config, id)) {
        lanes.queue().set_batching(settlement::Batching::batch_contract);
        world.running.spawn(lanes.run());
        world.running.spawn(settler.run());
    }

    /// Takes up what others left. It serves from then on, or is dead.
    Task<> rise(settlement::Settler::Reopen reopen) {
        auto risen = co_await settler.recover(std::move(reopen));
        if (!risen) life.end();
        serves_ = risen.has_value();
    }
    [[nodiscard]] bool serves() const { return serves_ && !life.is_over(); }

    Life life;
    MortalChain chain;
    store::MemoryIntents memory;
    MortalIntents intents;
    LoneReservations reservations;
    settlement::Lanes lanes;
    settlement::Examiner examiner;
    settlement::Settler settler;

  private:
    static settlement::SettlerConfig of_node(const WorldConfig& config, const std::string& id) {
        auto out = config.settler;
        out.node = id;
        return out;
    }

    bool serves_ = false;
};

}  // namespace farthing::testing
