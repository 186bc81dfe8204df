// SPDX-License-Identifier: Apache-2.0
#include "farthing/base/printable.hpp"

#include <algorithm>
#include <array>

namespace farthing {
namespace {

struct Character {
    std::size_t bytes = 0;  ///< 0: the text does not begin with one
    char32_t code = 0;
};

/// What a text that is not empty begins with. Source: Unicode 15, table 3-7.
Character first_of(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto lead = byte(0);
    if (lead < 0x80) return {1, lead};
    const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    const unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead < 0xc2 || lead > 0xf4 || byte(1) < low || byte(1) > high) return {};
    char32_t code = lead & (0x3fU >> more);
    for (std::size_t i = 1; i <= more; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {};
        code = code << 6 | (byte(i) & 0x3f);
    }
    return {more + 1, code};
}

struct Range {
    char32_t first;
    char32_t last;
};

/// Controls, and what Unicode calls format characters as far as they turn or hide text.
constexpr std::array<Range, 12> kUnseen{{{0x00, 0x1f},
                                         {0x7f, 0x9f},
                                         {0xad, 0xad},          // soft hyphen
                                         {0x61c, 0x61c},        // Arabic letter mark
                                         {0x180e, 0x180e},      // Mongolian vowel separator
                                         {0x200b, 0x200f},      // zero width, direction marks
                                         {0x2028, 0x2029},      // line and paragraph separator
                                         {0x202a, 0x202e},      // embeddings, overrides
                                         {0x2060, 0x206f},      // word joiner, isolates
                                         {0xfeff, 0xfeff},      // byte order mark
                                         {0xfff9, 0xfffb},      // interlinear annotation
                                         {0xe0000, 0xe0fff}}};  // tags

bool is_seen(char32_t code) {
    return std::ranges::none_of(
        kUnseen, [&](const Range& each) { return each.first <= code && code <= each.last; });
}

}  // namespace

std::string legible(std::string_view text, std::size_t bytes_max) {
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto character = first_of(text.substr(at));
        const auto bytes = std::max<std::size_t>(character.bytes, 1);
        if (bytes > bytes_max - at) break;
        if (character.bytes > 0 && is_seen(character.code)) {
            out += text.substr(at, bytes);
        } else {
            out += '?';
        }
        at += bytes;
    }
    return out;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto bytes = first_of(text).bytes;
        if (bytes == 0) return false;
        text.remove_prefix(bytes);
    }
    return true;
}

}  // namespace farthing
