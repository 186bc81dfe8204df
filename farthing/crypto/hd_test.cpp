// SPDX-License-Identifier: Apache-2.0
#include "farthing/crypto/hd.hpp"

#include <doctest/doctest.h>

#include "farthing/base/hex.hpp"

namespace farthing {
namespace {

std::string key_at(std::string_view seed, std::vector<std::uint32_t> path) {
    const Secret<Bytes> secret(from_hex(seed).value());
    const auto key = derive_key(secret, path);
    return key ? to_hex_digits(key->reveal()) : key.error().detail;
}

}  // namespace

// The keys within the xprv texts of BIP-32, test vectors 1 and 3.
TEST_CASE("crypto: the known answers of BIP-32") {
    constexpr auto kFirst = "0x000102030405060708090a0b0c0d0e0f";
    constexpr auto kH = kHardened;
    CHECK(key_at(kFirst, {}) == "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35");
    CHECK(key_at(kFirst, {kH}) ==
          "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea");
    CHECK(key_at(kFirst, {kH, 1}) ==
          "3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368");
    CHECK(key_at(kFirst, {kH, 1, kH + 2}) ==
          "cbce0d719ecf7431d88e6a89fa1483e02e35092af60c042b1df2ff59fa424dca");
    CHECK(key_at(kFirst, {kH, 1, kH + 2, 2, 1'000'000'000}) ==
          "471b76e389e528d6de6d816857e012c5455051cad6660850e58372a6c3e6e7c8");
}

TEST_CASE("crypto: a seed of another length is refused") {
    CHECK(key_at("0x0001", {}) == "seed: expected from 16 to 64 bytes");
    CHECK(key_at("0x" + std::string(130, '0'), {}) == "seed: expected from 16 to 64 bytes");
}

}  // namespace farthing
