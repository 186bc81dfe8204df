// SPDX-License-Identifier: Apache-2.0
#include "farthing/base/base64.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <regex>

#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::testing;

TEST_CASE("base64: known pairs, both ways") {
    for (const auto& each : array_at(load_vectors("base64.json"), "pairs")) {
        CHECK(to_base64(text_at(each, "text")) == text_at(each, "base64"));
        CHECK(from_base64(text_at(each, "base64")).value() == text_at(each, "text"));
    }
}

TEST_CASE("base64: what the reference decoder lets pass, passes with the same bytes") {
    for (const auto& each : array_at(load_vectors("base64.json"), "accepted")) {
        CAPTURE(text_at(each, "base64"));
        CHECK(from_base64(text_at(each, "base64")).value() == text_at(each, "text"));
    }
}

TEST_CASE("base64: what it refuses is refused") {
    for (const auto& each : array_at(load_vectors("base64.json"), "refused")) {
        CAPTURE(text_at(each, "base64"));
        const auto bytes = from_base64(text_at(each, "base64"));
        REQUIRE(!bytes);
        CHECK(bytes.error().code == Errc::invalid_encoding);
    }
}

TEST_CASE("base64: exactly what protocol.md 4's expression matches is accepted") {
    const std::regex rule("^[A-Za-z0-9+/]*={0,2}$");
    CHECK(rc::check([&rule] {
        const auto text = *rc::gen::container<std::string>(rc::gen::element(
            'A', 'Z', 'a', 'z', '0', '9', '+', '/', '=', '=', '-', '_', ' ', '.', '@', '['));
        RC_ASSERT(from_base64(text).has_value() == std::regex_match(text, rule));
    }));
}

TEST_CASE("base64: decoding what was encoded gives the bytes again") {
    CHECK(rc::check([](const std::string& bytes) {
        const auto text = to_base64(bytes);
        RC_ASSERT(text.size() == (bytes.size() + 2) / 3 * 4);
        RC_ASSERT(from_base64(text).value() == bytes);
        // Also without its padding.
        RC_ASSERT(from_base64(text.substr(0, text.find('='))).value() == bytes);
    }));
}
