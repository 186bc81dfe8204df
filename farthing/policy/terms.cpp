// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/terms.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <optional>

#include "farthing/scheme/price.hpp"

namespace farthing::policy {
namespace {

using namespace std::chrono;

/// Far above any budget, and far below where a product or a sum of 256 bits ends.
constexpr unsigned kAmountDigitsMax = 12 + kScale;
constexpr std::uint64_t kSpanMax = 366ULL * 86'400;
constexpr std::int32_t kOffsetMax = 14 * 60;

struct Unit {
    std::string_view name;
    std::uint64_t seconds;
};
constexpr std::array kUnits{Unit{"d", 86'400}, Unit{"h", 3600}, Unit{"m", 60}, Unit{"s", 1}};

struct PeriodName {
    std::string_view name;
    Period::Kind kind;
};
constexpr std::array kPeriods{
    PeriodName{"request", Period::Kind::request}, PeriodName{"day", Period::Kind::day},
    PeriodName{"week", Period::Kind::week}, PeriodName{"month", Period::Kind::month},
    PeriodName{"pact", Period::Kind::pact}};

constexpr std::array<std::string_view, 3> kVerdicts{"allow", "ask", "refuse"};

/// All of `text` as decimal digits, exactly `digits` of them.
std::optional<unsigned> read_digits(std::string_view text, std::size_t digits) {
    if (text.size() != digits) return std::nullopt;
    unsigned number = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    return number;
}

/// `2026-12-01`.
std::optional<sys_days> read_date(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto y = read_digits(text.substr(0, 4), 4);
    const auto m = read_digits(text.substr(5, 2), 2);
    const auto d = read_digits(text.substr(8, 2), 2);
    if (!y || !m || !d || *y < 1970) return std::nullopt;
    const year_month_day date{year(static_cast<int>(*y)), month(*m), day(*d)};
    if (!date.ok()) return std::nullopt;
    return sys_days(date);
}

/// `T23:59:59Z` as seconds of the day.
std::optional<std::uint64_t> read_time(std::string_view text) {
    if (text.size() != 10 || text[0] != 'T' || text[3] != ':' || text[6] != ':' || text[9] != 'Z')
        return std::nullopt;
    const auto h = read_digits(text.substr(1, 2), 2);
    const auto m = read_digits(text.substr(4, 2), 2);
    const auto s = read_digits(text.substr(7, 2), 2);
    if (!h || !m || !s || *h > 23 || *m > 59 || *s > 59) return std::nullopt;
    return *h * 3600ULL + *m * 60ULL + *s;
}

}  // namespace

Result<Amount> parse_amount(std::string_view text) {
    FARTHING_TRY(auto money, scheme::parse_money(text));
    auto units = money.units;
    auto scale = money.scale;
    while (scale > kScale) {
        const auto shorter = units.checked_div(U256(10)).value_or(U256{});
        if (shorter.checked_mul(U256(10)) != units)
            return fail(Errc::invalid_field, "expected at most 18 digits after the point");
        units = shorter;
        --scale;
    }
    const auto factor = power_of_ten(kScale - scale);
    const auto value = factor ? units.checked_mul(*factor) : std::nullopt;
    if (!value || *value > power_of_ten(kAmountDigitsMax).value_or(U256{}))
        return fail(Errc::invalid_field, "expected at most 1000000000000");
    return Amount{*value, std::move(money.symbol)};
}

std::string to_text(const Amount& amount) {
    const auto number = to_units(amount.value, kScale);
    return amount.unit.empty() ? "$" + number : number + " " + amount.unit;
}

Result<Span> parse_span(std::string_view text) {
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
    for (const auto& each : kUnits) {
        if (error != std::errc{} || each.name != unit) continue;
        if (number == 0 || number > kSpanMax / each.seconds)
            return fail(Errc::invalid_field, "expected a duration from 1s to 366d");
        return Span{number * each.seconds};
    }
    return fail(Errc::invalid_field,
                "expected a duration such as \"30s\", \"5m\", \"1h\" or \"7d\"");
}

std::string to_text(const Span& span) {
    for (const auto& each : kUnits) {
        if (span.seconds % each.seconds == 0)
            return fmt::format("{}{}", span.seconds / each.seconds, each.name);
    }
    return fmt::format("{}s", span.seconds);
}

Result<Instant> parse_instant(std::string_view text) {
    const auto date = read_date(text.substr(0, 10));
    const auto time =
        text.size() > 10 ? read_time(text.substr(10)) : std::optional<std::uint64_t>(0);
    if (!date || !time) {
        return fail(Errc::invalid_field,
                    "expected a time in UTC such as \"2026-12-01T00:00:00Z\" or \"2026-12-01\"");
    }
    const auto days = static_cast<std::uint64_t>(date->time_since_epoch().count());
    return Instant{days * 86'400 + *time};
}

std::string to_text(const Instant& instant) {
    // Beyond the year 9999 there is no such text; a clock that says so is wrong anyway.
    constexpr std::uint64_t kLast = 253'402'300'799;
    const auto seconds = std::min(instant.seconds, kLast);
    const auto days = static_cast<int>(seconds / 86'400);
    const year_month_day date{sys_days(std::chrono::days(days))};
    const auto of_day = seconds % 86'400;
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       of_day / 3600, of_day / 60 % 60, of_day % 60);
}

Result<UtcOffset> parse_offset(std::string_view text) {
    const bool shaped = text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':';
    const auto hours = shaped ? read_digits(text.substr(1, 2), 2) : std::nullopt;
    const auto minutes = shaped ? read_digits(text.substr(4, 2), 2) : std::nullopt;
    const auto total = static_cast<std::int32_t>(hours.value_or(0) * 60 + minutes.value_or(0));
    if (!hours || !minutes || *minutes > 59 || total > kOffsetMax) {
        return fail(Errc::invalid_field,
                    "expected an offset from UTC such as \"+05:30\", at most 14 hours");
    }
    return UtcOffset{text[0] == '-' ? -total : total};
}

std::string to_text(const UtcOffset& offset) {
    const auto absolute = offset.minutes < 0 ? -offset.minutes : offset.minutes;
    return fmt::format("{}{:02}:{:02}", offset.minutes < 0 ? '-' : '+', absolute / 60,
                       absolute % 60);
}

Result<Period> parse_period(std::string_view text) {
    for (const auto& each : kPeriods) {
        if (each.name == text) return Period{each.kind, 0};
    }
    const auto span = parse_span(text);
    if (span) return Period{Period::Kind::window, span->seconds};
    return fail(Errc::invalid_field,
                "expected request, day, week, month, pact, or a duration from 1s to 366d such as "
                "\"1h\"");
}

std::string to_text(const Period& period) {
    for (const auto& each : kPeriods) {
        if (each.kind == period.kind) return std::string(each.name);
    }
    return to_text(Span{period.seconds});
}

Result<Verdict> parse_verdict(std::string_view text) {
    for (std::size_t i = 0; i < kVerdicts.size(); ++i) {
        if (kVerdicts[i] == text) return static_cast<Verdict>(i);
    }
    return fail(Errc::invalid_field, "expected allow, ask or refuse");
}

std::string_view to_text(Verdict verdict) { return kVerdicts[static_cast<std::size_t>(verdict)]; }

}  // namespace farthing::policy
