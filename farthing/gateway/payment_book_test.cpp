// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/payment_book.hpp"

#include <doctest/doctest.h>

using namespace farthing;
using namespace farthing::gateway;
using namespace std::chrono_literals;
using Standing = PaymentBook::Standing;

namespace {

scheme::PaymentKey key(std::uint8_t number) {
    scheme::PaymentKey out{evm_network(84532), {}, {}, {}};
    out.nonce.data[31] = number;
    return out;
}

Waiting waiting(std::size_t bytes) {
    auto answer = std::make_shared<OriginAnswer>();
    answer->response.body = std::string(bytes, 'x');
    return {Bytes32{}, std::move(answer), std::nullopt, "0xabc"};
}

constexpr PaymentBook::Time kStart{std::chrono::hours(1)};

Standing standing(PaymentBook& book, std::uint8_t number, PaymentBook::Time now = kStart) {
    return book.enter(key(number), now).standing();
}

}  // namespace

TEST_CASE("book: a payment in hand is in hand until its ticket ends") {
    PaymentBook book({});
    {
        const auto ticket = book.enter(key(1), kStart);
        CHECK(ticket.standing() == Standing::fresh);
        CHECK(standing(book, 1) == Standing::in_hand);
        CHECK(standing(book, 2) == Standing::fresh);
    }
    CHECK(standing(book, 1) == Standing::fresh);
}

TEST_CASE("book: tickets may be moved and still end once") {
    PaymentBook book({});
    auto ticket = book.enter(key(1), kStart);
    auto moved = std::move(ticket);
    CHECK(standing(book, 1) == Standing::in_hand);
    moved.use(kStart);
    {
        const auto last = std::move(moved);
    }
    CHECK(standing(book, 1) == Standing::used);
}

TEST_CASE("book: used payments are remembered for a while") {
    PaymentBook book({.used_for = 10s});
    book.enter(key(1), kStart).use(kStart);
    CHECK(standing(book, 1, kStart + 9s) == Standing::used);
    CHECK(standing(book, 1, kStart + 10s) == Standing::fresh);
}

TEST_CASE("book: what waits is there again, and goes on waiting when nothing came of it") {
    PaymentBook book({.kept_for = 10s});
    book.enter(key(1), kStart).keep(waiting(5), kStart);
    CHECK(book.waiting_count() == 1);
    CHECK(book.kept_bytes() > 5);
    {
        const auto ticket = book.enter(key(1), kStart + 1s);
        CHECK(ticket.standing() == Standing::waiting);
        CHECK(ticket.waiting().answer->response.body == "xxxxx");
        CHECK(ticket.waiting().transaction == "0xabc");
        CHECK(standing(book, 1) == Standing::in_hand);
        CHECK(book.waiting_count() == 0);
        CHECK(book.kept_bytes() == 0);
    }
    // Asking does not make it wait longer.
    CHECK(standing(book, 1, kStart + 9s) == Standing::waiting);
    CHECK(standing(book, 1, kStart + 10s) == Standing::fresh);
    CHECK(book.waiting_count() == 0);
    CHECK(book.kept_bytes() == 0);
}

TEST_CASE("book: what waited and then failed, or bought its answer, waits no more") {
    PaymentBook book({});
    book.enter(key(1), kStart).keep(waiting(5), kStart);
    book.enter(key(1), kStart).forget();
    CHECK(standing(book, 1) == Standing::fresh);
    book.enter(key(2), kStart).keep(waiting(5), kStart);
    book.enter(key(2), kStart).use(kStart);
    CHECK(standing(book, 2) == Standing::used);
    CHECK(book.waiting_count() == 0);
}

TEST_CASE("book: beyond its bytes the oldest answers go, and the payments stay known") {
    PaymentBook book({.kept_bytes_max = 3000});
    for (std::uint8_t i = 0; i < 4; ++i) book.enter(key(i), kStart).keep(waiting(1000), kStart);
    CHECK(book.kept_bytes() <= 3000);
    CHECK(book.waiting_count() == 4);
    CHECK(!book.enter(key(0), kStart).waiting().answer);
    CHECK(book.enter(key(3), kStart).waiting().answer);
    // One that is larger than all there is pushes out nothing.
    book.enter(key(9), kStart).keep(waiting(10'000), kStart);
    CHECK(!book.enter(key(9), kStart).waiting().answer);
    CHECK(book.enter(key(3), kStart).waiting().answer);
}

TEST_CASE("book: beyond its entries the oldest payments go") {
    PaymentBook book({.entries_max = 3});
    for (std::uint8_t i = 0; i < 5; ++i) book.enter(key(i), kStart).use(kStart);
    CHECK(standing(book, 1) == Standing::fresh);
    CHECK(standing(book, 2) == Standing::used);
    for (std::uint8_t i = 10; i < 15; ++i) book.enter(key(i), kStart).keep(waiting(1), kStart);
    CHECK(book.waiting_count() == 3);
    CHECK(standing(book, 11) == Standing::fresh);
    CHECK(standing(book, 12) == Standing::waiting);
}

TEST_CASE("book: requests are told apart by method, path, query and body") {
    const auto print = print_of("GET", "/a?b", "c");
    CHECK(print == print_of("GET", "/a?b", "c"));
    CHECK(print != print_of("HEAD", "/a?b", "c"));
    CHECK(print != print_of("GET", "/a", "c"));
    CHECK(print != print_of("GET", "/a?b", ""));
    CHECK(print != print_of("GET", "/a?bc", ""));
}
