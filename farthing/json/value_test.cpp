// SPDX-License-Identifier: Apache-2.0
#include "farthing/json/value.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <array>

using namespace farthing;

namespace {

Errc code_of(std::string_view text, const json::Limits& limits = {}) {
    const auto value = json::parse(text, limits);
    REQUIRE_MESSAGE(!value.has_value(), text);
    CHECK(!value.error().detail.empty());
    return value.error().code;
}

std::string round(std::string_view text) { return json::to_text(json::parse(text).value()); }

/// Trees of every kind of value, a few levels deep.
rc::Gen<json::Value> trees(int depth) {
    const auto keys = rc::gen::container<std::string>(rc::gen::inRange('a', 'f'));
    const auto leaves = rc::gen::oneOf(
        rc::gen::just(json::Value(nullptr)),
        rc::gen::map<bool>([](bool b) { return json::Value(b); }),
        rc::gen::map<std::uint64_t>([](std::uint64_t n) { return json::Value(n); }),
        rc::gen::map<std::int64_t>([](std::int64_t n) { return json::Value(n); }),
        rc::gen::map<std::int32_t>([](std::int32_t n) { return json::Value(n / 8.0); }),
        rc::gen::map(keys, [](const std::string& s) { return json::Value(s + "\"\\\n\u20ac"); }));
    if (depth == 0) return leaves;
    const auto below = rc::gen::container<std::vector<json::Value>>(trees(depth - 1));
    const auto arrays = rc::gen::map(below, [](const std::vector<json::Value>& items) {
        return json::Value(json::Array(items.begin(), items.end()));
    });
    const auto objects = rc::gen::map(rc::gen::pair(keys, below), [](const auto& named) {
        json::Object object;
        for (std::size_t i = 0; i < named.second.size(); ++i) {
            object[named.first + std::to_string(i)] = named.second[i];
        }
        return json::Value(object);
    });
    return rc::gen::oneOf(leaves, arrays, objects);
}

}  // namespace

TEST_CASE("json: text that is not RFC 8259 is refused") {
    for (const std::string_view text :
         {"",          " ",         "\n",      "nul",   "True",       "undefined", "NaN",
          "Infinity",  "-",         "+1",      "01",    "-01",        ".5",        "1.",
          "1e",        "1e+",       "0x10",    "1_000", "'a'",        "\"a",       "\"\\x41\"",
          "\"\\u12\"", "\"\n\"",    "\"\t\"",  "[1,]",  "[,1]",       "[1 2]",     "[",
          "]",         "{\"a\":}",  "{\"a\"}", "{a:1}", "{\"a\":1,}", "{1:1}",     "{",
          "// c\n1",   "/* c */ 1", "1 2",     "{} {}", "1,"}) {
        CAPTURE(text);
        CHECK(code_of(text) == Errc::invalid_json);
    }
    CHECK(code_of(std::string_view("1\0", 2)) == Errc::invalid_json);
    CHECK(code_of(std::string_view()) == Errc::invalid_json);  // without an address
}

TEST_CASE("json: strings are UTF-8, and escapes name whole characters") {
    for (const std::string_view text :
         {"\"\xff\"", "\"\xc3\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
          "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\""}) {
        CHECK(code_of(text) == Errc::invalid_json);
    }
    CHECK(json::parse(R"("\u00e9\ud83d\ude00\/")").value() == json::Value("\u00e9\U0001f600/"));
    const auto zero = json::parse(R"("a\u0000b")").value();
    CHECK(zero.get_string().size() == 3);
    CHECK(json::to_text(zero) == R"("a\u0000b")");
}

TEST_CASE("json: whole numbers keep 64 bits, and more is refused") {
    CHECK(json::parse("18446744073709551615").value().get_uint64() == ~0ULL);
    CHECK(json::parse("-9223372036854775808").value().get_int64() ==
          std::numeric_limits<std::int64_t>::min());
    CHECK(round("[0,-1,9007199254740993,18446744073709551615]") ==
          "[0,-1,9007199254740993,18446744073709551615]");
    for (const std::string_view text :
         {"18446744073709551616", "-9223372036854775809", "1e400", "-1e400"}) {
        CAPTURE(text);
        CHECK(code_of(text) == Errc::invalid_json);
    }
}

TEST_CASE("json: members keep their order, and text is compact") {
    CHECK(round("{ \"z\" : 1 ,\n\"a\":[ true , null ],\"m\":{ } }") ==
          R"({"z":1,"a":[true,null],"m":{}})");
}

