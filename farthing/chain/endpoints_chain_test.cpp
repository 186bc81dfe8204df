// SPDX-License-Identifier: Apache-2.0
// Several nodes of one chain: slow, silent, behind, on another chain, back again.
#include "farthing/chain/endpoints_chain.hpp"

#include <doctest/doctest.h>

#include "farthing/testing/world.hpp"

namespace farthing::chain {
namespace {

using namespace std::chrono_literals;
using testing::development_key;
using testing::FakeChain;
using testing::Fault;
using testing::Op;

/// A chain handed in by reference.
class Borrowed final : public Chain {
  public:
    explicit Borrowed(FakeChain& chain) : chain_(chain) {}
    [[nodiscard]] const Network& network() const override { return chain_.network(); }
    Task<Result<std::uint64_t>> chain_id() override { return chain_.chain_id(); }
    Task<Result<Head>> head(HeadAt at) override { return chain_.head(at); }
    Task<Result<std::vector<std::optional<Head>>>> blocks(
        std::vector<std::uint64_t> numbers) override {
        return chain_.blocks(std::move(numbers));
    }
    Task<Result<Fees>> fees() override { return chain_.fees(); }
    Task<Result<U256>> balance(Address account) override { return chain_.balance(account); }
    Task<Result<std::uint64_t>> pending_nonce(Address account) override {
        return chain_.pending_nonce(account);
    }
    Task<Result<std::uint64_t>> mined_nonce(Address account) override {
        return chain_.mined_nonce(account);
    }
    Task<Result<std::vector<CallResult>>> read(std::vector<Read> reads) override {
        return chain_.read(std::move(reads));
    }
    Task<Result<std::expected<std::uint64_t, Revert>>> estimate_gas(Call call,
                                                                    Address from) override {
        return chain_.estimate_gas(std::move(call), from);
    }
    Task<Result<SendResult>> send(Bytes raw) override { return chain_.send(std::move(raw)); }
    Task<Result<std::vector<std::optional<Receipt>>>> receipts(
        std::vector<Bytes32> hashes) override {
        return chain_.receipts(std::move(hashes));
    }
    Task<Result<std::vector<Log>>> logs(LogFilter filter) override {
        return chain_.logs(std::move(filter));
    }

  private:
    FakeChain& chain_;
};

/// `chain` is the first endpoint, `second` the other one.
struct Endpoints : testing::ChainWorld {
    explicit Endpoints(std::uint64_t second_id = 84532, bool with_second = true)
        : second(clock, evm_network(second_id)),
          asked(env, loop, evm_network(84532), both(with_second)) {
        for (auto* each : {&chain, &second}) {
            each->set_wei(gas_account, U256(1'000'000'000'000'000'000));
            each->latency = 10ms;
        }
    }
    ~Endpoints() { stop(); }

    const Address gas_account = address_of(development_key(kGasKey));
    FakeChain second;
    std::chrono::milliseconds retry_after{0};
    EndpointsChain asked;

