// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/u256.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <boost/multiprecision/cpp_int.hpp>

#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::testing;

namespace {

/// The independent number every operation is compared with: exact at any size.
using Exact = boost::multiprecision::cpp_int;

Exact exact(const U256& value) {
    Exact out = 0;
    for (const auto byte : value.to_bytes().data) out = out * 256 + byte;
    return out;
}

const Exact kBeyond = Exact(1) << 256;

/// What a checked operation must answer for an exact result.
void same(const std::optional<U256>& ours, const Exact& theirs) {
    RC_ASSERT(ours.has_value() == (theirs >= 0 && theirs < kBeyond));
    if (ours) RC_ASSERT(exact(*ours) == theirs);
}

/// Numbers where carries and borrows happen: limbs of all zeros and all ones are frequent.
rc::Gen<U256> numbers() {
    const auto edges = rc::gen::element<std::uint64_t>(0, 1, 2, ~0ULL, ~0ULL - 1, 1ULL << 63);
    const auto limb = rc::gen::oneOf(edges, rc::gen::arbitrary<std::uint64_t>());
    return rc::gen::map(rc::gen::container<std::array<std::uint64_t, 4>>(limb), [](auto limbs) {
        Bytes32 bytes;
        std::memcpy(bytes.data.data(), limbs.data(), 32);
        return U256::from_bytes(bytes);
    });
}

}  // namespace

namespace farthing {
void showValue(const U256& value, std::ostream& out) { out << value.to_quantity(); }
}  // namespace farthing

TEST_CASE("u256: decimal text and quantities, both ways") {
    for (const auto& each : array_at(load_vectors("u256.json"), "decimal")) {
        const auto text = text_at(each, "text");
        CAPTURE(text);
        const auto value = u256_from_decimal(text);
        REQUIRE(value);
        CHECK(value->to_decimal() == text);
        CHECK(value->to_quantity() == text_at(each, "quantity"));
        CHECK(u256_from_quantity(text_at(each, "quantity")).value() == *value);
    }
}

TEST_CASE("u256: decimal text that is no plain number is refused") {
    for (const auto& each : array_at(load_vectors("u256.json"), "decimal_refused")) {
        const auto text = text_at(each, "text");
        CAPTURE(text);
        CAPTURE(text_at(each, "comment"));
        const auto value = u256_from_decimal(text);
        REQUIRE(!value);
        CHECK((value.error().code == Errc::invalid_field || value.error().code == Errc::overflow));
    }
    CHECK(u256_from_decimal(U256::max().to_decimal()));
    CHECK(u256_from_decimal(
              "115792089237316195423570985008687907853269984665640564039457584007913129639936")
              .error()
              .code == Errc::overflow);
}

TEST_CASE("u256: quantities are 0x and 1 to 64 digits") {
    const auto file = load_vectors("u256.json");
    for (const auto& each : array_at(file, "quantity_accepted")) {
        CHECK(u256_from_quantity(text_at(each, "text")).value().to_decimal() ==
              text_at(each, "decimal"));
    }
    for (const auto& each : array_at(file, "quantity_refused")) {
        CAPTURE(text_at(each, "text"));
        const auto value = u256_from_quantity(text_at(each, "text"));
        REQUIRE(!value);
        CHECK(value.error().code == Errc::invalid_encoding);
    }
}

TEST_CASE("u256: units are printed with a point and no zeros behind") {
    for (const auto& each : array_at(load_vectors("u256.json"), "units")) {
        const auto value = u256_from_decimal(text_at(each, "value")).value();
        CHECK(to_units(value, each.at("decimals").to_number<unsigned>()) == text_at(each, "text"));
    }
}

TEST_CASE("u256: powers of ten end at 10^77") {
    std::string text = "1";
    for (unsigned exponent = 0; exponent <= 77; ++exponent, text += '0') {
        REQUIRE(power_of_ten(exponent));
        CHECK(power_of_ten(exponent)->to_decimal() == text);
    }
    CHECK(!power_of_ten(78));
    CHECK(!power_of_ten(~0U));
}

TEST_CASE("u256: nothing wraps at the ends") {
    const U256 one(1);
    CHECK(!U256::max().checked_add(one));
    CHECK(!U256().checked_sub(one));
    CHECK(!U256::max().checked_mul(U256(2)));
    CHECK(!one.checked_div(U256()));
    CHECK(U256().saturating_sub(one) == U256());
    CHECK(U256::max().checked_add(U256()) == U256::max());
    CHECK(U256::max().checked_mul(one) == U256::max());
    CHECK(!U256::max().to_u64());
    CHECK(U256(~0ULL).to_u64() == ~0ULL);
    CHECK(!U256(~0ULL).checked_add(one)->to_u64());
}

TEST_CASE("u256: the four operations agree with exact integers") {
    CHECK(rc::check([] {
        const auto a = *numbers();
        const auto b = *numbers();
        same(a.checked_add(b), exact(a) + exact(b));
        same(a.checked_sub(b), exact(a) - exact(b));
        same(a.checked_mul(b), exact(a) * exact(b));
        if (b.is_zero()) {
            RC_ASSERT(!a.checked_div(b));
        } else {
            same(a.checked_div(b), exact(a) / exact(b));
        }
        RC_ASSERT(exact(a.saturating_sub(b)) == (a < b ? Exact(0) : exact(a) - exact(b)));
        RC_ASSERT((a <=> b) == exact(a).compare(exact(b)) <=> 0);
        RC_ASSERT((a == b) == (exact(a) == exact(b)));
    }));
}

TEST_CASE("u256: every spelling of a number leads back to it") {
    CHECK(rc::check([] {
        const auto a = *numbers();
        RC_ASSERT(a.to_decimal() == exact(a).str());
        RC_ASSERT(u256_from_decimal(a.to_decimal()).value() == a);
        RC_ASSERT(u256_from_quantity(a.to_quantity()).value() == a);
        RC_ASSERT(U256::from_bytes(a.to_bytes()) == a);
        RC_ASSERT(a.to_u64().has_value() == (exact(a) <= ~0ULL));
        RC_ASSERT(json::decode<U256>(json::encode(a)).value() == a);
    }));
}

TEST_CASE("u256: on the wire it is a decimal string and nothing else") {
    const auto error = [](std::string_view text) {
        const auto value = json::decode<U256>(json::parse(text).value());
        REQUIRE(!value);
        return value.error().detail;
    };
    CHECK(json::decode<U256>(json::Value("10000")).value() == U256(10000));
    CHECK(error("10000") == "expected a string of decimal digits");
    CHECK(error("null") == "expected a string of decimal digits");
    CHECK(error("\"1e3\"") == "expected decimal digits only");
    CHECK(error("\"-1\"") == "expected decimal digits only");
    CHECK(error("\"007\"") == "expected a number without leading zeros");
}
