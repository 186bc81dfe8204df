// SPDX-License-Identifier: Apache-2.0
#include "farthing/base/printable.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace farthing;

TEST_CASE("legible: what a terminal would act on becomes a question mark") {
    struct Case {
        std::string_view name;
        std::string_view text;
        std::string_view shown;
    };
    const std::array<Case, 24> cases{{
        {"plain", "a quiet text, ~!", "a quiet text, ~!"},
        {"letters of the world", "žluťoučký kůň 価格 €5 🙂", "žluťoučký kůň 価格 €5 🙂"},
        {"the character before C1 ends, and after", "\x7e\xc2\xa0", "\x7e\xc2\xa0"},
        {"a title", "\x1b]0;PWNED\x07", "?]0;PWNED?"},
        {"line ends and tab", "a\r\nb\tc", "a??b?c"},
        {"a zero byte", {"a\0b", 3}, "a?b"},
        {"DEL", "a\x7f", "a?"},
        {"CSI as UTF-8",
         "\xc2\x9b"
         "2J",
         "?2J"},
        {"the ends of C1", "\xc2\x80\xc2\x9f", "??"},
        {"CSI as a byte",
         "\x9b"
         "2J",
         "?2J"},
        {"direction marks", "\u200e\u200f\u061c", "???"},
        {"overrides", "\u202a\u202e.", "??."},
        {"isolates", "\u2066\u2069.", "??."},
        {"line and paragraph separator", "\u2028\u2029", "??"},
        {"zero width", "pay\u200bpal\u200d\ufeff\u2060", "pay?pal???"},
        {"soft hyphen", "pay\u00adpal", "pay?pal"},
        {"tags", "\U000e0041", "?"},
        {"beside the ranges", "\u2010\u2027\u202f\u205f\u2070", "\u2010\u2027\u202f\u205f\u2070"},
        {"latin-1", "caf\xe9!", "caf?!"},
        {"overlong", "\xc0\x9b", "??"},
        {"overlong of three", "\xe0\x80\x9b", "???"},
        {"a surrogate", "\xed\xa0\x80", "???"},
        {"beyond Unicode", "\xf4\x90\x80\x80", "????"},
        {"cut off", "a\xe2\x82", "a??"},
    }};
    for (const auto& each : cases) {
        CAPTURE(each.name);
        CHECK(legible(each.text) == each.shown);
    }
}

TEST_CASE("legible: a long text ends with a whole character") {
    CHECK(legible("abc", 3) == "abc");
    CHECK(legible("abcd", 3) == "abc");
    CHECK(legible("ab€", 5) == "ab€");
    CHECK(legible("ab€", 4) == "ab");
    CHECK(legible("ab€", 2) == "ab");
    CHECK(legible("€", 0).empty());
    CHECK(legible("", 9).empty());
}

TEST_CASE("is_utf8: what a JSON string can hold") {
    CHECK(is_utf8(""));
    CHECK(is_utf8("a€🙂\x1b"));
    for (const auto* bad : {"\x80", "a\xe2\x82", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xf5\x80\x80\x80", "\xff"}) {
        CHECK(!is_utf8(bad));
    }
}
