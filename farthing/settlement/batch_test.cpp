// SPDX-License-Identifier: Apache-2.0
// Many payments in one transaction: who goes with whom, and what one of them does to the others.
#include <doctest/doctest.h>

#include "farthing/evm/batch_contract.hpp"
#include "farthing/evm/multicall3.hpp"
#include "farthing/evm/transaction.hpp"
#include "farthing/testing/world.hpp"

namespace farthing::settlement {
namespace {

using namespace std::chrono_literals;
using chain::Taken;
using testing::Crafted;
using testing::development_key;
using testing::Fault;
using testing::Op;
using testing::World;
using testing::WorldConfig;
using State = Outcome::State;
using Asked = std::vector<testing::Started<Outcome>>;

bool is_batch(const testing::MinedTransaction& mined) {
    return is_shared(mined.transaction.fields.to);
}

/// A world whose first transaction waits for its block while others gather.
struct BatchWorld : World {
    explicit BatchWorld(WorldConfig config = {}) : World(std::move(config)) {
        chain.auto_mine = false;
    }
    std::vector<std::shared_ptr<const scheme::Opened>> payments;
    Asked asked;

    void ask(std::shared_ptr<const scheme::Opened> payment) {
        payments.push_back(payment);
        asked.push_back(start_settle(std::move(payment), 10min));
    }
    /// One that flies, and `count` behind it.
    void gather(std::uint64_t count) {
        ask(payment(0));
        advance(20ms);
        for (std::uint64_t i = 1; i <= count; ++i) ask(payment(i));
        advance(1s);
    }
    bool mine_until_all_end() {
        for (int block = 0; block < 40; ++block) {
            chain.mine();
            advance(2s);
        }
        return std::ranges::all_of(asked, [](const auto& each) { return each->has_value(); });
    }
    std::size_t settled() const {
        return static_cast<std::size_t>(std::ranges::count_if(
            asked, [](const auto& each) { return (*each)->state == State::settled; }));
    }
    std::size_t batches() const {
        return static_cast<std::size_t>(std::ranges::count_if(chain.mined(), is_batch));
    }
};

}  // namespace

TEST_CASE("batch: alone and idle, a payment goes at once and as it is") {
    World world;
    const auto payment = world.payment(0);
    const auto before = world.clock.steady_now();
    CHECK(world.settle(payment).state == State::settled);
    CHECK(world.clock.steady_now() - before < 100ms);
    REQUIRE(world.chain.mined().size() == 1);
    CHECK_FALSE(is_batch(world.chain.mined().front()));
}

TEST_CASE("batch: what comes while another one flies goes together, each with its own proof") {
    BatchWorld world;
    world.gather(40);
    CHECK(world.chain.pooled() == 2);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 41);
    CHECK(world.chain.mined().size() == 2);
    CHECK(world.batches() == 1);
    for (const auto& each : world.payments) CHECK(world.transfers_of(*each) == 1);
    // One transaction is the receipt of forty.
    CHECK((*world.asked[1])->transaction == (*world.asked[40])->transaction);
}

TEST_CASE("batch: no more than the limit goes in one") {
    WorldConfig config;
    config.queue.batch_max = 8;
    BatchWorld world(config);
    world.gather(20);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 21);
    CHECK(world.batches() > 1);
    for (const auto& each : world.chain.mined()) {
        CHECK(each.transaction.fields.gas_limit <= 8 * 75'000);
    }
}

TEST_CASE("batch: no more than the gas limit allows goes in one") {
    WorldConfig config;
    config.queue.batch_gas_max = 400'000;
    BatchWorld world(config);
    world.gather(20);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 21);
    CHECK(world.batches() > 1);
    for (const auto& each : world.chain.mined()) {
        CHECK(each.transaction.fields.gas_limit <= 400'000);
    }
}

TEST_CASE("batch: a limit of one sends each alone") {
    WorldConfig config;
    config.queue.batch_max = 1;
    BatchWorld world(config);
    world.gather(8);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 9);
    CHECK(world.batches() == 0);
}

TEST_CASE("batch: without a contract for it each goes alone") {
    BatchWorld world;
    world.lanes.queue().set_batching(Batching::none);
    world.gather(8);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 9);
    CHECK(world.batches() == 0);
}

