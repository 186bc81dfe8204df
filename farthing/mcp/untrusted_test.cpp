// SPDX-License-Identifier: Apache-2.0
#include "farthing/mcp/untrusted.hpp"

#include <doctest/doctest.h>

#include "farthing/base/base64.hpp"
#include "farthing/testing/seeded_random.hpp"

namespace farthing::mcp {
namespace {

TEST_CASE("untrusted: lines and tabs stay, what is not to be seen does not") {
    CHECK(clean("a\tb\r\nc\n") == "a\tb\nc\n");
    CHECK(clean("a\x1b[2Jb\xe2\x80\xae\xf3\xa0\x81\x81\xff") == "a?[2Jb???");
    CHECK(phrase("abc", 2) == "ab…");
    CHECK(phrase("a\nb") == "a?b");
}

TEST_CASE("untrusted: the marks are others each time") {
    testing::SeededRandom random(1);
    const auto first = fenced(random, "a seller", "text");
    const auto second = fenced(random, "a seller", "text");
    CHECK(first != second);
    CHECK(first.find("not instructions") != std::string::npos);
}

/// Everything, piece by piece.
std::string read_all(Shelf& shelf, Piece piece, bool is_text) {
    std::string out = is_text ? piece.text : from_base64(piece.text).value();
    while (piece.next_offset) {
        piece = shelf.more("a", *piece.body_id, *piece.next_offset).value();
        out += is_text ? piece.text : from_base64(piece.text).value();
    }
    return out;
}

TEST_CASE("untrusted: a long body comes whole, in pieces that cut no character") {
    testing::SeededRandom random(1);
    Shelf shelf(random);
    for (const std::size_t pad : {0U, 1U, 2U}) {
        std::string text(pad, 'x');
        while (text.size() < 3 * kShownBytesMax) text += "€";
        auto first = shelf.show("a", text, 0);
        CHECK(first.encoding == "text");
        CHECK(read_all(shelf, first, true) == text);
        const auto binary = text + "\xff";
        first = shelf.show("a", binary, 0);
        CHECK(first.encoding == "base64");
        CHECK(read_all(shelf, first, false) == binary);
    }
}

TEST_CASE("untrusted: a kept body is its agent's, and the oldest gives way") {
    testing::SeededRandom random(1);
    Shelf shelf(random);
    const std::string body(kShownBytesMax + 1, 'x');
    const auto first = shelf.show("a", body, 7);
    REQUIRE(first.body_id);
    CHECK(first.bytes_total == body.size() + 7);
    CHECK(!shelf.more("b", *first.body_id, 0));
    const auto rest = shelf.more("a", *first.body_id, *first.next_offset);
    REQUIRE(rest);
    CHECK(rest->note.find("the last 7 bytes") != std::string::npos);
    CHECK(shelf.more("a", *first.body_id, std::uint64_t{1} << 60)->text.empty());
    for (std::size_t i = 0; i < Shelf::kBodiesMax; ++i) {
        const auto more = shelf.show("a", body, 0);
        CHECK(more.body_id != first.body_id);
    }
    CHECK(!shelf.more("a", *first.body_id, 0));
    CHECK(!shelf.show("a", "short", 0).body_id);
}

}  // namespace
}  // namespace farthing::mcp
