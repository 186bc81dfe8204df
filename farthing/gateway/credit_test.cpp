// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/credit.hpp"

#include <doctest/doctest.h>

using namespace farthing;
using namespace farthing::gateway;

namespace {

Credit::Debt debt(std::uint8_t payer, std::string pay_to, std::uint64_t amount,
                  std::uint32_t decimals = 6) {
    Credit::Debt out;
    out.payer.data[19] = payer;
    out.pay_to = std::move(pay_to);
    out.amount = U256(amount);
    out.decimals = decimals;
    return out;
}

CreditLimits limits(std::uint64_t payer, std::uint64_t pay_to, std::uint64_t total) {
    return {{U256(payer), 0, {}}, {U256(pay_to), 0, {}}, {U256(total), 0, {}}};
}

constexpr std::uint64_t kDollar = 1'000'000;

}  // namespace

TEST_CASE("credit: up to each limit and no further, and again when a debt ends") {
    Credit credit(limits(2, 3, 4));
    auto first = credit.give(debt(1, "a", 2 * kDollar));
    REQUIRE(first);
    CHECK(!credit.give(debt(1, "b", 1)));            // of the payer
    CHECK(!credit.give(debt(2, "a", kDollar + 1)));  // of who is paid
    auto second = credit.give(debt(2, "a", kDollar));
    REQUIRE(second);
    CHECK(!credit.give(debt(3, "b", kDollar + 1)));  // in all
    auto third = credit.give(debt(3, "b", kDollar));
    REQUIRE(third);
    CHECK(credit.count() == 3);
    first.reset();
    CHECK(credit.count() == 2);
    CHECK(credit.give(debt(1, "c", 2 * kDollar)));
}

TEST_CASE("credit: tokens of other decimals count by their worth") {
    Credit credit(limits(1, 1, 1));
    auto one = credit.give(debt(1, "a", 999'999'999'999'999'999, 18));
    REQUIRE(one);
    CHECK(!credit.give(debt(1, "a", 1, 6)));
    CHECK(credit.give(debt(1, "a", 1, 18)));
    CHECK(!credit.give(debt(2, "b", 1, 19)));
}

TEST_CASE("credit: what was given before counts beyond the limits") {
    Credit credit(limits(1, 1, 1));
    auto old = credit.take_over(debt(1, "a", 5 * kDollar));
    CHECK(!credit.give(debt(2, "b", 1)));
    auto endless = debt(3, "c", 1, 6);
    endless.amount = U256::max();
    auto huge = credit.take_over(endless);
    old.reset();
    CHECK(!credit.give(debt(2, "b", 1)));
    huge.reset();
    CHECK(credit.give(debt(2, "b", 1)));
}

TEST_CASE("credit: who is barred gets none") {
    Credit credit(limits(1, 1, 1));
    credit.bar(debt(1, "a", 1).payer);
    CHECK(!credit.give(debt(1, "a", 1)));
    CHECK(credit.give(debt(2, "a", 1)));
}

TEST_CASE("credit: what was paid makes room again, what is lost does not") {
    Credit credit(limits(1, 3, 3));
    for (std::uint8_t payer = 1; payer <= 10; ++payer) {
        CHECK(credit.give(debt(payer, "a", kDollar)));
    }
    for (std::uint8_t payer = 1; payer <= 3; ++payer) {
        auto open = credit.give(debt(payer, "a", kDollar));
        REQUIRE(open);
        open->lose();
    }
    CHECK(credit.count() == 0);
    CHECK(!credit.give(debt(4, "a", 1)));
    CHECK(!credit.give(debt(4, "b", 1)));
}
