// SPDX-License-Identifier: Apache-2.0
// Slow, vanishing and greedy clients, and the end of a server.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include "farthing/io/signal.hpp"
#include "farthing/net/test_server.hpp"

using namespace farthing;
using namespace farthing::net;
using namespace std::chrono_literals;
using test::body_of;
using test::status_of;
using test::TestServer;
using test::Wire;

namespace {

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

Task<> ok(ServerRequest&, Responder& responder) {
    Response response;
    response.body = "ok";
    static_cast<void>(co_await responder.send(std::move(response)));
}

ServerLimits quick() {
    ServerLimits limits;
    limits.header_timeout = 80ms;
    limits.body_timeout = 80ms;
    limits.idle_timeout = 80ms;
    limits.write_timeout = 80ms;
    return limits;
}

ServerLimits patient() {
    ServerLimits limits;
    limits.header_timeout = limits.body_timeout = limits.idle_timeout = limits.write_timeout = 1h;
    return limits;
}

}  // namespace

TEST_CASE("server: headers that take too long get a 408, however they drip") {
    TestServer server(ok, quick());
    auto wire = server.dial();
    bool answered = false;
    // As long as it takes: if a drop moved the deadline, this would not end.
    const auto drip = [&]() -> Task<> {
        SystemClock clock;
        co_await wire.send("GET / HTTP/1.1\r\nHost: x\r\n");
        while (!answered) {
            co_await clock.sleep(5ms);
            co_await wire.send("X: y\r\n");
        }
    };
    TaskGroup dripping(server.bench.loop);
    dripping.spawn(drip());
    const auto answer = server.bench.run(wire.read_to("\r\n\r\n"));
    answered = true;
    server.bench.run(dripping.join());
    CHECK(status_of(answer) == 408);
    CHECK(status_of(server.talk("GET / HT")) == 408);
}

TEST_CASE("server: an idle connection is closed without a word") {
    TestServer server(ok, quick());
    CHECK(server.talk("") == "");
    const auto answer = server.talk(kGet);
    CHECK(status_of(answer) == 200);
    CHECK(answer.ends_with("ok"));
}