TEST_CASE("batch: through Multicall3 where ours is not deployed") {
    for (const auto batching : {Batching::multicall3, Batching::batch_contract}) {
        BatchWorld world;
        world.lanes.queue().set_batching(batching);
        world.gather(8);
        REQUIRE(world.mine_until_all_end());
        CHECK(world.settled() == 9);
        REQUIRE(world.chain.mined().size() == 2);
        CHECK(world.chain.mined().back().transaction.fields.to ==
              (batching == Batching::multicall3 ? multicall3::kAddress : batch_contract::kAddress));
    }
}

TEST_CASE("batch: what our contract cannot hold goes alone") {
    BatchWorld world;
    world.ask(world.payment(0));
    world.advance(20ms);
    for (std::uint64_t i = 1; i <= 4; ++i) {
        auto crafted = world.craft(i);
        // A time that does not fit into five bytes.
        if (i == 2) crafted.authorization.valid_before = U256(std::uint64_t{1} << 40);
        crafted.sign_with(development_key(i));
        world.ask(World::open(crafted));
    }
    world.advance(1s);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 5);
    CHECK(world.batches() == 1);
    CHECK(world.chain.mined().size() == 3);
}

TEST_CASE("batch: the limits of gas of its parts suffice for the whole") {
    // What the contract and the transaction need beside the calls, at the most.
    constexpr std::uint64_t kStart = 21'000 + 1'500 + 6'000;
    constexpr std::uint64_t kEach = 2'304 + 640 + 700 + 2'600;
    for (const std::uint64_t limit : {30'000UL, 100'000UL, 500'000UL, 2'000'000UL}) {
        for (std::uint64_t count = 2; count <= 250; ++count) {
            const std::uint64_t within = batch_contract::gas_within(limit);
            CHECK(kStart + count * (kEach + within) + within / 63 <= count * limit);
        }
    }
}

TEST_CASE("batch: equal payments of one payer are each proved by a Transfer of their own") {
    BatchWorld world;
    world.ask(world.payment(0));
    world.advance(20ms);
    for (int i = 0; i < 10; ++i) world.ask(world.payment(1));
    world.advance(1s);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 11);
    CHECK(world.batches() == 1);
    CHECK(world.chain.evm.balance(address_of(development_key(1))) ==
          U256(World::kDollars - 10 * 1000));
}

TEST_CASE("batch: one that fails takes nobody with it") {
    BatchWorld world;
    world.gather(10);
    // Between its simulation and its block the payer spends the money elsewhere.
    world.chain.evm.token.balances[address_of(development_key(4))] = U256(10);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 10);
    const auto& bad = **world.asked[4];
    CHECK(bad.state == State::failed);
    CHECK(bad.error.code == Errc::exact_insufficient_balance);
    CHECK(world.transfers_of(*world.payments[4]) == 0);
    // What would revert is not sent a second time.
    CHECK(world.chain.mined().size() == 2);
}

TEST_CASE("batch: one that fails for the moment goes again, alone") {
    BatchWorld world;
    world.gather(10);
    const auto payer = address_of(development_key(4));
    world.chain.evm.token.balances[payer] = U256(10);
    world.chain.mine();
    world.chain.evm.token.balances[payer] = U256(World::kDollars);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 11);
    REQUIRE(world.chain.mined().size() == 3);
    CHECK_FALSE(is_batch(world.chain.mined().back()));
}

TEST_CASE("batch: a transaction that reverts as a whole is followed by one for each") {
    BatchWorld world;
    world.gather(10);
    world.chain.reverts_at_mining = 2;
    REQUIRE(world.mine_until_all_end());
    // The first went alone, and its revert is its own.
    CHECK((*world.asked[0])->state == State::failed);
    CHECK(world.settled() == 10);
    CHECK(world.batches() == 1);
    for (std::size_t i = 1; i <= 10; ++i) CHECK(world.transfers_of(*world.payments[i]) == 1);
}

