// SPDX-License-Identifier: Apache-2.0
// One contract, every store: what several nodes make of it together.
#include "farthing/store/test_stores.hpp"

namespace farthing::store {

using State = Intent::State;
using namespace std::chrono_literals;

TEST_CASE("leases: one holder at a time, until it releases or lets it expire") {
    on_each_store([](Setting& world, Place& place) {
        const auto a = place.node("a");
        const auto b = place.node("b");
        CHECK(world.run(a.leases->acquire("lane/x", 1h)).value());
        CHECK(world.run(a.leases->acquire("lane/x", 1h)).value());
        CHECK_FALSE(world.run(b.leases->acquire("lane/x", 1h)).value());
        CHECK(world.run(b.leases->acquire("lane/y", 1h)).value());
        // What is another's is not released.
        REQUIRE(world.run(b.leases->release("lane/x")));
        CHECK_FALSE(world.run(b.leases->acquire("lane/x", 1h)).value());
        REQUIRE(world.run(a.leases->release("lane/x")));
        CHECK(world.run(b.leases->acquire("lane/x", 1h)).value());
        place.expire("lane/x");
        CHECK(world.run(a.leases->acquire("lane/x", 1h)).value());
        CHECK_FALSE(world.run(b.leases->acquire("lane/x", 1h)).value());
        REQUIRE(world.run(a.leases->release_all()));
        CHECK(world.run(b.leases->acquire("lane/x", 1h)).value());
        CHECK_FALSE(world.run(a.leases->acquire("lane/y", 1h)).value());
        CHECK(world.run(b.leases->acquire(node_lease("a"), 1h)).value());
    });
}

TEST_CASE("leases: a time that is over is no time") {
    on_each_store([](Setting& world, Place& place) {
        const auto a = place.node("a");
        const auto b = place.node("b");
        CHECK(world.run(a.leases->acquire("lane/x", 0ms)).value());
        CHECK(world.run(b.leases->acquire("lane/x", 1h)).value());
    });
}

TEST_CASE("nodes: what is open on a living one stays there") {
    on_each_store([](Setting& world, Place& place) {
        const auto a = place.node("a");
        const auto b = place.node("b");
        auto intent = world.intent();
        CHECK_FALSE(world.run(a.intents->begin(intent)).value());
        intent.owner = "a";
        CHECK(world.run(b.intents->begin(intent)).value() == intent);
        CHECK(world.run(b.intents->find(intent.key)).value() == intent);
        CHECK(world.run(b.intents->adopt(intent.key.network)).value().empty());
        const auto sent = world.run(b.intents->add_broadcast({intent.key}, world.broadcast(1)));
        REQUIRE_FALSE(sent);
        CHECK(sent.error().code == Errc::intent_not_ours);
        CHECK(sent.error().detail.ends_with("is another node's"));
        const auto ended = world.run(b.intents->end(intent.key, {.state = State::failed}));
        REQUIRE_FALSE(ended);
        CHECK(ended.error().code == Errc::intent_not_ours);
        REQUIRE(world.run(a.intents->end(intent.key, {.state = State::settled})));
        // Ended it stays as it is, whoever asks, and anybody may tell it.
        CHECK(world.run(b.intents->end(intent.key, {.state = State::failed})));
        CHECK(world.run(b.intents->unheard(intent.key.network)).value().size() == 1);
        CHECK(world.run(b.intents->tell(intent.key, "")).value());
        CHECK_FALSE(world.run(a.intents->tell(intent.key, "")).value());
    });
}

TEST_CASE("nodes: what a dead one never sent makes room, what it sent does not") {
    on_each_store([](Setting& world, Place& place) {
        const auto a = place.node("a");
        const auto b = place.node("b");
        const auto unsent = world.intent(1);
        auto sent = world.intent(2);
        CHECK_FALSE(world.run(a.intents->begin(unsent)).value());
        CHECK_FALSE(world.run(a.intents->begin(sent)).value());
        sent.broadcasts = {world.broadcast(1)};
        sent.owner = "a";
        REQUIRE(world.run(a.intents->add_broadcast({sent.key}, sent.broadcasts[0])));
        place.expire(node_lease("a"));
        CHECK_FALSE(world.run(b.intents->begin(unsent)).value());
        CHECK(world.run(b.intents->begin(sent)).value() == sent);
        // It thinks that it lives.
        CHECK_FALSE(world.run(a.intents->add_broadcast({unsent.key}, world.broadcast(2))));
        CHECK(world.run(a.intents->add_broadcast({sent.key}, world.broadcast(3))));
        CHECK(world.run(b.intents->end(sent.key, {.state = State::settled})));
    });
}

TEST_CASE("nodes: a dead one's open payments are adopted, the oldest first, once") {
    on_each_store([](Setting& world, Place& place) {
        const auto a = place.node("a");
        const auto b = place.node("b");
        const auto c = place.node("c");
        const auto network = evm_network(84532);
        auto young = world.intent(3);
        auto old = world.intent(1);
        auto ours = world.intent(2);
        const auto done = world.intent(4);
        CHECK_FALSE(world.run(a.intents->begin(young)).value());
        CHECK_FALSE(world.run(a.intents->begin(old)).value());
        CHECK_FALSE(world.run(a.intents->begin(done)).value());
        CHECK_FALSE(world.run(b.intents->begin(ours)).value());
        old.broadcasts = {world.broadcast(1)};
        REQUIRE(world.run(a.intents->add_broadcast({old.key}, old.broadcasts[0])));
        REQUIRE(world.run(a.intents->end(done.key, {.state = State::settled})));
        place.expire(node_lease("a"));
        old.owner = young.owner = "b";
        CHECK(world.run(b.intents->adopt(evm_network(1))).value().empty());
        CHECK(world.run(b.intents->adopt(network)).value() == std::vector{old, young});
        CHECK(world.run(b.intents->adopt(network)).value().empty());
        CHECK(world.run(c.intents->adopt(network)).value().empty());
        // It comes back: what was its own is not any more.
        CHECK(world.run(a.leases->acquire(node_lease("a"), 1h)).value());
        CHECK_FALSE(world.run(a.intents->add_broadcast({old.key}, world.broadcast(2))));
        CHECK_FALSE(world.run(a.intents->end(old.key, {.state = State::failed})));
        CHECK(world.run(b.intents->end(old.key, {.state = State::settled})));
        CHECK(world.run(c.intents->unheard(network)).value().size() == 2);
    });
}

TEST_CASE("nodes: many that ask at once divide what is left between them") {
    on_each_store([](Setting& world, Place& place) {
        constexpr std::size_t kIntents = 200;
        const auto network = evm_network(84532);
        const auto dead = place.node("dead");
        for (std::uint64_t i = 0; i < kIntents; ++i) {
            CHECK_FALSE(world.run(dead.intents->begin(world.intent(i))).value());
        }
        std::vector<Node> nodes;
        for (const auto* id : {"a", "b", "c", "d"}) nodes.push_back(place.node(id));
        place.expire(node_lease("dead"));
        std::vector<scheme::PaymentKey> adopted;
        TaskGroup asking(world.loop);
        const auto ask = [&](IntentStore& store) -> Task<> {
            auto got = co_await store.adopt(network);
            REQUIRE_MESSAGE(got.has_value(), to_string(got.error()));
            for (const auto& each : *got) adopted.push_back(each.key);
        };
        for (const auto& each : nodes) asking.spawn(ask(*each.intents));
        world.run([](TaskGroup& all) -> Task<bool> {
            co_await all.join();
            co_return true;
        }(asking));
        CHECK(adopted.size() == kIntents);
        std::ranges::sort(adopted);
        CHECK(std::ranges::adjacent_find(adopted) == adopted.end());
    });
}

TEST_CASE("nodes: a node's own open intents, and an end for those that nothing carries") {
    on_each_store([](Setting& world, Place& place) {
        const auto a = place.node("a");
        const auto b = place.node("b");
        const auto unsent = world.intent(1);
        const auto sent = world.intent(2);
        const auto foreign = world.intent(3);
        CHECK_FALSE(world.run(a.intents->begin(unsent)).value());
        CHECK_FALSE(world.run(a.intents->begin(sent)).value());
        CHECK_FALSE(world.run(b.intents->begin(foreign)).value());
        REQUIRE(world.run(a.intents->add_broadcast({sent.key}, world.broadcast(1))));
        const auto mine = [&] { return world.run(a.intents->mine(unsent.key.network)).value(); };
        REQUIRE(mine().size() == 2);
        const Ending ending{.state = State::failed,
                            .transaction = {},
                            .reason = "timed_out",
                            .detail = {},
                            .at = 1,
                            .if_unsent = true};
        for (const auto& each : {unsent, sent})
            REQUIRE(world.run(a.intents->end(each.key, ending)));
        REQUIRE(mine().size() == 1);
        CHECK(mine().front().key == sent.key);
        CHECK(mine().front().broadcasts.size() == 1);
        const auto ended = world.run(a.intents->find(unsent.key)).value();
        REQUIRE(ended);
        CHECK(ended->state == State::failed);
        CHECK_FALSE(world.run(a.intents->end(foreign.key, ending)));
    });
}

TEST_CASE(
    "nodes: what settled lately is found, and opened again once, for the transaction that is "
    "gone") {
    on_each_store([](Setting& world, Place& place) {
        const auto a = place.node("a");
        const auto b = place.node("b");
        std::vector<scheme::PaymentKey> keys;
        std::vector<Bytes32> hashes;
        for (std::uint64_t i = 0; i < 4; ++i) {
            const auto intent = world.intent(i);
            keys.push_back(intent.key);
            hashes.push_back(world.random.bytes32());
            CHECK_FALSE(world.run(a.intents->begin(intent)).value());
            const auto state = i == 3 ? State::failed : State::settled;
            Ending ending{.state = state, .transaction = hashes[i]};
            ending.at = static_cast<scheme::UnixSeconds>(100 + i);
            REQUIRE(world.run(a.intents->end(intent.key, std::move(ending))));
        }
        const auto& key = keys[1];
        const auto lately = world.run(b.intents->settled_since(key.network, 101)).value();
        REQUIRE(lately.size() == 2);
        CHECK(lately[0].ended_at == 102);
        CHECK(lately[1].key == key);
        CHECK(world.run(b.intents->settled_since(key.network, 103)).value().empty());
        const auto wrong = world.run(b.intents->reopen(key, hashes[2]));
        REQUIRE_FALSE(wrong);
        CHECK(wrong.error().code == Errc::intent_not_ours);
        REQUIRE(world.run(b.intents->reopen(key, hashes[1])));
        CHECK_FALSE(world.run(a.intents->reopen(key, hashes[1])));
        const auto open = world.run(a.intents->find(key)).value();
        REQUIRE(open);
        CHECK(open->owner == "b");
        CHECK(open->state == State::open);
    });
}

TEST_CASE("nodes: one payment that many begin at once is one's") {
    on_each_store([](Setting& world, Place& place) {
        std::vector<Node> nodes;
        for (const auto* id : {"a", "b", "c", "d"}) nodes.push_back(place.node(id));
        for (std::uint64_t round = 0; round < 20; ++round) {
            const auto intent = world.intent(round);
            int begun = 0;
            TaskGroup asking(world.loop);
            const auto ask = [&](IntentStore& store) -> Task<> {
                auto there = co_await store.begin(intent);
                REQUIRE_MESSAGE(there.has_value(), to_string(there.error()));
                if (!*there) ++begun;
            };
            for (const auto& each : nodes) asking.spawn(ask(*each.intents));
            world.run([](TaskGroup& all) -> Task<bool> {
                co_await all.join();
                co_return true;
            }(asking));
            CHECK(begun == 1);
        }
    });
}

}  // namespace farthing::store
