// SPDX-License-Identifier: Apache-2.0
// Our client against our server: bodies of every size, and JSON-RPC over them.
#include <doctest/doctest.h>

#include "farthing/net/client.hpp"
#include "farthing/net/json_rpc.hpp"
#include "farthing/net/test_server.hpp"

using namespace farthing;
using namespace farthing::net;
using namespace std::chrono_literals;
using test::TestServer;

namespace {

/// Sends the request's body back, piece by piece as it comes.
Task<> echo(ServerRequest& request, Responder& responder) {
    auto first = co_await request.body->read();
    if (!first) co_return;
    auto sent = co_await responder.send_head(Response(), request.content_length);
    while (sent && first && !first->empty()) {
        sent = co_await responder.send_piece(*std::move(first));
        first = co_await request.body->read();
    }
    if (sent && first) sent = co_await responder.finish();
}

/// A node that answers every call with `answer`, or with what the script makes of the body.
struct Node {
    explicit Node(std::function<Response(const std::string&)> script)
        : server(
              [script = std::move(script)](ServerRequest& request, Responder& responder) -> Task<> {
                  const auto body = co_await request.body->read_all(1 << 20);
                  REQUIRE(body);
                  const auto sent = co_await responder.send(script(*body));
                  static_cast<void>(sent);
              }),
          client(Client::make(server.bench.env, server.bench.loop, {})),
          rpc(*client, server.url("/v2/secret-key"), 2s) {}

    Result<RpcAnswer> call() {
        RpcCall wanted;
        wanted.method = "eth_chainId";
        return server.bench.run(rpc.call(std::move(wanted)));
    }

