// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/place.hpp"

#include <doctest/doctest.h>

using namespace farthing;
using namespace farthing::policy;

namespace {

std::string read(std::string_view url) {
    const auto place = read_place(url);
    return place ? place->to_text() : "refused";
}

bool fits(std::string_view pattern, std::string_view url) {
    return parse_url_pattern(pattern).value().matches(read_place(url).value());
}

}  // namespace

TEST_CASE("place: one spelling for every way to write a URL") {
    const std::pair<const char*, const char*> cases[] = {
        {"https://API.Example.com", "https://api.example.com/"},
        {"https://api.example.com:443/v1", "https://api.example.com/v1"},
        {"http://api.example.com:443/v1", "http://api.example.com:443/v1"},
        {"https://api.example.com./v1", "https://api.example.com/v1"},
        {"https://api.example.com/a/../b", "https://api.example.com/b"},
        {"https://api.example.com/a/%2e%2E/b", "https://api.example.com/b"},
        {"https://api.example.com/a/.%2e/b", "https://api.example.com/b"},
        {"https://api.example.com//a///b/", "https://api.example.com/a/b"},
        {"https://api.example.com/%61%7Eb", "https://api.example.com/a~b"},
        {"https://api.example.com/a%2fb", "https://api.example.com/a%2Fb"},
        {"https://api.example.com/a?x=/../y", "https://api.example.com/a"},
        {"https://api.example.com?x", "https://api.example.com/"},
        {"https://api.example.com/a#/b", "https://api.example.com/a"},
        {"HTTPS://[::1]:8443/", "https://[::1]:8443/"},
        {"http://127.0.0.1:4021/weather", "http://127.0.0.1:4021/weather"},
    };
    for (const auto& [url, text] : cases) {
        CAPTURE(url);
        CHECK(read(url) == text);
    }
}

TEST_CASE("place: what may mean another host or path is refused") {
    for (const auto* url : {"",
                            "api.example.com",
                            "ftp://api.example.com",
                            "https://",
                            "https:///a",
                            "https://user@api.example.com",
                            "https://api.example.com@evil.example/",
                            "https://api.example.com\\@evil.example/",
                            "https://api.example.com/\\evil",
                            "https://b\xc3\xbc"
                            "cher.example/",
                            "https://api.example.com/\xc3\xbc",
                            "https://api example.com/",
                            "https://a..b/",
                            "https://api.example.com/..",
                            "https://api.example.com/a/%2e%2e/%2e%2e/b",
                            "https://api.example.com/%zz",
                            "https://api.example.com/%2",
                            "https://api.example.com:0/",
                            "https://api.example.com:65536/",
                            "https://api.example.com:080/",
                            "https://-a.example/",
                            "https://api.example.com:/",
                            "https://0x7f.1/",
                            "https://2130706433/",
                            "https://127.000.0.1/",
                            "https://1.2.3/",
                            "https://256.1.1.1/",
                            "https://[::1/",
                            "https://a%2eexample.com/",
                            "https://api.example.com/a b",
                            "https://a\tb/"}) {
        CAPTURE(url);
        const auto place = read_place(url);
        CHECK_FALSE(place.has_value());
        if (!place) CHECK(place.error().code == Errc::invalid_argument);
    }
    CHECK_FALSE(read_place("https://a.example/" + std::string(9000, 'a')).has_value());
}

TEST_CASE("place: a path with a second reading is called ambiguous") {
    for (const auto* path : {"/a%2fb", "/a%5Cb", "/a%252fb", "/a;x=1/b", "/a%3bb", "/a%3Fb",
                             "/a%23b", "/a%00", "/a./b", "/a%20/b", "/a.", "/a...", "/..;/b"}) {
        CAPTURE(path);
        CHECK(read_place("https://a.example" + std::string(path)).value().ambiguous);
    }
    CHECK_FALSE(read_place("https://a.example/a.b/%C3%BC?x=%2f;").value().ambiguous);
}

TEST_CASE("place: loopback and internationalised hosts are known") {
    CHECK(read_place("http://127.9.9.9/").value().is_loopback());
    CHECK(read_place("http://localhost:1/").value().is_loopback());
    CHECK(read_place("http://[::1]/").value().is_loopback());
    CHECK(read_place("http://shop.localhost./").value().is_loopback());
    CHECK_FALSE(read_place("http://notlocalhost/").value().is_loopback());
    CHECK_FALSE(read_place("http://127.evil.example/").value().is_loopback());
    CHECK_FALSE(read_place("http://localhost.example/").value().is_loopback());
    CHECK(read_place("https://xn--bcher-kva.example/").value().has_idn());
    CHECK(read_place("https://shop.XN--bcher-kva.example/").value().has_idn());
    CHECK_FALSE(read_place("https://axn--b.example/").value().has_idn());
}

