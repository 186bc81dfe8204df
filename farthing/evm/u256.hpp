// SPDX-License-Identifier: Apache-2.0
// Amounts and every other uint256: unsigned, checked, never a float.
#pragma once

#include <compare>
#include <optional>

#include "farthing/base/bytes.hpp"
#include "farthing/base/result.hpp"
#include "farthing/json/codec.hpp"

namespace farthing {

/// Unsigned 256-bit integer. No operator wraps: `checked_*` answer nothing on overflow and the
/// caller decides.
class U256 {
  public:
    constexpr U256() = default;
    constexpr U256(std::uint64_t value) : limbs_{value, 0, 0, 0} {}  // NOLINT: numbers are numbers

    [[nodiscard]] static constexpr U256 max() {
        U256 value;
        value.limbs_.fill(~0ULL);
        return value;
    }
    [[nodiscard]] static U256 from_bytes(const Bytes32& big_endian);
    [[nodiscard]] Bytes32 to_bytes() const;

    [[nodiscard]] std::optional<U256> checked_add(const U256& other) const;
    [[nodiscard]] std::optional<U256> checked_sub(const U256& other) const;
    [[nodiscard]] std::optional<U256> checked_mul(const U256& other) const;
    /// Quotient, rounded down; nothing when `divisor` is zero.
    [[nodiscard]] std::optional<U256> checked_div(const U256& divisor) const;
    /// The difference, or zero when `other` is greater.
    [[nodiscard]] U256 saturating_sub(const U256& other) const;

    [[nodiscard]] bool is_zero() const { return *this == U256{}; }
    /// The value when it fits 64 bits.
    [[nodiscard]] std::optional<std::uint64_t> to_u64() const;
    [[nodiscard]] std::string to_decimal() const;
    /// `0x` and digits without leading zeros, as JSON-RPC quantities are written.
    [[nodiscard]] std::string to_quantity() const;

    friend bool operator==(const U256&, const U256&) = default;
    friend std::strong_ordering operator<=>(const U256& a, const U256& b);

  private:
    std::array<std::uint64_t, 4> limbs_{};  ///< least significant first
};

/// Decimal digits only: no sign, no hex, no exponent, no white space, no leading zero but "0"
/// itself is fine and "007" is not. Errors: invalid_field, overflow beyond 2^256-1.
[[nodiscard]] Result<U256> u256_from_decimal(std::string_view text);
/// A JSON-RPC quantity: `0x` and 1 to 64 hex digits. Errors: invalid_encoding.
[[nodiscard]] Result<U256> u256_from_quantity(std::string_view text);
/// `value` with `decimals` digits after the point and no trailing zeros: 1500 with 6 is "0.0015".
[[nodiscard]] std::string to_units(const U256& value, unsigned decimals);
/// 10^exponent; nothing beyond 10^77.
[[nodiscard]] std::optional<U256> power_of_ten(unsigned exponent);

/// On the wire: a decimal string.
template <>
struct json::Codec<U256> {
    static Result<U256> decode(const Value& value, const Path& path);
    static Value encode(const U256& number);
};

}  // namespace farthing

template <>
struct std::hash<farthing::U256> {
    std::size_t operator()(const farthing::U256& value) const noexcept {
        return std::hash<farthing::Bytes32>{}(value.to_bytes());
    }
};
