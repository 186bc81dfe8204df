// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/http1_parser.hpp"

#include <doctest/doctest.h>

#include "farthing/net/http1_request.hpp"

using namespace farthing::net;
using Mode = Http1Parser::Mode;

namespace {

struct Parsed {
    MessageHead head;
    std::string body;
    std::string rest;
    int fault = 0;
    bool done = false;
};

/// Feeds in steps of `step` bytes and applies the server's checks, as a connection does.
Parsed parse(std::string_view bytes, std::size_t step, Mode mode = Mode::request,
             Http1Parser::Body body = Http1Parser::Body::by_headers) {
    Http1Parser parser(ParserLimits{});
    parser.start(mode, body);
    Parsed parsed;
    bool checked = false;
    while (!parser.message_done() && !parser.failed()) {
        if (parser.head_done() && !checked && mode == Mode::request) {
            checked = true;
            if (const auto fault = check_request(parser.head())) parsed.fault = fault->status;
        }
        if (bytes.empty() || parsed.fault != 0) break;
        const auto used = parser.feed(bytes.substr(0, step));
        bytes.remove_prefix(used);
        parsed.body += parser.take_body();
    }
    if (parser.message_done() && !checked && !parser.failed() && mode == Mode::request) {
        if (const auto fault = check_request(parser.head())) parsed.fault = fault->status;
    }
    if (parser.failed()) parsed.fault = parser.fault().status;
    if (bytes.empty()) parsed.done = parser.end();
    parsed.done = parsed.done || parser.message_done();
    parsed.head = std::move(parser.head());
    parsed.rest = bytes;
    return parsed;
}

struct Case {
    const char* name;
    std::string bytes;
    int fault;  ///< 0: a good request
};

std::string with_headers(const std::string& headers, const std::string& after = "") {
    return "POST / HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n" + after;
}

}  // namespace

