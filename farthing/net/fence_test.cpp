// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/fence.hpp"

#include <doctest/doctest.h>

#include "farthing/net/test_peer.hpp"

namespace farthing::net {
namespace {

TEST_CASE("fence: which addresses are of the public Internet") {
    const char* const open[] = {
        "1.1.1.1",      "9.255.255.255",  "11.0.0.0",        "100.63.255.255", "100.128.0.0",
        "126.1.1.1",    "172.15.255.255", "172.32.0.0",      "192.167.1.1",    "223.255.255.1",
        "2606:4700::1", "::ffff:1.1.1.1", "64:ff9b::101:101"};
    for (const auto* const each : open) {
        CAPTURE(each);
        CHECK(is_public(asio::ip::make_address(each)));
    }
    const char* const closed[] = {
        "0.0.0.0",         "10.1.2.3",        "100.64.0.1",      "127.0.0.1",   "127.9.9.9",
        "169.254.1.1",     "172.16.0.1",      "172.31.255.255",  "192.168.0.1", "192.0.0.1",
        "198.18.0.1",      "224.0.0.1",       "255.255.255.255", "::",          "::1",
        "fe80::1",         "fc00::1",         "fd12::1",         "ff02::1",     "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",   "2001::1",     "2001:db8::1",
        "::127.0.0.1"};
    for (const auto* const each : closed) {
        CAPTURE(each);
        CHECK(!is_public(asio::ip::make_address(each)));
    }
}

TEST_CASE(
    "fence: a local address is connected to for a URL that may lead there, by name or number") {
    test::Bench bench;
    test::Peer peer(bench.loop, [](test::Wire& wire, int) -> Task<> {
        const auto head = co_await wire.read_to("\r\n\r\n");
        co_await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    });
    const auto fetch = [&](const std::string& host, bool may) {
        const auto client =
            make_fenced_client(bench.env, bench.loop, {}, [may](const Url&) { return may; });
        auto url = parse_url("http://" + host + ":" + std::to_string(peer.port()) + "/").value();
        return bench.run(client->fetch(std::move(url), Request{}));
    };
    for (const auto* const host : {"127.0.0.1", "localhost"}) {
        CAPTURE(host);
        CHECK(fetch(host, true).value().body == "ok");
        const auto refused = fetch(host, false);
        REQUIRE(!refused);
        CHECK(refused.error().error.code == Errc::not_allowed);
        CHECK(refused.error().sent == Sent::no);
    }
    CHECK(peer.connections() == 2);
    bench.run(peer.stop());
}

}  // namespace
}  // namespace farthing::net
