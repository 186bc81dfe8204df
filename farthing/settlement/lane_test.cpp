// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/lane.hpp"

#include "farthing/settlement/test_lane.hpp"

namespace farthing::settlement {

using namespace std::chrono_literals;

TEST_CASE("lane: 200 submissions at once get contiguous nonces, and none is lost") {
    LaneWorld world;
    world.chain.latency = 5ms;
    std::vector<std::shared_ptr<Submission>> all;
    for (std::uint64_t i = 0; i < 200; ++i) all.push_back(world.submit(i));
    REQUIRE(world.run_until([&] {
        return std::ranges::all_of(all, [](const auto& each) { return each->is_final(); });
    }));
    for (const auto& each : all) {
        CHECK(each->state == State::mined);
        CHECK(each->receipt->success);
    }
    CHECK(world.mined_nonces() == up_to(200));
    CHECK(world.lane.in_flight() == 0);
    // The nonce was asked for once, and no send was wasted.
    CHECK(world.chain.asked(Op::pending_nonce) == 1);
    CHECK(world.chain.asked(Op::send) == 200);
}

TEST_CASE("lane: many wait for the next block together") {
    LaneWorld world;
    world.chain.auto_mine = false;
    std::vector<std::shared_ptr<Submission>> all;
    for (std::uint64_t i = 0; i < 250; ++i) all.push_back(world.submit(i));
    world.advance(1s);
    CHECK(world.chain.pooled() == 250);
    CHECK(world.chain.mine() == 250);
    world.advance(2s);
    for (const auto& each : all) CHECK(each->state == State::mined);
}

TEST_CASE("lane: it starts after what the key has sent before, in the pool too") {
    LaneWorld world;
    world.foreign_transaction(0);
    world.chain.auto_mine = false;
    world.foreign_transaction(1);
    const auto submission = world.submit();
    world.advance(100ms);
    CHECK(submission->nonce == 2);
    world.chain.mine();
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::mined);
}

TEST_CASE("lane: a withdrawn submission is never sent, and ends") {
    LaneWorld world;
    world.chain.fail_next(Op::pending_nonce, Fault::slow(1s));
    const auto first = world.submit(0);
    const auto second = world.submit(1);
    world.advance(100ms);
    first->withdrawn = true;
    second->withdrawn = true;
    REQUIRE(world.ends(second));
    CHECK(first->state == State::refused);
    CHECK(second->state == State::refused);
    CHECK(world.chain.asked(Op::send) == 0);
    // And the lane goes on.
    const auto third = world.submit(2);
    REQUIRE(world.ends(third));
    CHECK(third->nonce == 0);
}

TEST_CASE("lane: while the node does not answer nothing is sent, and it says so") {
    LaneWorld world;
    world.chain.faults = [](Op op) {
        return op == Op::pending_nonce ? Fault::no_answer() : Fault{};
    };
    const auto submission = world.submit();
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::refused);
    CHECK(kind_of(submission->error.code) == Kind::unavailable);
    CHECK(world.chain.asked(Op::send) == 0);
    CHECK(submission->hashes.empty());
}

TEST_CASE("lane: a node that comes back in time is no failure") {
    LaneWorld world;
    for (int i = 0; i < 3; ++i) world.chain.fail_next(Op::pending_nonce, Fault::no_answer());
    for (int i = 0; i < 2; ++i) world.chain.fail_next(Op::fees, Fault::no_answer());
    const auto submission = world.submit();
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::mined);
}

TEST_CASE("lane: a send without an answer is the same bytes again, whether it arrived or not") {
    for (const auto& fault : {Fault::no_answer(), Fault::no_answer_after()}) {
        for (const bool auto_mine : {true, false}) {
            LaneWorld world;
            world.chain.auto_mine = auto_mine;
            world.chain.fail_next(Op::send, fault);
            const auto submission = world.submit();
            world.advance(2s);
            world.chain.mine();
            REQUIRE(world.ends(submission));
            CHECK(submission->state == State::mined);
            CHECK(submission->hashes.size() == 1);
            CHECK(world.chain.mined().size() == 1);
        }
    }
}

