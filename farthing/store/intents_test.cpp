// SPDX-License-Identifier: Apache-2.0
// One contract, every store: what one node sees.
#include "farthing/store/intents.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "farthing/store/test_stores.hpp"

namespace farthing::store {

using State = Intent::State;

TEST_CASE("intents: one that is begun is open, and is there with its broadcasts") {
    on_each_store([](Setting& world, Place& place) {
        const auto node = place.node("a");
        auto& store = *node.intents;
        auto intent = world.intent();
        CHECK_FALSE(world.run(store.find(intent.key)).value());
        CHECK_FALSE(world.run(store.begin(intent)).value());
        const auto first = world.broadcast(7);
        const auto second = world.broadcast(8);
        REQUIRE(world.run(store.add_broadcast({intent.key}, first)));
        REQUIRE(world.run(store.add_broadcast({intent.key}, second)));
        intent.broadcasts = {first, second};
        intent.owner = "a";
        CHECK(world.run(store.find(intent.key)).value() == intent);
        // Begun once more it is what it was: its broadcasts may be mined.
        CHECK_FALSE(world.run(store.begin(world.intent())).value());
        CHECK(world.run(store.begin(intent)).value() == intent);
    });
}

TEST_CASE("intents: what was never broadcast, or has failed, makes room for another") {
    on_each_store([](Setting& world, Place& place) {
        const auto node = place.node("a");
        auto& store = *node.intents;
        auto intent = world.intent();
        CHECK_FALSE(world.run(store.begin(intent)).value());
        intent.print = world.random.bytes32();
        CHECK_FALSE(world.run(store.begin(intent)).value());
        CHECK(world.run(store.find(intent.key)).value()->print == intent.print);
        REQUIRE(world.run(store.add_broadcast({intent.key}, world.broadcast(1))));
        REQUIRE(world.run(store.end(intent.key, {.state = State::failed, .reason = "x"})));
        CHECK_FALSE(world.run(store.begin(intent)).value());
        // Without what was broadcast for the failed one.
        const auto found = world.run(store.find(intent.key)).value();
        REQUIRE(found);
        CHECK(found->state == State::open);
        CHECK(found->broadcasts.empty());
    });
}

TEST_CASE("intents: what a node that is no more has sent fails for nobody who has not adopted it") {
    on_each_store([](Setting& world, Place& place) {
        const auto a = place.node("a");
        const auto sent = world.intent();
        const auto unsent = world.intent();
        const auto b = place.node("b");
        for (const auto& each : {sent, unsent}) {
            CHECK_FALSE(world.run(b.intents->begin(each)).value());
        }
        REQUIRE(world.run(b.intents->add_broadcast({sent.key}, world.broadcast(1))));
        place.expire(node_lease("b"));
        const Ending failure{.state = State::failed, .reason = "x"};
        const auto refused = world.run(a.intents->end(sent.key, failure));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Errc::intent_not_ours);
        CHECK(world.run(a.intents->find(sent.key)).value()->state == State::open);
        CHECK(world.run(a.intents->end(unsent.key, failure)));
        REQUIRE(world.run(a.intents->adopt(sent.key.network)).value().size() == 1);
        CHECK(world.run(a.intents->end(sent.key, failure)));
    });
}

TEST_CASE("intents: bytes that never leave are dropped for all that they carry, or for none") {
    on_each_store([](Setting& world, Place& place) {
        const auto a = place.node("a");
        const auto b = place.node("b");
        auto& store = *a.intents;
        const auto one = world.intent();
        const auto two = world.intent();
        const auto theirs = world.intent();
        for (const auto& each : {one, two}) CHECK_FALSE(world.run(store.begin(each)).value());
        CHECK_FALSE(world.run(b.intents->begin(theirs)).value());
        const auto first = world.broadcast(1);
        const auto second = world.broadcast(2);
        for (const auto& each : {first, second}) {
            REQUIRE(world.run(store.add_broadcast({one.key, two.key}, each)));
        }
        const auto refused = world.run(store.drop_broadcast({one.key, theirs.key}, first.hash));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Errc::intent_not_ours);
        CHECK(world.run(store.find(one.key)).value()->broadcasts.size() == 2);
        REQUIRE(world.run(store.drop_broadcast({one.key, two.key}, first.hash)));
        for (const auto& each : {one, two}) {
            const auto found = world.run(store.find(each.key)).value();
            REQUIRE(found);
            REQUIRE(found->broadcasts.size() == 1);
            CHECK(found->broadcasts.front().hash == second.hash);
        }
        // Once more it changes nothing.
        REQUIRE(world.run(store.drop_broadcast({two.key, one.key}, first.hash)));
        REQUIRE(world.run(store.drop_broadcast({one.key, two.key}, second.hash)));
        CHECK(world.run(store.find(one.key)).value()->broadcasts.empty());
    });
}

namespace {

/// Takes back what was told, and tells it again, both in one group of writes.
Task<Result<bool>> tell_anew(IntentStore& store, scheme::PaymentKey key) {
    using namespace asio::experimental::awaitable_operators;
    auto both = co_await (store.find(key) && store.untell(key) && store.tell(key, "another"));
    FARTHING_CO_CHECK(std::get<1>(both));
    co_return std::get<2>(both);
}

}  // namespace

