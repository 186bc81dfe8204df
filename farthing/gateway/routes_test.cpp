// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/routes.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace farthing;
using gateway::Pattern;
using gateway::RoutePattern;
using gateway::RouteTable;

namespace {

/// The routes of protocol.md 5.7, then exceptions and neighbours that the hostile spellings aim at.
constexpr std::array kPaid{"GET /paid", "/wild/*",   "GET /user/:id",     "GET /b/[id]/c",
                           "post /x.y", "/deep/a/b", "/api/:tenant/data", "/glob*end"};

RouteTable table_of(std::initializer_list<std::pair<std::string_view, bool>> routes) {
    RouteTable table;
    for (const auto& [match, is_paid] : routes) {
        auto pattern = RoutePattern::parse(match);
        REQUIRE_MESSAGE(pattern, match);
        table.add(std::move(*pattern), is_paid);
    }
    return table;
}

const RouteTable& measured() {
    static const RouteTable table = [] {
        RouteTable out;
        for (const auto* match : kPaid) out.add(RoutePattern::parse(match).value(), true);
        return out;
    }();
    return table;
}

enum class Fate { free, paid, refused };

std::string_view name_of(Fate fate) {
    return fate == Fate::free ? "free" : fate == Fate::paid ? "paid" : "refused";
}

Fate fate_of(const RouteTable& table, const std::vector<bool>& is_paid, std::string_view method,
             std::string_view target) {
    const auto read = gateway::read_target(target);
    if (!read) return Fate::refused;
    const auto found = table.find(method, read->path);
    if (!found) return Fate::refused;
    return *found && is_paid[**found] ? Fate::paid : Fate::free;
}

struct Case {
    std::string_view request;  ///< method, space, target
    Fate fate;
};

constexpr auto kHostile = std::to_array<Case>({
    // Percent-encoding, once.
    {"GET /%70%61%69%64", Fate::paid},
    {"GET /%50AID", Fate::paid},
    {"GET /%70aid/", Fate::paid},
    {"GET /%2Fpaid", Fate::paid},
    {"GET /%2fpaid", Fate::paid},
    {"GET /paid%2f%2F", Fate::paid},
    {"GET /deep%2Fa%2fb", Fate::paid},
    {"GET /deep/a%2Fb", Fate::paid},
    {"GET /wild%2Fa", Fate::paid},
    {"GET /wild%2F..%2F", Fate::refused},
    // Twice, and more.
    {"GET /%2570aid", Fate::paid},
    {"GET /pai%2564", Fate::paid},
    {"GET /%252570aid", Fate::refused},
    {"GET /paid%252F", Fate::refused},
    {"GET /deep%252Fa/b", Fate::refused},
    {"GET /x/%252e%252e/paid", Fate::refused},
    {"GET /%252e/paid", Fate::refused},
    {"GET /paid%2500", Fate::refused},
    {"GET /paid%255C", Fate::refused},
    {"GET /%25paid", Fate::free},  // a literal '%' and then "pa", which is no escape
    // Dot segments.
    {"GET /x/../paid", Fate::paid},
    {"GET /x/%2e%2e/paid", Fate::paid},
    {"GET /x/%2E%2e/paid", Fate::paid},
    {"GET /x/.%2e/paid", Fate::paid},
    {"GET /%2e/paid", Fate::paid},
    {"GET /paid/.", Fate::paid},
    {"GET /paid/x/..", Fate::paid},
    {"GET /paid/x/../", Fate::paid},
    {"GET /x/y/../../paid", Fate::paid},
    {"GET /x//../paid", Fate::paid},
    {"GET /../paid", Fate::refused},
    {"GET /%2e%2e/paid", Fate::refused},
    {"GET /x/../../paid", Fate::refused},
    {"GET /x%2F..%2Fpaid", Fate::refused},
    {"GET /x/..%2Fpaid", Fate::refused},
    {"GET /x%2F../paid", Fate::refused},
    {"GET /.%2Fpaid", Fate::refused},
    // Backslashes.
    {"GET /\\paid", Fate::paid},
    {"GET \\paid", Fate::refused},
    {"GET /paid\\", Fate::paid},
    {"GET /%5Cpaid", Fate::paid},
    {"GET /deep\\a\\b", Fate::paid},
    {"GET /deep%5ca%5Cb", Fate::paid},
    {"GET /x/..\\paid", Fate::refused},
    {"GET /x\\..\\paid", Fate::refused},
    {"GET /x%5C..%5Cpaid", Fate::refused},
    // Path parameters.
    {"GET /paid;", Fate::paid},
    {"GET /paid;jsessionid=1", Fate::paid},
    {"GET /paid%3Ba=1", Fate::paid},
    {"GET /;x/paid", Fate::paid},
    {"GET /deep;x=1/a;y/b;z", Fate::paid},
    {"GET /x/..;/paid", Fate::refused},
    {"GET /x/..;a=1/paid", Fate::refused},
    {"GET /x/.;/paid", Fate::refused},
    {"GET /;/paid", Fate::paid},
    // Two ambiguities at once: nobody needs that.
    {"GET /user%2Fa\\b", Fate::refused},
    {"GET /deep%2Fa;x/b", Fate::refused},
    {"GET /deep\\a%252fb", Fate::refused},
    // The end of the path, to an origin that decodes before it splits.
    {"GET /paid%3F", Fate::paid},
    {"GET /paid%3fx", Fate::paid},
    {"GET /paid%3Fx/y", Fate::paid},
    {"GET /paid%3F/../x", Fate::free},  // goes on as /x
    {"GET /paid/%3Fx", Fate::paid},
    {"GET /%70aid%23", Fate::paid},
    {"GET /deep/a/b%23c/d", Fate::paid},
    {"GET /paid%23%3F", Fate::paid},
    {"GET /%3F/paid", Fate::free},
    {"GET /x%3F/paid", Fate::free},
    {"GET /paid.%3F", Fate::refused},
    {"GET /x/..%3F/paid", Fate::refused},
    {"GET /paid%3F;x", Fate::refused},
    {"GET /paid%253F", Fate::refused},
    {"GET /paid%2523", Fate::refused},
    // Streams of a file system.
    {"GET /paid::$DATA", Fate::paid},
    {"GET /paid:x:$data", Fate::paid},
    {"GET /paid%3A%3a%24DATA", Fate::paid},
    {"GET /deep:$I30:$INDEX_ALLOCATION/a/b", Fate::paid},
    {"GET /deep/a/b::$DATA/", Fate::paid},
    {"GET /paid%253A%3A%24DATA", Fate::refused},
    {"GET /paid%3A%2524DATA", Fate::refused},
    {"GET /paid:x", Fate::free},  // a verb such as /model:run, and to NTFS another stream
    // What some file systems drop.
    {"GET /paid.", Fate::paid},
    {"GET /paid..", Fate::paid},
    {"GET /paid%20", Fate::paid},
    {"GET /paid%20.%20", Fate::paid},
    {"GET /x/.../paid", Fate::refused},
    {"GET /x/..%20/paid", Fate::refused},
    // Not a path, or no bytes of one.
    {"GET paid", Fate::refused},
    {"GET *", Fate::refused},
    {"GET example.com:443", Fate::refused},
    {"GET /paid#x", Fate::refused},
    {"GET /pa%id", Fate::refused},
    {"GET /paid%", Fate::refused},
    {"GET /paid%4", Fate::refused},
    {"GET /p%u0061id", Fate::refused},
    {"GET /paid%0a", Fate::refused},
    {"GET /paid%09", Fate::refused},
    {"GET /paid%7f", Fate::refused},
    {"GET /\xc3\xa9", Fate::refused},
    {"GET /%c0%afpaid", Fate::refused},
    {"GET /%c0%ae%c0%ae/paid", Fate::refused},
    {"GET /%ff", Fate::refused},
    {"GET /%ed%a0%80", Fate::refused},
    {"GET /%c3%a9", Fate::free},
    {"GET http://example.com/paid", Fate::refused},  // net makes origin form of it
    {"GET //example.com/paid", Fate::free},          // goes on as /example.com/paid, see below
    {"GET ///paid", Fate::paid},
    // Methods.
    {"get /paid", Fate::paid},
    {"head /paid", Fate::paid},
    {"OPTIONS /wild/x", Fate::paid},
    {"POST /X.Y", Fate::paid},
});
static_assert(kHostile.size() >= 60);

template <std::size_t N>
void check_all(const RouteTable& table, const std::vector<bool>& is_paid,
               const std::array<Case, N>& cases) {
    for (const auto& [request, fate] : cases) {
        const auto space = request.find(' ');
        const auto got =
            fate_of(table, is_paid, request.substr(0, space), request.substr(space + 1));
        CHECK_MESSAGE(name_of(got) == name_of(fate), request);
    }
}

std::string forward_of(std::string_view target) {
    const auto read = gateway::read_target(target);
    return read ? read->forward : "refused: " + read.error().detail;
}

}  // namespace

