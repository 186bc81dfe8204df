// SPDX-License-Identifier: Apache-2.0
// Known answers: RFC 7914 sections 11 and 12, NIST SP 800-38A appendix F.5.1.
#include "farthing/crypto/kdf.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "farthing/base/hex.hpp"

using namespace farthing;

namespace {

Secret<std::string> password(std::string text) { return Secret<std::string>(std::move(text)); }

std::string hex_of(const Result<DerivedKey>& key) {
    REQUIRE(key);
    return to_hex_digits(key->reveal());
}

}  // namespace

TEST_CASE("kdf: scrypt gives the answers of RFC 7914") {
    CHECK(hex_of(scrypt(password(""), as_bytes(""), {16, 1, 1})) ==
          "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442");
    CHECK(hex_of(scrypt(password("password"), as_bytes("NaCl"), {1024, 8, 16})) ==
          "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162");
}

TEST_CASE("kdf: PBKDF2 gives the answers of RFC 7914") {
    CHECK(hex_of(pbkdf2_sha256(password("passwd"), as_bytes("salt"), 1)) ==
          "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    CHECK(hex_of(pbkdf2_sha256(password("Password"), as_bytes("NaCl"), 80000)) ==
          "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

TEST_CASE("kdf: PBKDF2 refuses rounds that do nothing or never end") {
    for (const std::uint64_t rounds : {std::uint64_t{0}, kPbkdf2RoundsMax + 1, ~std::uint64_t{0}}) {
        CAPTURE(rounds);
        const auto key = pbkdf2_sha256(password("p"), as_bytes("salt"), rounds);
        REQUIRE(!key);
        CHECK(key.error().code == Errc::invalid_argument);
    }
}

TEST_CASE("kdf: the cost of scrypt is bounded before anything is allocated") {
    struct Case {
        const char* name;
        ScryptCost cost;
        char wrong;  ///< the number the error names; 0 when the cost is fine
    };
    const std::vector<Case> cases{
        {"usual", {1 << 18, 8, 1}, 0},
        {"known-answer file", {1 << 18, 1, 8}, 0},
        {"greatest memory", {1 << 19, 8, 1}, 0},
        {"twice the greatest memory", {1 << 20, 8, 1}, 'n'},
        {"greatest work", {1 << 18, 8, 8}, 0},
        {"one beyond the greatest work", {1 << 18, 8, 9}, 'p'},
        {"n of one", {1, 8, 1}, 'n'},
        {"n of zero", {0, 8, 1}, 'n'},
        {"n not a power of two", {3, 8, 1}, 'n'},
        {"r of zero", {2, 0, 1}, 'r'},
        {"p of zero", {2, 8, 0}, 'p'},
        {"n * r wraps", {1ULL << 63, 2, 1}, 'n'},
        {"greatest r", {2, 256, 1}, 0},
        {"one beyond the greatest r", {2, 257, 1}, 'r'},
        {"r beyond 64 bits of memory", {2, ~0ULL, 1}, 'r'},
        {"greatest p", {2, 8, 128}, 0},
        {"one beyond the greatest p", {2, 8, 129}, 'p'},
        {"little work, but 1 GiB for p", {2, 1, 1 << 23}, 'p'},
        {"p beyond 64 bits of work", {2, 8, ~0ULL}, 'p'},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        const auto checked = check_cost(each.cost);
        REQUIRE(checked.has_value() == (each.wrong == 0));
        if (checked) continue;
        CHECK(checked.error().code == Errc::invalid_argument);
        CHECK(checked.error().detail.front() == each.wrong);
    }
}

TEST_CASE("kdf: AES-128 in counter mode gives the answers of SP 800-38A, both ways") {
    const auto block = [](std::string_view hex) {
        Aes128Key out;
        REQUIRE(from_hex(hex, out));
        return out;
    };
    const Secret<Aes128Key> key(block("0x2b7e151628aed2a6abf7158809cf4f3c"));
    const auto counter = block("0xf0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    const auto plain = from_hex(
        "0x6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
    REQUIRE(plain);
    const auto cipher = aes128_ctr(key, counter, *plain);
    CHECK(to_hex_digits(cipher.reveal()) ==
          "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
          "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee");
    CHECK(aes128_ctr(key, counter, cipher.reveal()).reveal() == *plain);
}

TEST_CASE("kdf: constant-time equality is equality") {
    const Bytes a{1, 2, 3};
    CHECK(equal_constant_time(a, Bytes{1, 2, 3}));
    CHECK(!equal_constant_time(a, Bytes{1, 2, 4}));
    CHECK(!equal_constant_time(a, Bytes{1, 2}));
    CHECK(equal_constant_time({}, {}));
}
