// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/http.hpp"

#include <doctest/doctest.h>

#include "farthing/net/http1_syntax.hpp"

using farthing::Errc;
using namespace farthing::net;

TEST_CASE("headers: names are compared without case and order is kept") {
    Headers headers;
    headers.add("A", "1");
    headers.add("X-Pay", "x");
    headers.add("a", "2");
    CHECK(headers.get("A") == "1");
    CHECK(headers.joined("a") == "1, 2");
    CHECK(headers.all("a").size() == 2);
    CHECK(!headers.has("b"));
    headers.set("A", "3");
    CHECK(headers.size() == 2);
    CHECK(headers.begin()->second == "3");
    headers.remove("x-pay");
    CHECK(headers.size() == 1);
    headers.set("B", "4");
    CHECK(headers.get("b") == "4");
}

TEST_CASE("http: reason phrases") {
    CHECK(reason_phrase(402) == "Payment Required");
    CHECK(reason_phrase(100) == "Continue");
    CHECK(reason_phrase(511) == "Network Authentication Required");
    CHECK(reason_phrase(299) == "Unknown");
    CHECK(reason_phrase(-1) == "Unknown");
}

TEST_CASE("http: the date of RFC 9110") {
    CHECK(http_date(std::chrono::sys_seconds(std::chrono::seconds(784'111'777))) ==
          "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("http: a field that would break the head is refused, framing fields are left out") {
    std::string out;
    Headers good;
    good.add("X-A", "b\tc");
    good.add("Content-Length", "5");
    good.add("transfer-encoding", "chunked");
    good.add("Connection", "close");
    REQUIRE(append_fields(out, good));
    CHECK(out == "X-A: b\tc\r\n");
    for (const std::string& value : {std::string("a\r\nSet-Cookie: x"), std::string("a\nb"),
                                     std::string("a\rb"), std::string("a\0b", 3)}) {
        Headers bad;
        bad.add("X-A", value);
        CHECK(!append_fields(out, bad));
    }
    for (const auto* name : {"", "a b", "a:", "a\r\n"}) {
        Headers bad;
        bad.add(name, "x");
        CHECK(!append_fields(out, bad));
    }
}

TEST_CASE("url: parts of a good one") {
    const auto url = parse_url("HTTPS://Example.COM:8443/a/b?c=d#frag");
    REQUIRE(url);
    CHECK(url->scheme == "https");
    CHECK(url->host == "example.com");
    CHECK(url->port == 8443);
    CHECK(url->target == "/a/b?c=d");
    CHECK(url->origin() == "https://example.com:8443");
    CHECK(url->authority() == "example.com:8443");
    CHECK(parse_url("http://x")->to_string() == "http://x/");
    CHECK(parse_url("http://x?q")->target == "/?q");
    CHECK(parse_url("http://x:80/")->origin() == "http://x");
    CHECK(parse_url("https://x:443/")->authority() == "x");
    CHECK(parse_url("http://[::1]:8080/")->host == "[::1]");
    CHECK(parse_url("http://[::1]:8080/")->port == 8080);
    CHECK(parse_url("http://127.0.0.1/")->host == "127.0.0.1");
}

TEST_CASE("url: what is refused") {
    const char* cases[] = {"",
                           "example.com",
                           "/path",
                           "ftp://x/",
                           "http:/x",
                           "http://",
                           "http:///path",
                           "http://:80/",
                           "http://user@x/",
                           "http://user:pass@x/",
                           "http://x:/",
                           "http://x:0/",
                           "http://x:65536/",
                           "http://x:8a/",
                           "http://x:-1/",
                           "http://x:123456/",
                           "http://x y/",
                           "http://x/a b",
                           "http://x/\r\nHost: y",
                           "http://x/\x01",
                           "http://x/\xc3\xa9",
                           "http://x\\@y/",
                           "http://[::1/",
                           "http://[::1]x/",
                           "http://[g]/",
                           "http://a%20b/",
                           "http://a,b/"};
    for (const auto* text : cases) {
        CAPTURE(text);
        const auto url = parse_url(text);
        REQUIRE(!url);
        CHECK(url.error().code == Errc::invalid_argument);
    }
    CHECK(!parse_url("http://x/" + std::string(8 << 10, 'a')));
    CHECK(parse_url("http://x/" + std::string(8000, 'a')));
    CHECK(!parse_url(std::string_view("http://x/\0", 10)));
}

TEST_CASE("url: references are resolved as RFC 3986 section 5.4 does") {
    const auto base = *parse_url("http://a/b/c/d;p?q");
    const std::pair<const char*, const char*> cases[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {"g?y#s", "http://a/b/c/g?y"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"https://Other:9/x", "https://other:9/x"},
        {"//other:81/p?q", "http://other:81/p?q"},
    };
    for (const auto& [reference, expected] : cases) {
        CAPTURE(reference);
        const auto url = resolve_url(base, reference);
        REQUIRE(url);
        CHECK(url->to_string() == expected);
    }
    CHECK(!resolve_url(base, "javascript:alert(1)"));
    CHECK(!resolve_url(base, "a b"));
    CHECK(!resolve_url(base, "//user@evil/"));
    CHECK(!resolve_url(base, "x\r\ny"));
}