TEST_CASE(
    "routes: every request of protocol.md 5.7 has the outcome measured there, or a safer one") {
    constexpr auto cases = std::to_array<Case>({
        {"GET /paid", Fate::paid},
        {"GET /paid/", Fate::paid},
        {"GET //paid", Fate::paid},
        {"GET /PAID", Fate::paid},
        {"GET /pa%69d", Fate::paid},
        {"GET /paid%2F", Fate::paid},
        {"GET /paid?x", Fate::paid},
        {"GET /paid/x", Fate::free},
        {"POST /paid", Fate::free},
        {"GET /wild", Fate::paid},
        {"GET /wild/", Fate::paid},
        {"GET /wild/a/b", Fate::paid},
        {"DELETE /wild/a", Fate::paid},
        {"GET /wildx", Fate::free},
        {"GET /user/1", Fate::paid},
        {"GET /user/a%2Fb", Fate::paid},
        {"GET /user/", Fate::free},
        {"GET /user/1/2", Fate::free},
        {"GET /b/7/c", Fate::paid},
        {"POST /x.y", Fate::paid},
        {"POST /xzy", Fate::free},
        // The reference lets these through; its framework would serve some of them.
        {"HEAD /paid", Fate::paid},
        {"GET /paid;a=1", Fate::paid},
        {"GET /a/../paid", Fate::paid},
        {"GET /./paid", Fate::paid},
        {"GET /paid%00", Fate::refused},
    });
    check_all(measured(), std::vector<bool>(kPaid.size(), true), cases);
}

