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

/// For people: UTF-8 that a terminal only shows. Each character that it would act on (escape
/// sequences start with ESC or U+009B), that turns the order of the others around, breaks the line
/// or is not to be seen becomes `?`; so does each byte that is no UTF-8. Of a text longer than
/// `bytes_max` the whole characters within it.
[[nodiscard]] std::string legible(std::string_view text,
                                  std::size_t bytes_max = std::string_view::npos);

/// Well-formed UTF-8 without surrogates and overlong forms: what a JSON string can hold.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace farthing
