// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/trusted_proxies.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace farthing;

TEST_CASE("trusted proxies: a client is who the last trusted proxy was asked by") {
    net::TrustedProxies trusted;
    REQUIRE(trusted.add("10.0.0.0/8"));
    REQUIRE(trusted.add("::1"));
    struct Case {
        std::string_view peer;
        std::string_view said;
        std::string_view client;
    };
    constexpr auto cases = std::to_array<Case>({
        {"192.0.2.1", "", "192.0.2.1"},
        {"192.0.2.1", "203.0.113.9", "192.0.2.1"},  // a stranger's word
        {"10.1.2.3", "", "10.1.2.3"},
        {"10.1.2.3", "203.0.113.9", "203.0.113.9"},
        {"10.1.2.3", "198.51.100.7, 203.0.113.9", "203.0.113.9"},  // the first one is made up
        {"10.1.2.3", "203.0.113.9, 10.9.9.9", "203.0.113.9"},      // two proxies of ours
        {"10.1.2.3", "10.8.8.8,\t10.9.9.9", "10.8.8.8"},
        {"::1", "2001:DB8::0001", "2001:db8::1"},  // one spelling each
        {"10.1.2.3", "unknown", "10.1.2.3"},
        {"10.1.2.3", "203.0.113.9, unknown, 10.9.9.9", "10.9.9.9"},
        {"10.1.2.3", ",", "10.1.2.3"},
    });
    for (const auto& [peer, said, client] : cases) {
        CAPTURE(said);
        net::Headers headers;
        if (!said.empty()) headers.add("X-Forwarded-For", std::string(said));
        CHECK(net::client_ip(headers, peer, trusted) == client);
    }
}

TEST_CASE("trusted proxies: several header fields are one list") {
    net::TrustedProxies trusted;
    REQUIRE(trusted.add("10.0.0.1"));
    net::Headers headers;
    headers.add("X-Forwarded-For", "198.51.100.7");
    headers.add("X-Forwarded-For", "203.0.113.9");
    CHECK(net::client_ip(headers, "10.0.0.1", trusted) == "203.0.113.9");
}
