// SPDX-License-Identifier: Apache-2.0
#include "farthing/json/codec.hpp"

#include <doctest/doctest.h>

#include <array>

namespace json = farthing::json;

namespace {

struct Inner {
    std::string name;
    std::optional<std::uint64_t> count;
    json::Object other;
    static constexpr auto fields() {
        return std::tuple{farthing::field("name", &Inner::name),
                          farthing::field("count", &Inner::count)};
    }
};

struct Outer {
    std::vector<Inner> items;
    static constexpr auto fields() { return std::tuple{farthing::field("items", &Outer::items)}; }
};

struct Settings {
    std::string origin;
    std::chrono::milliseconds timeout{30'000};
    static constexpr std::array<std::string_view, 1> required{"origin"};
    static constexpr auto fields() {
        return std::tuple{farthing::field("origin", &Settings::origin),
                          farthing::field("timeout", &Settings::timeout)};
    }
};

std::string error_of(std::string_view text) {
    const auto decoded = json::from_text<Outer>(text);
    REQUIRE(!decoded);
    return decoded.error().detail;
}

}  // namespace

TEST_CASE("json: a message round-trips and keeps members it does not know") {
    const auto outer = json::from_text<Outer>(R"({"items":[{"name":"a","count":3,"x":{"y":1}}]})");
    REQUIRE(outer);
    CHECK(outer->items[0].count == 3);
    CHECK(json::encode_text(*outer) == R"({"items":[{"name":"a","count":3,"x":{"y":1}}]})");
}

TEST_CASE("json: null for an optional member means absent") {
    const auto outer = json::from_text<Outer>(R"({"items":[{"name":"a","count":null}]})");
    REQUIRE(outer);
    CHECK(!outer->items[0].count);
}

TEST_CASE("json: an error names the field and the reason") {
    CHECK(error_of(R"({})") == ".items: missing");
    CHECK(error_of(R"({"items":[{"name":"a"},{"name":7}]})") ==
          ".items[1].name: expected a string");
    CHECK(error_of(R"({"items":[{"name":"a","count":-1}]})") ==
          ".items[0].count: expected a whole number from 0 to 2^53-1");
    CHECK(error_of(R"({"items":[{"name":"a","count":1.5}]})") ==
          ".items[0].count: expected a whole number from 0 to 2^53-1");
    CHECK(error_of(R"([])") == "expected an object");
}

TEST_CASE("json: duplicate keys, depth and size are refused") {
    CHECK(json::parse(R"({"a":1,"a":2})").error().detail == "duplicate key \"a\"");
    const std::string deep = std::string(10'000, '[') + std::string(10'000, ']');
    CHECK(json::parse(deep).error().code == farthing::Errc::too_large);
    CHECK(json::parse("[1,2,3,4]", {.values_max = 3}).error().code == farthing::Errc::too_large);
    CHECK(json::parse("\"aaaa\"", {.bytes_max = 3}).error().code == farthing::Errc::too_large);
    CHECK(json::parse("{\"a\":\xff}").error().code == farthing::Errc::invalid_json);
    CHECK(json::parse("1 2").error().code == farthing::Errc::invalid_json);
    CHECK(json::parse("").error().code == farthing::Errc::invalid_json);
    CHECK(json::parse("99999999999999999999999").error().code == farthing::Errc::invalid_json);
}

TEST_CASE("json: nesting is allowed up to the limit and not beyond") {
    CHECK(json::parse("[[1]]", {.depth_max = 2}));
    CHECK(!json::parse("[[[1]]]", {.depth_max = 2}));
    CHECK(json::parse("[[[1]]]", {.depth_max = 3}));
}

TEST_CASE("json: configuration keeps defaults and refuses unknown keys") {
    const json::Path strict{json::Unknown::refuse};
    const auto good = json::decode<Settings>(json::parse(R"({"origin":"x"})").value(), strict);
    REQUIRE(good);
    CHECK(good->timeout == std::chrono::seconds(30));
    CHECK(
        json::decode<Settings>(json::parse(R"({"timeout":"1s"})").value(), strict).error().detail ==
        ".origin: missing");
    CHECK(json::decode<Settings>(json::parse(R"({"origin":"x","orign":"y"})").value(), strict)
              .error()
              .detail == ".orign: unknown key");
    CHECK(json::decode<Settings>(json::parse(R"({"origin":"x","timeout":"5 parsecs"})").value(),
                                 strict)
              .error()
              .detail == ".timeout: expected a duration such as \"250ms\", \"30s\" or \"5m\"");
}

TEST_CASE("json: a misspelt key of configuration is named before what it leaves missing") {
    const auto error = [](std::string_view text) {
        const json::Path strict{json::Unknown::refuse};
        const auto decoded = json::decode<Settings>(json::parse(text).value(), strict);
        REQUIRE_MESSAGE(!decoded, text);
        return decoded.error().detail;
    };
    CHECK(error(R"({"orgin":"x"})") == ".orgin: unknown key, did you mean \"origin\"?");
    CHECK(error(R"({"orgin":"x","timeout":7})") == ".orgin: unknown key, did you mean \"origin\"?");
    CHECK(error(R"({"origin":"x","time_out":"1s"})") ==
          ".time_out: unknown key, did you mean \"timeout\"?");
    CHECK(error(R"({"origin":"x","colour":"red"})") == ".colour: unknown key");
    // The name that is near is there as well: something else was meant.
    CHECK(error(R"({"origin":"x","origins":"y"})") == ".origins: unknown key");
}

TEST_CASE("json: a message on the wire keeps its errors, whatever else it carries") {
    CHECK(error_of(R"({"itmes":[]})") == ".items: missing");
    CHECK(error_of(R"({"items":[{"nam":"a"}]})") == ".items[0].name: missing");
}

TEST_CASE("json: equality is on values, not text") {
    const auto value = [](std::string_view text) { return json::parse(text).value(); };
    CHECK(json::equal(value(R"({"a":1,"b":[1,2]})"), value(R"({"b":[1,2.0],"a":1})")));
    CHECK(!json::equal(value(R"({"a":"1"})"), value(R"({"a":1})")));
    CHECK(!json::equal(value(R"({"a":null})"), value(R"({})")));
    CHECK(json::contains(value(R"({"a":1,"b":2})"), value(R"({"a":1})")));
    CHECK(!json::contains(value(R"({"b":2})"), value(R"({"a":1})")));
}
