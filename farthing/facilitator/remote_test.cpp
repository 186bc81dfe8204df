// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/remote.hpp"

#include <doctest/doctest.h>

#include "farthing/net/test_server.hpp"
#include "farthing/testing/payments.hpp"

using namespace farthing;
using namespace farthing::facilitator;
using namespace std::chrono_literals;

namespace {

net::Response answer(int status, std::string body) {
    net::Response out;
    out.status = status;
    out.body = std::move(body);
    return out;
}

std::string verify_error(int status, std::string body) {
    const auto read = read_verify_answer(answer(status, std::move(body)));
    return read ? "none" : to_string(read.error());
}

std::string settle_error(int status, std::string body) {
    const auto read = read_settle_answer(answer(status, std::move(body)));
    return read ? "none" : to_string(read.error());
}

v2::Payment payment(std::uint64_t version = 2) {
    auto crafted = testing::Crafted::from(address_of(testing::development_key(1)), 1, Bytes32{});
    crafted.sign_with(testing::development_key(1));
    crafted.x402_version = version;
    if (version == 1)
        crafted.accepted = json::Object{{"scheme", "exact"}, {"network", "eip155:84532"}};
    return crafted.payment();
}

/// A facilitator on loopback that answers from `script`, and a client of it.
class Remote {
  public:
    using Script = std::function<net::Response(const std::string& target, int call)>;

    explicit Remote(Script script, std::chrono::milliseconds timeout = 10s)
        : script_(std::move(script)),
          server_([this](net::ServerRequest& request, net::Responder& responder) {
              return handle(request, responder);
          }),
          client_(net::Client::make(server_.bench.env, server_.bench.loop, {})) {
        RemoteConfig config;
        config.url = server_.url("/base//");
        config.timeout = timeout;
        config.headers.emplace_back("Authorization", Secret<std::string>("Bearer s3cret"));
        remote.emplace(server_.bench.env, *client_, std::move(config));
    }
    template <class T>
    T run(Task<T> task) {
        return server_.bench.run(std::move(task));
    }
    [[nodiscard]] const net::Url url(const std::string& target) const {
        return server_.url(target);
    }

    struct Seen {
        std::string method;
        std::string target;
        std::string authorization;
        std::string body;
        std::string timeout;
    };
    std::vector<Seen> seen;
    std::optional<RemoteFacilitator> remote;

  private:
    Task<> handle(net::ServerRequest& request, net::Responder& responder) {
        auto body = co_await request.body->read_all(1 << 20);
        seen.push_back({request.method, request.target,
                        std::string(request.headers.get("Authorization").value_or("")),
                        std::move(body).value_or(""),
                        std::string(request.headers.get("X-Request-Timeout").value_or(""))});
        auto response = script_(request.target, static_cast<int>(seen.size()));
        const auto sent = co_await responder.send(std::move(response));
        CHECK(sent);
    }

    Script script_;
    net::test::TestServer server_;
    std::unique_ptr<net::Client> client_;
};

}  // namespace

TEST_CASE("remote: what an answer to /verify means") {
    CHECK(read_verify_answer(answer(200, R"({"isValid":true,"payer":"0x1"})"))->is_valid);
    CHECK(read_verify_answer(answer(200, R"({"isValid":false,"invalidReason":null})"))
              ->invalid_reason == std::nullopt);
    CHECK(verify_error(400, R"({"isValid":false,"invalidReason":"a","invalidMessage":"b"})") ==
          "facilitator_failed: a: b");
    CHECK(verify_error(400, R"({"isValid":false,"invalidReason":"a"})") == "facilitator_failed: a");
    CHECK(verify_error(500, R"({"isValid":false})") == "facilitator_failed: unknown reason");
    // Nothing is good with a failing status.
    CHECK(verify_error(400, R"({"isValid":true})") == "facilitator_failed: unknown reason");
    CHECK(verify_error(500, R"({"error": "boom"})") ==
          R"(facilitator_failed: Facilitator verify failed (500): {"error":"boom"})");
    CHECK(verify_error(503, "") ==
          "facilitator_failed: Facilitator verify failed (503): <empty response>");
    CHECK(verify_error(503, std::string(5000, 'x')) ==
          "facilitator_failed: Facilitator verify failed (503): " + std::string(197, 'x') + "...");
    CHECK(verify_error(302, "moved") ==
          "facilitator_failed: Facilitator verify failed (302): moved");
    CHECK(verify_error(200, "fine") ==
          "facilitator_invalid_data: Facilitator verify returned invalid JSON: fine");
    CHECK(verify_error(200, R"({"valid":true})") ==
          R"(facilitator_invalid_data: Facilitator verify returned invalid data: {"valid":true})");
    CHECK(verify_error(200, R"({"isValid":"true"})").starts_with("facilitator_invalid_data"));
    CHECK(read_verify_answer(
              answer(412, R"({"isValid":false,"invalidReason":"permit2_allowance_required"})"))
              ->invalid_reason == "permit2_allowance_required");
}