TEST_CASE("batch: a node that refuses the whole is given the parts") {
    BatchWorld world;
    world.ask(world.payment(0));
    world.advance(20ms);
    world.chain.fail_next(Op::send, Fault::says(Taken::refused, "exceeds block gas limit"));
    for (std::uint64_t i = 1; i <= 5; ++i) world.ask(world.payment(i));
    world.advance(1s);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 6);
    CHECK(world.batches() == 0);
}

TEST_CASE("batch: a contract wallet shares a transaction with nobody") {
    BatchWorld world;
    const auto owner = address_of(development_key(5));
    const auto wallet = world.chain.evm.wallet_address(owner, {});
    world.chain.evm.wallets.emplace(wallet, owner);
    world.chain.evm.token.balances[wallet] = U256(World::kDollars);
    world.ask(world.payment(0));
    world.advance(20ms);
    for (int i = 0; i < 3; ++i) {
        auto crafted = Crafted::from(wallet, world.clock.unix_seconds(), world.random.bytes32());
        crafted.sign_with(development_key(5));
        world.ask(World::open(crafted));
        world.ask(world.payment(static_cast<std::uint64_t>(i) + 1));
    }
    world.advance(1s);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 7);
    for (const auto& each : world.chain.mined()) {
        const auto from_wallet = std::ranges::any_of(each.receipt.events, [&](const auto& event) {
            return std::ranges::equal(ByteView(event.topics[1]).subspan(12), wallet.data);
        });
        if (from_wallet) CHECK_FALSE(is_batch(each));
    }
    CHECK(world.batches() == 1);
}

TEST_CASE("batch: withdrawn before it is signed, it is left out") {
    BatchWorld world;
    world.ask(world.payment(0));
    world.advance(20ms);
    // The fees are read again before the batch is signed, and that takes its time.
    world.advance(3s);
    world.chain.fail_next(Op::fees, Fault::slow(5s));
    for (std::uint64_t i = 1; i <= 5; ++i) world.ask(world.payment(i));
    const auto hasty = world.payment(6);
    const auto asked = world.start_settle(hasty, 1s);
    REQUIRE(world.run_until([&] { return asked->has_value(); }, 3s));
    CHECK((*asked)->error.code == Errc::timed_out);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 6);
    CHECK(world.transfers_of(*hasty) == 0);
}

TEST_CASE("batch: what was given up is in nothing that a later process could send") {
    BatchWorld world;
    world.ask(world.payment(0));
    world.advance(20ms);
    world.chain.faults = [](Op op) {
        return op == Op::send ? Fault::says(Taken::busy, "txpool is full") : Fault{};
    };
    const auto hasty = world.payment(1);
    const auto asked = world.start_settle(hasty, 2s);
    const auto patient = world.payment(2);
    world.ask(patient);
    REQUIRE(world.run_until([&] { return asked->has_value(); }, 3s));
    REQUIRE((*asked)->state == State::failed);
    // As whoever comes after a process that dies now.
    world.advance(200ms);
    const auto left = world.run(world.intents.find(patient->key())).value();
    REQUIRE(left);
    world.chain.faults = nullptr;
    for (const auto& each : left->broadcasts) world.chain.inject(each.raw);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 2);
    CHECK(world.transfers_of(*hasty) == 0);
}

TEST_CASE("batch: every payment in it is durable before its bytes leave") {
    BatchWorld world;
    world.gather(5);
    const auto left =
        world.run(store::MemoryIntents(world.table, "another node").adopt(world.chain.network()));
    REQUIRE(left);
    REQUIRE(left->size() == 6);
    std::size_t same = 0;
    for (const auto& each : *left) {
        REQUIRE(each.broadcasts.size() == 1);
        const auto read = read_transaction(each.broadcasts.front().raw);
        REQUIRE(read);
        same += is_shared(read->fields.to) ? 1 : 0;
    }
    CHECK(same == 5);
}

TEST_CASE("keys: one that cannot pay leaves its work to the others, and takes part again") {
    WorldConfig config;
    config.keys = 2;
    World world(config);
    const auto& poor = *world.lanes.all()[0];
    const auto& rich = *world.lanes.all()[1];
    world.chain.set_wei(poor.address(), U256(1));
    for (std::uint64_t i = 0; i < 6; ++i) {
        CHECK(world.settle(world.payment(i)).state == State::settled);
    }
    CHECK(poor.purse() == Purse::empty);
    CHECK(rich.purse() == Purse::good);
    CHECK(world.log.count("gas_empty") == 1);
    world.chain.set_wei(poor.address(), U256(1'000'000'000'000'000'000));
    world.advance(2min);
    CHECK(poor.purse() == Purse::good);
    CHECK(poor.is_able());
}

