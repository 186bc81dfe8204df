// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/forward.hpp"

#include <doctest/doctest.h>

using namespace farthing;
using namespace farthing::gateway;

namespace {

using List = std::vector<std::pair<std::string, std::string>>;

net::Headers headers_of(const List& list) {
    net::Headers out;
    for (const auto& [name, value] : list) out.add(name, value);
    return out;
}

ClientView client(bool trusted = false) { return {"http", "shop.test", trusted}; }

/// What a request with this header, and nothing else, has of it at the origin.
std::string passed(const std::string& name, bool trusted = false) {
    const auto out = to_origin(headers_of({{name, "value"}}), client(trusted), "192.0.2.1", "id");
    return std::string(out.get(name).value_or("gone"));
}

TrustedProxies proxies(std::initializer_list<std::string_view> list) {
    TrustedProxies out;
    for (const auto each : list) REQUIRE(out.add(each));
    return out;
}

ClientView seen(const List& list, std::string_view peer) {
    return view_client(headers_of(list), peer, std::nullopt, proxies({"10.0.0.0/8"})).value();
}

}  // namespace

TEST_CASE("forward: hop-by-hop headers stay on their hop") {
    for (const auto* name : {"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization",
                             "TE", "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings",
                             "Content-Length", "Expect", "keep_alive"}) {
        CHECK_MESSAGE(passed(name) == "gone", name);
    }
    for (const auto* name : {"Accept", "Authorization", "Cookie", "Range", "If-None-Match",
                             "Content-Type", "X-Custom"}) {
        CHECK_MESSAGE(passed(name) == "value", name);
    }
}

TEST_CASE("forward: what Connection names goes no further, in either direction") {
    const auto from = headers_of({{"Connection", "close, X-One ,x-two"},
                                  {"Connection", "X-Three"},
                                  {"X-One", "1"},
                                  {"X-Two", "2"},
                                  {"X-Three", "3"},
                                  {"X-Four", "4"}});
    for (const auto& out : {to_origin(from, client(), "192.0.2.1", "id"), from_origin(from)}) {
        CHECK(!out.has("X-One"));
        CHECK(!out.has("X-Two"));
        CHECK(!out.has("X-Three"));
        CHECK(out.get("X-Four") == "4");
    }
    // Not even what we add ourselves can be taken away by it.
    const auto own = headers_of({{"Connection", "X-Forwarded-For, X-Forwarded-Host"}});
    CHECK(to_origin(own, client(), "192.0.2.1", "id").get("X-Forwarded-For") == "192.0.2.1");
}

TEST_CASE("forward: payments stay here, and nobody behind us can forge an offer or a receipt") {
    for (const auto* name :
         {"PAYMENT-SIGNATURE", "X-PAYMENT", "Payment-Required", "payment-response",
          "X-Payment-Response", "PAYMENT_SIGNATURE", "x_payment"}) {
        CHECK_MESSAGE(passed(name, true) == "gone", name);
        CHECK_MESSAGE(!from_origin(headers_of({{name, "value"}})).has(name), name);
    }
    CHECK(!from_origin(headers_of({{"Settlement-Overrides", "{}"}})).has("Settlement-Overrides"));
    CHECK(from_origin(headers_of({{"ETag", "x"}})).has("ETag"));
}

TEST_CASE("forward: a request cannot name another path or method than the one that was priced") {
    for (const auto* name :
         {"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL",
          "X-Original-Path", "X-Rewrite-URL", "x_original_url", "SCRIPT_NAME", "Script-Name",
          "PATH_INFO", "Path-Info", "X-Script-Name", "X-Sendfile-Type", "X-Accel-Mapping"}) {
        CHECK_MESSAGE(passed(name, true) == "gone", name);
    }
}

TEST_CASE("forward: no name that a CGI origin would read as another one, not of a trusted proxy") {
    for (const auto* name : {"REMOTE_USER", "Remote_User", "X_Custom", "_", "a_", "X_Forwarded_For",
                             "Remote.User", "Remote~User", "X!Custom", "X-Real_IP"}) {
        CHECK_MESSAGE(passed(name) == "gone", name);
        CHECK_MESSAGE(passed(name, true) == "gone", name);
    }
    for (const auto* name : {"Remote-User", "X-Custom-2", "ETag", "-"}) {
        CHECK_MESSAGE(passed(name) == "value", name);
    }
    // What the origin says to the client is the client's to read.
    CHECK(from_origin(headers_of({{"X_Custom", "value"}})).has("X_Custom"));
}

