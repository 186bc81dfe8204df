// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/assets.hpp"

#include <doctest/doctest.h>

#include <set>

#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::testing;

namespace {

Asset asset(std::string symbol) {
    return {.network = evm_network(31337),
            .address = parse_address("0x036CbD53842c5426634e7929541eC2318f3dCF7e").value(),
            .name = "Test",
            .version = "1",
            .symbol = std::move(symbol)};
}

}  // namespace

TEST_CASE("assets: the built-in table is the reference's, and the first of a network its default") {
    const auto table = AssetTable::built_in();
    const auto file = load_vectors("assets.json");
    const auto& rows = array_at(file, "assets");
    CHECK(table.all().size() == rows.size());
    std::set<std::string> networks;
    for (const auto& row : rows) {
        const auto wanted = json::decode<Asset>(row);
        REQUIRE(wanted);
        CAPTURE(wanted->network.id);
        CAPTURE(wanted->symbol);
        const auto* found = table.find(wanted->network, wanted->address);
        REQUIRE(found != nullptr);
        CHECK(*found == *wanted);
        CHECK(table.find_default(wanted->network, wanted->symbol) == found);
        if (networks.insert(wanted->network.id).second) {
            CHECK(table.find_default(wanted->network) == found);
        }
    }
}

TEST_CASE("assets: an address is its own on one network only") {
    const auto table = AssetTable::built_in();
    const auto usdc = parse_address("0x036CbD53842c5426634e7929541eC2318f3dCF7e").value();
    CHECK(table.find(evm_network(84532), usdc) != nullptr);
    CHECK(table.find(evm_network(8453), usdc) == nullptr);
    CHECK(table.find_default(evm_network(43113)) == nullptr);
    CHECK(table.find_default(evm_network(8453), "EURC") == nullptr);
}

TEST_CASE("assets: symbols are found in either case") {
    const auto table = AssetTable::built_in();
    CHECK(table.find_default(evm_network(42220), "usdt") ==
          table.find_default(evm_network(42220), "USDT"));
    CHECK(table.find_default(evm_network(42220), "usdt")->name == "Tether USD");
}

TEST_CASE("assets: configuration adds and replaces, and is checked") {
    auto table = AssetTable::built_in();
    const auto count = table.all().size();
    REQUIRE(table.add(asset("ONE")));
    CHECK(table.all().size() == count + 1);
    REQUIRE(table.add(asset("TWO")));
    CHECK(table.all().size() == count + 1);
    CHECK(table.find_default(evm_network(31337))->symbol == "TWO");

    auto bad = asset("BAD");
    bad.decimals = 37;
    CHECK(table.add(bad).error().code == Errc::invalid_config);
    bad = asset("BAD");
    bad.transfer_method = "wire";
    CHECK(table.add(bad).error().code == Errc::invalid_config);
    bad = asset("BAD");
    bad.network = parse_network("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp").value();
    CHECK(table.add(bad).error().code == Errc::invalid_config);
    auto edge = asset("EDGE");
    edge.decimals = 36;
    CHECK(table.add(edge));
}

TEST_CASE("assets: the signing domain is the token's") {
    const auto table = AssetTable::built_in();
    const auto* usdc = table.find_default(evm_network(84532));
    REQUIRE(usdc != nullptr);
    const auto file = load_vectors("eip712_types.json");
    const auto& known = array_at(file, "separators")[0];
    CHECK(eip712::domain_separator(usdc->domain()) == bytes32_at(known, "separator"));
}