TEST_CASE("json: duplicate keys are refused at any depth and in any spelling") {
    for (const std::string_view text : {R"({"a":1,"a":1})", R"([{"b":{"a":1,"c":2,"a":3}}])",
                                        R"({"a":1,"\u0061":2})", R"({"":1,"":2})"}) {
        CHECK(code_of(text) == Errc::invalid_json);
    }
    CHECK(json::parse(R"({"a":{"a":{"a":1}},"A":1})"));
}

TEST_CASE("json: the limits are exact") {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    const json::Limits standard;
    CHECK(json::parse(nested(standard.depth_max)));
    CHECK(code_of(nested(standard.depth_max + 1)) == Errc::too_large);
    CHECK(code_of(nested(100'000)) == Errc::too_large);
    std::string objects;
    for (int i = 0; i < 100; ++i) objects += "{\"a\":";
    CHECK(code_of(objects + "1" + std::string(100, '}')) == Errc::too_large);

    std::string many = "[0";
    for (std::size_t i = 2; i < standard.values_max; ++i) many += ",0";
    CHECK(json::parse(many + "]"));
    CHECK(code_of(many + ",0]") == Errc::too_large);

    const std::string full = "\"" + std::string(standard.bytes_max - 2, 'a') + "\"";
    CHECK(json::parse(full));
    CHECK(code_of(full + " ") == Errc::too_large);
}

TEST_CASE("json: a parse that failed leaves nothing behind for the next") {
    CHECK(code_of(std::string(1000, '[') + std::string(1000, ']')) == Errc::too_large);
    CHECK(json::parse("[1]", {.depth_max = 1}));
    CHECK(code_of("[[1]]", {.depth_max = 1}) == Errc::too_large);
    CHECK(json::parse("[[1]]"));
    CHECK(code_of("[1") == Errc::invalid_json);
    CHECK(round("[1]") == "[1]");
}

TEST_CASE("json: equality is on values") {
    struct Row {
        std::string_view a, b;
        bool equal;
    };
    constexpr std::array rows{
        Row{"1", "1.0", true},
        Row{"1", "1e0", true},
        Row{"0", "-0.0", true},
        Row{"1", "\"1\"", false},
        Row{"1", "true", false},
        Row{"null", "null", true},
        Row{"null", "false", false},
        Row{"{}", "[]", false},
        Row{"[1,2]", "[2,1]", false},
        Row{"[1]", "[1,1]", false},
        Row{"\"a\"", "\"A\"", false},
        Row{R"("\u0061")", "\"a\"", true},
        Row{R"({"a":1,"b":2})", R"({"b":2,"a":1})", true},
        Row{R"({"a":1})", R"({"a":1,"b":2})", false},
        Row{R"({"a":null})", R"({"b":null})", false},
        Row{"18446744073709551615", "-1", false},
        Row{R"({"a":[{"b":1}]})", R"({"a":[{"b":1.0}]})", true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.a);
        CAPTURE(row.b);
        const auto a = json::parse(row.a).value();
        const auto b = json::parse(row.b).value();
        CHECK(json::equal(a, b) == row.equal);
        CHECK(json::equal(b, a) == row.equal);
    }
}

TEST_CASE("json: an object contains another when it has at least its members, with equal values") {
    const auto contains = [](std::string_view given, std::string_view wanted) {
        return json::contains(json::parse(given).value(), json::parse(wanted).value());
    };
    CHECK(contains(R"({"a":1,"b":{"c":2}})", R"({"b":{"c":2.0}})"));
    CHECK(contains(R"({"a":1})", "{}"));
    CHECK(!contains("{}", R"({"a":null})"));
    CHECK(!contains(R"({"b":{"c":2,"d":3}})", R"({"b":{"c":2}})"));  // only at the top
    CHECK(contains("[1]", "[1]"));
    CHECK(!contains("[1,2]", "[1]"));
}

TEST_CASE("json: text of any value parses to an equal value, and its text is stable") {
    CHECK(rc::check([] {
        const auto value = *trees(3);
        const auto text = json::to_text(value);
        const auto again = json::parse(text);
        RC_PRE(again || again.error().code != Errc::too_large);
        RC_ASSERT(again.has_value());
        RC_ASSERT(json::equal(*again, value));
        RC_ASSERT(json::contains(*again, value));
        RC_ASSERT(json::to_text(*again) == text);
    }));
}
