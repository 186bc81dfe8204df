// SPDX-License-Identifier: Apache-2.0
#include "farthing/json/schema.hpp"

#include <doctest/doctest.h>

namespace farthing::json {
namespace {

struct Leg {
    std::string from;
    std::optional<std::uint32_t> gate;
    static constexpr auto fields() {
        return std::tuple{field("from", &Leg::from, "where it starts"), field("gate", &Leg::gate)};
    }
};

/// As a message: what is not optional has to be there.
struct Journey {
    std::vector<Leg> legs;
    bool refundable = false;
    std::optional<Object> extra;
    static constexpr auto fields() {
        return std::tuple{field("legs", &Journey::legs, "in order"),
                          field("refundable", &Journey::refundable),
                          field("extra", &Journey::extra)};
    }
};

/// As arguments: what is not listed has a default.
struct Query {
    std::string word;
    std::uint64_t limit = 10;
    Value anything;
    static constexpr std::array<std::string_view, 1> required{"word"};
    static constexpr auto fields() {
        return std::tuple{field("word", &Query::word, "what to look for"),
                          field("limit", &Query::limit), field("anything", &Query::anything)};
    }
};

struct Open {
    std::string known;
    Object other;
    static constexpr auto fields() { return std::tuple{field("known", &Open::known)}; }
};

Value parsed(std::string_view text) { return parse(text).value(); }

TEST_CASE("schema: members, their words, and which of them have to be there") {
    CHECK(equal(Value(schema_of<Journey>()), parsed(R"({
        "type": "object",
        "properties": {
            "legs": {"type": "array", "description": "in order", "items": {
                "type": "object",
                "properties": {
                    "from": {"type": "string", "description": "where it starts"},
                    "gate": {"type": "integer", "minimum": 0, "maximum": 4294967295}},
                "required": ["from"],
                "additionalProperties": false}},
            "refundable": {"type": "boolean"},
            "extra": {"type": "object"}},
        "required": ["legs", "refundable"],
        "additionalProperties": false})")));
}

TEST_CASE("schema: where defaults apply they are said, and only the listed members are required") {
    CHECK(equal(Value(schema_of<Query>()), parsed(R"({
        "type": "object",
        "properties": {
            "word": {"type": "string", "description": "what to look for"},
            "limit": {"type": "integer", "minimum": 0, "default": 10},
            "anything": {"default": null}},
        "required": ["word"],
        "additionalProperties": false})")));
}

TEST_CASE("schema: a type that keeps what it does not know takes it") {
    CHECK(!schema_of<Open>().contains("additionalProperties"));
}

TEST_CASE("schema: a described member is coded as any other") {
    const auto query = decode<Query>(parsed(R"({"word": "rain"})")).value();
    CHECK(query.word == "rain");
    CHECK(query.limit == 10);
    const auto missing = decode<Query>(parsed("{}"));
    REQUIRE(!missing);
    CHECK(missing.error().detail == ".word: missing");
    const auto unknown =
        decode<Query>(parsed(R"({"word": "a", "limt": 1})"), Path(Unknown::refuse));
    REQUIRE(!unknown);
    CHECK(unknown.error().detail.find("did you mean \"limit\"?") != std::string::npos);
}

}  // namespace
}  // namespace farthing::json
