// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/reservations.hpp"

#include <doctest/doctest.h>

#include "farthing/testing/world.hpp"

namespace farthing::settlement {
namespace {

using namespace std::chrono_literals;
using testing::ChainWorld;
using testing::development_key;

struct Desk : ChainWorld {
    explicit Desk(ReservationsConfig config = {}) : reservations(clock, config) {}
    ~Desk() { stop(); }
    Reservations reservations;

    std::string reserve(const std::shared_ptr<const scheme::Opened>& payment, U256 balance) {
        const auto done = reservations.reserve(*payment, {balance, reservations.mark()});
        return done ? "good" : std::string(wire_code(done.error().code));
    }
    static constexpr const char* kShort = "invalid_exact_evm_insufficient_balance";
};

}  // namespace

TEST_CASE("reservations: rivals for a nonce share a place, which the dearest fills") {
    Desk desk;
    auto crafted = desk.craft(0, U256(100));
    const auto one = Desk::open(crafted.sign_with(development_key(0)));
    crafted.wanted.amount = U256(300);
    crafted.authorization.value = U256(300);
    const auto rival = Desk::open(crafted.sign_with(development_key(0)));
    CHECK(desk.reserve(one, U256(500)) == "good");
    CHECK(desk.reserve(rival, U256(500)) == "good");
    CHECK(desk.reservations.size() == 1);
    CHECK(desk.reserve(desk.payment(0, U256(200)), U256(500)) == "good");
    CHECK(desk.reserve(one, U256(500)) == "good");
    CHECK(desk.reserve(desk.payment(0, U256(1)), U256(500)) == Desk::kShort);
    // Others have balances of their own.
    CHECK(desk.reserve(desk.payment(1, U256(500)), U256(500)) == "good");
}

TEST_CASE("reservations: a place is given up when the authorisation expires, or earlier") {
    Desk desk;
    auto crafted = desk.craft(0, U256(400));
    crafted.authorization.valid_before = U256(desk.clock.unix_seconds() + 20);
    const auto brief = Desk::open(crafted.sign_with(development_key(0)));
    const auto next = desk.payment(0, U256(400));
    CHECK(desk.reserve(brief, U256(500)) == "good");
    CHECK(desk.reserve(next, U256(500)) == Desk::kShort);
    desk.advance(19s);
    CHECK(desk.reserve(next, U256(500)) == Desk::kShort);
    desk.advance(1s);
    CHECK(desk.reserve(next, U256(500)) == "good");
    const auto third = desk.payment(0, U256(400));
    desk.advance(30s);
    // To ask again for what has its place does not prolong it.
    CHECK(desk.reserve(next, U256(500)) == "good");
    desk.advance(29s);
    CHECK(desk.reserve(third, U256(500)) == Desk::kShort);
    desk.advance(1s);
    CHECK(desk.reserve(third, U256(500)) == "good");
}

TEST_CASE("reservations: a settlement keeps its place until it ends") {
    Desk desk;
    const auto settled = desk.payment(0, U256(400));
    desk.reservations.begin(*settled);
    desk.advance(1h);
    const auto before = desk.reservations.mark();
    const auto next = desk.payment(0, U256(400));
    CHECK(desk.reserve(next, U256(500)) == Desk::kShort);
    desk.reservations.end(settled->key());
    // A balance that was asked for before may hold the money still.
    CHECK_FALSE(desk.reservations.reserve(*next, {U256(500), before}));
    CHECK(desk.reserve(next, U256(500)) == "good");
    desk.advance(2min);
    CHECK(desk.reserve(next, U256(500)) == "good");
    CHECK(desk.reservations.size() == 1);
}

TEST_CASE("reservations: what is there stays when there is no room") {
    Desk desk({.all_max = 2});
    CHECK(desk.reserve(desk.payment(0), U256(5'000)) == "good");
    const auto second = desk.payment(1);
    CHECK(desk.reserve(second, U256(5'000)) == "good");
    CHECK(desk.reserve(desk.payment(2), U256(5'000)) == "overloaded");
    CHECK(desk.reserve(second, U256(5'000)) == "good");
    desk.advance(61s);
    CHECK(desk.reserve(desk.payment(2), U256(5'000)) == "good");
}

TEST_CASE("reservations: sums beyond 256 bits are beyond every balance") {
    Desk desk;
    CHECK(desk.reserve(desk.payment(0, U256::max()), U256::max()) == "good");
    CHECK(desk.reserve(desk.payment(0, U256::max()), U256::max()) == Desk::kShort);
}

}  // namespace farthing::settlement
