// SPDX-License-Identifier: Apache-2.0
#include "farthing/base/hex.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::testing;

TEST_CASE("hex: 0x and pairs of digits of either case are accepted") {
    for (const auto& each : array_at(load_vectors("hex.json"), "accepted")) {
        const auto text = text_at(each, "hex");
        CAPTURE(text);
        const auto bytes = from_hex(text);
        REQUIRE(bytes);
        CHECK(bytes->size() == each.at("bytes").to_number<std::size_t>());
        CHECK(to_hex(*bytes) ==
              (each.as_object().contains("lower") ? text_at(each, "lower") : text));
    }
}

TEST_CASE("hex: anything else is refused, into a vector and into fixed bytes") {
    for (const auto& each : array_at(load_vectors("hex.json"), "refused")) {
        const auto text = text_at(each, "hex");
        CAPTURE(text);
        const auto bytes = from_hex(text);
        REQUIRE(!bytes);
        CHECK(bytes.error().code == Errc::invalid_encoding);
        std::array<std::uint8_t, 1> one{};
        CHECK(!from_hex(text, one));
    }
}

TEST_CASE("hex: fixed bytes want exactly their length") {
    std::array<std::uint8_t, 2> two{};
    CHECK(from_hex("0x1234", two));
    CHECK(two == std::array<std::uint8_t, 2>{0x12, 0x34});
    CHECK(from_hex("0x12", two).error().detail == "expected 0x and 4 hex digits");
    CHECK(!from_hex("0x123456", two));
    CHECK(!from_hex("0x12345", two));
    CHECK(bytes32_from_hex("0x" + std::string(64, 'f')));
    CHECK(!bytes32_from_hex("0x" + std::string(63, 'f')));
    CHECK(!bytes32_from_hex("0x" + std::string(65, 'f')));
    CHECK(!bytes32_from_hex("0x" + std::string(66, 'f')));
}

TEST_CASE("hex: decoding what was encoded gives the bytes again") {
    CHECK(rc::check([](const Bytes& bytes) {
        const auto text = to_hex(bytes);
        RC_ASSERT(text == "0x" + to_hex_digits(bytes));
        RC_ASSERT(from_hex(text).value() == bytes);
        std::string upper = text;
        std::transform(upper.begin() + 2, upper.end(), upper.begin() + 2,
                       [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
        RC_ASSERT(from_hex(upper).value() == bytes);
    }));
}