TEST_CASE("host pattern: exact, below, and its port") {
    const auto is = [](std::string_view pattern, std::string_view vendor) {
        return parse_host_pattern(pattern).value().matches(vendor);
    };
    CHECK(is("API.example.com", "api.example.com"));
    CHECK(is("api.example.com:443", "api.example.com"));
    CHECK_FALSE(is("api.example.com", "api.example.com:8443"));
    CHECK_FALSE(is("api.example.com", "xapi.example.com"));
    CHECK_FALSE(is("api.example.com", "api.example.com.evil.example"));
    CHECK(is("api.example.com:8443", "api.example.com:8443"));
    CHECK_FALSE(is("api.example.com:8443", "api.example.com"));
    CHECK(is("127.0.0.1:*", "127.0.0.1:4021"));
    CHECK(is("127.0.0.1:*", "127.0.0.1"));
    CHECK(is("*.example.com", "a.example.com"));
    CHECK(is("*.example.com", "a.b.example.com"));
    CHECK_FALSE(is("*.example.com", "example.com"));
    CHECK_FALSE(is("*.example.com", "evilexample.com"));
    CHECK_FALSE(is("*.example.com", "a.example.com:8443"));
    CHECK(is("[::1]:8402", "[::1]:8402"));
    const auto host = parse_host_pattern("evil.example").value();
    CHECK(host.covers("evil.example:8443"));
    CHECK_FALSE(host.covers("notevil.example:8443"));
    CHECK_FALSE(parse_host_pattern("evil.example:1").value().covers("evil.example"));
    for (const auto* text :
         {"", "*", "*.com", "a*.example.com", "api.*.com", "https://api.example.com",
          "api.example.com/",
          "b\xc3\xbc"
          "cher.example",
          "api.example.com:", "api.example.com:99999", "*.0.0.1", "a..b", "user@a.example"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_host_pattern(text).has_value());
    }
}

TEST_CASE("url pattern: segments, one star, two stars") {
    CHECK(fits("https://a.example/v1/**", "https://a.example/v1/x/y"));
    CHECK(fits("https://a.example/v1/**", "https://a.example/v1"));
    CHECK_FALSE(fits("https://a.example/v1/**", "https://a.example/v10"));
    CHECK(fits("a.example/v1/*", "https://a.example/v1/x"));
    CHECK_FALSE(fits("a.example/v1/*", "https://a.example/v1/x/y"));
    CHECK_FALSE(fits("a.example/v1/*", "https://a.example/v1"));
    CHECK(fits("a.example/v*/report-*.json", "https://a.example/v2/report-7.json"));
    CHECK(fits("a.example/**/public/**", "https://a.example/x/y/public/z"));
    CHECK_FALSE(fits("a.example/**/public/**", "https://a.example/x/private"));
    CHECK(fits("a.example", "https://a.example/anything?at=all"));
    CHECK(fits("a.example/", "https://a.example/"));
    CHECK_FALSE(fits("a.example/", "https://a.example/x"));
    CHECK(fits("*.a.example/x", "https://b.a.example/x"));
    CHECK_FALSE(fits("a.example", "http://a.example/"));
    CHECK(fits("http://127.0.0.1:*/x", "http://127.0.0.1:4021/x"));
    CHECK_FALSE(fits("a.example/Public", "https://a.example/public"));
}

TEST_CASE("url pattern: no spelling leads around it") {
    for (const auto* url :
         {"https://a.example/v1/../admin", "https://a.example/v1/%2e%2e/admin",
          "https://a.example/v1/..%2fadmin", "https://a.example/v1/..%5cadmin",
          "https://a.example/v1/%252e%252e/admin", "https://a.example/v1/..;/admin",
          "https://a.example/v1/x%00/../../admin", "https://a.example//admin",
          "https://a.example/v1/.../admin", "https://a.example:8443/v1/x"}) {
        CAPTURE(url);
        CHECK_FALSE(fits("https://a.example/v1/**", url));
    }
    CHECK(fits("https://a.example/v1/**", "https://a.example//v1//x"));
    CHECK_FALSE(fits("https://a.example/v1/**", "https://a.example/v1/a%2Fb"));
    CHECK(fits("https://a.example/**", "https://a.example/v1/a%2Fb"));
}

TEST_CASE("url pattern: what is no pattern of ours is refused") {
    for (const auto* text :
         {"", "ftp://a.example", "https://a.example/x?y", "https://a.example/a**", "/v1/**",
          "https://a.example/a b", "https://a.example/..", "https://a.example/a%2fb", "https://*/x",
          "https://a.example/\\x"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_url_pattern(text).has_value());
    }
    CHECK(parse_url_pattern("A.example:443//x/./y").value().text == "https://a.example/x/y");
}

TEST_CASE("place: what says nothing beyond a network, or is no URL, claims nothing") {
    const auto asked = read_place("https://api.example.com/v1").value();
    for (const auto* each : {"http://seller:3000/", "http://127.0.0.1:4021/v1", "http://[::1]/",
                             "mcp://tool/search", "/v1/search", "https://a@b.example/", ""}) {
        CAPTURE(each);
        CHECK_FALSE(claimed_elsewhere(each, asked));
    }
    CHECK(claimed_elsewhere("https://rich.example/v1", asked)->vendor == "rich.example");
}
