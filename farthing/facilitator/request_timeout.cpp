// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/request_timeout.hpp"

#include <algorithm>
#include <charconv>

namespace farthing::facilitator {
namespace {

constexpr std::uint32_t kMost = 86'400;
constexpr std::chrono::milliseconds kForTheWay{1'000};

}  // namespace

std::optional<std::chrono::seconds> request_timeout(const net::Headers& headers) {
    const auto text = headers.get(kRequestTimeout).value_or("");
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const bool is_number = error == std::errc{} && end == text.data() + text.size();
    if (!is_number || seconds == 0 || seconds > kMost) return std::nullopt;
    return std::chrono::seconds(seconds);
}

std::string told_timeout(std::chrono::milliseconds patience) {
    const auto left = std::chrono::floor<std::chrono::seconds>(patience - kForTheWay).count();
    return std::to_string(std::clamp<std::int64_t>(left, 1, kMost));
}

}  // namespace farthing::facilitator
