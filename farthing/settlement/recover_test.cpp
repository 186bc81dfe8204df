// SPDX-License-Identifier: Apache-2.0
// What a settler makes of the intents that a process before it left, whatever the moment it ended
// in. tests/e2e/crash.test.mjs does the same with a real process, a real chain and a real disk.
#include <doctest/doctest.h>

#include "farthing/evm/transaction.hpp"
#include "farthing/testing/world.hpp"

namespace farthing::settlement {
namespace {

using namespace std::chrono_literals;
using State = Outcome::State;

/// A store as a process that died has left it, and a payment of it.
struct Left {
    explicit Left(bool same_key = true) {
        world.chain.auto_mine = false;
        payment = world.payment(0);
        intent.key = payment->key();
        intent.print = payment->print();
        intent.payment = "its record";
        const auto key = testing::development_key(same_key ? testing::ChainWorld::kGasKey : 101);
        world.chain.set_wei(address_of(key), U256(1'000'000'000'000'000'000));
        const auto call = payment->transfer();
        const Transaction transaction{.chain_id = 84532,
                                      .nonce = 0,
                                      .max_priority_fee_per_gas = U256(1'000'000'000),
                                      .max_fee_per_gas = U256(100'000'000'000),
                                      .gas_limit = 200'000,
                                      .to = call.to,
                                      .value = {},
                                      .data = call.data};
        auto made = sign(transaction, key);
        broadcast = {address_of(key), 0, 200'000, made.hash, made.raw};
    }
    void begin() { CHECK_FALSE(world.run(before.begin(intent)).value()); }
    void sign_it() { REQUIRE(world.run(before.add_broadcast({intent.key}, broadcast))); }
    void send() { CHECK(world.run(world.chain.send(broadcast.raw))); }
    void recover() {
        Settler::Reopen reopen =
            [this](const std::string& record) -> Result<std::shared_ptr<const scheme::Opened>> {
            CHECK(record == "its record");
            return payment;
        };
        REQUIRE(world.run(world.settler.recover(std::move(reopen))));
    }
    /// Mines until the outcome is known.
    Outcome settle() {
        const auto asked = world.start_settle(payment, 10min);
        for (int block = 0; block < 100 && !asked->has_value(); ++block) {
            world.advance(1s);
            world.chain.mine();
        }
        REQUIRE(asked->has_value());
        return **asked;
    }

    testing::World world;
    store::MemoryIntents before{world.table, "the process before"};
    std::shared_ptr<const scheme::Opened> payment;
    store::Intent intent;
    store::Broadcast broadcast;
};

}  // namespace

TEST_CASE("recover: begun and never signed, it is over, and can be asked for anew") {
    Left left;
    left.begin();
    left.recover();
    CHECK(left.world.settler.in_hand() == 0);
    CHECK(left.settle().state == State::settled);
    CHECK(left.world.transfers_of(*left.payment) == 1);
}

TEST_CASE("recover: signed and perhaps sent, it is watched, and sent again as it is") {
    for (const bool sent : {false, true}) {
        Left left;
        left.begin();
        left.sign_it();
        if (sent) left.send();
        left.recover();
        CHECK(left.world.settler.in_hand() == 1);
        CHECK(left.world.settler.standing(*left.payment) == Standing::sent);
        const auto outcome = left.settle();
        CHECK(outcome.state == State::settled);
        CHECK(outcome.transaction == left.broadcast.hash);
        CHECK(left.world.transfers_of(*left.payment) == 1);
        CHECK(left.world.chain.mined().size() == 1);
    }
}

TEST_CASE("recover: mined while nobody looked, it is found") {
    Left left;
    left.begin();
    left.sign_it();
    left.send();
    left.world.chain.mine();
    left.recover();
    left.world.advance(1s);
    CHECK(left.world.settler.untold() == 1);
    CHECK(left.settle().transaction == left.broadcast.hash);
    CHECK(left.settle().error.code == Errc::exact_nonce_already_used);
}

TEST_CASE("recover: what another key sent is found, or sent by ours") {
    for (const bool sent : {false, true}) {
        Left left(false);
        left.begin();
        left.sign_it();
        if (sent) {
            left.send();
            left.world.chain.mine();
        }
        left.recover();
        const auto outcome = left.settle();
        CHECK(outcome.state == State::settled);
        CHECK((outcome.transaction == left.broadcast.hash) == sent);
        CHECK(left.world.transfers_of(*left.payment) == 1);
    }
}

TEST_CASE("recover: a success that nobody heard of is told to the next who asks, once") {
    Left left;
    left.begin();
    left.sign_it();
    left.send();
    left.world.chain.mine();
    REQUIRE(left.world.run(left.before.end(left.intent.key, {.state = store::Intent::State::settled,
                                                             .transaction = left.broadcast.hash})));
    left.recover();
    CHECK(left.world.settler.in_hand() == 0);
    CHECK(left.settle().transaction == left.broadcast.hash);
    CHECK(left.settle().error.code == Errc::exact_nonce_already_used);
}

TEST_CASE("recover: a record that cannot be read waits for who brings the payment, and says so") {
    Left left;
    left.begin();
    left.sign_it();
    Settler::Reopen reopen =
        [](const std::string&) -> Result<std::shared_ptr<const scheme::Opened>> {
        return fail(Errc::invalid_json, "x");
    };
    REQUIRE(left.world.run(left.world.settler.recover(std::move(reopen))));
    CHECK(left.world.log.count("intent_unreadable") == 1);
    CHECK(left.world.settler.in_hand() == 0);
    // What was signed is sent as it is, and nothing else.
    CHECK(left.settle().transaction == left.broadcast.hash);
    CHECK(left.world.chain.mined().size() == 1);
}

}  // namespace farthing::settlement