TEST_CASE("remote: what an answer to /settle means, and when the payment may have happened") {
    CHECK(read_settle_answer(answer(200, R"({"success":true,"transaction":"0x1","network":"n"})"))
              ->success);
    const auto typed = read_settle_answer(
        answer(500, R"({"success":false,"errorReason":"a","transaction":"","network":"n"})"));
    CHECK(typed->error_reason == "a");
    // It failed while it had the payment in hand.
    CHECK(settle_error(500, R"({"error":"boom"})") ==
          R"(settlement_pending: Facilitator settle failed (500): {"error":"boom"})");
    CHECK(settle_error(504, "<html>") ==
          "settlement_pending: Facilitator settle failed (504): <html>");
    // A success with a failing status is no success, and no failure either.
    CHECK(settle_error(500, R"({"success":true,"transaction":"0x1","network":"n"})")
              .starts_with("settlement_pending"));
    // It never took the payment.
    CHECK(settle_error(400, R"({"error":"bad"})") ==
          R"(facilitator_failed: Facilitator settle failed (400): {"error":"bad"})");
    CHECK(settle_error(200, "fine").starts_with("facilitator_invalid_data"));
    CHECK(settle_error(200, R"({"success":true})").starts_with("facilitator_invalid_data"));
}

TEST_CASE("remote: a facilitator that does not serve us says nothing about the payment") {
    for (const int status : {401, 403, 429}) {
        CAPTURE(status);
        const std::string code = status == 429 ? "overloaded: " : "facilitator_denied: ";
        const auto prefix = [&](std::string_view what) {
            return code + "Facilitator " + std::string(what) + " failed (" +
                   std::to_string(status) + ")";
        };
        for (const auto* const body :
             {"", "slow down", R"({"error":"rate_limited","message":"m"})",
              R"({"isValid":false,"invalidReason":"a"})", R"({"isValid":true})",
              R"({"success":false,"errorReason":"a","transaction":"","network":"n"})"}) {
            CAPTURE(body);
            CHECK(verify_error(status, body).starts_with(prefix("verify")));
            CHECK(settle_error(status, body).starts_with(prefix("settle")));
        }
        // One that was sent is not over, whoever is served.
        CHECK(settle_error(status, R"({"success":true,"transaction":"0x1","network":"n"})")
                  .starts_with("settlement_pending"));
        for (
            const auto* const body :
            {R"({"success":false,"errorReason":"settlement_pending","transaction":"","network":"n"})",
             R"({"success":false,"errorReason":"a","transaction":"0x1","network":"n"})"}) {
            const auto sent = read_settle_answer(answer(status, body));
            REQUIRE(sent);
            CHECK(!sent->success);
        }
    }
    CHECK(kind_of(Errc::facilitator_denied) == Kind::unavailable);
    CHECK(kind_of(Errc::overloaded) == Kind::unavailable);
}

TEST_CASE("remote: an excerpt is one line of at most 200 characters") {
    CHECK(excerpt("  a\r\n\t b  ") == "a b");
    CHECK(excerpt("\n ") == "<empty response>");
    CHECK(excerpt(std::string(200, 'x')) == std::string(200, 'x'));
    CHECK(excerpt(std::string(201, 'x')).size() == 200);
    CHECK(excerpt("\xff\x01\xc3\xa9") == "????");
}

