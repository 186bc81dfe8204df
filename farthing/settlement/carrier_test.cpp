// SPDX-License-Identifier: Apache-2.0
// What becomes of a payment that was thought lost, and of one whose wallet must be deployed first.
#include "farthing/settlement/carrier.hpp"

#include <doctest/doctest.h>

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

std::string reason(const Outcome& outcome) {
    if (outcome.state == State::settled) return "settled";
    if (outcome.state == State::unknown) return "unknown";
    return std::string(wire_code(outcome.error.code));
}

struct WalletWorld : World {
    explicit WalletWorld(bool allowed = true) : World(with_factory(allowed)) {}

    static WorldConfig with_factory(bool allowed) {
        WorldConfig config;
        if (allowed) config.policy.eip6492_factories = {Address{{0xfa, 0xc7}}};
        return config;
    }
    Bytes32 salt;

    /// A payment of the wallet of account 5, deployed or not.
    Crafted wallet_payment() {
        const auto owner = address_of(development_key(5));
        const auto wallet = chain.evm.wallet_address(owner, salt);
        chain.evm.token.balances[wallet] = U256(kDollars);
        auto crafted = Crafted::from(wallet, clock.unix_seconds(), random.bytes32());
        crafted.sign_with(development_key(5));
        return crafted;
    }
    void wrap(Crafted& crafted) {
        const auto deploy = chain.evm.deploy_call(address_of(development_key(5)), salt);
        crafted.signature = erc6492::wrap({deploy.to, deploy.data, crafted.signature});
    }
};

}  // namespace