TEST_CASE("http1: requests that two servers might read differently are refused") {
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    const Case cases[] = {
        {"length and chunked", with_headers("Content-Length: 3\r\n" + chunked, "0\r\n\r\n"), 400},
        {"chunked and length", with_headers(chunked + "Content-Length: 3\r\n", "0\r\n\r\n"), 400},
        {"two lengths", with_headers("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400},
        {"equal lengths", with_headers("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400},
        {"a list of lengths", with_headers("Content-Length: 3, 3\r\n", "abc"), 400},
        {"signed length", with_headers("Content-Length: +3\r\n", "abc"), 400},
        {"negative length", with_headers("Content-Length: -3\r\n", "abc"), 400},
        {"hex length", with_headers("Content-Length: 0x3\r\n", "abc"), 400},
        {"empty length", with_headers("Content-Length:\r\n"), 400},
        {"length over 64 bits", with_headers("Content-Length: 18446744073709551616\r\n"), 400},
        {"chunked twice", with_headers(chunked + chunked, "0\r\n\r\n"), 400},
        {"chunked not last", with_headers("Transfer-Encoding: chunked, gzip\r\n"), 400},
        {"gzip, chunked", with_headers("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
        {"identity", with_headers("Transfer-Encoding: identity\r\n"), 501},
        {"xchunked", with_headers("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501},
        {"chunked with a vertical tab", with_headers("Transfer-Encoding: \vchunked\r\n"), 400},
        {"space before the colon", with_headers("Transfer-Encoding : chunked\r\n"), 400},
        {"chunked in HTTP/1.0",
         "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"chunk size 0x", with_headers(chunked, "0x3\r\nabc\r\n0\r\n\r\n"), 400},
        {"chunk size with a space", with_headers(chunked, "3 \r\nabc\r\n0\r\n\r\n"), 400},
        {"chunk size empty", with_headers(chunked, "\r\nabc\r\n0\r\n\r\n"), 400},
        {"chunk size negative", with_headers(chunked, "-3\r\nabc\r\n0\r\n\r\n"), 400},
        {"chunk size over 64 bits", with_headers(chunked, "fffffffffffffffff\r\nabc"), 400},
        {"chunk size line without CR", with_headers(chunked, "3\nabc\r\n0\r\n\r\n"), 400},
        {"chunk data without CR", with_headers(chunked, "3\r\nabc\n0\r\n\r\n"), 400},
        {"chunk longer than its size", with_headers(chunked, "3\r\nabcd\r\n0\r\n\r\n"), 400},
        {"folded header", with_headers("X: a\r\n b\r\n"), 400},
        {"folded header, tab", with_headers("X: a\r\n\tb\r\n"), 400},
        {"folded empty header", with_headers("X:\r\n b\r\n"), 400},
        {"space before the first header", "GET / HTTP/1.1\r\n X: y\r\nHost: x\r\n\r\n", 400},
        {"bare LF after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
        {"bare LF after a header", "GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", 400},
        {"bare LF at the end", "GET / HTTP/1.1\r\nHost: x\r\n\n", 400},
        {"bare CR in a value", with_headers("X: a\rb\r\n"), 400},
        {"NUL in a value", with_headers(std::string("X: a\0b\r\n", 8)), 400},
        {"NUL in a name", with_headers(std::string("X\0: a\r\n", 7)), 400},
        {"non-ASCII in a name", with_headers("X\xff: a\r\n"), 400},
        {"a header without a name", with_headers(": a\r\n"), 400},
        {"a header without a colon", with_headers("Foo\r\n"), 400},
        {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two Hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400},
        {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
        {"Host with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400},
        {"Host with user info", "GET / HTTP/1.1\r\nHost: a@x\r\n\r\n", 400},
        {"Host with a list", "GET / HTTP/1.1\r\nHost: x, y\r\n\r\n", 400},
        {"NUL in the target", std::string("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 28), 400},
        {"non-ASCII in the target", "GET /\x80 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"tab in the target", "GET /\t HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"two spaces before the target", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"two spaces after the target", "GET /  HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"star for GET", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"foreign scheme", "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"HTTP/2", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
        {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505},
        {"no version", "GET /\r\n\r\n", 400},
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"CONNECT", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"Icecast", "SOURCE /x ICE/1.0\r\nHost: x\r\n\r\n", 501},
        {"unknown method", "FOO / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"lower-case method", "get / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"another expectation", with_headers("Expect: 200-ok\r\n"), 417},
    };
    for (const auto& each : cases) {
        for (const std::size_t step : {each.bytes.size(), std::size_t{1}, std::size_t{3}}) {
            CAPTURE(each.name);
            CAPTURE(step);
            CHECK(parse(each.bytes, step).fault == each.fault);
        }
    }
}

TEST_CASE("http1: good requests, whole or byte by byte") {
    for (const std::size_t step : {std::size_t{10'000}, std::size_t{1}, std::size_t{7}}) {
        CAPTURE(step);
        auto get = parse("\r\nGET /a?b HTTP/1.1\r\nHost: x:1\r\nX-A:  b c \t\r\n\r\nGET", step);
        CHECK(get.fault == 0);
        CHECK(get.done);
        CHECK(get.rest == "GET");
        CHECK(get.head.method == "GET");
        CHECK(get.head.target == "/a?b");
        CHECK(get.head.headers.get("x-a") == "b c");
        CHECK(get.head.keep_alive);
        CHECK(!get.head.has_body);

        auto post = parse(with_headers("Content-Length: 5\r\n", "helloGET"), step);
        CHECK(post.fault == 0);
        CHECK(post.body == "hello");
        CHECK(post.rest == "GET");
        CHECK(post.head.content_length == 5);

        auto chunked = parse(with_headers("Transfer-Encoding: Chunked\r\n",
                                          "3;n=v\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\nG"),
                             step);
        CHECK(chunked.fault == 0);
        CHECK(chunked.body == "abc0123456789");
        CHECK(chunked.rest == "G");
        CHECK(chunked.head.chunked);
        CHECK(!chunked.head.headers.has("T"));

        auto upgrade = parse(
            with_headers("Connection: Upgrade\r\nUpgrade: foo\r\nContent-Length: 2\r\n", "abGET"),
            step);
        CHECK(upgrade.fault == 0);
        CHECK(upgrade.body == "ab");
        CHECK(upgrade.rest == "GET");
    }
}

TEST_CASE("http1: keep-alive by version and Connection") {
    const auto keeps = [](const std::string& bytes) {
        const auto parsed = parse(bytes, bytes.size());
        CHECK(parsed.fault == 0);
        return parsed.head.keep_alive;
    };
    CHECK(keeps("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(!keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    CHECK(!keeps("GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n"));
    CHECK(!keeps("GET / HTTP/1.0\r\n\r\n"));
    CHECK(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST_CASE("http1: a target in absolute form becomes origin form and decides the Host") {
    auto parsed = parse("GET http://Shop.example:81/a?b HTTP/1.1\r\nHost: evil\r\n\r\n", 1000);
    CHECK(parsed.fault == 0);
    CHECK(parsed.head.target == "/a?b");
    CHECK(parsed.head.headers.all("host").size() == 1);
    CHECK(parsed.head.headers.get("host") == "shop.example:81");
    CHECK(parse("GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", 1000).head.target == "/");
    CHECK(parse("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 1000).fault == 0);
}

TEST_CASE("http1: limits on the head") {
    ParserLimits limits{.head_bytes_max = 1000, .headers_max = 3, .target_bytes_max = 100};
    const auto fault_of = [&](const std::string& bytes, std::size_t step) {
        Http1Parser parser(limits);
        parser.start(Mode::request);
        std::string_view rest = bytes;
        while (!rest.empty() && !parser.failed() && !parser.message_done()) {
            rest.remove_prefix(parser.feed(rest.substr(0, step)));
        }
        return parser.fault().status;
    };
    const auto target = [](std::size_t size) {
        return "GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n";
    };
    const auto header = [](std::size_t size) {
        return "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(size, 'a') + "\r\n\r\n";
    };
    const auto spare = 1000 - header(0).size();
    for (const std::size_t step : {std::size_t{10'000}, std::size_t{1}}) {
        CHECK(fault_of(target(100), step) == 0);
        CHECK(fault_of(target(101), step) == 414);
        CHECK(fault_of(header(spare), step) == 0);
        CHECK(fault_of(header(spare + 1), step) == 431);
        CHECK(fault_of("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\n\r\n", step) == 0);
        CHECK(fault_of("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", step) == 431);
        CHECK(fault_of("GET / HTTP/1.1\r\n" + std::string(2000, 'a'), step) == 431);
    }
}

TEST_CASE("http1: endless chunk extensions and trailers end in an error") {
    for (const auto* start : {"1;", "0\r\nT: "}) {
        Http1Parser parser(ParserLimits{});
        parser.start(Mode::request);
        parser.feed(with_headers("Transfer-Encoding: chunked\r\n"));
        parser.feed(start);
        const std::string more(1000, 'a');
        int fed = 0;
        while (!parser.failed() && fed < 1000) {
            parser.feed(more);
            ++fed;
        }
        CHECK(parser.fault().status == 400);
        CHECK(fed < 80);
    }
}

TEST_CASE("http1: many one-byte chunks are fine") {
    std::string body;
    for (int i = 0; i < 50'000; ++i) body += "1\r\nx\r\n";
    const auto parsed =
        parse(with_headers("Transfer-Encoding: chunked\r\n", body + "0\r\n\r\n"), 4096);
    CHECK(parsed.fault == 0);
    CHECK(parsed.body.size() == 50'000);
}

TEST_CASE("http1: which responses have a body") {
    const auto response = [](const std::string& bytes, Http1Parser::Body body, std::size_t step) {
        return parse(bytes, step, Mode::response, body);
    };
    const auto any = Http1Parser::Body::by_headers;
    for (const std::size_t step : {std::size_t{10'000}, std::size_t{1}}) {
        CAPTURE(step);
        auto ok = response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabX", any, step);
        CHECK(ok.done);
        CHECK(ok.body == "ab");
        CHECK(ok.rest == "X");
        CHECK(ok.head.keep_alive);

        auto head = response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nX",
                             Http1Parser::Body::none, step);
        CHECK(head.done);
        CHECK(head.rest == "X");
        CHECK(head.head.keep_alive);
        CHECK(head.head.content_length == 2);

        for (const auto* status : {"204 No Content", "304 Not Modified", "100 Continue"}) {
            auto none = response(
                std::string("HTTP/1.1 ") + status + "\r\nContent-Length: 9\r\n\r\nX", any, step);
            CAPTURE(status);
            CHECK(none.done);
            CHECK(none.rest == "X");
            CHECK(none.head.keep_alive);
        }

        auto close = response("HTTP/1.1 200 OK\r\n\r\nabc", any, step);
        CHECK(close.done);
        CHECK(close.body == "abc");
        CHECK(!close.head.keep_alive);

        auto cut = response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", any, step);
        CHECK(!cut.done);
        CHECK(cut.fault == 0);
        auto cut_chunk = response(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", any, step);
        CHECK(!cut_chunk.done);
        CHECK(response("HTTP/1.1 200 OK\r\nContent-Le", any, step).done == false);

        auto both = response(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            any, step);
        CHECK(both.fault == 400);
        CHECK(response("SSH-2.0-OpenSSH\r\n", any, step).fault == 400);
    }
}