TEST_CASE("lane: no answer to any send leaves it open until the chain has decided") {
    LaneWorld world;
    for (int i = 0; i < 3; ++i) world.chain.fail_next(Op::send, Fault::no_answer_after());
    const auto arrived = world.submit(0);
    REQUIRE(world.ends(arrived));
    CHECK(arrived->state == State::mined);
    // And when it did not arrive: it is sent again, as it is.
    for (int i = 0; i < 3; ++i) world.chain.fail_next(Op::send, Fault::no_answer());
    const auto absent = world.submit(1);
    world.advance(2s);
    CHECK(absent->state == State::sent);
    CHECK(world.log.count("transaction_in_doubt") == 2);
    REQUIRE(world.ends(absent));
    CHECK(absent->state == State::mined);
    CHECK(absent->hashes.size() == 1);
    CHECK(world.mined_nonces() == up_to(2));
}

TEST_CASE("lane: one in doubt does not hold up those behind it, and is not lost for it") {
    LaneWorld world;
    for (int i = 0; i < 3; ++i) world.chain.fail_next(Op::send, Fault::no_answer());
    const auto doubtful = world.submit(0);
    const auto began = world.clock.steady_now();
    const auto next = world.submit(1);
    REQUIRE(world.ends(next, 4s));
    CHECK(next->state == State::mined);
    CHECK(next->nonce == 0);
    // Its nonce is spent now: that is said once the doubt about the receipt is over, not before.
    CHECK(doubtful->state == State::sent);
    REQUIRE(world.ends(doubtful));
    CHECK(doubtful->state == State::lost);
    CHECK(world.clock.steady_now() - began >= 10s);
}

TEST_CASE("lane: an error that says nothing counts as no answer") {
    const Fault unclear[] = {Fault::says(Taken::unclear, "Internal error"),
                             Fault::says_after(Taken::unclear, "Internal error")};
    for (const auto& fault : unclear) {
        LaneWorld world;
        for (int i = 0; i < 3; ++i) world.chain.fail_next(Op::send, fault);
        const auto submission = world.submit();
        REQUIRE(world.ends(submission));
        CHECK(submission->state == State::mined);
        CHECK(world.chain.mined().size() == 1);
    }
}

TEST_CASE("lane: a refusal after a send without an answer proves nothing") {
    const Taken refusals[] = {Taken::refused, Taken::no_funds, Taken::underpriced,
                              Taken::nonce_used};
    for (const auto taken : refusals) {
        CAPTURE(static_cast<int>(taken));
        LaneWorld world;
        world.chain.auto_mine = false;
        world.chain.fail_next(Op::send, Fault::no_answer_after());
        world.chain.fail_next(Op::send, Fault::says(taken, "another node of the same name"));
        const auto submission = world.submit();
        world.advance(1s);
        CHECK(submission->state == State::sent);
        CHECK(world.chain.pooled() == 1);
        world.chain.mine();
        REQUIRE(world.ends(submission));
        CHECK(submission->state == State::mined);
    }
}

TEST_CASE("lane: \"already known\" is taken") {
    LaneWorld world;
    world.chain.auto_mine = false;
    world.chain.fail_next(Op::send, Fault::says_after(Taken::accepted, "already known"));
    const auto submission = world.submit();
    world.advance(1s);
    CHECK(submission->state == State::sent);
    CHECK(world.log.count("transaction_in_doubt") == 0);
    world.chain.mine();
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::mined);
}

TEST_CASE("lane: a nonce that another process has spent is read again") {
    LaneWorld world;
    REQUIRE(world.ends(world.submit(0)));
    world.foreign_transaction(1);
    world.foreign_transaction(2);
    const auto submission = world.submit(1);
    REQUIRE(world.ends(submission, 5s));
    CHECK(submission->state == State::mined);
    CHECK(submission->nonce == 3);
    CHECK(submission->hashes.size() == 1);
    CHECK(world.log.count("nonce_conflict") == 1);
}

