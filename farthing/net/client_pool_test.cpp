// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "farthing/io/signal.hpp"
#include "farthing/net/client.hpp"
#include "farthing/net/test_peer.hpp"

using namespace farthing;
using namespace farthing::net;
using namespace std::chrono_literals;
using test::Bench;
using test::Peer;
using test::Wire;

namespace {

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Request request(std::string method = "GET") {
    Request made;
    made.method = std::move(method);
    return made;
}

/// Serves one request per connection with keep-alive promised, then closes when the next one has
/// been read: what the client sees is a kept connection that dies under its request.
Peer::Script closes_on_second(int& requests) {
    return [&requests](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        ++requests;
        co_await wire.send(kOk);
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        ++requests;
    };
}

Peer::Script serves_all() {
    return [](Wire& wire, int) -> Task<> {
        while ((co_await wire.read_to("\r\n\r\n")).ends_with("\r\n\r\n")) co_await wire.send(kOk);
    };
}

/// Number of connections after three requests in a row.
int connections_for(const Peer::Script& script, ClientConfig config = {}) {
    Bench bench;
    Peer peer(bench.loop, script);
    const auto client = Client::make(bench.env, bench.loop, std::move(config));
    for (int i = 0; i < 3; ++i) {
        const auto fetched = bench.run(client->fetch(peer.url(), request()));
        REQUIRE(fetched);
        CHECK(fetched->body == "ok");
    }
    bench.run(peer.stop());
    return peer.connections();
}

}  // namespace

TEST_CASE("pool: one connection serves requests one after the other") {
    CHECK(connections_for(serves_all()) == 1);
}

TEST_CASE("pool: a connection is not kept when the answer says close, or when told so") {
    const auto script = [](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        co_await wire.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        static_cast<void>(co_await wire.read_all());
    };
    CHECK(connections_for(script) == 3);
    ClientConfig none;
    none.idle_per_origin_max = 0;
    CHECK(connections_for(serves_all(), none) == 3);
}