TEST_CASE("routes: no spelling that an origin could decode to a paid path is free") {
    check_all(measured(), std::vector<bool>(kPaid.size(), true), kHostile);
}

TEST_CASE("routes: no spelling turns a free exception into the paid path behind it") {
    const auto table = table_of({{"/api/public/*", false}, {"/api/*", true}});
    constexpr auto cases = std::to_array<Case>({
        {"GET /api/public/x", Fate::free},
        {"GET /api/secret", Fate::paid},
        {"GET /api/public/../secret", Fate::paid},
        {"GET /api/public/%2e%2e/secret", Fate::paid},
        {"GET /api/public//../secret", Fate::paid},
        {"GET /api/public/..%2fsecret", Fate::refused},
        {"GET /api/public/..\\secret", Fate::refused},
        {"GET /api/public/..;/secret", Fate::refused},
        {"GET /api/public/%252e%252e/secret", Fate::refused},
        {"GET /api/public%2Fx", Fate::paid},  // one segment, or two: the stricter reading counts
        {"GET /api/public/a%2Fb", Fate::free},
    });
    check_all(table, {false, true}, cases);
}

TEST_CASE("routes: a path whose readings cost differently is refused") {
    const auto table = table_of({{"/a/:id", true}, {"/a/x/y", true}});
    const auto path = gateway::read_path("/a/x%2Fy").value();
    CHECK(table.find("GET", path).error().code == Errc::invalid_argument);
    CHECK(table.find("GET", gateway::read_path("/a/x%2Fz").value()).value() == 0U);
    CHECK(table.find("GET", gateway::read_path("/a/x/y").value()).value() == 1U);
}

