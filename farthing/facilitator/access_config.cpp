// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/access_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "farthing/facilitator/address_list.hpp"
#include "farthing/net/trusted_proxies.hpp"

namespace farthing::facilitator {
namespace {

constexpr std::size_t kNameMax = 64;
constexpr std::uint64_t kEntriesMax = 10'000'000;
constexpr std::chrono::hours kCacheForMax{24};

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

std::unexpected<Error> wrong(std::string text) {
    return fail(Errc::invalid_config, std::move(text));
}

/// Digits and nothing else; nothing when there is anything else.
std::optional<int> number_in(std::string_view digits) {
    int number = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        number = number * 10 + (c - '0');
    }
    return number;
}

}  // namespace

Result<> RateConfig::validate() const {
    if (rate < 1 || rate > kTokensMax)
        return wrong(fmt::format("rate: expected 1 to {}", kTokensMax));
    if (burst < 1 || burst > kTokensMax)
        return wrong(fmt::format("burst: expected 1 to {}", kTokensMax));
    if (per.count() <= 0 || per > kPerMax) return wrong("per: expected more than 0, at most a day");
    return {};
}

Result<> RateLimitsConfig::validate() const {
    for (const auto& [name, limit] :
         {std::pair{"client", &client}, std::pair{"key", &key}, std::pair{"payer", &payer}}) {
        if (!*limit) continue;
        if (const auto valid = (*limit)->validate(); !valid)
            return wrong(fmt::format("{}.{}", name, valid.error().detail));
    }
    if (entries_max < 1 || entries_max > kEntriesMax)
        return wrong(fmt::format("entries_max: expected 1 to {}", kEntriesMax));
    return {};
}

Result<UtcTime> parse_utc_time(std::string_view text) {
    constexpr std::string_view kShape = "0000-00-00T00:00:00Z";
    constexpr std::size_t kDayLength = 10;
    const auto refused = fail(Errc::invalid_field, "expected 2027-01-31 or 2027-01-31T12:00:00Z");
    if (text.size() != kDayLength && text.size() != kShape.size()) return refused;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (kShape[i] == '0' ? !digit : text[i] != kShape[i]) return refused;
    }
    const auto part = [&](std::size_t at, std::size_t length) {
        return at < text.size() ? number_in(text.substr(at, length)).value_or(-1) : 0;
    };
    const std::chrono::year_month_day day{std::chrono::year(part(0, 4)),
                                          std::chrono::month(static_cast<unsigned>(part(5, 2))),
                                          std::chrono::day(static_cast<unsigned>(part(8, 2)))};
    const auto hour = part(11, 2);
    const auto minute = part(14, 2);
    const auto second = part(17, 2);
    if (!day.ok() || hour > 23 || minute > 59 || second > 59) return refused;
    return UtcTime{std::chrono::sys_days(day) + std::chrono::hours(hour) +
                   std::chrono::minutes(minute) + std::chrono::seconds(second)};
}

std::string to_text(const UtcTime& time) {
    const auto days = std::chrono::floor<std::chrono::days>(time.at);
    const std::chrono::year_month_day day(days);
    const std::chrono::hh_mm_ss clock(time.at - days);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(day.year()),
                       static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Result<> ApiKeyConfig::validate() const {
    if (name.empty() || name.size() > kNameMax || !std::ranges::all_of(name, is_name_char)) {
        return wrong(
            fmt::format("name: expected 1 to {} letters, digits, `-`, `_` and `.`", kNameMax));
    }
    if (hash == Bytes32{}) return wrong("hash: expected the SHA-256 of a key, got zero");
    if (!rate_limit) return {};
    if (const auto valid = rate_limit->validate(); !valid)
        return wrong("rate_limit." + valid.error().detail);
    return {};
}

Result<> check_api_keys(const std::vector<ApiKeyConfig>& keys) {
    if (keys.size() > kApiKeysMax)
        return wrong(fmt::format("api_key: expected at most {}, got {}", kApiKeysMax, keys.size()));
    std::set<std::string> names;
    std::set<Bytes32> hashes;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (const auto valid = keys[i].validate(); !valid)
            return wrong(fmt::format("api_key[{}].{}", i, valid.error().detail));
        if (!names.insert(keys[i].name).second)
            return wrong(fmt::format("api_key[{}].name: {} is there twice", i, keys[i].name));
        if (!hashes.insert(keys[i].hash).second)
            return wrong(fmt::format("api_key[{}].hash: it is there twice", i));
    }
    return {};
}

Result<> ScreeningConfig::validate() const {
    if (!file && !url) return wrong("file: expected a file or a url to screen with");
    if (file) {
        if (const auto list = load_address_list(*file); !list)
            return wrong("file: " + list.error().detail);
    }
    if (url) {
        if (const auto valid = net::parse_url(*url); !valid)
            return wrong("url: " + valid.error().detail);
    }
    if (token) {
        if (const auto valid = token->validate(); !valid)
            return wrong("token: " + valid.error().detail);
        if (!url) return wrong("token: there is no url to send it to");
    }
    if (file_check_interval.count() <= 0) return wrong("file_check_interval: expected more than 0");
    if (timeout.count() <= 0) return wrong("timeout: expected more than 0");
    if (on_error != "refuse" && on_error != "allow")
        return wrong("on_error: expected \"refuse\" or \"allow\"");
    if (cache_for > kCacheForMax) return wrong("cache_for: expected at most a day");
    if (cache_max < 1 || cache_max > kEntriesMax)
        return wrong(fmt::format("cache_max: expected 1 to {}", kEntriesMax));
    return {};
}

Result<> check_proxies(const std::vector<std::string>& proxies) {
    net::TrustedProxies trusted;
    for (std::size_t i = 0; i < proxies.size(); ++i) {
        if (const auto added = trusted.add(proxies[i]); !added)
            return wrong(fmt::format("trusted_proxies[{}]: {}", i, added.error().detail));
    }
    return {};
}

}  // namespace farthing::facilitator

namespace farthing::json {

Result<facilitator::UtcTime> Codec<facilitator::UtcTime>::decode(const Value& value,
                                                                 const Path& path) {
    if (!value.is_string()) return path.error("expected text such as \"2027-01-31\"");
    auto time = facilitator::parse_utc_time(std::string_view(value.get_string()));
    if (!time) return path.error(time.error().detail);
    return time;
}

}  // namespace farthing::json
