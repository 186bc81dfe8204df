// SPDX-License-Identifier: Apache-2.0
// Who stays and who goes when a server has as many connections as it may.
#include <doctest/doctest.h>

#include "farthing/io/signal.hpp"
#include "farthing/net/test_server.hpp"

using namespace farthing;
using namespace farthing::net;
using namespace std::chrono_literals;
using test::status_of;
using test::TestServer;
using test::Wire;

namespace {

/// None of the server's own timeouts ends a connection.
ServerLimits patient(std::size_t connections_max) {
    ServerLimits limits;
    limits.header_timeout = limits.body_timeout = limits.idle_timeout = limits.write_timeout = 1h;
    limits.connections_max = connections_max;
    return limits;
}

Task<> ok(ServerRequest&, Responder& responder) {
    Response response;
    response.body = "ok";
    static_cast<void>(co_await responder.send(std::move(response)));
}

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr const char* kSlow = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";

Task<std::string> exchange(Wire& wire) {
    co_await wire.send(kGet);
    auto answer = co_await wire.read_to("ok");
    co_return answer;
}

/// Requests for /slow are in hand until released.
class Busy {
  public:
    Handler handler() {
        return [this](ServerRequest& request, Responder& responder) {
            return serve(request, responder);
        };
    }
    void attach(Loop& loop) { go_.emplace(loop); }
    void wait_for(TestServer& server, int requests) const {
        while (in_hand_ < requests) invariant(server.bench.loop.run_one() > 0, "the loop has work");
    }
    void release() {
        may_end_ = true;
        go_->notify();
    }

  private:
    Task<> serve(ServerRequest& request, Responder& responder) {
        if (request.target == "/slow") {
            ++in_hand_;
            while (!may_end_) co_await go_->wait();
        }
        co_await ok(request, responder);
    }

    int in_hand_ = 0;
    bool may_end_ = false;
    std::optional<Signal> go_;
};

}  // namespace

TEST_CASE("server: no more connections than the limit, and the next waits its turn") {
    const auto limits = patient(2);
    Busy busy;
    TestServer server(busy.handler(), limits);
    busy.attach(server.bench.loop);
    auto first = server.dial();
    auto second = server.dial();
    server.bench.run(first.send(kSlow));
    server.bench.run(second.send(kSlow));
    busy.wait_for(server, 2);
    auto third = server.dial();
    const auto early = server.bench.run(finish_within(exchange(third), 20ms));
    CHECK(!early);
    // Nobody has left, but one has nothing in hand any more.
    busy.release();
    CHECK(status_of(server.bench.run(third.read_to("ok"))) == 200);
}

TEST_CASE("server: at the limit the connection that idles longest makes room") {
    const auto limits = patient(3);
    Busy busy;
    TestServer server(busy.handler(), limits);
    busy.attach(server.bench.loop);
    auto working = server.dial();
    server.bench.run(working.send(kSlow));
    busy.wait_for(server, 1);
    auto silent = server.dial();
    auto older = server.dial();
    CHECK(status_of(server.bench.run(exchange(older))) == 200);
    // `silent` has never said a word, and is the first to go; then `older`, which had a request.
    std::vector<Wire> fresh;
    for (auto* leaves : {&silent, &older}) {
        fresh.push_back(server.dial());
        CHECK(status_of(server.bench.run(exchange(fresh.back()))) == 200);
        CHECK(server.bench.run(leaves->read_all()) == "");
        CHECK(leaves->ended() == asio::error::eof);
    }
    busy.release();
    CHECK(status_of(server.bench.run(working.read_to("ok"))) == 200);
}

TEST_CASE("server: many silent connections keep nobody out") {
    const auto limits = patient(4);
    TestServer server(ok, limits);
    std::vector<Wire> silent;
    for (int i = 0; i < 40; ++i) {
        silent.push_back(server.dial());
        if (i % 10 != 9) continue;
        auto wire = server.dial();
        CHECK(status_of(server.bench.run(exchange(wire))) == 200);
        // On its open connection too, as long as fewer than the limit came after it.
        CHECK(status_of(server.bench.run(exchange(wire))) == 200);
    }
}
