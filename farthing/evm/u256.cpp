// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/u256.hpp"

#include <algorithm>
#include <bit>
#include <boost/multiprecision/cpp_int.hpp>

#include "farthing/base/hex.hpp"

namespace farthing {
namespace {

namespace mp = boost::multiprecision;
/// Wide enough for any product, so that overflow shows as a value instead of an exception.
using Wide = mp::uint512_t;

Wide widen(const U256& value) {
    const auto bytes = value.to_bytes();
    Wide wide;
    mp::import_bits(wide, bytes.data.begin(), bytes.data.end());
    return wide;
}

std::optional<U256> narrow(const Wide& wide) {
    if (wide != 0 && mp::msb(wide) > 255) return std::nullopt;
    std::array<std::uint8_t, 64> bytes{};
    const auto end = mp::export_bits(wide, bytes.begin(), 8);
    const auto size = static_cast<std::size_t>(end - bytes.begin());
    Bytes32 out;
    std::copy(bytes.begin(), end, out.data.end() - static_cast<std::ptrdiff_t>(size));
    return U256::from_bytes(out);
}

}  // namespace

U256 U256::from_bytes(const Bytes32& big_endian) {
    U256 value;
    for (std::size_t i = 0; i < 4; ++i) {
        std::uint64_t limb = 0;
        std::memcpy(&limb, big_endian.data.data() + 24 - 8 * i, 8);
        value.limbs_[i] = __builtin_bswap64(limb);
    }
    return value;
}

Bytes32 U256::to_bytes() const {
    Bytes32 out;
    for (std::size_t i = 0; i < 4; ++i) {
        const std::uint64_t limb = __builtin_bswap64(limbs_[i]);
        std::memcpy(out.data.data() + 24 - 8 * i, &limb, 8);
    }
    return out;
}

std::optional<U256> U256::checked_add(const U256& other) const {
    U256 sum;
    unsigned long carry = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        sum.limbs_[i] = __builtin_addcl(limbs_[i], other.limbs_[i], carry, &carry);
    }
    if (carry != 0) return std::nullopt;
    return sum;
}

std::optional<U256> U256::checked_sub(const U256& other) const {
    U256 difference;
    unsigned long borrow = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        difference.limbs_[i] = __builtin_subcl(limbs_[i], other.limbs_[i], borrow, &borrow);
    }
    if (borrow != 0) return std::nullopt;
    return difference;
}

std::optional<U256> U256::checked_mul(const U256& other) const {
    return narrow(widen(*this) * widen(other));
}

std::optional<U256> U256::checked_div(const U256& divisor) const {
    if (divisor.is_zero()) return std::nullopt;
    return narrow(widen(*this) / widen(divisor));
}

U256 U256::saturating_sub(const U256& other) const { return checked_sub(other).value_or(U256{}); }

std::optional<std::uint64_t> U256::to_u64() const {
    if ((limbs_[1] | limbs_[2] | limbs_[3]) != 0) return std::nullopt;
    return limbs_[0];
}

std::string U256::to_decimal() const {
    if (const auto small = to_u64()) return std::to_string(*small);
    return widen(*this).str();
}

std::string U256::to_quantity() const {
    const auto digits = to_hex_digits(to_bytes());
    const auto first = digits.find_first_not_of('0');
    return first == std::string::npos ? "0x0" : "0x" + digits.substr(first);
}

std::strong_ordering operator<=>(const U256& a, const U256& b) {
    for (std::size_t i = 4; i-- > 0;) {
        if (a.limbs_[i] != b.limbs_[i]) return a.limbs_[i] <=> b.limbs_[i];
    }
    return std::strong_ordering::equal;
}

Result<U256> u256_from_decimal(std::string_view text) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.empty() || !std::ranges::all_of(text, is_digit)) {
        return fail(Errc::invalid_field, "expected decimal digits only");
    }
    if (text.size() > 1 && text.front() == '0') {
        return fail(Errc::invalid_field, "expected a number without leading zeros");
    }
    if (text.size() > 78) return fail(Errc::overflow, "expected at most 2^256-1");
    if (text.size() <= 19) {
        std::uint64_t small = 0;
        for (const char c : text) small = small * 10 + static_cast<std::uint64_t>(c - '0');
        return U256(small);
    }
    const auto value = narrow(Wide(text));
    if (!value) return fail(Errc::overflow, "expected at most 2^256-1");
    return *value;
}

Result<U256> u256_from_quantity(std::string_view text) {
    if (!text.starts_with("0x") || text.size() < 3 || text.size() > 66) {
        return fail(Errc::invalid_encoding, "expected 0x and 1 to 64 hex digits");
    }
    const std::string padded =
        "0x" + std::string(66 - text.size(), '0') + std::string(text.substr(2));
    FARTHING_TRY(const auto bytes, bytes32_from_hex(padded));
    return U256::from_bytes(bytes);
}

std::string to_units(const U256& value, unsigned decimals) {
    auto digits = value.to_decimal();
    if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
    if (decimals == 0) return digits;
    digits.insert(digits.size() - decimals, ".");
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.ends_with('.')) digits.pop_back();
    return digits;
}

std::optional<U256> power_of_ten(unsigned exponent) {
    if (exponent > 77) return std::nullopt;
    return narrow(mp::pow(Wide(10), exponent));
}

Result<U256> json::Codec<U256>::decode(const Value& value, const Path& path) {
    const auto* text = value.if_string();
    if (text == nullptr) return path.error("expected a string of decimal digits");
    auto number = u256_from_decimal(*text);
    if (!number) return path.error(number.error().detail);
    return number;
}

json::Value json::Codec<U256>::encode(const U256& number) { return Value(number.to_decimal()); }

}  // namespace farthing
