// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/network.hpp"

#include <doctest/doctest.h>

#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::testing;

TEST_CASE("network: the v1 names of protocol.md 3, both ways, and no others") {
    const json::Value file(load_vectors("networks.json"));
    const auto& names = file.at("v1").as_object();
    for (const auto& [key, id] : names) {
        const std::string name(key);
        CAPTURE(name);
        const auto network = network_from_v1(name);
        REQUIRE(network);
        CHECK(network->id == text_at(file.at("v1"), name));
        CHECK(network->v1_name() == name);
        CHECK(network_from_any(name).value() == *network);
        CHECK(network_from_any(network->id).value() == *network);
    }
    CHECK(v1_names().size() == names.size());
    for (const auto* name : {"", "Base", "base ", "eip155:8453", "bitcoin"}) {
        CHECK(network_from_v1(name).error().code == Errc::invalid_field);
    }
}

TEST_CASE("network: a CAIP-2 id that cannot be one is refused") {
    for (const auto& each : array_at(load_vectors("networks.json"), "refused")) {
        CAPTURE(text_at(each, "text"));
        const auto network = parse_network(text_at(each, "text"));
        REQUIRE(!network);
        CHECK(network.error().code == Errc::invalid_field);
    }
    CHECK(!parse_network("a:" + std::string(127, 'b')));
    CHECK(parse_network("a:" + std::string(126, 'b')));
}

TEST_CASE("network: EVM ones have a chain id, others travel untouched") {
    CHECK(parse_network("eip155:8453").value().chain_id() == 8453);
    CHECK(parse_network("eip155:1").value() == evm_network(1));
    CHECK(parse_network("eip155:9007199254740991").value().chain_id() == 9007199254740991);
    const auto solana = parse_network("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp").value();
    CHECK(!solana.chain_id());
    CHECK(solana.v1_name() == "solana");
    CHECK(!parse_network("eip155:5").value().v1_name());
    CHECK(!Network{"eip155:"}.chain_id());
}

TEST_CASE("network: JSON text both ways") {
    const auto base = evm_network(8453);
    CHECK(json::encode(base) == json::Value("eip155:8453"));
    CHECK(json::decode<Network>(json::encode(base)).value() == base);
    CHECK(!json::decode<Network>(json::Value(8453)));
    CHECK(!json::decode<Network>(json::Value("base")));
}
