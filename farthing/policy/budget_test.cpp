// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/budget.hpp"

#include <doctest/doctest.h>

#include "farthing/policy/test_pacts.hpp"

using namespace farthing;
using namespace farthing::policy;
using farthing::policy::testing::address;
using farthing::policy::testing::kNoon;

namespace {

Meter window(std::uint64_t seconds, Meter::Of of = Meter::Of::everything, std::string which = {}) {
    return {.of = of, .which = std::move(which), .per = {Period::Kind::window, seconds}};
}

Meter calendar(Period::Kind kind, std::int32_t minutes = 0) {
    return {.per = {kind, 0}, .offset = {minutes}};
}

Reservation spend(std::string id, std::uint64_t time, std::uint64_t dollars,
                  std::string vendor = "a.example") {
    return {.id = std::move(id),
            .time = time,
            .vendor = std::move(vendor),
            .category = "search",
            .task = "t1",
            .resource = "GET /x",
            .network = {"eip155:1"},
            .symbol = "USDC",
            .pay_to = address(1),
            .amount = U256(dollars),
            .units = U256(dollars),
            .dollars = U256(dollars)};
}

std::uint64_t at(std::string_view text) { return parse_instant(text).value().seconds; }

}  // namespace

TEST_CASE("budget: a rolling window is exact to the second") {
    Budget budget({window(60)});
    REQUIRE(budget.reserve(spend("a", 1000, 5)));
    REQUIRE(budget.reserve(spend("b", 1030, 7)));
    CHECK(budget.used(0, "", 1030) == U256(12));
    CHECK(budget.used(0, "", 1059) == U256(12));
    CHECK(budget.used(0, "", 1060) == U256(7));
    CHECK(budget.used(0, "", 1089) == U256(7));
    CHECK(budget.used(0, "", 1090) == U256(0));
    CHECK(budget.frees_at(0, "", U256(12), 1030) == 1030);
    CHECK(budget.frees_at(0, "", U256(11), 1030) == 1060);
    CHECK(budget.frees_at(0, "", U256(6), 1030) == 1090);
}

TEST_CASE("budget: calendar periods, with an offset, weeks from Monday") {
    using enum Period::Kind;
    const auto stretch = [](Period::Kind kind, std::string_view now, std::int32_t minutes) {
        const auto found = calendar_stretch(kind, at(now), {minutes});
        return to_text(Instant{found.begin}) + " " + to_text(Instant{found.end});
    };
    CHECK(stretch(day, "2026-11-21T23:59:59Z", 0) == "2026-11-21T00:00:00Z 2026-11-22T00:00:00Z");
    CHECK(stretch(day, "2026-11-21T23:59:59Z", 60) == "2026-11-21T23:00:00Z 2026-11-22T23:00:00Z");
    CHECK(stretch(day, "2026-11-21T01:00:00Z", -210) ==
          "2026-11-20T03:30:00Z 2026-11-21T03:30:00Z");
    CHECK(stretch(week, "2026-11-22T23:59:59Z", 0) == "2026-11-16T00:00:00Z 2026-11-23T00:00:00Z");
    CHECK(stretch(week, "2026-11-23T00:00:00Z", 0) == "2026-11-23T00:00:00Z 2026-11-30T00:00:00Z");
    CHECK(stretch(week, "2027-01-01", 0) == "2026-12-28T00:00:00Z 2027-01-04T00:00:00Z");
    CHECK(stretch(month, "2028-02-29T23:59:59Z", 0) == "2028-02-01T00:00:00Z 2028-03-01T00:00:00Z");
    CHECK(stretch(month, "2026-12-31T23:30:00Z", 60) ==
          "2026-12-31T23:00:00Z 2027-01-31T23:00:00Z");
    CHECK(calendar_stretch(week, 0, {0}).begin == 0);

    Budget budget({calendar(day), calendar(month)});
    REQUIRE(budget.reserve(spend("a", at("2026-11-21T23:59:59Z"), 5)));
    CHECK(budget.used(0, "", at("2026-11-21T23:59:59Z")) == U256(5));
    CHECK(budget.used(0, "", at("2026-11-22")) == U256(0));
    CHECK(budget.used(1, "", at("2026-11-22")) == U256(5));
    CHECK(budget.frees_at(0, "", U256(4), at("2026-11-21T23:59:59Z")) == at("2026-11-22"));
    CHECK(budget.used(1, "", at("2026-12-01")) == U256(0));
}