TEST_CASE("remote: verify and settle send the payment in its dialect, with the secret header") {
    Remote peer([](const std::string& target, int) {
        return answer(200, target.ends_with("verify")
                               ? R"({"isValid":true})"
                               : R"({"success":true,"transaction":"0x1","network":"n"})");
    });
    CHECK(peer.run(peer.remote->verify(payment()))->is_valid);
    CHECK(peer.run(peer.remote->settle(payment(1), {10s, {}}))->success);
    REQUIRE(peer.seen.size() == 2);
    CHECK(peer.seen[0].method == "POST");
    CHECK(peer.seen[0].target == "/base/verify");
    CHECK(peer.seen[0].authorization == "Bearer s3cret");
    CHECK(peer.seen[1].target == "/base/settle");
    CHECK(peer.seen[0].timeout.empty());
    CHECK(peer.seen[1].timeout == "9");  // of 10 s, so that its answer comes in time
    const auto v2_body = json::parse(peer.seen[0].body).value();
    CHECK(v2_body.at("x402Version") == json::Value(2));
    CHECK(v2_body.at("paymentRequirements").at("amount") == json::Value("1000"));
    const auto v1_body = json::parse(peer.seen[1].body).value();
    CHECK(v1_body.at("x402Version") == json::Value(1));
    CHECK(v1_body.at("paymentPayload").at("network") == json::Value("base-sepolia"));
    CHECK(v1_body.at("paymentRequirements").at("maxAmountRequired") == json::Value("1000"));
}

TEST_CASE("remote: a redirect is followed on the same origin only") {
    Remote peer([&](const std::string& target, int) {
        if (target.starts_with("/moved")) return answer(200, R"({"isValid":true})");
        auto out = answer(308, "");
        out.headers.add("Location", "/moved");
        return out;
    });
    CHECK(peer.run(peer.remote->verify(payment()))->is_valid);
    CHECK(peer.seen.back().method == "POST");
    CHECK(!peer.seen.back().body.empty());

    Remote away([&](const std::string&, int) {
        auto out = answer(307, "");
        out.headers.add("Location", "http://127.0.0.2:1/");
        return out;
    });
    CHECK(away.run(away.remote->verify(payment())).error().code == Errc::facilitator_failed);
    CHECK(away.seen.size() == 1);

    Remote circle([&](const std::string& target, int) {
        auto out = answer(307, "");
        out.headers.add("Location", target);
        return out;
    });
    CHECK(!circle.run(circle.remote->verify(payment())));
    CHECK(circle.seen.size() == 4);
}

TEST_CASE("remote: no answer to /verify is nothing, no answer to /settle may be a payment") {
    net::test::Bench bench;
    net::test::Peer silent(bench.loop, [](net::test::Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_all());
    });
    net::test::Peer rude(bench.loop, [](net::test::Wire& wire, int) -> Task<> {
        static_cast<void>(co_await wire.read_to("\r\n\r\n"));
        wire.reset();
    });
    const auto client = net::Client::make(bench.env, bench.loop, {});
    const auto made = [&](const net::Url& url) {
        RemoteConfig config;
        config.url = url;
        config.timeout = 60ms;
        return std::make_unique<RemoteFacilitator>(bench.env, *client, std::move(config));
    };
    const auto quiet = made(silent.url());
    CHECK(bench.run(quiet->verify(payment())).error().code == Errc::timed_out);
    CHECK(bench.run(quiet->settle(payment(), {10s, {}})).error().code == Errc::settlement_pending);
    CHECK(bench.run(quiet->supported()).error().code == Errc::timed_out);
    const auto cut = made(rude.url());
    CHECK(kind_of(bench.run(cut->verify(payment())).error().code) == Kind::unavailable);
    CHECK(bench.run(cut->settle(payment(), {10s, {}})).error().code == Errc::settlement_pending);
    bench.run(silent.stop());
    bench.run(rude.stop());
    // Nobody listens there any more: nothing was sent.
    CHECK(bench.run(cut->settle(payment(), {10s, {}})).error().code == Errc::connection_failed);
}

TEST_CASE("remote: /supported is asked again when the facilitator says 429") {
    const std::string kinds =
        R"({"kinds":[{"x402Version":2,"scheme":"exact","network":"eip155:84532"}]})";
    Remote peer([&](const std::string&, int call) {
        auto out = answer(call == 1 ? 429 : 200, kinds);
        out.headers.add("Retry-After", "1");
        return out;
    });
    const auto supported = peer.run(peer.remote->supported());
    REQUIRE(supported);
    CHECK(supported->kinds.size() == 1);
    CHECK(peer.seen.size() == 2);
    CHECK(peer.seen[0].method == "GET");
    CHECK(peer.seen[0].target == "/base/supported");
}
