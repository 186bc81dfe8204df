// SPDX-License-Identifier: Apache-2.0
// What the chain takes back: before a payment is told as settled, and after.
#include <doctest/doctest.h>

#include "farthing/testing/world.hpp"

namespace farthing::settlement {
namespace {

using namespace std::chrono_literals;
using testing::Fate;
using testing::World;
using testing::WorldConfig;
using State = Outcome::State;

WorldConfig deep(Depth depth) {
    WorldConfig config;
    config.settler.depth_of = [depth](const scheme::Opened&) { return depth; };
    return config;
}

}  // namespace

TEST_CASE("depth: a payment that must be three blocks deep is not told before") {
    World world(deep({.blocks = 3}));
    const auto asked = world.start_settle(world.payment(0), 10min);
    world.advance(5s);
    world.chain.mine_blocks(2);
    world.advance(5s);
    CHECK_FALSE(asked->has_value());
    world.chain.mine();
    world.advance(5s);
    REQUIRE(asked->has_value());
    CHECK((*asked)->state == State::settled);
}

TEST_CASE("depth: safe and finalised are what the chain calls so") {
    for (const auto& [at, blocks] : {std::pair{chain::HeadAt::safe, std::size_t{4}},
                                     std::pair{chain::HeadAt::finalized, std::size_t{8}}}) {
        World world(deep({.blocks = 0, .at = at}));
        const auto asked = world.start_settle(world.payment(0), 10min);
        world.advance(5s);
        world.chain.mine_blocks(blocks - 2);
        world.advance(5s);
        CHECK_FALSE(asked->has_value());
        world.chain.mine_blocks(3);
        world.advance(5s);
        REQUIRE(asked->has_value());
        CHECK((*asked)->state == State::settled);
    }
}

TEST_CASE(
    "depth: taken back before it was deep enough, it is sent again and told once it is deep") {
    for (const auto fate : {Fate::pooled, Fate::dropped}) {
        World world(deep({.blocks = 3}));
        world.chain.auto_mine = false;
        const auto payment = world.payment(0);
        const auto asked = world.start_settle(payment, 1h);
        world.advance(2s);
        world.chain.mine();
        world.advance(5s);
        world.chain.reorganise(1, fate);
        CHECK(world.transfers_of(*payment) == 0);
        for (int block = 0; block < 20 && !asked->has_value(); ++block) {
            world.chain.mine();
            world.advance(6s);
        }
        REQUIRE(asked->has_value());
        CHECK((*asked)->state == State::settled);
        CHECK(world.transfers_of(*payment) == 1);
        CHECK(world.chain.receipt_of(*(*asked)->transaction)->success);
    }
}

TEST_CASE(
    "depth: a settled payment that the chain takes back is sent again, and nobody told twice") {
    for (const auto fate : {Fate::pooled, Fate::dropped}) {
        World world;
        const auto payment = world.payment(0);
        CHECK(world.settle(payment).state == State::settled);
        world.chain.auto_mine = false;
        world.chain.reorganise(1, fate);
        REQUIRE(world.transfers_of(*payment) == 0);
        world.chain.mine_blocks(1);
        for (int block = 0; block < 20; ++block) {
            world.advance(6s);
            world.chain.mine();
        }
        // What waits in the pool is mined again by itself.
        CHECK(world.log.count("settlement_reorganised") == (fate == Fate::dropped ? 1 : 0));
        CHECK(world.transfers_of(*payment) == 1);
        CHECK(world.settler.in_hand() == 0);
        // It bought what it bought before.
        CHECK(world.settle(payment).error.code == Errc::exact_nonce_already_used);
    }
}

TEST_CASE("depth: who asks while a settled payment is sent again hears nothing new") {
    World world;
    const auto payment = world.payment(0);
    CHECK(world.settle(payment).state == State::settled);
    world.chain.auto_mine = false;
    world.chain.reorganise(1, Fate::dropped);
    world.chain.mine_blocks(1);
    REQUIRE(world.run_until([&] { return world.settler.in_hand() == 1; }, 1min));
    const auto asked = world.start_settle(payment, 10min);
    for (int block = 0; block < 10; ++block) {
        world.advance(6s);
        world.chain.mine();
    }
    REQUIRE(asked->has_value());
    CHECK((*asked)->state == State::failed);
    CHECK((*asked)->error.code == Errc::exact_nonce_already_used);
    CHECK(world.transfers_of(*payment) == 1);
}

TEST_CASE("depth: what stays in the chain is looked for no longer than it can be taken back") {
    World world;
    CHECK(world.settle(world.payment(0)).state == State::settled);
    world.chain.mine_blocks(40);
    world.advance(1min);
    const auto asked = world.chain.asked(testing::Op::blocks);
    world.advance(10min);
    CHECK(world.chain.asked(testing::Op::blocks) == asked);
}

TEST_CASE("depth: however fast payments settle, none is looked after longer than another") {
    World world;
    for (std::uint64_t i = 0; i < 250; ++i) {
        REQUIRE(world.settle(world.payment(i)).state == State::settled);
    }
    world.chain.mine_blocks(40);
    world.advance(11s);
    const auto asked = world.chain.asked(testing::Op::blocks);
    world.advance(10min);
    CHECK(world.chain.asked(testing::Op::blocks) == asked);
}

TEST_CASE(
    "depth: what stays where it is costs a question for its block, and none for its receipt") {
    World world;
    CHECK(world.settle(world.payment(0)).state == State::settled);
    const auto asked = world.chain.asked(testing::Op::receipts);
    world.advance(1min);
    CHECK(world.chain.asked(testing::Op::receipts) == asked);
    CHECK(world.chain.asked(testing::Op::blocks) > 5);
}

}  // namespace farthing::settlement