TEST_CASE("keys: when none can pay, that is said at once") {
    WorldConfig config;
    config.keys = 2;
    World world(config);
    for (const auto& each : world.lanes.all()) world.chain.set_wei(each->address(), U256(1));
    for (std::uint64_t i = 0; i < 3; ++i) {
        const auto outcome = world.settle(world.payment(i));
        CHECK(outcome.state == State::failed);
        CHECK(kind_of(outcome.error.code) == Kind::unavailable);
        CHECK(outcome.error.detail.find("cannot pay the gas") != std::string::npos);
    }
}

TEST_CASE("keys: several share the work, each with its own nonces") {
    WorldConfig config;
    config.keys = 3;
    config.queue.batch_max = 1;
    BatchWorld world(config);
    world.chain.latency = 5ms;
    world.gather(20);
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 21);
    for (const auto& each : world.lanes.all()) CHECK(world.chain.nonce_of(each->address()) > 0);
}

namespace {

/// Somebody else sends the transfer with a key of their own.
void send_as_another(World& world, const scheme::Opened& payment, std::uint64_t nonce) {
    const auto key = development_key(200);
    const auto call = payment.transfer();
    const Transaction fields{.chain_id = 84532,
                             .nonce = nonce,
                             .max_priority_fee_per_gas = U256(2'000'000'000),
                             .max_fee_per_gas = U256(50'000'000'000),
                             .gas_limit = 100'000,
                             .to = call.to,
                             .value = {},
                             .data = call.data};
    world.chain.set_wei(address_of(key), U256(1'000'000'000'000'000'000));
    REQUIRE(world.chain.inject(sign(fields, key).raw).taken == Taken::accepted);
}

}  // namespace

TEST_CASE("front-run: the same authorisation sent by somebody else is a success with its proof") {
    for (const std::uint64_t behind : {std::uint64_t{0}, std::uint64_t{5}}) {
        CAPTURE(behind);
        BatchWorld world;
        world.gather(behind);
        // Theirs is mined first, ours after it reverts.
        world.chain.drop_pool();
        std::uint64_t nonce = 0;
        for (const auto& each : world.payments) send_as_another(world, *each, nonce++);
        world.chain.mine();
        world.advance(10s);
        REQUIRE(world.mine_until_all_end());
        CHECK(world.settled() == behind + 1);
        for (std::size_t i = 0; i < world.asked.size(); ++i) {
            const auto& outcome = **world.asked[i];
            CHECK(world.transfers_of(*world.payments[i]) == 1);
            const auto* receipt = world.chain.receipt_of(outcome.transaction.value_or(Bytes32{}));
            REQUIRE(receipt != nullptr);
            CHECK(receipt->success);
        }
    }
}

TEST_CASE("front-run: an authorisation that was used before it came to us buys nothing") {
    World world;
    const auto payment = world.payment(0);
    send_as_another(world, *payment, 0);
    const auto outcome = world.settle(payment);
    CHECK(outcome.state == State::failed);
    CHECK(outcome.error.code == Errc::exact_nonce_already_used);
    CHECK(world.chain.asked(Op::send) == 0);
}

TEST_CASE("front-run: a node that cannot look for the proof leaves it open") {
    BatchWorld world;
    world.gather(0);
    world.chain.drop_pool();
    send_as_another(world, *world.payments[0], 0);
    world.chain.faults = [](Op op) { return op == Op::logs ? Fault::no_answer() : Fault{}; };
    world.chain.mine();
    world.advance(10s);
    world.chain.mine();
    world.advance(60s);
    CHECK_FALSE(world.asked[0]->has_value());
    world.chain.faults = nullptr;
    REQUIRE(world.mine_until_all_end());
    CHECK(world.settled() == 1);
}

}  // namespace farthing::settlement