TEST_CASE("carrier: lost to another process, it is sent again with another nonce") {
    World world;
    world.chain.auto_mine = false;
    const auto payment = world.payment(0);
    const auto settling = world.start_settle(payment, 10min);
    world.advance(1s);
    const Transaction rival{.chain_id = 84532,
                            .nonce = 0,
                            .max_priority_fee_per_gas = U256(2'000'000),
                            .max_fee_per_gas = U256(50'000'000'000),
                            .gas_limit = 100'000,
                            .to = Address{{7}},
                            .value = {},
                            .data = {}};
    REQUIRE(world.chain.inject(sign(rival, development_key(World::kGasKey)).raw).taken ==
            Taken::accepted);
    world.chain.mine();
    world.chain.auto_mine = true;
    REQUIRE(world.run_until([&] { return settling->has_value(); }));
    CHECK(reason(**settling) == "settled");
    CHECK(world.transfers_of(*payment) == 1);
}

TEST_CASE("carrier: one thought lost that moved the money after all is a success") {
    WorldConfig config;
    config.lane.lost_after = 1s;  // much less than the receipts are late
    World world(config);
    world.chain.receipts_lag = 30s;
    const auto first = world.payment(0);
    const auto second = world.payment(1);
    const auto one = world.start_settle(first, 10min);
    // A send without an answer, and a nonce that is spent already when it is repeated.
    world.chain.fail_next(Op::send, Fault::no_answer_after());
    const auto two = world.start_settle(second, 10min);
    REQUIRE(world.run_until([&] { return *one && *two; }));
    CHECK(world.transfers_of(*first) == 1);
    CHECK(world.transfers_of(*second) == 1);
    // What it cannot see it may call failed only with the nonce's use as the reason.
    for (const auto& each : {one, two}) {
        const auto why = reason(**each);
        const bool honest = why == "settled" || why == "invalid_exact_evm_nonce_already_used";
        CHECK(honest);
    }
}

TEST_CASE("carrier: a second transaction that reverts because the first one paid is a success") {
    World world;
    const auto payment = world.payment(0);
    // The first arrives, but the node says clearly that it does not: the second is signed anew.
    world.chain.auto_mine = false;
    world.chain.fail_next(Op::send, Fault::says_after(Taken::underpriced, "underpriced"));
    const auto settling = world.start_settle(payment, 10min);
    world.advance(2s);
    REQUIRE(world.chain.pooled() == 2);
    world.chain.mine();
    REQUIRE(world.run_until([&] { return settling->has_value(); }));
    CHECK(reason(**settling) == "settled");
    CHECK(world.transfers_of(*payment) == 1);
    REQUIRE((*settling)->transaction);
    CHECK(world.chain.receipt_of(*(*settling)->transaction)->success);
}

TEST_CASE("carrier: one in doubt ends at its expiry, when the chain says that it never happened") {
    World world;
    world.chain.faults = [](Op op) {
        return op == Op::send ? Fault::says(Taken::unclear, "Internal error") : Fault{};
    };
    const auto payment = world.payment(0);
    CHECK(reason(world.settle(payment, 60s)) == "unknown");
    world.advance(200s);
    CHECK(reason(world.settle(payment, 10s)) == "unknown");
    world.advance(200s);
    CHECK(world.settler.in_hand() == 0);
    CHECK(reason(world.settle(payment)) == "invalid_exact_evm_payload_authorization_valid_before");
    CHECK(world.lanes.in_flight() == 0);
    world.run(world.settler.drain());
}

TEST_CASE("carrier: expired and never mined is a failure, expired and mined a success") {
    for (const bool mined : {false, true}) {
        CAPTURE(mined);
        World world;
        world.chain.auto_mine = false;
        const auto payment = world.payment(0);
        const auto settling = world.start_settle(payment, 30min);
        world.advance(10s);
        if (mined) {
            world.chain.mine();
            world.chain.faults = [](Op op) {
                return op == Op::receipts ? Fault::no_answer() : Fault{};
            };
            world.advance(500s);
            CHECK_FALSE(settling->has_value());
            world.chain.faults = nullptr;
        }
        REQUIRE(world.run_until([&] { return settling->has_value(); }));
        CHECK(reason(**settling) ==
              (mined ? "settled" : "invalid_exact_evm_payload_authorization_valid_before"));
        // What stays in the pool reverts whenever it is mined.
        world.chain.mine();
        CHECK(world.transfers_of(*payment) == (mined ? 1 : 0));
    }
}

TEST_CASE("carrier: expired while it waited for the lane: never sent") {
    World world;
    world.chain.faults = [](Op op) {
        return op == Op::pending_nonce ? Fault::slow(20min) : Fault{};
    };
    const auto settling = world.start_settle(world.payment(0), 2h);
    REQUIRE(world.run_until([&] { return settling->has_value(); }, 15min));
    CHECK(reason(**settling) == "invalid_exact_evm_payload_authorization_valid_before");
    world.advance(1h);
    CHECK(world.chain.asked(Op::send) == 0);
}

TEST_CASE("carrier: a contract wallet pays with a signature that it accepts") {
    WalletWorld world;
    auto crafted = world.wallet_payment();
    world.chain.evm.wallets.emplace(crafted.authorization.from, address_of(development_key(5)));
    CHECK(reason(world.settle(World::open(crafted))) == "settled");
    auto longer = world.wallet_payment();
    longer.signature.push_back(1);  // not 65 bytes: the other overload
    CHECK(reason(world.settle(World::open(longer))) == "settled");
    auto forged = world.wallet_payment();
    forged.sign_with(development_key(6));
    CHECK(reason(world.settle(World::open(forged))) == "invalid_exact_evm_signature");
    world.chain.evm.reverting.insert(crafted.authorization.from);
    CHECK(reason(world.settle(World::open(world.wallet_payment()))) ==
          "invalid_exact_evm_signature");
}

TEST_CASE("carrier: a wallet that is not there yet is deployed first") {
    WalletWorld world;
    auto crafted = world.wallet_payment();
    world.wrap(crafted);
    const auto payment = World::open(crafted);
    CHECK(world.run(world.examiner.examine(payment)));
    CHECK(reason(world.settle(payment)) == "settled");
    CHECK(world.chain.mined().size() == 2);
    CHECK(world.chain.evm.wallets.contains(crafted.authorization.from));
}

TEST_CASE("carrier: a factory that is not allowed deploys nothing") {
    WalletWorld world(false);
    auto crafted = world.wallet_payment();
    world.wrap(crafted);
    CHECK(reason(world.settle(World::open(crafted))) == "eip6492_factory_not_allowed");
    CHECK(world.chain.asked(Op::send) == 0);
}

TEST_CASE("carrier: nothing is deployed for a signature that is not good") {
    WalletWorld world;
    auto crafted = world.wallet_payment();
    crafted.sign_with(development_key(6));
    world.wrap(crafted);
    const auto outcome = world.settle(World::open(crafted));
    CHECK(outcome.state == State::failed);
    CHECK(world.chain.asked(Op::send) == 0);
    auto poor = world.wallet_payment();
    poor.wanted = testing::usdc_requirements(U256(World::kDollars + 1));
    poor.authorization.value = poor.wanted.amount;
    poor.sign_with(development_key(5));
    world.wrap(poor);
    CHECK(world.settle(World::open(poor)).state == State::failed);
    CHECK(world.chain.asked(Op::send) == 0);
}

TEST_CASE("carrier: two payments of one wallet that is not there yet both settle") {
    WalletWorld world;
    world.chain.latency = 20ms;
    auto first = world.wallet_payment();
    auto second = world.wallet_payment();
    world.wrap(first);
    world.wrap(second);
    const auto one = world.start_settle(World::open(first));
    const auto two = world.start_settle(World::open(second));
    REQUIRE(world.run_until([&] { return *one && *two; }));
    CHECK(reason(**one) == "settled");
    CHECK(reason(**two) == "settled");
}

TEST_CASE("carrier: a deployment that fails at mining is a failure, and nothing was paid") {
    WalletWorld world;
    world.chain.reverts_at_mining = 1;
    auto crafted = world.wallet_payment();
    world.wrap(crafted);
    const auto payment = World::open(crafted);
    const auto outcome = world.settle(payment);
    CHECK(reason(outcome) == "smart_wallet_deployment_failed");
    CHECK_FALSE(outcome.transaction);
    CHECK(world.chain.mined().size() == 1);
    CHECK(reason(world.settle(payment)) == "settled");
}

TEST_CASE("carrier: patience over during the deployment: nothing is paid afterwards") {
    WalletWorld world;
    world.chain.auto_mine = false;
    auto crafted = world.wallet_payment();
    world.wrap(crafted);
    const auto payment = World::open(crafted);
    const auto outcome = world.settle(payment, 2s);
    CHECK(outcome.error.code == Errc::timed_out);
    CHECK(outcome.state == State::failed);
    world.chain.mine();
    world.chain.auto_mine = true;
    world.advance(1min);
    CHECK(world.transfers_of(*payment) == 0);
    CHECK(reason(world.settle(payment)) == "settled");
}

TEST_CASE("carrier: a pool without room is no refusal of the payment, and is asked again") {
    World world;
    int said = 0;
    world.chain.faults = [&](Op asked) {
        if (asked != Op::send || said++ >= 2) return Fault{};
        return Fault::says(Taken::busy, "txpool is full");
    };
    CHECK(world.settle(world.payment(0)).state == Outcome::State::settled);
    world.chain.faults = [](Op asked) {
        return asked == Op::send ? Fault::says(Taken::busy, "txpool is full") : Fault{};
    };
    const auto outcome = world.settle(world.payment(1));
    CHECK(outcome.state == Outcome::State::failed);
    CHECK(kind_of(outcome.error.code) == Kind::unavailable);
}

TEST_CASE("carrier: a nonce that is forgotten while the fees are read is read again") {
    WorldConfig config;
    config.lane.rebroadcast_after = 100ms;
    World world(config);
    world.chain.auto_mine = false;
    // Three sends without an answer: in doubt, and the nonce behind it is not known.
    int sends = 0;
    world.chain.faults = [&](Op asked) {
        return asked == Op::send && sends++ < 3 ? Fault::no_answer() : Fault{};
    };
    const auto doubtful = world.start_settle(world.payment(0), 10min);
    world.advance(5s);
    // The next one reads fees slowly; meanwhile the doubtful one is found to be in the pool.
    world.chain.faults = [](Op asked) { return asked == Op::fees ? Fault::slow(2s) : Fault{}; };
    const auto next = world.start_settle(world.payment(1), 10min);
    world.advance(10s);
    world.chain.auto_mine = true;
    world.chain.mine();
    REQUIRE(world.run_until([&] { return doubtful->has_value() && next->has_value(); }));
    CHECK((*doubtful)->state == Outcome::State::settled);
    CHECK((*next)->state == Outcome::State::settled);
}

TEST_CASE("carrier: one balance signed away many times costs the gas of one transfer") {
    WorldConfig config;
    config.queue.batch_max = 1;
    World world(config);
    world.chain.auto_mine = false;
    std::vector<testing::Started<Outcome>> asked;
    std::vector<std::shared_ptr<const scheme::Opened>> payments;
    for (int i = 0; i < 8; ++i) payments.push_back(world.payment(0, U256(1000)));
    // Enough for two and a half of them.
    world.chain.evm.token.balances[address_of(development_key(0))] = U256(2'500);
    for (const auto& each : payments) asked.push_back(world.start_settle(each, 10min));
    world.advance(2s);
    CHECK(world.lanes.in_flight() == 2);
    for (int block = 0; block < 8; ++block) {
        world.chain.mine();
        world.advance(3s);
    }
    REQUIRE(world.run_until([&] {
        return std::ranges::all_of(asked, [](const auto& each) { return each->has_value(); });
    }));
    const auto settled = std::ranges::count_if(
        asked, [](const auto& each) { return (*each)->state == State::settled; });
    CHECK(settled == 2);
    // What it could not pay was never sent.
    CHECK(world.chain.mined().size() == 2);
    for (const auto& each : asked) {
        if ((*each)->state == State::settled) continue;
        CHECK((*each)->error.code == Errc::exact_insufficient_balance);
    }
}

TEST_CASE("carrier: payments of one rich payer do not wait for each other") {
    WorldConfig config;
    config.queue.batch_max = 1;
    World world(config);
    world.chain.auto_mine = false;
    std::vector<testing::Started<Outcome>> asked;
    for (int i = 0; i < 8; ++i) asked.push_back(world.start_settle(world.payment(0), 10min));
    world.advance(2s);
    CHECK(world.lanes.in_flight() == 8);
}

}  // namespace farthing::settlement