    [[nodiscard]] SignedTransaction transaction(std::uint64_t nonce) const {
        const Transaction fields{.chain_id = 84532,
                                 .nonce = nonce,
                                 .max_priority_fee_per_gas = U256(1),
                                 .max_fee_per_gas = U256(2'000'000'000),
                                 .gas_limit = 100'000,
                                 .to = Address{{7}},
                                 .value = {},
                                 .data = {}};
        return sign(fields, development_key(kGasKey));
    }
    /// A balance, and how long it took.
    std::chrono::milliseconds time_of_balance() {
        const auto begun = clock.steady_now();
        const auto wei = run(asked.balance(gas_account));
        CHECK(wei);
        return std::chrono::duration_cast<std::chrono::milliseconds>(clock.steady_now() - begun);
    }
    void watch() {
        running.spawn(asked.run());
        advance(100ms);
    }
    std::optional<Taken> taken(const SignedTransaction& sent) {
        const auto result = run(asked.send(sent.raw));
        return result ? std::optional(result->taken) : std::nullopt;
    }
    static Fault down(Op) { return Fault::no_answer(); }
    static Fault hangs(Op) { return Fault::slow(1h); }

  private:
    std::vector<EndpointConfig> both(bool with_second) {
        std::vector<EndpointConfig> out;
        auto pause = [this] { return std::exchange(retry_after, std::chrono::milliseconds{0}); };
        out.push_back({"0:first", std::make_unique<Borrowed>(chain), std::move(pause)});
        if (with_second) out.push_back({"1:second", std::make_unique<Borrowed>(second), {}});
        return out;
    }
};

}  // namespace

TEST_CASE("endpoints: while the first one is well, nobody else is asked") {
    Endpoints world;
    for (int i = 0; i < 100; ++i) CHECK(world.time_of_balance() <= 20ms);
    CHECK(world.chain.asked(Op::balance) == 100);
    CHECK(world.chain.asked(Op::chain_id) == 1);
    CHECK(world.second.asked(Op::balance) == 0);
}

TEST_CASE("endpoints: the only one is asked as it is, and once more when it fails at once") {
    Endpoints world(84532, false);
    CHECK(world.time_of_balance() == 10ms);
    CHECK(world.chain.asked(Op::chain_id) == 0);
    world.chain.fail_next(Op::balance, Fault::no_answer());
    CHECK(world.time_of_balance() > 100ms);
    world.chain.faults = Endpoints::down;
    for (int i = 0; i < 20; ++i) CHECK_FALSE(world.run(world.asked.balance(world.gas_account)));
    // Its circuit is long open, and there is nobody else.
    world.chain.faults = nullptr;
    CHECK(world.time_of_balance() == 10ms);
}

TEST_CASE("endpoints: a node that fails gives way, and is left alone until it is well again") {
    Endpoints world;
    world.chain.faults = Endpoints::down;
    for (int i = 0; i < 50; ++i) CHECK(world.time_of_balance() < 100ms);
    const auto tried = world.chain.asked(Op::chain_id) + world.chain.asked(Op::balance);
    CHECK(tried < 10);
    CHECK(world.second.asked(Op::balance) == 50);
    CHECK(world.log.count("rpc_circuit_opened") > 0);
    CHECK(world.metrics.expose().find(
              "farthing_rpc_up{endpoint=\"0:first\",network=\"eip155:84532\"} 0") !=
          std::string::npos);
    world.chain.faults = nullptr;
    world.advance(5s);
    for (int i = 0; i < 3; ++i) CHECK(world.time_of_balance() <= 20ms);
    CHECK(world.second.asked(Op::balance) == 50);
    CHECK(world.log.count("rpc_circuit_closed") > 0);
}

TEST_CASE("endpoints: a probe that fails doubles the pause") {
    Endpoints world;
    world.chain.faults = Endpoints::down;
    const auto probes_within = [&](std::chrono::seconds time) {
        const auto before = world.chain.asked(Op::chain_id);
        for (int i = 0; i < time / 500ms; ++i) {
            CHECK(world.time_of_balance() < 100ms);
            world.advance(500ms);
        }
        return world.chain.asked(Op::chain_id) - before;
    };
    probes_within(10s);
    const auto later = probes_within(120s);
    CHECK(later >= 2);
    CHECK(later <= 6);
}

TEST_CASE("endpoints: one that asks to be left alone is left alone") {
    Endpoints world;
    REQUIRE(world.time_of_balance() <= 20ms);
    world.retry_after = 30s;
    world.chain.fail_next(Op::balance, Fault::no_answer());
    for (int i = 0; i < 20; ++i) {
        CHECK(world.time_of_balance() <= 30ms);
        world.advance(1s);
    }
    CHECK(world.chain.asked(Op::balance) == 2);
    world.advance(15s);
    CHECK(world.time_of_balance() == 10ms);
    CHECK(world.chain.asked(Op::balance) == 3);
}

TEST_CASE("endpoints: the next one is asked when the first is slower than it usually is") {
    Endpoints world;
    for (int i = 0; i < 40; ++i) world.time_of_balance();
    world.chain.fail_next(Op::balance, Fault::slow(5s));
    const auto took = world.time_of_balance();
    CHECK(took >= 30ms);
    CHECK(took < 60ms);
    // One that hangs is soon not asked first any more.
    world.chain.faults = Endpoints::hangs;
    for (int i = 0; i < 10; ++i) world.time_of_balance();
    CHECK(world.time_of_balance() == 10ms);
}

TEST_CASE("endpoints: nobody answers, and that ends too") {
    Endpoints world;
    world.chain.faults = Endpoints::hangs;
    world.second.faults = Endpoints::hangs;
    const auto begun = world.clock.steady_now();
    const auto wei = world.run(world.asked.balance(world.gas_account));
    REQUIRE_FALSE(wei);
    CHECK(kind_of(wei.error().code) == Kind::unavailable);
    CHECK(world.clock.steady_now() - begun < 25s);
}

TEST_CASE("endpoints: a revert is an answer, and asked for once") {
    Endpoints world;
    const Call bad{world.chain.evm.token_address, Bytes{1, 2, 3, 4}};
    const auto gas = world.run(world.asked.estimate_gas(bad, world.gas_account)).value();
    CHECK_FALSE(gas);
    CHECK(world.chain.asked(Op::estimate_gas) == 1);
    CHECK(world.second.asked(Op::estimate_gas) == 0);
}

TEST_CASE("endpoints: one that is behind is not asked what it cannot know") {
    Endpoints world;
    world.second.mine_blocks(10);
    world.second.set_wei(world.gas_account, U256(7));
    world.watch();
    CHECK(world.run(world.asked.balance(world.gas_account)).value() == U256(7));
    CHECK(world.run(world.asked.head()).value().number == 11);
    CHECK(world.chain.asked(Op::balance) == 0);
    CHECK(world.metrics.expose().find(
              "farthing_rpc_head_lag_blocks{endpoint=\"0:first\",network=\"eip155:84532\"} 10") !=
          std::string::npos);
    // The other one is gone: until its head is forgotten, nobody is believed.
    world.second.faults = Endpoints::down;
    world.advance(5s);
    CHECK_FALSE(world.run(world.asked.balance(world.gas_account)));
    world.advance(20s);
    CHECK(world.run(world.asked.balance(world.gas_account)));
    // It has caught up.
    world.second.faults = nullptr;
    world.advance(60s);
    world.chain.mine_blocks(10);
    world.advance(2s);
    CHECK(world.run(world.asked.balance(world.gas_account)).value() != U256(7));
}

TEST_CASE("endpoints: nonces are the highest that anybody says") {
    Endpoints world;
    world.chain.auto_mine = false;
    world.second.inject(world.transaction(0).raw);
    CHECK(world.run(world.asked.mined_nonce(world.gas_account)).value() == 1);
    CHECK(world.run(world.asked.pending_nonce(world.gas_account)).value() == 1);
    // Somebody who hangs does not hold it up for long, nor does somebody who is gone.
    world.second.faults = Endpoints::hangs;
    const auto begun = world.clock.steady_now();
    CHECK(world.run(world.asked.pending_nonce(world.gas_account)).value() == 0);
    CHECK(world.clock.steady_now() - begun < 2s);
    world.second.faults = Endpoints::down;
    CHECK(world.run(world.asked.pending_nonce(world.gas_account)).value() == 0);
    world.chain.faults = Endpoints::down;
    CHECK_FALSE(world.run(world.asked.pending_nonce(world.gas_account)));
}

TEST_CASE("endpoints: a receipt that one has is there, and absence needs the newest block") {
    Endpoints world;
    world.chain.mine_blocks(1);
    world.second.mine_blocks(2);
    const auto sent = world.transaction(0);
    world.watch();
    const auto ask = [&] { return world.run(world.asked.receipts({sent.hash})); };
    CHECK_FALSE(ask().value()[0]);
    CHECK(world.chain.asked(Op::receipts) == 0);
    world.second.inject(sent.raw);
    CHECK(ask().value()[0]);
    // Who has it is gone: the other one, behind by two blocks, does not know that there is none.
    world.second.faults = [](Op op) { return op == Op::receipts ? Fault::no_answer() : Fault{}; };
    world.advance(2s);
    CHECK_FALSE(ask());
    CHECK(world.chain.asked(Op::receipts) > 0);
    // With the same block it knows.
    world.chain.mine_blocks(2);
    world.advance(2s);
    CHECK_FALSE(ask().value()[0]);
    world.chain.inject(sent.raw);
    CHECK(ask().value()[0]);
}

TEST_CASE("endpoints: a node on another chain is asked nothing") {
    Endpoints world(1);
    CHECK(world.run(world.asked.chain_id()).value() == 1);
    world.chain.faults = Endpoints::down;
    CHECK_FALSE(world.run(world.asked.balance(world.gas_account)));
    CHECK(world.second.asked(Op::balance) == 0);
    CHECK(world.taken(world.transaction(0)) == std::nullopt);
    CHECK(world.second.asked(Op::send) == 0);
    CHECK(world.log.count("rpc_on_another_chain") > 0);
}

TEST_CASE("endpoints: start needs one that answers") {
    Endpoints world;
    world.chain.faults = Endpoints::down;
    CHECK(world.run(world.asked.chain_id()).value() == 84532);
    world.second.faults = Endpoints::down;
    CHECK_FALSE(world.run(world.asked.chain_id()));
}

TEST_CASE("endpoints: what is said of a transaction") {
    Endpoints world;
    world.chain.auto_mine = false;
    world.second.auto_mine = false;
    const auto sent = world.transaction(0);
    const auto first = [&](Fault fault) { world.chain.fail_next(Op::send, std::move(fault)); };
    const auto second = [&](Fault fault) { world.second.fail_next(Op::send, std::move(fault)); };
    const auto no = Fault::no_answer();

    SUBCASE("taken by the first, the second is not asked") {
        CHECK(world.taken(sent) == Taken::accepted);
        CHECK(world.second.asked(Op::send) == 0);
    }
    SUBCASE("taken by the second") {
        first(no);
        CHECK(world.taken(sent) == Taken::accepted);
        CHECK(world.second.pooled() == 1);
    }
    SUBCASE("taken by the first, its answer lost, and the second knows it") {
        first(Fault::no_answer_after());
        second(Fault::says(Taken::accepted, "already known"));
        CHECK(world.taken(sent) == Taken::accepted);
    }
    SUBCASE("a clear refusal by the first") {
        for (const auto refusal :
             {Taken::nonce_used, Taken::underpriced, Taken::no_funds, Taken::refused}) {
            first(Fault::says(refusal, "no"));
            CHECK(world.taken(sent) == refusal);
        }
        CHECK(world.second.asked(Op::send) == 0);
    }
    SUBCASE("a refusal is not clear once another one may have it") {
        for (const auto refusal : {Taken::nonce_used, Taken::underpriced, Taken::no_funds,
                                   Taken::refused, Taken::busy}) {
            first(Fault::no_answer_after());
            second(Fault::says(refusal, "no"));
            CHECK(world.taken(sent) == Taken::unclear);
            first(Fault::says_after(Taken::unclear, "Internal error"));
            second(Fault::says(refusal, "no"));
            CHECK(world.taken(sent) == Taken::unclear);
        }
    }
    SUBCASE("no room at the first") {
        first(Fault::says(Taken::busy, "txpool is full"));
        CHECK(world.taken(sent) == Taken::accepted);
        first(Fault::says(Taken::busy, "txpool is full"));
        second(Fault::says(Taken::busy, "txpool is full"));
        CHECK(world.taken(sent) == Taken::busy);
        first(Fault::says(Taken::busy, "txpool is full"));
        second(no);
        CHECK(world.taken(sent) == Taken::unclear);
    }
    SUBCASE("nobody answers") {
        first(no);
        second(no);
        CHECK(world.taken(sent) == std::nullopt);
    }
    SUBCASE("the first hangs") {
        first(Fault::slow(1h));
        CHECK(world.taken(sent) == Taken::accepted);
        CHECK(world.second.pooled() == 1);
    }
}

TEST_CASE("endpoints: an asker who goes leaves nothing behind") {
    Endpoints world;
    world.chain.faults = Endpoints::hangs;
    world.second.faults = Endpoints::hangs;
    const auto asking = world.start(world.asked.balance(world.gas_account));
    const auto sending = world.start(world.asked.send(world.transaction(0).raw));
    world.advance(2s);
    REQUIRE_FALSE(asking->has_value());
    world.stop();
    CHECK(world.running.size() == 0);
    CHECK_FALSE(world.clock.next_deadline());
}

}  // namespace farthing::chain