TEST_CASE("forward: forwarded headers are ours, and a proxy's only when it is trusted") {
    const auto from = headers_of({{"X-Forwarded-For", "1.1.1.1"},
                                  {"X-Forwarded-For", "2.2.2.2"},
                                  {"X-Forwarded-Proto", "https"},
                                  {"X-Forwarded-Port", "443"},
                                  {"X-Real-IP", "1.1.1.1"},
                                  {"Forwarded", "for=1.1.1.1"}});
    auto out = to_origin(from, client(), "2001:db8::1", "id");
    CHECK(out.joined("X-Forwarded-For") == "2001:db8::1");
    CHECK(out.joined("X-Forwarded-Proto") == "http");
    CHECK(out.joined("X-Forwarded-Host") == "shop.test");
    CHECK(out.joined("Forwarded") == "for=\"[2001:db8::1]\";host=\"shop.test\";proto=http");
    CHECK(!out.has("X-Forwarded-Port"));
    CHECK(!out.has("X-Real-IP"));
    CHECK(out.joined("X-Request-Id") == "id");

    out = to_origin(from, {"https", "shop.test", true}, "10.0.0.1", "id");
    CHECK(out.joined("X-Forwarded-For") == "1.1.1.1, 2.2.2.2, 10.0.0.1");
    CHECK(out.joined("X-Forwarded-Proto") == "https");
    CHECK(out.joined("X-Forwarded-Port") == "443");
    CHECK(out.joined("X-Real-IP") == "1.1.1.1");
    CHECK(out.joined("Forwarded") == "for=1.1.1.1, for=10.0.0.1;host=\"shop.test\";proto=https");
}

TEST_CASE("client: what a proxy says of the URL counts when it is trusted") {
    const List said{
        {"Host", "inside"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "a.b"}};
    CHECK(seen(said, "192.0.2.1").url("/x?y") == "http://inside/x?y");
    CHECK(seen(said, "10.9.8.7").url("/x?y") == "https://a.b/x?y");
    CHECK(seen(said, "::ffff:10.9.8.7").url("/") == "https://a.b/");
    CHECK(seen({{"Host", "inside"}}, "10.0.0.1").url("/") == "http://inside/");
    CHECK(seen({{"Host", "i"}, {"X-Forwarded-Proto", "gopher"}}, "10.0.0.1").scheme == "http");
    CHECK(seen({{"Host", "i"}, {"X-Forwarded-Host", "first, second"}}, "10.0.0.1").host == "first");
    const List forwarded{{"Host", "inside"},
                         {"Forwarded", "for=1.1.1.1;HOST=\"a\\b.c\" ; proto=https, host=x"},
                         {"X-Forwarded-Host", "ignored"}};
    CHECK(seen(forwarded, "10.0.0.1").url("/") == "https://ab.c/");
}

TEST_CASE("client: a public URL needs no Host and believes no proxy") {
    const auto url = net::parse_url("https://api.example:8443").value();
    const auto view = view_client(headers_of({{"X-Forwarded-Host", "evil"}}), "10.0.0.1", url,
                                  proxies({"10.0.0.0/8"}));
    REQUIRE(view);
    CHECK(view->url("/x") == "https://api.example:8443/x");
    CHECK(view->trusted);
}

TEST_CASE("client: a parameter of Forwarded is the first element's") {
    CHECK(forwarded_parameter("for=a;host=b;proto=c", "host") == "b");
    CHECK(forwarded_parameter("for=a, host=b", "host") == std::nullopt);
    CHECK(forwarded_parameter("host=\"a,b;c\"", "host") == "a,b;c");
    CHECK(forwarded_parameter("host=\"open", "host") == std::nullopt);
    CHECK(forwarded_parameter("nonsense", "host") == std::nullopt);
    CHECK(forwarded_parameter("", "host") == std::nullopt);
}

TEST_CASE("client: networks of trusted proxies") {
    const auto list = proxies({"192.168.1.0/24", "10.1.2.3", "2001:db8::/32", "::1"});
    CHECK(list.contains("192.168.1.255"));
    CHECK(!list.contains("192.168.2.0"));
    CHECK(list.contains("10.1.2.3"));
    CHECK(!list.contains("10.1.2.4"));
    CHECK(list.contains("2001:db8:ffff::1"));
    CHECK(!list.contains("2001:db9::1"));
    CHECK(list.contains("::1"));
    CHECK(!list.contains("not an address"));
    CHECK(proxies({"0.0.0.0/0"}).contains("8.8.8.8"));
    CHECK(!proxies({"0.0.0.0/0"}).contains("2001:db8::1"));
    CHECK(!TrustedProxies().contains("127.0.0.1"));
    TrustedProxies none;
    for (const auto* bad :
         {"", "x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::1/129", "10/8"}) {
        CHECK_MESSAGE(!none.add(bad), bad);
    }
}