TEST_CASE("server: a body that stops coming times out in the handler, and the client gets a 408") {
    std::optional<Errc> seen;
    TestServer server(
        [&](ServerRequest& request, Responder&) -> Task<> {
            const auto body = co_await request.body->read_all(100);
            if (!body) seen = body.error().code;
        },
        quick());
    const auto answer = server.talk("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
    CHECK(seen == Errc::timed_out);
    CHECK(status_of(answer) == 408);
}

TEST_CASE("server: half a body and gone is `closed` in the handler") {
    std::optional<Errc> seen;
    bool ended = false;
    TestServer server(
        [&](ServerRequest& request, Responder&) -> Task<> {
            const auto body = co_await request.body->read_all(100);
            if (!body) seen = body.error().code;
            ended = true;
        },
        patient());
    auto wire = server.dial();
    server.bench.run(wire.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"));
    wire.end_sending();
    server.run_until(ended);
    CHECK(seen == Errc::closed);
}

TEST_CASE("server: a client that goes away does not stop the handler's work") {
    bool working = false;
    bool settled = false;
    std::optional<Errc> seen;
    Signal* go = nullptr;
    TestServer server(
        [&](ServerRequest&, Responder& responder) -> Task<> {
            working = true;
            while (!settled) co_await go->wait();
            // The peer's reset is known at the latest after some writes.
            Result<> sent = co_await responder.send_head(Response(), std::nullopt);
            while (sent) sent = co_await responder.send_piece(std::string(100'000, 'x'));
            seen = sent.error().code;
        },
        patient());
    Signal event(server.bench.loop);
    go = &event;
    auto wire = server.dial();
    server.bench.run(wire.send(kGet));
    server.run_until(working);
    wire.reset();
    settled = true;
    event.notify();
    while (!seen) server.bench.loop.run_one();
    CHECK(seen == Errc::closed);
}

TEST_CASE("server: a client that does not read its answer times out") {
    std::optional<Errc> seen;
    TestServer server(
        [&](ServerRequest&, Responder& responder) -> Task<> {
            Result<> sent = co_await responder.send_head(Response(), std::nullopt);
            while (sent) sent = co_await responder.send_piece(std::string(1 << 20, 'x'));
            seen = sent.error().code;
        },
        quick());
    auto wire = server.dial();
    server.bench.run(wire.send(kGet));
    while (!seen) server.bench.loop.run_one();
    CHECK(seen == Errc::timed_out);
}

TEST_CASE("server: a slow reader that makes progress is served to the end") {
    const std::string body(8 << 20, 'x');
    auto limits = quick();
    limits.write_timeout = 2s;
    TestServer server(
        [&](ServerRequest&, Responder& responder) -> Task<> {
            Response response;
            response.headers.add("Connection", "close");
            response.body = body;
            const auto sent = co_await responder.send(std::move(response));
            CHECK(sent.has_value());
        },
        limits);
    const auto answer = server.talk(kGet);
    CHECK(body_of(answer) == body);
    CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
}

TEST_CASE("server: 100 Continue comes when the handler wants the body, and not before") {
    bool wants = false;
    TestServer server([&](ServerRequest& request, Responder& responder) -> Task<> {
        Response response;
        if (wants) {
            const auto body = co_await request.body->read_all(100);
            REQUIRE(body);
            response.body = *body;
        } else {
            response.status = 402;
        }
        static_cast<void>(co_await responder.send(std::move(response)));
    });
    const std::string head =
        "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    const auto refused = server.talk(head);
    CHECK(status_of(refused) == 402);
    CHECK(refused.find("\r\nConnection: close\r\n") != std::string::npos);

    wants = true;
    auto wire = server.dial();
    const auto waits = [&]() -> Task<> {
        co_await wire.send(head);
        CHECK(co_await wire.read_to("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
        co_await wire.send("hello");
        CHECK(status_of(co_await wire.read_to("hello")) == 200);
        // A client that does not wait gets no 100, and the connection is still in step.
        co_await wire.send(head + "HELLO");
        CHECK(status_of(co_await wire.read_to("HELLO")) == 200);
    };
    server.bench.run(waits());
}

TEST_CASE("server: a body over the limit gets a 413, before it is sent where that can be known") {
    ServerLimits limits;
    limits.body_bytes_max = 10;
    TestServer server(
        [](ServerRequest& request, Responder& responder) -> Task<> {
            const auto body = co_await request.body->read_all(1000);
            if (!body) {
                CHECK(body.error().code == Errc::too_large);
                co_return;
            }
            Response response;
            response.headers.add("Connection", "close");
            static_cast<void>(co_await responder.send(std::move(response)));
        },
        limits);
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\n";
    CHECK(status_of(server.talk(head + "Content-Length: 10\r\n\r\n0123456789")) == 200);
    CHECK(status_of(server.talk(head + "Content-Length: 11\r\n\r\n0123456789a")) == 413);
    CHECK(status_of(server.talk(head + "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n")) ==
          413);
    CHECK(status_of(server.talk(head + "Transfer-Encoding: chunked\r\n\r\n"
                                       "6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n")) == 413);
    // The answer arrives although much more was on its way.
    CHECK(status_of(server.talk(head + "Content-Length: 200000\r\n\r\n" +
                                std::string(200'000, 'x'))) == 413);
}

TEST_CASE("server: a body the handler ignores is skipped when small, else the connection closes") {
    TestServer server(ok);
    const auto send_twice = [&](std::size_t size) {
        return server.talk("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(size) +
                           "\r\n\r\n" + std::string(size, 'x') +
                           "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    };
    const auto small = send_twice(64 << 10);
    CHECK(small.find("HTTP/1.1 200", 9) != std::string::npos);
    const auto large = send_twice((64 << 10) + 1);
    CHECK(status_of(large) == 200);
    CHECK(large.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK(large.find("HTTP/1.1 200", 9) == std::string::npos);
}

TEST_CASE("server: an answer broken off does not look complete") {
    TestServer server([](ServerRequest&, Responder& responder) -> Task<> {
        static_cast<void>(co_await responder.send_head(Response(), std::nullopt));
        static_cast<void>(co_await responder.send_piece("abc"));
        responder.abort();
        const auto sent = co_await responder.send_piece("def");
        CHECK(!sent.has_value());
    });
    CHECK(body_of(server.talk(kGet)) == "3\r\nabc\r\n");
    auto old = server.dial();
    server.bench.run(old.send("GET / HTTP/1.0\r\n\r\n"));
    static_cast<void>(server.bench.run(old.read_all()));
    CHECK(old.ended() == asio::error::connection_reset);
}

TEST_CASE("server: survives running out of file descriptors") {
    TestServer server(ok);
    auto warm = server.dial();
    server.bench.run(warm.send(kGet));
    CHECK(status_of(server.bench.run(warm.read_to("ok"))) == 200);
    auto wire = server.dial();
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    // Both sides live in this process: the accepting one gets no descriptor.
    std::vector<int> taken;
    rlimit low = before;
    low.rlim_cur = 256;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    auto late = server.dial();
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) taken.push_back(fd);
    CHECK(errno == EMFILE);
    server.bench.run(late.send(kGet));
    const auto starved = server.bench.run(finish_within(warm.read_to("never"), 20ms));
    CHECK(!starved);
    for (const int fd : taken) ::close(fd);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(status_of(server.bench.run(late.read_to("ok"))) == 200);
}

TEST_CASE("server: stop closes idle connections, and finishes the request in hand") {
    bool working = false;
    bool may_end = false;
    Signal* go = nullptr;
    TestServer server([&](ServerRequest& request, Responder& responder) -> Task<> {
        if (request.target == "/slow") {
            working = true;
            while (!may_end) co_await go->wait();
        }
        co_await ok(request, responder);
    });
    Signal event(server.bench.loop);
    go = &event;
    auto idle = server.dial();
    server.bench.run(idle.send(kGet));
    CHECK(status_of(server.bench.run(idle.read_to("ok"))) == 200);
    auto fresh = server.dial();
    auto busy = server.dial();
    server.bench.run(busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"));
    server.run_until(working);

    server.server().stop(1h);
    CHECK(server.bench.run(idle.read_all()) == "");
    CHECK(server.bench.run(fresh.read_all()) == "");
    CHECK(server.running().size() == 1);
    may_end = true;
    event.notify();
    const auto answer = server.bench.run(busy.read_all());
    CHECK(status_of(answer) == 200);
    CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
    server.bench.run(server.running().join());
    CHECK(server.running().size() == 0);
}

TEST_CASE(
    "server: after the grace time connections are cut, and handlers still end by themselves") {
    bool working = false;
    bool may_end = false;
    bool ended = false;
    Signal* go = nullptr;
    auto limits = quick();
    limits.body_timeout = 1h;
    TestServer server(
        [&](ServerRequest& request, Responder& responder) -> Task<> {
            working = true;
            const auto body = co_await request.body->read_all(100);
            CHECK(!body);
            CHECK(body.error().code == Errc::closed);
            while (!may_end) co_await go->wait();
            Response response;
            const auto sent = co_await responder.send(std::move(response));
            CHECK(!sent.has_value());
            ended = true;
        },
        limits);
    Signal event(server.bench.loop);
    go = &event;
    auto wire = server.dial();
    server.bench.run(wire.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"));
    server.run_until(working);
    server.server().stop(10ms);
    CHECK(server.bench.run(wire.read_all()) == "");
    CHECK(!ended);
    CHECK(server.running().size() == 1);
    may_end = true;
    event.notify();
    server.bench.run(server.running().join());
    CHECK(ended);
}

TEST_CASE("server: a cancelled run cancels its handlers and waits for them") {
    test::Bench bench;
    bool working = false;
    bool unwound = false;
    const auto handler = [&](ServerRequest&, Responder&) -> Task<> {
        struct Mark {
            bool& on;
            ~Mark() { on = true; }
        };
        const Mark mark{unwound};
        working = true;
        SystemClock clock;
        co_await clock.sleep(1h);
    };
    auto server = Server::listen(bench.env, bench.loop, "127.0.0.1:0", {}, handler).value();
    TaskGroup running(bench.loop);
    running.spawn(server->run());
    auto wire = bench.run(test::dial(bench.loop, parse_url(server->url())->port));
    bench.run(wire.send(kGet));
    while (!working) bench.loop.run_one();
    running.cancel();
    bench.run(running.join());
    CHECK(unwound);
    CHECK(bench.run(wire.read_all()) == "");
}
