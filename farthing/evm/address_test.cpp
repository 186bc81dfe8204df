// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/address.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>

#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::testing;

namespace {

template <class Change>
std::string changed(std::string text, Change change) {
    std::transform(text.begin() + 2, text.end(), text.begin() + 2, [&](char c) {
        return static_cast<char>(change(static_cast<unsigned char>(c)));
    });
    return text;
}

}  // namespace

TEST_CASE("address: checksums are EIP-55's, and either plain case is accepted") {
    const auto file = load_vectors("addresses.json");
    for (const auto& each : array_at(file, "checksummed")) {
        const std::string text(std::string_view(each.as_string()));
        CAPTURE(text);
        const auto address = parse_address(text);
        REQUIRE(address);
        CHECK(address->to_checksum() == text);
        CHECK(address->to_lower() == changed(text, [](int c) { return std::tolower(c); }));
        CHECK(parse_address(address->to_lower()).value() == *address);
        CHECK(parse_address(changed(text, [](int c) { return std::toupper(c); })).value() ==
              *address);
    }
}

TEST_CASE("address: a wrong checksum or another text is refused with the reason") {
    for (const auto& each : array_at(load_vectors("addresses.json"), "refused")) {
        CAPTURE(text_at(each, "comment"));
        const auto address = parse_address(text_at(each, "text"));
        REQUIRE(!address);
        CHECK(address.error().code == Errc::invalid_field);
        CHECK(!address.error().detail.empty());
    }
}

TEST_CASE("address: one changed case in a checksummed address is always found") {
    const std::string good = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    for (std::size_t i = 2; i < good.size(); ++i) {
        if (std::isalpha(static_cast<unsigned char>(good[i])) == 0) continue;
        auto text = good;
        text[i] = static_cast<char>(text[i] ^ 0x20);
        CAPTURE(text);
        CHECK(!parse_address(text));
    }
}

TEST_CASE("address: it is the account of a key") {
    for (const auto& each : array_at(load_vectors("keys.json"), "keys")) {
        const auto key = make_key(bytes32_at(each, "key")).value();
        CHECK(address_of(key).to_checksum() == text_at(each, "address"));
        CHECK(address_of(public_key(key)) == address_of(key));
    }
}

TEST_CASE("address, bytes: JSON text both ways, with the path in the error") {
    const json::Path root;
    const json::Path path(root, "payTo");
    const auto address = parse_address("0x209693Bc6afc0C5328bA36FaF03C514EF312287C").value();
    CHECK(json::encode(address) == json::Value("0x209693Bc6afc0C5328bA36FaF03C514EF312287C"));
    CHECK(json::decode<Address>(json::encode(address)).value() == address);
    for (const auto& bad : {json::Value("0x12"), json::Value(7), json::Value(nullptr)}) {
        CHECK(json::decode<Address>(bad, path).error().detail ==
              ".payTo: expected 0x and 40 hex digits");
        CHECK(json::decode<Bytes32>(bad, path).error().detail ==
              ".payTo: expected 0x and 64 hex digits");
    }
    Bytes32 nonce;
    nonce.data.fill(0xab);
    CHECK(json::decode<Bytes32>(json::encode(nonce)).value() == nonce);
    const Bytes most(json::Codec<Bytes>::bytes_max, 0x11);
    CHECK(json::decode<Bytes>(json::encode(most)).value() == most);
    const Bytes more(json::Codec<Bytes>::bytes_max + 1, 0x11);
    CHECK(json::decode<Bytes>(json::encode(more), path).error().detail ==
          ".payTo: expected at most 16384 bytes");
}
