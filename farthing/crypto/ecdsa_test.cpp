// SPDX-License-Identifier: Apache-2.0
#include "farthing/crypto/ecdsa.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <optional>

#include "farthing/crypto/keccak.hpp"
#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::testing;

namespace {

Bytes joined(const json::Value& each, std::uint8_t v) {
    Bytes bytes = bytes_at(each, "r");
    append(bytes, bytes_at(each, "s"));
    bytes.push_back(v);
    return bytes;
}

PublicKey public_key_at(const json::Value& each) {
    const auto bytes = bytes_at(each, "publicKey");
    PublicKey key{};
    REQUIRE(bytes.size() == key.size());
    std::ranges::copy(bytes, key.begin());
    return key;
}

/// Whose signature it is, from the wire form; nothing when any step refuses it.
std::optional<PublicKey> signer(const Bytes32& digest, const Bytes& wire) {
    const auto signature = parse_signature(wire);
    if (!signature) return std::nullopt;
    const auto key = recover(digest, *signature);
    if (!key) return std::nullopt;
    return *key;
}

PrivateKey key_at(const json::Value& each) { return make_key(bytes32_at(each, "key")).value(); }

}  // namespace

TEST_CASE("ecdsa: r and s out of range, and high s, are refused where they are read") {
    const auto file = load_vectors("ecdsa.json");
    const auto digest = bytes32_at(json::Value(file), "digest");
    for (const auto& each : array_at(file, "signatures")) {
        CAPTURE(text_at(each, "name"));
        const auto fails = text_at(each, "fails");
        for (const auto v : std::array<std::uint8_t, 2>{27, 28}) {
            const auto signature = parse_signature(joined(each, v));
            CHECK(signature.has_value() == (fails != "parse"));
            if (!signature) {
                CHECK(signature.error().code == Errc::invalid_signature);
                continue;
            }
            const auto key = recover(digest, *signature);
            CHECK(key.has_value() == (fails == "nowhere"));
            if (!key) CHECK(key.error().code == Errc::invalid_signature);
        }
    }
}

TEST_CASE("ecdsa: v is 0, 1, 27 or 28, and both spellings mean the same signature") {
    const auto file = load_vectors("ecdsa.json");
    const auto digest = bytes32_at(json::Value(file), "digest");
    const auto key = key_at(array_at(load_vectors("keys.json"), "keys")[0]);
    const auto made = sign(digest, key);
    auto wire = made.to_bytes();
    REQUIRE(wire.size() == 65);
    for (const auto& each : array_at(file, "v")) {
        wire[64] = each.to_number<std::uint8_t>();
        const auto parsed = parse_signature(wire);
        REQUIRE(parsed);
        CHECK(parsed->recovery_id == wire[64] % 27);
        CHECK((*parsed == made) == (wire[64] % 27 == made.recovery_id));
        CHECK(parsed->to_bytes()[64] == 27 + wire[64] % 27);
    }
    for (const auto& each : array_at(file, "v_refused")) {
        wire[64] = each.to_number<std::uint8_t>();
        CAPTURE(wire[64]);
        CHECK(!parse_signature(wire));
    }
}

TEST_CASE("ecdsa: a signature is 65 bytes, no other length") {
    const auto key = key_at(array_at(load_vectors("keys.json"), "keys")[0]);
    const auto wire = sign(keccak256("a"), key).to_bytes();
    for (std::size_t size = 0; size < 65; ++size) {
        CHECK(!parse_signature(ByteView(wire).first(size)));
    }
    auto longer = wire;
    longer.push_back(0);
    CHECK(!parse_signature(longer));
}

TEST_CASE("ecdsa: Wycheproof's edge cases recover their key with their id and with no other") {
    for (const auto& each : array_at(load_vectors("ecdsa_wycheproof.json"), "cases")) {
        CAPTURE(each.at("tcId").to_number<int>());
        CAPTURE(text_at(each, "comment"));
        const auto digest = bytes32_at(each, "digest");
        const bool valid = text_at(each, "result") == "valid";
        for (const auto id : std::array<std::uint8_t, 2>{0, 1}) {
            const auto found = signer(digest, joined(each, static_cast<std::uint8_t>(27 + id)));
            const bool expected = valid && each.at("recoveryId").to_number<int>() == id;
            CHECK((found == public_key_at(each)) == expected);
        }
    }
}

TEST_CASE("ecdsa: a private key is in [1, n-1]") {
    const auto file = load_vectors("ecdsa.json");
    for (const auto& each : array_at(file, "keys_refused")) {
        CAPTURE(text_at(each, "name"));
        const auto key = make_key(bytes32_at(each, "key"));
        REQUIRE(!key);
        CHECK(key.error().code == Errc::invalid_argument);
        // An error text ends in logs: it never repeats the key.
        CHECK(key.error().detail.find(text_at(each, "key").substr(2)) == std::string::npos);
    }
    for (const auto& each : array_at(file, "keys")) {
        CHECK(public_key(key_at(each)) == public_key_at(each));
    }
}

TEST_CASE("ecdsa: signing is deterministic, low-s, and recovers to the key that signed") {
    CHECK(rc::check([](const std::array<std::uint8_t, 32>& secret, const Bytes& message) {
        const auto key = make_key(Bytes32{secret});
        RC_PRE(key.has_value());
        const auto digest = keccak256(ByteView(message));
        const auto signature = sign(digest, *key);
        RC_ASSERT(signature == sign(digest, *key));
        RC_ASSERT(parse_signature(signature.to_bytes()).value() == signature);
        RC_ASSERT(recover(digest, signature).value() == public_key(*key));
        auto other = digest;
        other.data[0] ^= 1;
        const auto stranger = recover(other, signature);
        RC_ASSERT(!stranger || *stranger != public_key(*key));
    }));
}
