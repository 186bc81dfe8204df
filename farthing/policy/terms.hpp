// SPDX-License-Identifier: Apache-2.0
// The words a pact is made of: amounts, durations, instants, periods, verdicts. People write them
// as text; what is compared and signed is the value, so `$0.5` and `0.50` are one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "farthing/evm/eip712.hpp"
#include "farthing/evm/network.hpp"
#include "farthing/json/codec.hpp"

namespace farthing::policy {

/// Amounts are counted in 10^-18 of a dollar or of a token's unit, whatever the token's decimals.
inline constexpr unsigned kScale = 18;

/// `$0.05`: dollars. `0.05 USDC`: units of the assets of that symbol.
struct Amount {
    U256 value;        ///< in 10^-18
    std::string unit;  ///< upper-case symbol; empty for dollars
    friend bool operator==(const Amount&, const Amount&) = default;
};

/// At most 18 digits after the point and 10^12 before it. Errors: invalid_field.
[[nodiscard]] Result<Amount> parse_amount(std::string_view text);
[[nodiscard]] std::string to_text(const Amount& amount);

/// A duration in whole seconds: `90s`, `15m`, `1h`, `7d`; from one second to 366 days.
struct Span {
    std::uint64_t seconds = 0;
    friend bool operator==(const Span&, const Span&) = default;
};

[[nodiscard]] Result<Span> parse_span(std::string_view text);
[[nodiscard]] std::string to_text(const Span& span);

/// Seconds since 1970 in UTC: `2026-12-01T00:00:00Z`, or `2026-12-01` for its first second.
struct Instant {
    std::uint64_t seconds = 0;
    friend auto operator<=>(const Instant&, const Instant&) = default;
};

/// Years 1970 to 9999. Errors: invalid_field.
[[nodiscard]] Result<Instant> parse_instant(std::string_view text);
[[nodiscard]] std::string to_text(const Instant& instant);

/// How far local midnight is from UTC's: `+05:30`, `-03:00`, at most 14 hours. Fixed: no summer
/// time.
struct UtcOffset {
    std::int32_t minutes = 0;
    friend bool operator==(const UtcOffset&, const UtcOffset&) = default;
};

[[nodiscard]] Result<UtcOffset> parse_offset(std::string_view text);
[[nodiscard]] std::string to_text(const UtcOffset& offset);

/// What a limit is per.
struct Period {
    enum class Kind : std::uint8_t {
        request,  ///< each payment by itself
        window,   ///< rolling: the last `seconds`
        day,
        week,  ///< from Monday, ISO 8601
        month,
        pact,  ///< from not_before on, and without one everything ever spent
    };
    Kind kind = Kind::request;
    std::uint64_t seconds = 0;  ///< of a window; else 0
    friend bool operator==(const Period&, const Period&) = default;
};

/// `request`, `day`, `week`, `month`, `pact`, or a duration.
[[nodiscard]] Result<Period> parse_period(std::string_view text);
[[nodiscard]] std::string to_text(const Period& period);

/// Refuse beats ask, ask beats allow.
enum class Verdict : std::uint8_t { allow, ask, refuse };

[[nodiscard]] Result<Verdict> parse_verdict(std::string_view text);
[[nodiscard]] std::string_view to_text(Verdict verdict);

/// `Amount(uint256 value,string unit)`, as wallets show it: value in 10^-18.
struct SignedAmount {
    static constexpr std::string_view eip712_name = "Amount";
    U256 value;
    std::string unit;
    static constexpr auto fields() {
        return std::tuple{field("value", &SignedAmount::value), field("unit", &SignedAmount::unit)};
    }
};

}  // namespace farthing::policy

namespace farthing::json {

/// A type with a parser of its text and a `to_text`.
template <class T, Result<T> (*Parse)(std::string_view)>
struct TextCodec {
    static Result<T> decode(const Value& value, const Path& path) {
        FARTHING_TRY(const auto text, json::decode<std::string>(value, path));
        auto parsed = Parse(text);
        if (!parsed) return path.error(parsed.error().detail);
        return parsed;
    }
    static Value encode(const T& value) { return Value(to_text(value)); }
};

template <>
struct Codec<policy::Amount> : TextCodec<policy::Amount, policy::parse_amount> {};
template <>
struct Codec<policy::Span> : TextCodec<policy::Span, policy::parse_span> {};
template <>
struct Codec<policy::Instant> : TextCodec<policy::Instant, policy::parse_instant> {};
template <>
struct Codec<policy::UtcOffset> : TextCodec<policy::UtcOffset, policy::parse_offset> {};
template <>
struct Codec<policy::Period> : TextCodec<policy::Period, policy::parse_period> {};
template <>
struct Codec<policy::Verdict> : TextCodec<policy::Verdict, policy::parse_verdict> {};

}  // namespace farthing::json

namespace farthing::eip712 {

template <>
struct SignedAs<policy::Amount> {
    static policy::SignedAmount convert(const policy::Amount& a) { return {a.value, a.unit}; }
};
template <>
struct SignedAs<policy::Span> {
    static std::uint64_t convert(const policy::Span& span) { return span.seconds; }
};
template <>
struct SignedAs<policy::Instant> {
    static std::uint64_t convert(const policy::Instant& instant) { return instant.seconds; }
};
template <>
struct SignedAs<policy::UtcOffset> {
    static std::int32_t convert(const policy::UtcOffset& offset) { return offset.minutes; }
};
template <>
struct SignedAs<policy::Period> {
    static std::string convert(const policy::Period& period) { return to_text(period); }
};
template <>
struct SignedAs<policy::Verdict> {
    static std::string convert(const policy::Verdict& v) { return std::string(to_text(v)); }
};
template <>
struct SignedAs<Network> {
    static std::string convert(const Network& network) { return network.id; }
};

}  // namespace farthing::eip712
