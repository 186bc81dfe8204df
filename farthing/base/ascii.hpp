// SPDX-License-Identifier: Apache-2.0
// Text of protocols, whose letters are those of ASCII, whatever the locale.
#pragma once

#include <string>
#include <string_view>

namespace farthing {

/// A to Z as a to z; all other bytes as they are.
[[nodiscard]] inline std::string to_lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    }
    return out;
}

}  // namespace farthing
