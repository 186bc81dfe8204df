// SPDX-License-Identifier: Apache-2.0
// The gateway on real sockets: origins that hang, reset and break off, bodies that stream, and a
// stop with payments in hand.
#include <doctest/doctest.h>

#include "farthing/gateway/test_shop.hpp"
#include "farthing/net/test_server.hpp"

using namespace farthing;
using namespace farthing::gateway;
using namespace farthing::gateway::test;
using namespace std::chrono_literals;
using net::test::body_of;
using net::test::Peer;
using net::test::status_of;
using net::test::Wire;

namespace {

/// A gateway that listens, in front of an origin whose script reads requests and writes bytes.
class Served {
  public:
    /// `patience` is short only where the origin hangs: honest ones may run on a busy machine.
    explicit Served(Peer::Script origin, std::chrono::milliseconds patience = 30s)
        : origin_(bench.loop, std::move(origin)) {
        auto config = config_from_toml<Config>(kShopConfig, "shop.toml").value();
        config.origin = origin_.origin();
        net::ClientConfig limits;
        limits.response_timeout = patience;
        limits.read_timeout = patience;
        client_ = net::Client::make(bench.env, bench.loop, limits);
        gateway_ = std::make_unique<Gateway>(bench.env, bench.loop, *client_, facilitator,
                                             make_site(config).value(), rules_of(config));
        net::Handler handler = [this](net::ServerRequest& request, net::Responder& responder) {
            return gateway_->handle(request, responder);
        };
        server_ = net::Server::listen(bench.env, bench.loop, "127.0.0.1:0", {}, handler).value();
        serving_.spawn(server_->run());
    }
    ~Served() {
        server_->stop(0ms);
        bench.run(serving_.join());
        bench.run(gateway_->drain());
        bench.run(origin_.stop());
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;

    [[nodiscard]] Wire dial() {
        return bench.run(net::test::dial(bench.loop, net::parse_url(server_->url()).value().port));
    }
    /// One request on a connection of its own; all that comes back.
    std::string talk(const std::string& request) {
        auto wire = dial();
        bench.run(wire.send(request));
        return bench.run(wire.read_all());
    }
    std::string pay(const std::string& target) { return talk(paid_request(target)); }
    std::string paid_request(const std::string& target) {
        const auto key = farthing::testing::development_key(1);
        const auto payment =
            Crafted::from(address_of(key), 1'800'000'000, random_.bytes32()).sign_with(key);
        return "GET " + target + " HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n" +
               "PAYMENT-SIGNATURE: " + dialect::to_header(payment.payment().payload) + "\r\n\r\n";
    }
    [[nodiscard]] net::Server& server() { return *server_; }
    [[nodiscard]] Gateway& gateway() { return *gateway_; }
    [[nodiscard]] TaskGroup& serving() { return serving_; }

    net::test::Bench bench;
    ScriptedFacilitator facilitator{bench.loop};

  private:
    farthing::testing::SeededRandom random_{3};
    Peer origin_;
    std::unique_ptr<net::Client> client_;
    std::unique_ptr<Gateway> gateway_;
    TaskGroup serving_{bench.loop};
    std::unique_ptr<net::Server> server_;
};

/// Reads one request head, writes, closes.
Peer::Script writes(std::string bytes) {
    return [bytes = std::move(bytes)](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        co_await wire.send(bytes);
    };
}

std::string free_request(const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n";
}

}  // namespace

TEST_CASE("served: a paid answer arrives with its receipt") {
    Served shop(
        writes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX-Payment-Response: forged\r\n"
               "Cache-Control: public\r\n\r\nthe goods"));
    const auto answer = shop.pay("/weather");
    CHECK(status_of(answer) == 200);
    CHECK(body_of(answer) == "the goods");
    CHECK(answer.contains("PAYMENT-RESPONSE: "));
    CHECK(!answer.contains("forged"));
    CHECK(answer.contains("Cache-Control: private\r\n"));
}

TEST_CASE("served: an unpaid request gets its 402, and HEAD the same without a body") {
    Served shop(writes(""));
    const auto get = shop.talk(free_request("/weather"));
    CHECK(status_of(get) == 402);
    CHECK(body_of(get).contains("x402Version"));
    const auto head = shop.talk("HEAD /weather HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(status_of(head) == 402);
    CHECK(head.contains("PAYMENT-REQUIRED: "));
    CHECK(body_of(head).empty());
    CHECK(status_of(shop.talk("GET http://a//weather HTTP/1.1\r\nHost: b\r\nConnection: close\r\n"
                              "\r\n")) == 402);
}

TEST_CASE("served: no fault of the origin is charged for") {
    struct Fault {
        const char* name;
        Peer::Script origin;
        int status;
    };
    const auto hangs = [](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_all());
    };
    const auto hangs_in_body = [](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        co_await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nthe ");
        static_cast<void>(co_await wire.read_all());
    };
    const auto resets = [](Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        wire.reset();
    };
    const std::vector<Fault> faults{
        {"hangs", hangs, 504},
        {"hangs in its body", hangs_in_body, 504},
        {"resets", resets, 502},
        {"sends half a body", writes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nthe "), 502},
        {"sends half a chunk",
         writes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nthe "), 502},
        {"never sends the last chunk",
         writes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nthe\r\n"), 502},
        {"sends half a head", writes("HTTP/1.1 200 OK\r\nContent-"), 502},
        {"is no HTTP server", writes("SSH-2.0-OpenSSH\r\n\r\n"), 502},
        {"sends too much",
         writes("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x')), 502},
    };
    for (const auto& [name, origin, status] : faults) {
        Served shop(origin, status == 504 ? 80ms : 30s);
        const auto answer = shop.pay("/weather");
        CHECK_MESSAGE(status_of(answer) == status, name);
        CHECK_MESSAGE(!answer.contains("PAYMENT-RESPONSE"), name);
        CHECK_MESSAGE(shop.facilitator.settlements.calls() == 0, name);
    }
}

TEST_CASE("served: a free answer that breaks off ends the client's connection") {
    Served shop(writes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nthe "));
    const auto answer = shop.talk(free_request("/free"));
    CHECK(status_of(answer) == 200);
    CHECK(answer.contains("Content-Length: 9"));
    CHECK(body_of(answer) == "the ");
    Served chunked(writes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nthe\r\n"));
    CHECK(!chunked.talk(free_request("/free")).ends_with("0\r\n\r\n"));
}

TEST_CASE("served: free bodies stream both ways, larger than any buffer") {
    const std::string chunk(64 << 10, 'u');
    const int pieces = 100;
    const auto size = chunk.size() * pieces;
    std::string seen;
    Served shop([&](Wire& wire, int) -> Task<> {
        seen = co_await wire.read_to("\r\n\r\n");
        const auto body = co_await wire.read_bytes(size);
        co_await wire.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                           "\r\n\r\n");
        co_await wire.send(body);
    });
    auto wire = shop.dial();
    auto upload = [&]() -> Task<bool> {
        co_await wire.send(
            "POST /free HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " +
            std::to_string(size) + "\r\n\r\n");
        for (int i = 0; i < pieces; ++i) co_await wire.send(chunk);
        co_return true;
    };
    CHECK(shop.bench.run(upload()));
    const auto answer = shop.bench.run(wire.read_all());
    CHECK(status_of(answer) == 200);
    CHECK(body_of(answer).size() == size);
    CHECK(seen.contains("Content-Length: " + std::to_string(size)));
    CHECK(seen.contains("X-Forwarded-For: 127.0.0.1"));
}

TEST_CASE("served: connections to the origin are kept") {
    int connections = 0;
    Served shop([&](Wire& wire, int number) -> Task<> {
        connections = std::max(connections, number + 1);
        for (;;) {
            const auto head = co_await wire.read_to("\r\n\r\n");
            if (!head.ends_with("\r\n\r\n")) co_return;
            co_await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    for (int i = 0; i < 5; ++i) {
        CHECK(body_of(shop.talk(free_request("/free"))) == "ok");
        CHECK(body_of(shop.pay("/weather")) == "ok");
    }
    CHECK(connections == 1);
}

TEST_CASE("served: a client that leaves while the facilitator verifies is not charged") {
    Served shop(writes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nthe goods"));
    shop.facilitator.verdicts.hold(true);
    auto wire = shop.dial();
    shop.bench.run(wire.send(shop.paid_request("/weather")));
    while (shop.facilitator.verdicts.calls() == 0) shop.bench.loop.run_one();
    wire.end_sending();
    shop.facilitator.verdicts.hold(false);
    CHECK(status_of(shop.bench.run(wire.read_all())) == 503);
    CHECK(shop.facilitator.settlements.calls() == 0);
}

TEST_CASE("served: a stop finishes the payments in hand") {
    Served shop(writes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nthe goods"));
    shop.facilitator.settlements.hold(true);
    auto wire = shop.dial();
    shop.bench.run(wire.send(shop.paid_request("/weather")));
    while (shop.facilitator.settlements.calls() == 0) shop.bench.loop.run_one();
    shop.server().stop(10s);
    shop.facilitator.settlements.hold(false);
    const auto answer = shop.bench.run(wire.read_all());
    CHECK(status_of(answer) == 200);
    CHECK(body_of(answer) == "the goods");
    shop.bench.run(shop.serving().join());
}
