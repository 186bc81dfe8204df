// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/client.hpp"

#include <doctest/doctest.h>

#include "farthing/net/test_peer.hpp"

using namespace farthing;
using namespace farthing::net;
using namespace std::chrono_literals;
using test::Bench;
using test::Peer;
using test::Wire;

namespace {

using Fetched = std::expected<Response, RequestError>;

Request request(std::string method = "GET", std::string body = "") {
    Request made;
    made.method = std::move(method);
    made.body = std::move(body);
    return made;
}

/// Answers every request on a connection with the same bytes.
Peer::Script always(std::string answer) {
    return [answer = std::move(answer)](Wire& wire, int) -> Task<> {
        while ((co_await wire.read_to("\r\n\r\n")).ends_with("\r\n\r\n")) {
            co_await wire.send(answer);
        }
    };
}

/// Reads one request head, answers, closes.
Peer::Script once(std::string answer) {
    return [answer = std::move(answer)](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        co_await wire.send(answer);
    };
}

/// Fetches once from a peer with that script.
Fetched fetch_from(const Peer::Script& script, ClientConfig config = {},
                   Request wanted = request()) {
    Bench bench;
    Peer peer(bench.loop, script);
    const auto client = Client::make(bench.env, bench.loop, std::move(config));
    auto fetched = bench.run(client->fetch(peer.url("/x?y"), std::move(wanted)));
    bench.run(peer.stop());
    return fetched;
}

ClientConfig quick() {
    ClientConfig config;
    config.connect_timeout = 2s;
    config.response_timeout = 80ms;
    config.read_timeout = 80ms;
    return config;
}

}  // namespace

TEST_CASE("client: sends the request line, Host and headers, and reads the answer") {
    std::string seen;
    auto wanted = request("POST", "hello");
    wanted.headers.add("X-A", "1");
    const auto script = [&](Wire& wire, int) -> Task<> {
        seen = co_await wire.read_to("hello");
        co_await wire.send("HTTP/1.1 201 Created\r\nX-B: 2\r\nContent-Length: 2\r\n\r\nok");
    };
    Bench bench;
    Peer peer(bench.loop, script);
    const auto client = Client::make(bench.env, bench.loop, {});
    const auto fetched = bench.run(client->fetch(peer.url("/x?y"), std::move(wanted)));
    const auto port = std::to_string(peer.port());
    bench.run(peer.stop());
    REQUIRE(fetched);
    CHECK(fetched->status == 201);
    CHECK(fetched->headers.get("x-b") == "2");
    CHECK(fetched->body == "ok");
    CHECK(seen == "POST /x?y HTTP/1.1\r\nHost: 127.0.0.1:" + port +
                      "\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello");
}