TEST_CASE("budget: what is released is taken out, what is settled stays") {
    Budget budget({window(60), calendar(Period::Kind::day)});
    REQUIRE(budget.reserve(spend("a", 1000, 5)));
    REQUIRE(budget.reserve(spend("b", 1000, 7)));
    REQUIRE(budget.reserve(spend("c", 1001, 11)));
    CHECK(budget.open_count() == 3);
    REQUIRE(budget.settle("a"));
    REQUIRE(budget.release("b"));
    CHECK(budget.used(0, "", 1001) == U256(16));
    CHECK(budget.used(1, "", 1001) == U256(16));
    CHECK_FALSE(budget.release("a"));
    CHECK_FALSE(budget.release("b"));
    CHECK_FALSE(budget.settle("nobody"));
    CHECK_FALSE(budget.reserve(spend("c", 1002, 1)));
    CHECK(budget.used(0, "", 1002) == U256(16));
    CHECK(budget.open("c")->units == U256(11));
}

TEST_CASE("budget: a release long after its window changes nothing else") {
    Budget budget({window(60), calendar(Period::Kind::day)});
    REQUIRE(budget.reserve(spend("old", 1000, 5)));
    REQUIRE(budget.reserve(spend("new", 200'000, 7)));
    REQUIRE(budget.release("old"));
    CHECK(budget.used(0, "", 200'000) == U256(7));
    CHECK(budget.used(1, "", 200'000) == U256(7));
}

TEST_CASE("budget: a clock that went back opens nothing twice") {
    Budget budget({window(60)});
    REQUIRE(budget.reserve(spend("a", 1000, 5)));
    CHECK(budget.now(900) == 1000);
    CHECK(budget.now(1100) == 1100);
    REQUIRE(budget.reserve(spend("b", 10, 7)));
    CHECK(budget.open("b")->time == 1000);
    CHECK(budget.used(0, "", 1059) == U256(12));
}

TEST_CASE("budget: each vendor, a pattern, a category, each task, payments") {
    auto payments = window(60);
    payments.payments = true;
    auto usdc = window(60);
    usdc.unit = "USDC";
    auto eurc = window(60);
    eurc.unit = "EURC";
    Budget budget({window(60, Meter::Of::each_vendor),
                   window(60, Meter::Of::vendor, "*.example.com"),
                   window(60, Meter::Of::category, "search"), window(60, Meter::Of::each_task),
                   window(60, Meter::Of::task, "t2"), payments, usdc, eurc});
    REQUIRE(budget.reserve(spend("a", 1000, 5, "x.example.com")));
    REQUIRE(budget.reserve(spend("b", 1000, 7, "y.example.com:8443")));
    REQUIRE(budget.reserve(spend("c", 1000, 11, "example.com")));
    CHECK(budget.used(0, "x.example.com", 1000) == U256(5));
    CHECK(budget.used(0, "z.example.com", 1000) == U256(0));
    CHECK(budget.used(1, "", 1000) == U256(12));
    CHECK(budget.used(2, "", 1000) == U256(23));
    CHECK(budget.used(3, "t1", 1000) == U256(23));
    CHECK(budget.used(4, "", 1000) == U256(0));
    CHECK(budget.used(5, "", 1000) == U256(3));
    CHECK(budget.used(6, "", 1000) == U256(23));
    CHECK(budget.used(7, "", 1000) == U256(0));
    // What was tried was tried.
    REQUIRE(budget.release("c"));
    CHECK(budget.used(5, "", 1000) == U256(3));
    CHECK(budget.used(2, "", 1000) == U256(12));
}

TEST_CASE("budget: amounts that no sum could hold are refused") {
    Budget budget({window(60)});
    auto huge = spend("a", 1000, 1);
    huge.units = U256::max();
    CHECK(budget.reserve(huge).error().code == Errc::overflow);
    huge.units = U256(1);
    huge.dollars = power_of_ten(49);
    CHECK(budget.reserve(huge).error().code == Errc::overflow);
    CHECK(budget.used(0, "", 1000) == U256(0));
    CHECK(budget.open_count() == 0);
    huge.dollars = power_of_ten(48);
    CHECK(budget.reserve(huge).has_value());
}

TEST_CASE("budget: a vendor's history: first seen, addresses, usual price") {
    Budget budget({});
    CHECK(budget.vendor("a.example") == nullptr);
    for (int i = 0; i < 10; ++i) {
        const auto id = std::to_string(i);
        REQUIRE(budget.reserve(spend(id, 1000 + static_cast<std::uint64_t>(i), i == 5 ? 900 : 10)));
        REQUIRE(budget.settle(id));
    }
    auto moved = spend("moved", 2000, 10);
    moved.pay_to = address(2);
    REQUIRE(budget.reserve(moved));
    const auto* vendor = budget.vendor("a.example");
    REQUIRE(vendor != nullptr);
    CHECK(vendor->first_seen == 1000);
    CHECK(vendor->last_seen == 2000);
    CHECK(vendor->payments == 11);
    CHECK(vendor->pay_to == std::vector{address(1), address(2)});
    CHECK(vendor->prices[0].prices.size() == Budget::kPricesMax);
    CHECK(vendor->usual_price("GET /x", "") == U256(10));
    CHECK(vendor->usual_price("GET /x", "USDC") == std::nullopt);
    CHECK(vendor->usual_price("GET /y", "") == std::nullopt);
    REQUIRE(budget.release("moved"));
    CHECK(vendor->payments == 10);
    CHECK(vendor->pay_to.size() == 2);
}

TEST_CASE("budget: what it remembers of a vendor has an end") {
    Budget budget({});
    for (std::size_t i = 0; i < 2 * Budget::kResourcesMax; ++i) {
        auto each = spend(std::to_string(i), 1000, 10);
        each.resource = "GET /" + std::to_string(i);
        each.pay_to = address(static_cast<std::uint8_t>(i));
        REQUIRE(budget.reserve(each));
        REQUIRE(budget.settle(each.id));
    }
    const auto* vendor = budget.vendor("a.example");
    CHECK(vendor->prices.size() == Budget::kResourcesMax);
    CHECK(vendor->pay_to.size() == Budget::kPinsMax);
    CHECK(vendor->usual_price("GET /127", "") == U256(10));
    CHECK(vendor->usual_price("GET /0", "") == std::nullopt);
}

TEST_CASE("budget: a checkpoint goes on where it stopped") {
    const std::vector meters{window(60, Meter::Of::each_vendor), calendar(Period::Kind::month, 60),
                             Meter{.per = {Period::Kind::pact, 0}, .since = 500}};
    Budget budget(meters);
    for (std::uint64_t i = 0; i < 200; ++i) {
        const auto id = std::to_string(i);
        REQUIRE(budget.reserve(spend(id, 400 + 3 * i, 1 + i, "v" + std::to_string(i % 3))));
        if (i % 4 == 0) REQUIRE(budget.settle(id));
        if (i % 4 == 1) REQUIRE(budget.release(id));
    }
    const auto text = json::to_text(budget.checkpoint());
    auto again = Budget::restore(meters, json::parse(text, Budget::kCheckpointLimits).value());
    REQUIRE(again.has_value());
    CHECK(json::to_text(again->checkpoint()) == text);
    for (auto* each : {&budget, &*again}) {
        REQUIRE(each->reserve(spend("next", 1010, 3, "v1")));
        REQUIRE(each->release("198"));
        REQUIRE(each->settle("199"));
    }
    CHECK(json::to_text(again->checkpoint()) == json::to_text(budget.checkpoint()));
    CHECK(again->used(0, "v1", 1010) == budget.used(0, "v1", 1010));
    CHECK(again->used(2, "", 1010) == budget.used(2, "", 1010));
}

TEST_CASE("budget: a checkpoint of something else is refused") {
    Budget budget({window(60)});
    REQUIRE(budget.reserve(spend("a", 1000, 5)));
    const auto good = budget.checkpoint();
    CHECK(Budget::restore({window(60)}, good).has_value());
    CHECK_FALSE(Budget::restore({window(61)}, good).has_value());
    CHECK_FALSE(Budget::restore({}, good).has_value());
    const auto with = [&](std::string_view pointer, const json::Value& value) {
        auto changed = good;
        changed.at_pointer(pointer) = value;
        return Budget::restore({window(60)}, changed);
    };
    CHECK_FALSE(with("/version", 2));
    CHECK_FALSE(with("/newest", 999));
    CHECK_FALSE(with("/meters/0/tallies/0/slots/0/0", "x"));
    CHECK_FALSE(with("/meters/0/tallies/0/slots/0/1", json::Value(U256::max().to_decimal())));
    CHECK_FALSE(Budget::restore({window(60)}, json::Value(1)));
}