    TestServer server;
    std::unique_ptr<Client> client;
    JsonRpc rpc;
};

Response answer(std::string body, int status = 200) {
    Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

std::string error_of(std::function<Response(const std::string&)> script) {
    Node node(std::move(script));
    const auto result = node.call();
    REQUIRE(!result);
    CHECK(result.error().code == Errc::rpc_failed);
    CHECK(result.error().detail.find("secret-key") == std::string::npos);
    return result.error().detail.substr(result.error().detail.find(": ") + 2);
}

}  // namespace

TEST_CASE("round trip: bodies of every size there and back") {
    TestServer server(echo);
    const auto client = Client::make(server.bench.env, server.bench.loop, {});
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{4095}, std::size_t{4096}, std::size_t{65536},
          std::size_t{65537}, std::size_t{300'000}}) {
        CAPTURE(size);
        std::string body(size, 'a');
        for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>('a' + i % 23);
        Request request;
        request.method = "POST";
        request.body = body;
        const auto fetched = server.bench.run(client->fetch(server.url(), std::move(request)));
        REQUIRE(fetched);
        CHECK(fetched->body == body);
    }
}

TEST_CASE("round trip: many requests at once") {
    TestServer server(echo);
    const auto client = Client::make(server.bench.env, server.bench.loop, {});
    TaskGroup group(server.bench.loop);
    int good = 0;
    const auto one = [&](std::string text) -> Task<> {
        Request request;
        request.method = "PUT";
        request.body = text;
        for (int i = 0; i < 5; ++i) {
            const auto fetched = co_await client->fetch(server.url(), request);
            if (fetched && fetched->body == text) ++good;
        }
    };
    for (int i = 0; i < 100; ++i) group.spawn(one("body " + std::to_string(i)));
    server.bench.run(group.join());
    CHECK(good == 500);
}

TEST_CASE("round trip: a kept connection that the server has closed is replaced") {
    ServerLimits limits;
    limits.idle_timeout = 100ms;
    TestServer server(echo, limits);
    const auto client = Client::make(server.bench.env, server.bench.loop, {});
    for (int i = 0; i < 3; ++i) {
        Request request;
        request.method = "POST";
        request.body = "x";
        const auto fetched = server.bench.run(client->fetch(server.url(), std::move(request)));
        CHECK(fetched.has_value());
        auto probe = server.dial();
        // Its idle time begins later than the client's: when it has ended, so has the other.
        CHECK(server.bench.run(probe.read_all()) == "");
    }
}

TEST_CASE("json_rpc: a call and a batch over HTTP") {
    Node node([](const std::string& body) {
        const auto sent = json::parse(body);
        REQUIRE(sent);
        const auto one = [](const json::Value& call) {
            CHECK(call.at("jsonrpc") == "2.0");
            return json::Value{
                {"jsonrpc", "2.0"}, {"id", call.at("id")}, {"result", call.at("method")}};
        };
        if (!sent->is_array()) return answer(json::to_text(one(*sent)));
        json::Array answers;
        for (const auto& call : sent->get_array()) answers.insert(answers.begin(), one(call));
        return answer(json::to_text(answers));
    });
    for (int i = 0; i < 2; ++i) {
        const auto result = node.call();
        REQUIRE(result);
        CHECK(**result == "eth_chainId");
    }
    std::vector<RpcCall> calls(3);
    calls[0].method = "a";
    calls[1].method = "b";
    calls[2].method = "c";
    const auto answers = node.server.bench.run(node.rpc.batch(std::move(calls)));
    REQUIRE(answers);
    REQUIRE(answers->size() == 3);
    CHECK(*answers->at(0) == "a");
    CHECK(*answers->at(2) == "c");
    CHECK(node.server.bench.run(node.rpc.batch({}))->empty());
}

TEST_CASE("json_rpc: what a node sends instead of an answer") {
    const auto always = [](Response response) {
        return [response](const std::string&) { return response; };
    };
    CHECK(error_of(always(answer("<html>busy</html>"))).starts_with("not a JSON answer: "));
    CHECK(error_of(always(answer(R"({"jsonrpc":"2.0","id":1,"resu)")))
              .starts_with("not a JSON answer: "));
    CHECK(error_of(always(answer(""))).starts_with("not a JSON answer: "));
    CHECK(error_of(always(answer("[]"))) == "answer: expected an object");
    CHECK(error_of(always(answer(R"({"jsonrpc":"2.0","id":999,"result":1})"))) ==
          "answer: .id: not one that was sent");
    CHECK(error_of(always(answer("slow down", 429))) == "HTTP 429 Too Many Requests");
    CHECK(error_of(always(answer(R"({"jsonrpc":"2.0","id":1,"result":1})", 503))) ==
          "HTTP 503 Service Unavailable");
    CHECK(error_of(always(answer(std::string(5 << 20, ' ')))).starts_with("not a JSON answer: "));
    CHECK(error_of(always(answer("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":" +
                                 std::string(100, '[') + std::string(100, ']') + "}")))
              .starts_with("not a JSON answer: "));
}

TEST_CASE("json_rpc: a node that hangs or is not there") {
    test::Bench bench;
    test::Peer peer(bench.loop, [](test::Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_all());
    });
    const auto client = Client::make(bench.env, bench.loop, {});
    JsonRpc hanging(*client, peer.url(), 20ms);
    RpcCall call;
    call.method = "eth_chainId";
    const auto late = bench.run(hanging.call(call));
    REQUIRE(!late);
    CHECK(late.error().code == Errc::timed_out);
    const auto gone = peer.url();
    bench.run(peer.stop());
    JsonRpc missing(*client, gone, 2s);
    const auto refused = bench.run(missing.call(call));
    REQUIRE(!refused);
    CHECK(refused.error().code == Errc::connection_failed);
}

TEST_CASE("round trip: a loop that ends in the middle of everything leaves nothing behind") {
    for (int steps = 0; steps < 40; ++steps) {
        test::Bench bench;
        TaskGroup group(bench.loop);
        auto server =
            Server::listen(bench.env, bench.loop, "127.0.0.1:0", ServerLimits(), echo).value();
        const auto client = Client::make(bench.env, bench.loop, {});
        const auto fetch = [&]() -> Task<> {
            Request request;
            request.method = "POST";
            request.body = std::string(100'000, 'x');
            const auto url = *parse_url(server->url());
            const auto fetched = co_await client->fetch(url, std::move(request), 1h);
            CHECK(fetched.has_value());
        };
        group.spawn(server->run());
        for (int i = 0; i < 3; ++i) group.spawn(fetch());
        for (int step = 0; step < steps; ++step) bench.loop.poll_one();
        // The sanitizers are the judge; here only that there was something to leave behind.
        CHECK(group.size() > 0);
    }
}