TEST_CASE("pool: a connection with bytes nobody asked for is not used again") {
    const auto script = [](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        co_await wire.send(std::string(kOk) + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        static_cast<void>(co_await wire.read_all());
    };
    CHECK(connections_for(script) == 3);
}

TEST_CASE("pool: a kept connection the peer has closed is noticed before it is used") {
    Bench bench;
    int served = 0;
    const auto script = [&](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        co_await wire.send(kOk);
        wire.close();
        ++served;
    };
    Peer peer(bench.loop, script);
    const auto client = Client::make(bench.env, bench.loop, {});
    for (int i = 0; i < 3; ++i) {
        // POST is never repeated: success shows that the dead connection was not used.
        const auto fetched = bench.run(client->fetch(peer.url(), request("POST")));
        REQUIRE(fetched);
        while (served <= i) bench.loop.run_one();
    }
    CHECK(peer.connections() == 3);
    bench.run(peer.stop());
}

TEST_CASE("pool: an idempotent request on a connection that died is repeated once, others not") {
    for (const auto* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST", "PATCH"}) {
        CAPTURE(method);
        Bench bench;
        int requests = 0;
        Peer peer(bench.loop, closes_on_second(requests));
        const auto client = Client::make(bench.env, bench.loop, {});
        REQUIRE(bench.run(client->fetch(peer.url(), request())));
        const auto second = bench.run(client->fetch(peer.url(), request(method)));
        const bool repeats =
            std::string_view(method) != "POST" && std::string_view(method) != "PATCH";
        CHECK(second.has_value() == repeats);
        if (!repeats) {
            CHECK(second.error().error.code == Errc::closed);
            CHECK(second.error().sent == Sent::maybe);
        }
        CHECK(peer.connections() == (repeats ? 2 : 1));
        CHECK(requests == (repeats ? 3 : 2));
        bench.run(peer.stop());
    }
}

TEST_CASE("pool: a request on a fresh connection is never repeated") {
    Bench bench;
    const auto script = [](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
    };
    Peer peer(bench.loop, script);
    const auto client = Client::make(bench.env, bench.loop, {});
    const auto fetched = bench.run(client->fetch(peer.url(), request()));
    REQUIRE(!fetched);
    CHECK(fetched.error().error.code == Errc::closed);
    CHECK(peer.connections() == 1);
    bench.run(peer.stop());
}

TEST_CASE("pool: a streamed body is not sent twice") {
    Bench bench;
    int requests = 0;
    Peer peer(bench.loop, closes_on_second(requests));
    const auto client = Client::make(bench.env, bench.loop, {});
    REQUIRE(bench.run(client->fetch(peer.url(), request())));
    int calls = 0;
    BodySource source = [&]() -> Task<Result<std::string>> {
        ++calls;
        co_return calls == 1 ? "data" : "";
    };
    const auto opened =
        bench.run(client->open(peer.url(), request("PUT"), std::move(source), std::nullopt));
    REQUIRE(!opened);
    CHECK(opened.error().sent == Sent::maybe);
    CHECK(peer.connections() == 1);
    bench.run(peer.stop());
}

TEST_CASE("pool: a connection left idle too long is closed") {
    Bench bench;
    bool closed = false;
    const auto script = [&](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        co_await wire.send(kOk);
        static_cast<void>(co_await wire.read_all());
        closed = true;
    };
    Peer peer(bench.loop, script);
    ClientConfig config;
    config.idle_timeout = 10ms;
    const auto client = Client::make(bench.env, bench.loop, config);
    REQUIRE(bench.run(client->fetch(peer.url(), request())));
    while (!closed) bench.loop.run_one();
    bench.run(peer.stop());
    CHECK(closed);
}

TEST_CASE("open: the head comes before the body, and an unread body closes the connection") {
    Bench bench;
    Signal go(bench.loop);
    bool may_go_on = false;
    bool closed = false;
    const auto script = [&](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        co_await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
        while (!may_go_on) co_await go.wait();
        static_cast<void>(co_await wire.read_all());
        closed = true;
    };
    Peer peer(bench.loop, script);
    const auto client = Client::make(bench.env, bench.loop, {});
    {
        auto opened = bench.run(client->open(peer.url(), request(), {}, std::nullopt));
        REQUIRE(opened);
        CHECK((*opened)->head().status == 200);
        CHECK((*opened)->content_length() == 6);
        const auto piece = bench.run((*opened)->read());
        REQUIRE(piece);
        CHECK(*piece == "abc");
    }
    may_go_on = true;
    go.notify();
    while (!closed) bench.loop.run_one();
    bench.run(peer.stop());
    CHECK(closed);
}

TEST_CASE("open: a streamed request body, chunked and with a length") {
    for (const bool chunked : {true, false}) {
        CAPTURE(chunked);
        Bench bench;
        std::string seen;
        const auto script = [&](Wire& wire, int) -> Task<> {
            seen = co_await wire.read_to(chunked ? "0\r\n\r\n" : "hello world");
            co_await wire.send(kOk);
            static_cast<void>(co_await wire.read_all());
        };
        Peer peer(bench.loop, script);
        const auto client = Client::make(bench.env, bench.loop, {});
        int calls = 0;
        BodySource source = [&]() -> Task<Result<std::string>> {
            ++calls;
            co_return calls == 1 ? "hello" : calls == 2 ? " world" : "";
        };
        std::optional<std::uint64_t> length;
        if (!chunked) length = 11;
        auto opened =
            bench.run(client->open(peer.url(), request("POST"), std::move(source), length));
        REQUIRE(opened);
        const auto body = seen.substr(seen.find("\r\n\r\n") + 4);
        CHECK(body == (chunked ? "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n" : "hello world"));
        const auto* framing =
            chunked ? "\r\nTransfer-Encoding: chunked\r\n" : "\r\nContent-Length: 11\r\n";
        CHECK(seen.find(framing) != std::string::npos);
        opened->reset();
        bench.run(peer.stop());
    }
}

TEST_CASE("open: a body source that fails, or lies about its length, ends the request") {
    Bench bench;
    const auto script = [](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_all());
    };
    Peer peer(bench.loop, script);
    const auto client = Client::make(bench.env, bench.loop, {});
    const auto fails = [&](std::vector<std::string> pieces, std::optional<std::uint64_t> length) {
        std::size_t next = 0;
        BodySource source = [&]() -> Task<Result<std::string>> {
            if (next == pieces.size()) co_return fail(Errc::closed, "the payer went away");
            co_return pieces[next++];
        };
        auto opened =
            bench.run(client->open(peer.url(), request("POST"), std::move(source), length));
        REQUIRE(!opened);
        CHECK(opened.error().sent == Sent::maybe);
        return opened.error().error.code;
    };
    CHECK(fails({"a"}, std::nullopt) == Errc::closed);
    CHECK(fails({"abc", ""}, 5) == Errc::invalid_argument);
    CHECK(fails({"abc", "def"}, 5) == Errc::invalid_argument);
    bench.run(peer.stop());
}

TEST_CASE("open: an answer that comes while the body is still being sent") {
    Bench bench;
    const auto script = [](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        co_await wire.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
        wire.end_sending();
        static_cast<void>(co_await wire.read_all());
    };
    Peer peer(bench.loop, script);
    const auto client = Client::make(bench.env, bench.loop, {});
    auto large = request("POST");
    large.body = std::string(1 << 20, 'x');
    const auto fetched = bench.run(client->fetch(peer.url(), std::move(large)));
    REQUIRE(fetched);
    CHECK(fetched->status == 413);
    bench.run(peer.stop());
}