TEST_CASE("lane: a nonce that another process holds in the pool is read again") {
    LaneWorld world;
    REQUIRE(world.ends(world.submit(0)));
    world.chain.auto_mine = false;
    world.foreign_transaction(1);
    const auto submission = world.submit(1);
    world.advance(1s);
    CHECK(submission->nonce == 2);
    world.chain.mine();
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::mined);
}

TEST_CASE("lane: another process replaces what flies: lost, once that is certain") {
    LaneWorld world;
    world.chain.auto_mine = false;
    const auto submission = world.submit();
    world.advance(1s);
    REQUIRE(submission->state == State::sent);
    world.foreign_transaction(0, 50'000'000'000, 2'000'000'000);
    world.chain.mine();
    world.advance(4s);
    CHECK(submission->state == State::sent);
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::lost);
    CHECK_FALSE(submission->receipt);
}

TEST_CASE("lane: a receipt that comes late is not a loss") {
    LaneWorld world;
    world.chain.receipts_lag = 8s;
    const auto first = world.submit(0);
    const auto second = world.submit(1);
    REQUIRE(world.ends(first));
    REQUIRE(world.ends(second));
    CHECK(first->state == State::mined);
    CHECK(second->state == State::mined);
}

TEST_CASE("lane: what the pool forgot is sent again, in the order of the nonces") {
    LaneWorld world;
    world.chain.auto_mine = false;
    std::vector<std::shared_ptr<Submission>> all;
    for (std::uint64_t i = 0; i < 40; ++i) all.push_back(world.submit(i));
    world.advance(1s);
    CHECK(world.chain.pooled() == 40);
    world.chain.drop_pool();
    world.chain.auto_mine = true;
    for (const auto& each : all) REQUIRE(world.ends(each));
    for (const auto& each : all) CHECK(each->state == State::mined);
    CHECK(world.mined_nonces() == up_to(40));
}

TEST_CASE("lane: it never gives the nonce of what flies to another one, even if a node forgets") {
    LaneWorld world;
    world.chain.auto_mine = false;
    const auto first = world.submit(0);
    world.advance(100ms);
    world.chain.drop_pool();
    // The next send fails clearly, so that the nonce is read again, from a pool that is empty.
    world.chain.fail_next(Op::send, Fault::says(Taken::underpriced, "transaction underpriced"));
    const auto second = world.submit(1);
    world.advance(1s);
    CHECK(first->nonce == 0);
    CHECK(second->nonce == 1);
    world.chain.auto_mine = true;
    REQUIRE(world.ends(first));
    REQUIRE(world.ends(second));
    CHECK(second->state == State::mined);
}

TEST_CASE("lane: fees that rose are read again") {
    LaneWorld world;
    REQUIRE(world.ends(world.submit(0)));
    world.chain.base_fee = U256(100'000'000'000);
    const auto submission = world.submit(1);
    REQUIRE(world.ends(submission, 5s));
    CHECK(submission->state == State::mined);
    CHECK(world.mined_nonces() == up_to(2));
}

TEST_CASE("lane: fees are read anew after two seconds, and not for every transaction") {
    LaneWorld world;
    for (std::uint64_t i = 0; i < 10; ++i) REQUIRE(world.ends(world.submit(i)));
    CHECK(world.chain.asked(Op::fees) == 1);
    world.advance(3s);
    REQUIRE(world.ends(world.submit(11)));
    CHECK(world.chain.asked(Op::fees) == 2);
}

TEST_CASE("lane: a key without gas is told, and nothing was sent") {
    LaneWorld world;
    world.chain.set_wei(world.lane.address(), U256(1));
    const auto submission = world.submit();
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::refused);
    CHECK(kind_of(submission->error.code) == Kind::unavailable);
    CHECK(submission->error.detail.find(world.lane.address().to_checksum()) != std::string::npos);
    // Filled up again, the same nonce is used.
    world.chain.set_wei(world.lane.address(), U256(1'000'000'000'000'000'000));
    const auto next = world.submit(1);
    REQUIRE(world.ends(next));
    CHECK(next->nonce == 0);
}

