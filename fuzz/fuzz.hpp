// SPDX-License-Identifier: Apache-2.0
// What every fuzzer shares. A fuzzer ends the process when a promise of the parser does not hold.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "farthing/base/result.hpp"

namespace farthing::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// The text up to the first line end, and the rest.
inline std::pair<std::string_view, std::string_view> first_line(std::string_view text) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {text, {}};
    return {text.substr(0, end), text.substr(end + 1)};
}

/// A refusal that names nothing helps nobody.
template <class T>
void explained(const Result<T>& result) {
    invariant(result || !result.error().detail.empty(), "an error has a detail");
}

}  // namespace farthing::fuzz