TEST_CASE("routes: the origin is sent the path that was matched, in one spelling") {
    const std::array<std::pair<std::string_view, std::string_view>, 22> cases{{
        {"/", "/"},
        {"/a/b?c=d&e=%2F..", "/a/b?c=d&e=%2F.."},
        {"/a/", "/a/"},
        {"//host/paid", "/host/paid"},
        {"/a//b///c", "/a/b/c"},
        {"/a/./b/../c", "/a/c"},
        {"/a/b/..", "/a/"},
        {"/a/b/.", "/a/b/"},
        {"/..x/y..z", "/..x/y..z"},
        {"/%7Euser/%41%2d", "/~user/A-"},
        {"/a%2fb", "/a%2Fb"},
        {"/a%3bb;c", "/a%3Bb;c"},
        {"/a\\b", "/a%5Cb"},
        {"/a|b^\"<>`{}[]", "/a%7Cb%5E%22%3C%3E%60%7B%7D%5B%5D"},
        {"/caf%c3%a9", "/caf%C3%A9"},
        {"/a%25b", "/a%25b"},
        {"/a%3fb%23c/d?e%3f", "/a%3Fb%23c/d?e%3f"},
        {"/model:run/a::$DATA", "/model:run/a::$DATA"},
        {"/.well-known/x", "/.well-known/x"},
        {"/x?a=\"<\\>`&b={|}", "/x?a=%22%3C%5C%3E%60&b={|}"},
        {"/x?a?b/../c", "/x?a?b/../c"},
        {"/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,="},
    }};
    for (const auto& [target, forward] : cases)
        CHECK_MESSAGE(forward_of(target) == forward, target);
}

TEST_CASE("routes: patterns match as the reference's expressions do") {
    struct Match {
        std::string_view pattern;
        std::string_view path;
        bool matches;
    };
    constexpr auto cases = std::to_array<Match>({
        {"*", "/anything/at/all", true},
        {"/*", "/", true},
        {"/*", "/x", true},
        {"/", "/", true},
        {"/", "/x", false},
        {"/paid/", "/paid", true},
        {"/a*c", "/abc", true},
        {"/a*c", "/ac", true},
        {"/a*c", "/a/b/c", true},
        {"/a*c", "/a/b/d", false},
        {"/a*b*c", "/axbxbxc", true},
        {"/a**b", "/axb", true},
        {"/:x", "/a", true},
        {"/:x", "/", false},
        {"/:x/:y", "/a/b", true},
        {"/:x/:y", "/a", false},
        {"/v:major.json", "/v12.json", true},
        {"/v:major.json", "/v.json", false},
        {"/:a:b", "/xy", true},
        {"/:a:b", "/x", false},
        {"/:a*", "/x/y", true},
        {"/*:a", "/x/y", true},
        {"/[a_1]/x", "/b/x", true},
        {"/[a]b", "/xb", true},
        {"/x.y", "/xzy", false},
        {"/report.*", "/report.pdf", true},
        {"/~a-b!&'@,=", "/~a-b!&'@,=", true},
        {"/:id/*", "/7", true},
        {"/:id/*", "/7/8/9", true},
        {"/a/*/b/*", "/a/1/2/b", true},
        {"/a/*/b/*", "/a/b", false},
        {"/CaSe/:id", "/cAsE/x", true},
    });
    for (const auto& [pattern, path, matches] : cases) {
        const auto compiled = Pattern::compile(pattern);
        REQUIRE_MESSAGE(compiled, pattern);
        CHECK_MESSAGE(compiled->matches(path) == matches, pattern << " " << path);
    }
}

TEST_CASE("routes: a pattern that could never match is an error that says why") {
    const auto error = [](std::string_view match) {
        const auto parsed = RoutePattern::parse(match);
        REQUIRE_MESSAGE(!parsed, match);
        return parsed.error().detail;
    };
    CHECK(error("weather").starts_with("expected a path that begins with '/'"));
    CHECK(error("").starts_with("expected a path that begins with '/'"));
    CHECK(error("GET weather").starts_with("expected a path that begins with '/'"));
    CHECK(error("GET /a /b").starts_with("expected a method and a path"));
    CHECK(error("G3T /a").starts_with("unknown method \"G3T\", did you mean GET?"));
    CHECK(error("/a%20b").starts_with("write it decoded"));
    CHECK(error("/a?b").starts_with("a route is a path"));
    CHECK(error("/a/../b").starts_with("dot segments are resolved"));
    CHECK(error("/a//b").starts_with("a request path never has '//'"));
    CHECK(error("/a;b").starts_with("';' cannot be matched"));
    CHECK(error("/:a" + std::string(300, 'x') + "/" + std::string(300, 'y')).starts_with("longer"));
}

