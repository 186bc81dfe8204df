// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/postgres_reservations.hpp"

#include "farthing/store/test_stores.hpp"

namespace farthing::store {
namespace {

using namespace std::chrono_literals;

/// Three nodes, and payments of one payer.
struct Nodes {
    Setting world;
    std::string address = PostgresServer::shared().create();
    std::unique_ptr<Database> first = world.open(address);
    std::unique_ptr<Database> second = world.open(address);
    PostgresReservations a{*first, "a"};
    PostgresReservations b{*second, "b"};
    PostgresReservations c{*second, "c"};

    Reserved payment(std::uint64_t number, std::uint64_t amount,
                     std::chrono::milliseconds hold = 1h) {
        auto key = world.intent(number).key;
        key.payer = {};
        return {key, U256(amount), hold};
    }
    bool reserve(PostgresReservations& node, const Reserved& payment, U256 room) {
        const auto done = world.run(node.reserve(payment, room));
        REQUIRE_MESSAGE(done.has_value(), to_string(done.error()));
        return *done;
    }
};

}  // namespace

TEST_CASE(
    "reservations: what other nodes hold must leave room, what the node holds itself is its own "
    "affair") {
    Nodes nodes;
    const auto one = nodes.payment(1, 40);
    CHECK(nodes.reserve(nodes.a, one, U256(0)));
    CHECK(nodes.reserve(nodes.a, nodes.payment(2, 40), U256(0)));
    CHECK_FALSE(nodes.reserve(nodes.b, nodes.payment(3, 40), U256(79)));
    CHECK(nodes.reserve(nodes.b, nodes.payment(4, 40), U256(80)));
    // Refused, it holds nothing.
    CHECK(nodes.reserve(nodes.a, nodes.payment(5, 1), U256(40)));
    CHECK_FALSE(nodes.reserve(nodes.a, nodes.payment(6, 1), U256(39)));
    // Of another payer nobody holds anything.
    auto other = nodes.payment(7, 1);
    other.key.payer.data[0] = 1;
    CHECK(nodes.reserve(nodes.c, other, U256(0)));
}

TEST_CASE("reservations: a nonce that several nodes hold counts once") {
    Nodes nodes;
    const auto shared = nodes.payment(1, 40);
    CHECK(nodes.reserve(nodes.a, shared, U256(0)));
    CHECK(nodes.reserve(nodes.b, shared, U256(0)));
    CHECK(nodes.reserve(nodes.c, nodes.payment(2, 5), U256(40)));
    CHECK_FALSE(nodes.reserve(nodes.c, nodes.payment(3, 5), U256(39)));
    CHECK(nodes.reserve(nodes.b, nodes.payment(4, 5), U256(5)));
}

TEST_CASE("reservations: they end with their time, or when they are let go, whoever made them") {
    Nodes nodes;
    CHECK(nodes.reserve(nodes.a, nodes.payment(1, 40, 0ms), U256(0)));
    CHECK(nodes.reserve(nodes.b, nodes.payment(2, 1), U256(0)));
    const auto held = nodes.payment(3, 40);
    REQUIRE(nodes.world.run(nodes.a.hold(held)));
    CHECK_FALSE(nodes.reserve(nodes.b, nodes.payment(4, 1), U256(0)));
    REQUIRE(nodes.world.run(nodes.b.let_go(held.key, 0ms)));
    CHECK(nodes.reserve(nodes.b, nodes.payment(5, 1), U256(0)));
}

TEST_CASE("reservations: amounts of 256 bits add up") {
    Nodes nodes;
    auto huge = nodes.payment(1, 0);
    huge.amount = U256::max();
    CHECK(nodes.reserve(nodes.a, huge, U256(0)));
    CHECK(nodes.reserve(nodes.b, nodes.payment(2, 1), U256::max()));
    CHECK_FALSE(nodes.reserve(nodes.c, nodes.payment(3, 1), U256::max()));
}

TEST_CASE("reservations: nodes that ask at once never hold more than there is") {
    Nodes nodes;
    for (int round = 0; round < 10; ++round) {
        CAPTURE(round);
        int granted = 0;
        TaskGroup asking(nodes.world.loop);
        const auto ask = [&](PostgresReservations& node, Reserved payment) -> Task<> {
            // Each node has room for one more, if nobody else holds any.
            auto got = co_await node.reserve(std::move(payment), U256(0));
            REQUIRE_MESSAGE(got.has_value(), to_string(got.error()));
            granted += *got ? 1 : 0;
        };
        for (std::uint64_t i = 0; i < 3; ++i) {
            auto payment = nodes.payment(100 * static_cast<std::uint64_t>(round) + i, 1);
            payment.key.payer.data[1] = static_cast<std::uint8_t>(round + 1);
            auto& node = i == 0 ? nodes.a : i == 1 ? nodes.b : nodes.c;
            asking.spawn(ask(node, payment));
        }
        nodes.world.run([](TaskGroup& all) -> Task<bool> {
            co_await all.join();
            co_return true;
        }(asking));
        CHECK(granted == 1);
    }
}

}  // namespace farthing::store
