// SPDX-License-Identifier: Apache-2.0
// What a lane offers for its gas, what it does with what is stuck, and what it has to pay with.
#include "farthing/settlement/test_lane.hpp"

namespace farthing::settlement {

using namespace std::chrono_literals;

TEST_CASE("lane: what is stuck is replaced by a version that nodes take, and mined once") {
    LaneWorld world;
    world.chain.auto_mine = false;
    const auto submission = world.submit();
    world.advance(1s);
    const auto first = submission->hashes.back();
    world.chain.base_fee = U256(20'000'000'000);
    world.chain.mine();
    world.advance(30s);
    REQUIRE(submission->hashes.size() == 2);
    CHECK(world.log.count("transaction_replaced") == 1);
    CHECK(world.chain.pooled() == 1);
    world.chain.mine();
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::mined);
    CHECK(submission->receipt->hash != first);
    CHECK(world.mined_nonces() == up_to(1));
}

TEST_CASE("lane: the version that was mined counts, also when it is an older one") {
    LaneWorld world;
    world.chain.auto_mine = false;
    const auto submission = world.submit();
    world.advance(1s);
    // The replacement never arrives, and nobody says so.
    world.chain.faults = [](Op op) { return op == Op::send ? Fault::no_answer() : Fault{}; };
    world.advance(25s);
    REQUIRE(submission->hashes.size() >= 2);
    world.chain.faults = nullptr;
    world.chain.mine();
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::mined);
    CHECK(submission->receipt->hash == submission->hashes.front());
}

TEST_CASE("lane: fees rise with each replacement, and never above the ceiling") {
    auto config = LaneWorld::roomy();
    config.max_fee_per_gas = U256(4'000'000'000);
    LaneWorld world(config);
    world.chain.auto_mine = false;
    const auto submission = world.submit();
    world.advance(10min);
    CHECK(submission->state == State::sent);
    CHECK(submission->hashes.size() > 3);
    CHECK(world.log.count("fee_ceiling_reached") > 0);
    world.chain.mine();
    REQUIRE(world.ends(submission));
    CHECK(world.chain.mined().front().transaction.fields.max_fee_per_gas <= config.max_fee_per_gas);
}

TEST_CASE("lane: while the chain asks more than the ceiling, nothing is sent and it says why") {
    auto config = LaneWorld::roomy();
    config.max_fee_per_gas = U256(900'000'000);
    LaneWorld world(config);
    const auto submission = world.submit();
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::refused);
    CHECK(kind_of(submission->error.code) == Kind::unavailable);
    CHECK(submission->error.detail.find("above the ceiling") != std::string::npos);
    CHECK(world.chain.asked(Op::send) == 0);
}

TEST_CASE("lane: what is stuck and wanted by nobody makes room for those behind it") {
    LaneWorld world;
    world.chain.auto_mine = false;
    const auto unwanted = world.submit(0);
    world.advance(1s);
    unwanted->forgotten = true;
    world.advance(25s);
    world.chain.auto_mine = true;
    world.chain.mine();
    REQUIRE(world.ends(unwanted));
    REQUIRE(world.chain.mined().size() == 1);
    CHECK(world.chain.mined().front().transaction.fields.gas_limit == 21'000);
    CHECK(world.chain.mined().front().transaction.fields.data.empty());
    const auto next = world.submit(1);
    REQUIRE(world.ends(next));
    CHECK(next->nonce == 1);
}

TEST_CASE("lane: only so many transactions are under way at once") {
    LaneConfig config;
    config.in_flight_max = 4;
    LaneWorld world(config);
    world.chain.auto_mine = false;
    std::vector<SubmissionPtr> all;
    for (std::uint64_t i = 0; i < 10; ++i) all.push_back(world.submit(i));
    world.advance(1s);
    CHECK(world.chain.pooled() == 4);
    for (int block = 0; block < 3; ++block) {
        world.chain.mine();
        world.advance(1s);
    }
    for (const auto& each : all) CHECK(each->state == State::mined);
}

TEST_CASE(
    "lane: a key that belongs to another process sends nothing, and goes on once it is ours") {
    LaneWorld world;
    world.lane.set_ours_until(world.clock.steady_now());
    const auto submission = world.submit();
    world.advance(1min);
    CHECK(submission->state == State::queued);
    CHECK(world.chain.asked(Op::send) == 0);
    world.foreign_transaction(0);
    world.lane.set_ours_until(SteadyTime::max());
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::mined);
    CHECK(submission->nonce == 1);
}

TEST_CASE("lane: a nonce that was left empty before it is filled") {
    LaneWorld world;
    world.chain.auto_mine = false;
    world.foreign_transaction(0);
    world.foreign_transaction(1);
    const auto submission = world.submit();
    world.advance(1s);
    REQUIRE(submission->nonce == 2);
    // The others are forgotten, and nobody sends them again.
    world.chain.drop_pool();
    world.chain.auto_mine = true;
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::mined);
    CHECK(world.mined_nonces() == up_to(3));
    CHECK(world.log.count("gap_filled") == 2);
}

// ---- The purse

TEST_CASE("lane: a key that runs low says so once, and when it is filled up") {
    LaneWorld world;
    REQUIRE(world.ends(world.submit(0)));
    // A transfer costs 0.00006 at a gwei; five million gas at two gwei are wanted.
    world.chain.set_wei(world.lane.address(), U256(1'000'000'000'000'000));
    world.advance(2min);
    CHECK(world.lane.purse() == Purse::low);
    CHECK(world.log.count("gas_low") == 1);
    CHECK(world.lane.is_able());
    world.chain.set_wei(world.lane.address(), U256(1'000'000'000'000'000'000));
    world.advance(2min);
    CHECK(world.lane.purse() == Purse::good);
    CHECK(world.log.count("gas_filled_up") == 1);
}

}  // namespace farthing::settlement