TEST_CASE("client: bodies by length, chunked, until close, and none") {
    struct Case {
        const char* name;
        const char* answer;
        const char* method;
        const char* body;
    };
    const Case cases[] = {
        {"length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "GET", "abc"},
        {"chunked",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
         "GET", "abc"},
        {"until close", "HTTP/1.1 200 OK\r\n\r\nabc", "GET", "abc"},
        {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nabc", "GET", "abc"},
        {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD", ""},
        {"HEAD chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD", ""},
        {"204", "HTTP/1.1 204 No Content\r\n\r\n", "GET", ""},
        {"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "GET", ""},
        {"interim answers",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
         "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
         "GET", "abc"},
        {"redirect", "HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 3\r\n\r\nabc", "GET",
         "abc"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        const auto fetched = fetch_from(once(each.answer), {}, request(each.method));
        REQUIRE(fetched);
        CHECK(fetched->body == each.body);
        CHECK(fetched->status / 100 != 1);
    }
}

TEST_CASE("client: what is not an answer") {
    struct Case {
        const char* name;
        std::string answer;
        Errc code;
    };
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const Case cases[] = {
        {"nothing", "", Errc::closed},
        {"half a head", ok + "Content-Le", Errc::closed},
        {"half a body", ok + "Content-Length: 9\r\n\r\nabc", Errc::closed},
        {"half a chunk", ok + "Transfer-Encoding: chunked\r\n\r\n9\r\nabc", Errc::closed},
        {"no last chunk", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", Errc::closed},
        {"both lengths", ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         Errc::protocol_violation},
        {"two lengths", ok + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
         Errc::protocol_violation},
        {"bad chunk", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", Errc::protocol_violation},
        {"another protocol", "SSH-2.0-OpenSSH_9.2\r\n", Errc::protocol_violation},
        {"switching protocols",
         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
         "Connection: upgrade\r\n\r\n",
         Errc::protocol_violation},
        {"HTTP/2", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", Errc::protocol_violation},
        {"folded header", ok + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n", Errc::protocol_violation},
        {"large head", ok + "X: " + std::string(200 << 10, 'a') + "\r\n\r\n", Errc::too_large},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        const auto fetched = fetch_from(once(each.answer), {}, request("POST"));
        REQUIRE(!fetched);
        CHECK(fetched.error().error.code == each.code);
        CHECK(fetched.error().sent == Sent::maybe);
    }
}

TEST_CASE("client: an endless row of interim answers is an error") {
    std::string answer;
    for (int i = 0; i < 20; ++i) answer += "HTTP/1.1 100 Continue\r\n\r\n";
    const auto fetched = fetch_from(once(answer));
    REQUIRE(!fetched);
    CHECK(fetched.error().error.code == Errc::protocol_violation);
}

TEST_CASE("client: a body that ends with a reset has not ended") {
    const auto script = [](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        co_await wire.send("HTTP/1.1 200 OK\r\n\r\nabc");
        // The request's second part says that the first was read.
        static_cast<void>(co_await wire.read_to("go"));
        wire.reset();
    };
    Bench bench;
    Peer peer(bench.loop, script);
    const auto client = Client::make(bench.env, bench.loop, {});
    const auto test = [&]() -> Task<> {
        int calls = 0;
        BodySource source = [&]() -> Task<Result<std::string>> {
            ++calls;
            co_return calls == 1 ? "go" : "";
        };
        auto opened =
            co_await client->open(peer.url(), request("POST"), std::move(source), std::nullopt);
        const bool reset_at_once = !opened;
        if (reset_at_once) {
            CHECK(opened.error().error.code == Errc::closed);
            co_return;
        }
        auto piece = co_await (*opened)->read();
        while (piece && !piece->empty()) piece = co_await (*opened)->read();
        CHECK(!piece);
        CHECK(piece.error().code == Errc::closed);
        auto again = co_await (*opened)->read();
        CHECK(!again);
    };
    bench.run(test());
    bench.run(peer.stop());
}

TEST_CASE("client: a response over the limit is refused") {
    ClientConfig config;
    config.body_bytes_max = 4;
    CHECK(fetch_from(once("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd"), config));
    for (const auto* answer :
         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", "HTTP/1.1 200 OK\r\n\r\nabcde",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"}) {
        const auto fetched = fetch_from(once(answer), config);
        REQUIRE(!fetched);
        CHECK(fetched.error().error.code == Errc::too_large);
    }
    CHECK(fetch_from(once("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"), config,
                     request("HEAD")));
}

TEST_CASE("client: a refused connection has sent nothing") {
    Bench bench;
    Url url;
    {
        const Acceptor taken(bench.loop, {asio::ip::address_v4::loopback(), 0});
        url = *parse_url("http://127.0.0.1:" + std::to_string(taken.local_endpoint().port()));
    }
    const auto client = Client::make(bench.env, bench.loop, {});
    const auto fetched = bench.run(client->fetch(url, request("POST")));
    REQUIRE(!fetched);
    CHECK(fetched.error().error.code == Errc::connection_failed);
    CHECK(fetched.error().error.detail == url.authority() + ": Connection refused");
    CHECK(fetched.error().sent == Sent::no);
}

TEST_CASE("client: a peer that never answers runs into the response timeout") {
    const auto silent = [](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_all());
    };
    const auto fetched = fetch_from(silent, quick());
    REQUIRE(!fetched);
    CHECK(fetched.error().error.code == Errc::timed_out);
    CHECK(fetched.error().sent == Sent::maybe);
}

TEST_CASE("client: a peer that drips its head byte by byte does not move the response timeout") {
    const auto dripping = [](Wire& wire, int) -> Task<> {
        SystemClock clock;
        co_await wire.send("HTTP/1.1 200 OK\r\n");
        while (true) {
            co_await clock.sleep(5ms);
            co_await wire.send("X: y\r\n");
        }
    };
    const auto fetched = fetch_from(dripping, quick());
    REQUIRE(!fetched);
    CHECK(fetched.error().error.code == Errc::timed_out);
}

TEST_CASE("client: a body that stops coming runs into the read timeout") {
    const auto stalled = [](Wire& wire, int) -> Task<> {
        co_await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
        static_cast<void>(co_await wire.read_all());
    };
    const auto fetched = fetch_from(stalled, quick());
    REQUIRE(!fetched);
    CHECK(fetched.error().error.code == Errc::timed_out);
}

TEST_CASE("client: the deadline of the whole exchange, with what had been sent by then") {
    Bench bench;
    const auto silent = [](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_all());
    };
    Peer peer(bench.loop, silent);
    const auto client = Client::make(bench.env, bench.loop, {});
    const auto fetched = bench.run(client->fetch(peer.url(), request(), 20ms));
    REQUIRE(!fetched);
    CHECK(fetched.error().error.code == Errc::timed_out);
    CHECK(fetched.error().error.detail == peer.origin() + ": no answer in 20 ms");
    CHECK(fetched.error().sent == Sent::maybe);
    bench.run(peer.stop());
}

TEST_CASE("client: a request that could become two is refused before it is sent") {
    Bench bench;
    Peer peer(bench.loop, always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    const auto client = Client::make(bench.env, bench.loop, {});
    const auto refused = [&](Url url, Request wanted) {
        const auto fetched = bench.run(client->fetch(std::move(url), std::move(wanted)));
        REQUIRE(!fetched);
        CHECK(fetched.error().error.code == Errc::invalid_argument);
        CHECK(fetched.error().sent == Sent::no);
    };
    auto bad = request();
    bad.headers.add("X-A", "1\r\nX-B: 2");
    refused(peer.url(), bad);
    bad = request();
    bad.headers.add("X-A\r\nX-B", "1");
    refused(peer.url(), bad);
    refused(peer.url(), request("GET / HTTP/1.1\r\nX: y\r\n\r\nGET"));
    refused(peer.url(), request("CONNECT"));
    auto url = peer.url();
    url.target = "/ HTTP/1.1\r\nX-A: 1";
    refused(url, request());
    url = peer.url();
    url.host = "127.0.0.1\r\nX: y";
    refused(url, request());
    CHECK(peer.connections() == 0);
    bench.run(peer.stop());
}

TEST_CASE("client: names are resolved, and every address is tried") {
    Bench bench;
    Peer peer(bench.loop, always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    const auto client = Client::make(bench.env, bench.loop, {});
    for (const std::string host : {"localhost", "shop.localhost", "a.shop.localhost."}) {
        CAPTURE(host);
        const auto url = *parse_url("http://" + host + ":" + std::to_string(peer.port()));
        const auto fetched = bench.run(client->fetch(url, request()));
        REQUIRE(fetched);
        CHECK(fetched->status == 200);
    }
    bench.run(peer.stop());
}
