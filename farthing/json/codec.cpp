// SPDX-License-Identifier: Apache-2.0
#include "farthing/json/codec.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "farthing/base/nearest.hpp"

namespace farthing::json {
namespace {

constexpr std::uint64_t kSafeIntegerMax = (1ULL << 53) - 1;

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};
constexpr std::array kUnits{Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000},
                            Unit{"d", 86'400'000}};
constexpr std::int64_t kDurationMax = 366LL * 86'400'000;

}  // namespace

std::string Path::text() const {
    if (parent_ == nullptr) return {};
    if (key_.data() != nullptr)
        return parent_->text() + "." + std::string(key_.substr(0, kKeyShownMax));
    return fmt::format("{}[{}]", parent_->text(), index_);
}

std::unexpected<Error> Path::error(std::string_view what) const {
    const auto where = text();
    return fail(Errc::invalid_field,
                where.empty() ? std::string(what) : fmt::format("{}: {}", where, what));
}

namespace detail {

Result<> refuse_unknown(const Object& from, std::span<const std::string_view> known,
                        const Path& path) {
    for (const auto& member : from) {
        const std::string_view name{member.key().data(), member.key().size()};
        if (std::ranges::find(known, name) != known.end()) continue;
        // A name that is there as well was not meant.
        std::vector<std::string_view> absent;
        for (const auto each : known) {
            if (!from.contains({each.data(), each.size()})) absent.push_back(each);
        }
        const Path where(path, name);
        const auto meant = nearest(name, absent);
        if (!meant) return where.error("unknown key");
        return where.error(fmt::format("unknown key, did you mean \"{}\"?", *meant));
    }
    return {};
}

void keep_unknown(const Object& from, std::span<const std::string_view> known, Object& to) {
    for (const auto& [key, value] : from) {
        const std::string_view name{key.data(), key.size()};
        if (std::ranges::find(known, name) == known.end()) to.emplace(key, value);
    }
}

}  // namespace detail

Result<std::string> Codec<std::string>::decode(const Value& value, const Path& path) {
    if (const auto* text = value.if_string()) return std::string(text->data(), text->size());
    return path.error("expected a string");
}

Result<bool> Codec<bool>::decode(const Value& value, const Path& path) {
    if (const auto* on = value.if_bool()) return *on;
    return path.error("expected true or false");
}

Result<std::uint64_t> Codec<std::uint64_t>::decode(const Value& value, const Path& path) {
    if (const auto* number = value.if_uint64(); number != nullptr && *number <= kSafeIntegerMax) {
        return *number;
    }
    if (const auto* number = value.if_int64();
        number != nullptr && *number >= 0 &&
        *number <= static_cast<std::int64_t>(kSafeIntegerMax)) {
        return static_cast<std::uint64_t>(*number);
    }
    // Peers in JavaScript may print a whole number as 1e3.
    if (const auto* number = value.if_double(); number != nullptr && *number >= 0 &&
                                                *number <= static_cast<double>(kSafeIntegerMax) &&
                                                std::trunc(*number) == *number) {
        return static_cast<std::uint64_t>(*number);
    }
    return path.error("expected a whole number from 0 to 2^53-1");
}

Result<std::uint32_t> Codec<std::uint32_t>::decode(const Value& value, const Path& path) {
    FARTHING_TRY(const auto number, Codec<std::uint64_t>::decode(value, path));
    if (number > std::numeric_limits<std::uint32_t>::max())
        return path.error("expected less than 2^32");
    return static_cast<std::uint32_t>(number);
}

Result<Object> Codec<Object>::decode(const Value& value, const Path& path) {
    if (const auto* object = value.if_object()) return *object;
    return path.error("expected an object");
}

Result<std::chrono::milliseconds> Codec<std::chrono::milliseconds>::decode(const Value& value,
                                                                           const Path& path) {
    constexpr std::string_view kExpected =
        "expected a duration such as \"250ms\", \"30s\" or \"5m\"";
    const auto* text = value.if_string();
    if (text == nullptr) return path.error(kExpected);
    std::int64_t number = 0;
    const auto* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, number);
    const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
    for (const auto& each : kUnits) {
        if (error != std::errc{} || each.name != unit) continue;
        if (number < 0 || number > kDurationMax / each.milliseconds) {
            return path.error("expected a duration between 0 and 366 days");
        }
        return std::chrono::milliseconds(number * each.milliseconds);
    }
    return path.error(kExpected);
}

Value Codec<std::chrono::milliseconds>::encode(const std::chrono::milliseconds& duration) {
    const auto count = duration.count();
    if (count % 1000 != 0) return Value(fmt::format("{}ms", count));
    return Value(fmt::format("{}s", count / 1000));
}

}  // namespace farthing::json