TEST_CASE("lane: a certain refusal is final, and its nonce is used by the next") {
    LaneWorld world;
    world.chain.fail_next(Op::send, Fault::says(Taken::refused, "exceeds block gas limit"));
    const auto refused = world.submit(0);
    const auto next = world.submit(1);
    REQUIRE(world.ends(refused));
    REQUIRE(world.ends(next));
    CHECK(refused->state == State::refused);
    CHECK(refused->error.code == Errc::exact_transaction_failed);
    CHECK(refused->error.detail == "exceeds block gas limit");
    CHECK(next->nonce == 0);
}

TEST_CASE("lane: a pool that keeps saying no is given up, with its words") {
    LaneWorld world;
    world.chain.faults = [](Op op) {
        return op == Op::send ? Fault::says(Taken::underpriced, "transaction underpriced")
                              : Fault{};
    };
    const auto submission = world.submit();
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::refused);
    CHECK(kind_of(submission->error.code) == Kind::unavailable);
    CHECK(submission->error.detail.find("transaction underpriced") != std::string::npos);
}

TEST_CASE("lane: receipts that cannot be had are asked for until they can") {
    LaneWorld world;
    world.chain.faults = [](Op op) { return op == Op::receipts ? Fault::no_answer() : Fault{}; };
    const auto submission = world.submit();
    world.advance(5min);
    CHECK(submission->state == State::sent);
    world.chain.faults = nullptr;
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::mined);
}

TEST_CASE("lane: one receipt that cannot be read does not hide the others") {
    LaneWorld world;
    std::vector<std::shared_ptr<Submission>> all;
    // A node that fails every batch with the first transaction in it.
    const auto poison = world.submit(0);
    REQUIRE(world.ends(poison));
    world.chain.auto_mine = false;
    for (std::uint64_t i = 1; i <= 150; ++i) all.push_back(world.submit(i));
    world.advance(1s);
    std::size_t looks = 0;
    world.chain.faults = [&](Op op) {
        if (op != Op::receipts) return Fault{};
        // Two of three batches fail as long as they are large.
        return ++looks % 3 != 0 ? Fault::no_answer() : Fault{};
    };
    world.chain.mine();
    REQUIRE(world.run_until([&] {
        return std::ranges::all_of(all, [](const auto& each) { return each->is_final(); });
    }));
    for (const auto& each : all) CHECK(each->state == State::mined);
}

TEST_CASE("lane: a transaction that reverts is mined, with its receipt") {
    LaneWorld world;
    world.chain.reverts_at_mining = 1;
    const auto submission = world.submit();
    REQUIRE(world.ends(submission));
    CHECK(submission->state == State::mined);
    CHECK_FALSE(submission->receipt->success);
}

TEST_CASE("lane: one that nobody asks for any more is dropped only if it is in doubt") {
    LaneWorld world;
    world.chain.faults = [](Op op) { return op == Op::send ? Fault::no_answer() : Fault{}; };
    const auto doubtful = world.submit(0);
    world.advance(2s);
    REQUIRE(world.log.count("transaction_in_doubt") == 1);
    CHECK(world.lane.in_flight() == 1);
    doubtful->forgotten = true;
    world.advance(2s);
    CHECK(world.lane.in_flight() == 0);
    world.chain.faults = nullptr;
    world.chain.auto_mine = false;
    const auto flying = world.submit(1);
    world.advance(2s);
    flying->forgotten = true;
    world.advance(2s);
    CHECK(world.lane.in_flight() == 1);
}

TEST_CASE("lane: when nothing flies, nothing is asked") {
    LaneWorld world;
    REQUIRE(world.ends(world.submit()));
    const auto asked = world.chain.asked(Op::receipts);
    world.advance(10min);
    CHECK(world.chain.asked(Op::receipts) == asked);
}

}  // namespace farthing::settlement