TEST_CASE(
    "routes: a misspelt method is refused, with the one that was meant and all that are known") {
    const auto error = [](std::string_view match) {
        const auto parsed = RoutePattern::parse(match);
        return parsed ? std::string("none") : parsed.error().detail;
    };
    CHECK(error("GTE /echo/2")
              .starts_with(
                  "unknown method \"GTE\", did you mean GET? Known: GET, HEAD, POST, PUT, "));
    CHECK(error("PSOT /a").starts_with("unknown method \"PSOT\", did you mean POST?"));
    CHECK(error("options: /a").starts_with("unknown method \"OPTIONS:\", did you mean OPTIONS?"));
    CHECK(error("WEATHER /a").starts_with("unknown method \"WEATHER\". Known: GET, "));
    CHECK(error("GET,POST /a").starts_with("unknown method \"GET,POST\". Known: GET, "));
    CHECK(error("CONNECT /a")
              .starts_with("unknown method \"CONNECT\""));  // the server has no tunnels
    CHECK(error(std::string(5'000, 'G') + " /a").size() < 500);
    for (const auto* match : {"GET /a", "get /a", "* /a", "/a", "M-SEARCH /a", "PropFind /a"})
        CHECK_MESSAGE(error(match) == "none", match);
}

TEST_CASE(
    "routes: a pattern of another language is refused, not taken for one that nothing matches") {
    const auto cases = std::to_array<std::string_view>(
        {"/echo/{id}/x", "/echo/{id:int}", "/echo/<id>",   "/echo/<int:id>", "/echo/(a|b)",
         "/echo/[0-9]+", "/echo/[^/]",     "/echo/[...a]", "/echo/[]",       "/echo/[a",
         "/echo/a]",     "/echo/:",        "/echo/:1",     "/echo/::a",      "/echo$",
         "/echo/a+",     "/echo/(.*)",     "/echo/a|b",    "/^echo",         "/echo/:id(.*)"});
    for (const auto match : cases) {
        const auto parsed = RoutePattern::parse(match);
        REQUIRE_MESSAGE(!parsed, match);
        CHECK_MESSAGE(parsed.error().code == Errc::invalid_argument, match);
        CHECK_MESSAGE(
            parsed.error().detail.ends_with(
                "has no meaning here: write :name or [name] for one segment, * for anything"),
            parsed.error().detail);
    }
    CHECK(RoutePattern::parse("GET /echo/{id}/x").error().detail.starts_with("'{' has no meaning"));
    CHECK(RoutePattern::parse("/echo/.*").error().detail.starts_with("a pattern is no regular"));
    CHECK(RoutePattern::parse("/echo/.*/x").error().detail.starts_with("a pattern is no regular"));
}

TEST_CASE("routes: time is linear in the path, whatever the pattern") {
    // Exponential for a backtracking matcher; the test would not end.
    const auto pattern = Pattern::compile("/*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b").value();
    CHECK(!pattern.matches("/" + std::string(16'000, 'a')));
    const auto names = Pattern::compile("/:a-:b-:c-:d-:e-:f-:g-:h.").value();
    CHECK(!names.matches("/" + std::string(16'000, '-')));
}

TEST_CASE("routes: a route that is never reached is found") {
    const auto shadows = [](std::string_view earlier, std::string_view later) {
        return RoutePattern::parse(earlier)->shadows(*RoutePattern::parse(later));
    };
    CHECK(shadows("/a/*", "GET /a/b"));
    CHECK(shadows("*", "/a"));
    CHECK(shadows("GET /:x", "GET /a"));
    CHECK(shadows("GET /a", "HEAD /a"));
    CHECK(shadows("/a/*", "/a/*"));
    CHECK(!shadows("GET /a/*", "/a/b"));
    CHECK(!shadows("/a", "/a/*"));
    CHECK(!shadows("/a/:x", "/a/*"));
    CHECK(!shadows("/:x", "/a/b"));
    CHECK(!shadows("/a/b", "/a/:x"));
}