TEST_CASE("intents: what was taken back a moment ago is told to the next") {
    on_each_store([](Setting& world, Place& place) {
        const auto node = place.node("a");
        auto& store = *node.intents;
        const auto intent = world.intent();
        CHECK_FALSE(world.run(store.begin(intent)).value());
        REQUIRE(world.run(store.add_broadcast({intent.key}, world.broadcast(1))));
        REQUIRE(world.run(store.end(
            intent.key, {.state = State::settled, .transaction = world.random.bytes32()})));
        REQUIRE(world.run(store.tell(intent.key, "")).value());
        CHECK(world.run(tell_anew(store, intent.key)).value());
        CHECK_FALSE(world.run(store.tell(intent.key, "")).value());
    });
}

TEST_CASE("intents: a settlement is told to exactly one") {
    on_each_store([](Setting& world, Place& place) {
        const auto node = place.node("a");
        auto& store = *node.intents;
        const auto intent = world.intent();
        const auto network = intent.key.network;
        CHECK_FALSE(world.run(store.begin(intent)).value());
        CHECK_FALSE(world.run(store.tell(intent.key, "")).value());
        CHECK(world.run(store.unheard(network)).value().empty());
        const auto hash = world.random.bytes32();
        REQUIRE(world.run(store.end(intent.key, {.state = State::settled, .transaction = hash})));
        const auto untold = world.run(store.unheard(network)).value();
        REQUIRE(untold.size() == 1);
        CHECK(untold[0].state == State::settled);
        CHECK(untold[0].transaction == hash);
        CHECK(world.run(store.unheard(evm_network(1))).value().empty());
        CHECK(world.run(store.begin(intent)).value().has_value());
        CHECK(world.run(store.tell(intent.key, "")).value());
        CHECK_FALSE(world.run(store.tell(intent.key, "")).value());
        CHECK(world.run(store.unheard(network)).value().empty());
    });
}

TEST_CASE("intents: an outcome is not changed by a later one") {
    on_each_store([](Setting& world, Place& place) {
        const auto node = place.node("a");
        auto& store = *node.intents;
        const auto intent = world.intent();
        CHECK_FALSE(world.run(store.begin(intent)).value());
        REQUIRE(world.run(store.end(intent.key, {.state = State::settled})));
        REQUIRE(world.run(store.end(intent.key, {.state = State::failed, .reason = "x"})));
        CHECK(world.run(store.tell(intent.key, "")).value());
    });
}

TEST_CASE("intents: one transaction carries many payments, all of them or none") {
    on_each_store([](Setting& world, Place& place) {
        const auto node = place.node("a");
        auto& store = *node.intents;
        std::vector<scheme::PaymentKey> keys;
        for (std::uint64_t i = 0; i < 3; ++i) {
            const auto intent = world.intent(i);
            keys.push_back(intent.key);
            CHECK_FALSE(world.run(store.begin(intent)).value());
        }
        const auto broadcasts_of = [&](const scheme::PaymentKey& key) {
            return world.run(store.find(key)).value()->broadcasts;
        };
        const auto alone = world.broadcast(1);
        REQUIRE(world.run(store.add_broadcast({keys[1]}, alone)));
        auto batch = world.broadcast(2);
        REQUIRE(world.run(store.add_broadcast(keys, batch)));
        // Not known whether it was written, it is written again.
        REQUIRE(world.run(store.add_broadcast(keys, batch)));
        CHECK(broadcasts_of(keys[0]) == std::vector{batch});
        batch.position = 1;
        CHECK(broadcasts_of(keys[1]) == std::vector{alone, batch});
        batch.position = 2;
        CHECK(broadcasts_of(keys[2]) == std::vector{batch});

        // One has ended, one was never begun: none of them is sent.
        REQUIRE(world.run(store.end(keys[2], {.state = State::settled})));
        const auto late = world.run(store.add_broadcast(keys, world.broadcast(3)));
        REQUIRE_FALSE(late);
        CHECK(late.error().code == Errc::intent_not_ours);
        CHECK(late.error().detail.ends_with("has ended"));
        const std::vector with_unknown{keys[0], world.intent().key};
        const auto unknown = world.run(store.add_broadcast(with_unknown, world.broadcast(4)));
        REQUIRE_FALSE(unknown);
        CHECK(unknown.error().detail.ends_with("is not recorded"));
        CHECK_FALSE(world.run(store.add_broadcast({}, world.broadcast(5))));
        CHECK(broadcasts_of(keys[0]).size() == 1);
        CHECK(broadcasts_of(keys[1]).size() == 2);
    });
}

TEST_CASE("intents: a payment of a batch that begins anew leaves the others what they had") {
    on_each_store([](Setting& world, Place& place) {
        const auto node = place.node("a");
        auto& store = *node.intents;
        const auto one = world.intent(1);
        const auto other = world.intent(2);
        CHECK_FALSE(world.run(store.begin(one)).value());
        CHECK_FALSE(world.run(store.begin(other)).value());
        const auto batch = world.broadcast(1);
        REQUIRE(world.run(store.add_broadcast({one.key, other.key}, batch)));
        REQUIRE(world.run(store.end(one.key, {.state = State::failed, .reason = "x"})));
        CHECK_FALSE(world.run(store.begin(one)).value());
        CHECK(world.run(store.find(one.key)).value()->broadcasts.empty());
        const auto left = world.run(store.find(other.key)).value()->broadcasts;
        REQUIRE(left.size() == 1);
        CHECK(left[0].raw == batch.raw);
    });
}

}  // namespace farthing::store
