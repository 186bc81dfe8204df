// SPDX-License-Identifier: Apache-2.0
// Text from outside, made fit to be repeated in our own messages.
#pragma once

#include <string>
#include <string_view>

namespace farthing {

/// At most `bytes_max` characters of printable ASCII; anything else becomes `?`. What a contract or
/// a node says may be of any length and no UTF-8, and a message that carries it must stay JSON.
[[nodiscard]] inline std::string printable(std::string_view text, std::size_t bytes_max) {
    std::string out(text.substr(0, bytes_max));
    for (char& c : out) {
        if (c < 0x20 || c > 0x7e) c = '?';
    }
    return out;
}

}  // namespace farthing
