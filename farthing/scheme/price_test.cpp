// SPDX-License-Identifier: Apache-2.0
#include "farthing/scheme/price.hpp"

#include <doctest/doctest.h>

namespace farthing::scheme {
namespace {

const Network kBaseSepolia = evm_network(84532);

Address address(std::string_view text) { return parse_address(text).value(); }

Asset test_dollar(Network network, std::uint32_t decimals) {
    return {.network = std::move(network),
            .address = address("0x9876543210987654321098765432109876543210"),
            .name = "Test Dollar",
            .version = "1",
            .symbol = "tUSD",
            .decimals = decimals};
}

}  // namespace

TEST_CASE("price: money text, row by row as the reference reads it (protocol.md 5.9)") {
    const struct {
        std::string_view text;
        Money money;
    } good[] = {
        {"$0.001", {U256(1), 3, ""}},
        {"0.001", {U256(1), 3, ""}},
        {"1.50 usdc", {U256(150), 2, "USDC"}},
        {"0.10 USD", {U256(10), 2, ""}},
        {"0.10 usd", {U256(10), 2, ""}},
        {"$ 2", {U256(2), 0, ""}},
        {" 1 ", {U256(1), 0, ""}},
        {"\t$1\n", {U256(1), 0, ""}},
        {"$1.5 USDC", {U256(15), 1, "USDC"}},
        {"1 USDC.e", {U256(1), 0, "USDC.E"}},
        {"1   A1.b2", {U256(1), 0, "A1.B2"}},
        {"007.50", {U256(750), 2, ""}},
        {"0", {U256(0), 0, ""}},
        {"0.000", {U256(0), 3, ""}},
        {"0.0000001", {U256(1), 7, ""}},
        {"1.23456789", {U256(123456789), 8, ""}},
        {"0.000000000000000000000000000001", {U256(1), 30, ""}},
    };
    for (const auto& each : good) {
        CAPTURE(each.text);
        const auto money = parse_money(each.text);
        REQUIRE(money);
        CHECK(*money == each.money);
    }
}

TEST_CASE("price: what is no money text") {
    const std::string_view bad[] = {
        "1e-6",
        "1,000",
        "1.",
        ".5",
        "€1",
        "",
        " ",
        "$",
        "-1",
        "$-1",
        "-$1",
        "+1",
        "NaN",
        "Infinity",
        "0x10",
        "1 2",
        "1 $",
        "$$1",
        "1USD",
        "1 -",
        "1 1USDC",
        "1.2.3",
        "1. 5",
        "1 US_D",
        "١",
        "1 USDC x",
        "1 €",
        "0.0000000000000000000000000000001",
        "1000000000000000000000000000000000000000000000000000000000000000001",
    };
    for (const auto& each : bad) {
        CAPTURE(each);
        const auto money = parse_money(each);
        REQUIRE_FALSE(money);
        CHECK(money.error().code == Errc::invalid_field);
    }
    const std::string zeros("1\0", 2);
    CHECK_FALSE(parse_money(zeros));
}

TEST_CASE("price: atomic units are exact, and what does not fit is cut off") {
    const struct {
        std::string_view text;
        std::uint32_t decimals;
        std::string_view atomic;
    } cases[] = {
        {"$0.001", 6, "1000"},
        {"0.0000001", 6, "0"},
        {"1.23456789", 6, "1234567"},
        {"0.9999999", 6, "999999"},
        {"1", 0, "1"},
        {"1.99", 0, "1"},
        {"0.1", 18, "100000000000000000"},
        {"4.35", 2, "435"},    // 434 in binary floating point
        {"1.005", 3, "1005"},  // 1004 in binary floating point
        {"0.1", 36, "100000000000000000000000000000000000"},
        {"9007199254740993", 0, "9007199254740993"},  // beyond 2^53
        {"0.000000000000000000000000000001", 30, "1"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.text);
        const auto atomic = to_atomic(parse_money(each.text).value(), each.decimals);
        REQUIRE(atomic);
        CHECK(atomic->to_decimal() == each.atomic);
    }
}

TEST_CASE("price: more than 2^256-1 atomic units is an error, not a small amount") {
    const auto money = parse_money("999999999999999999999999999999999999999999999999999999");
    REQUIRE(money);
    for (const std::uint32_t decimals : {36U, 77U, 78U, 200U}) {
        const auto atomic = to_atomic(*money, decimals);
        REQUIRE_FALSE(atomic);
        CHECK(atomic.error().code == Errc::overflow);
    }
}

TEST_CASE("price: amounts of different tokens are compared by value, without rounding") {
    const struct {
        U256 a;
        std::uint32_t a_decimals;
        U256 b;
        std::uint32_t b_decimals;
        std::strong_ordering order;
    } cases[] = {
        {U256(1), 6, U256(1), 6, std::strong_ordering::equal},
        {U256(1), 0, U256(1'000'000), 6, std::strong_ordering::equal},
        {U256(1), 0, U256(999'999), 6, std::strong_ordering::greater},
        {U256(1), 0, U256(1'000'001), 6, std::strong_ordering::less},
        {U256(1'000'001), 6, U256(1), 0, std::strong_ordering::greater},
        {U256(0), 0, U256(0), 36, std::strong_ordering::equal},
        {U256(0), 0, U256(1), 36, std::strong_ordering::less},
        {U256::max(), 0, U256::max(), 36, std::strong_ordering::greater},
        {U256::max(), 36, U256::max(), 0, std::strong_ordering::less},
        {U256(0), 0, U256(0), 200, std::strong_ordering::equal},
        {U256(1), 0, U256::max(), 200, std::strong_ordering::greater},
    };
    for (const auto& each : cases) {
        CHECK(compare_value(each.a, each.a_decimals, each.b, each.b_decimals) == each.order);
    }
    const auto dollar = parse_money("$1").value();
    CHECK_FALSE(exceeds(U256(1'000'000), 6, dollar));
    CHECK(exceeds(U256(1'000'001), 6, dollar));
    CHECK(exceeds(U256::max(), 0, dollar));
    CHECK_FALSE(exceeds(U256(1), 36, parse_money("0.000000000000000001").value()));
}

TEST_CASE("price: a price finds its token, by default, by symbol or by address") {
    auto assets = AssetTable::built_in();
    REQUIRE(assets.add(test_dollar(kBaseSepolia, 2)));
    const auto priced = [&](Price price, const Network& network) {
        return resolve_price(price, network, assets);
    };
    const Price cent{.money = parse_money("$0.01").value()};
    const auto usdc = priced(cent, kBaseSepolia);
    REQUIRE(usdc);
    CHECK(usdc->asset->symbol == "USDC");
    CHECK(usdc->amount == U256(10'000));
    const auto named = priced({.money = parse_money("0.01 TUSD").value()}, kBaseSepolia);
    REQUIRE(named);
    CHECK(named->asset->symbol == "tUSD");
    CHECK(named->amount == U256(1));
    const auto exactly =
        priced({.money = {}, .amount = U256(7), .asset = usdc->asset->address}, kBaseSepolia);
    REQUIRE(exactly);
    CHECK(exactly->amount == U256(7));
    const struct {
        Price price;
        Network network;
    } unknown[] = {
        {cent, evm_network(80002)},
        {{.money = parse_money("1 EURC").value()}, kBaseSepolia},
        {{.money = {}, .amount = U256(1), .asset = Address{{1}}}, kBaseSepolia},
        {{.money = {}, .amount = U256(1), .asset = usdc->asset->address}, evm_network(1)},
    };
    for (const auto& each : unknown) {
        const auto none = priced(each.price, each.network);
        REQUIRE_FALSE(none);
        CHECK(none.error().code == Errc::invalid_config);
    }
}

TEST_CASE("price: configuration states it as text or as atomic units, never as a number") {
    const auto read = [](std::string_view text) {
        return json::decode<Price>(json::parse(text).value());
    };
    const auto text = read(R"("$0.001")");
    REQUIRE(text);
    CHECK(text->money == Money{U256(1), 3, ""});
    CHECK(json::to_text(json::encode(*text)) == R"("$0.001")");
    const auto atomic =
        read(R"({"amount":"1000","asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e"})");
    REQUIRE(atomic);
    CHECK(atomic->amount == U256(1000));
    CHECK(json::decode<Price>(json::encode(*atomic)).value() == *atomic);
    for (const auto* const bad :
         {"0.001", "1", "null", "[]", R"("1e-6")", R"({"amount":"1000"})", R"({"amount":1000})",
          R"({"amount":"1","asset":"USDC"})",
          R"({"amount":"-1","asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e"})"}) {
        CAPTURE(bad);
        CHECK_FALSE(read(bad));
    }
}

TEST_CASE("price: said to people") {
    const auto asset = test_dollar(kBaseSepolia, 6);
    CHECK(describe(U256(1'000), asset) == "$0.001 tUSD");
    CHECK(describe(U256(1'000'000), asset) == "$1 tUSD");
    CHECK(describe(U256(0), asset) == "$0 tUSD");
}

TEST_CASE("assets: configuration adds and replaces") {
    auto assets = AssetTable::built_in();
    const auto size = assets.all().size();
    auto mine = test_dollar(evm_network(80002), 8);
    REQUIRE(assets.add(mine));
    CHECK(assets.all().size() == size + 1);
    CHECK(assets.find_default(evm_network(80002))->symbol == "tUSD");
    mine.symbol = "other";
    REQUIRE(assets.add(mine));
    CHECK(assets.all().size() == size + 1);
    CHECK(assets.find_default(evm_network(80002), "OTHER") != nullptr);
    CHECK(assets.find_default(evm_network(80002), "tUSD") == nullptr);
    // The built-in default stays the default when a second token is added to its network.
    REQUIRE(assets.add(test_dollar(evm_network(42220), 6)));
    CHECK(assets.find_default(evm_network(42220))->symbol == "USDC");
    CHECK(assets.find_default(evm_network(42220), "usat")->name == "Tether America USD");
    auto bad = test_dollar(kBaseSepolia, 37);
    CHECK(assets.add(bad).error().code == Errc::invalid_config);
    bad.decimals = 36;
    bad.transfer_method = "transfer";
    CHECK(assets.add(bad).error().code == Errc::invalid_config);
    bad.transfer_method = "permit2";
    bad.network = Network{"solana:mainnet"};
    CHECK(assets.add(bad).error().code == Errc::invalid_config);
}

}  // namespace farthing::scheme
