// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/routes.hpp"

#include <doctest/doctest.h>

#include "farthing/facilitator/api_key.hpp"
#include "farthing/testing/world.hpp"

namespace farthing::facilitator {
namespace {

using namespace std::chrono_literals;

/// Answers as it is told, and remembers what it was asked.
class Scripted final : public Facilitator {
  public:
    Task<Result<v2::VerifyResponse>> verify(v2::Payment payment) override {
        asked.push_back(std::move(payment));
        co_return verdict;
    }
    Task<Result<v2::SettleResponse>> settle(v2::Payment payment, Asking asking) override {
        asked.push_back(std::move(payment));
        given_patience = asking.patience;
        given_key = asking.idempotency_key;
        co_return settled;
    }
    Task<Result<v2::SupportedResponse>> supported() override { co_return kinds; }
    void unheard(const v2::Payment& payment) override { lost.push_back(payment); }

    Result<v2::VerifyResponse> verdict = v2::VerifyResponse{.is_valid = true};
    Result<v2::SettleResponse> settled;
    Result<v2::SupportedResponse> kinds;
    std::vector<v2::Payment> asked;
    std::chrono::milliseconds given_patience{};
    std::string given_key;
    std::vector<v2::Payment> lost;
};

class Body final : public net::BodyReader {
  public:
    explicit Body(Result<std::string> text) : text_(std::move(text)) {}
    Task<Result<std::string>> read() override { co_return text_; }
    Task<Result<std::string>> read_all(std::size_t bytes_max) override {
        if (text_ && text_->size() > bytes_max) co_return fail(Errc::too_large, "body");
        co_return text_;
    }

  private:
    Result<std::string> text_;
};

class Answer final : public net::Responder {
  public:
    net::Response response;

    bool gone = false;

    Task<Result<>> send(net::Response given) override {
        response = std::move(given);
        started_ = true;
        if (gone) co_return fail(Errc::closed);
        co_return Result<>{};
    }
    Task<Result<>> send_head(net::Response, std::optional<std::uint64_t>) override {
        co_return fail(Errc::internal, "not used here");
    }
    Task<Result<>> send_piece(std::string) override {
        co_return fail(Errc::internal, "not used here");
    }
    Task<Result<>> finish() override { co_return fail(Errc::internal, "not used here"); }
    Task<Result<>> send_raw(std::shared_ptr<const std::string>) override {
        co_return fail(Errc::internal, "not used here");
    }
    [[nodiscard]] bool started() const override { return started_; }
    void abort() override {}

  private:
    bool started_ = false;
};

struct Endpoints : testing::ChainWorld {
    Scripted scripted;
    std::vector<std::string> not_ready;
    std::optional<Access> access;
    std::optional<Service> service;

    explicit Endpoints(AccessConfig config = {}) {
        access.emplace(env, std::move(config));
        service.emplace(env, scripted, *access, [this] { return reasons(); }, 7s);
    }

    Task<std::vector<std::string>> reasons() { co_return not_ready; }

    net::Headers headers;  ///< of every request
    std::string peer_ip = "192.0.2.1";
    bool client_gone = false;

    net::Response ask(std::string method, std::string target, Result<std::string> body = "") {
        Body reader(std::move(body));
        net::ServerRequest request;
        request.headers = headers;
        request.method = std::move(method);
        request.target = std::move(target);
        request.body = &reader;
        request.peer_ip = peer_ip;
        Answer answer;
        answer.gone = client_gone;
        run(service->handle(request, answer));
        REQUIRE(answer.started());
        return answer.response;
    }
    std::string good_body(std::uint64_t version = 2) {
        auto crafted = craft(0).sign_with(testing::development_key(0));
        crafted.x402_version = version;
        if (version == 1) {
            crafted.accepted = json::Object{{"scheme", "exact"}, {"network", "eip155:84532"}};
        }
        return json::to_text(dialect::facilitator_request_body(crafted.payment()).value());
    }
};

json::Value body_of(const net::Response& response) {
    CHECK(response.headers.get("Content-Type") == "application/json");
    return json::parse(response.body).value();
}

std::string member(const net::Response& response, std::string_view name) {
    const auto body = body_of(response);
    const auto* value = body.as_object().if_contains(name);
    return value == nullptr || !value->is_string() ? "" : std::string(value->get_string());
}

}  // namespace

TEST_CASE("facilitator: verify and settle answer 200 for good and for bad news") {
    Endpoints world;
    world.scripted.verdict = v2::VerifyResponse{.is_valid = true, .payer = "0x1"};
    auto response = world.ask("POST", "/verify", world.good_body());
    CHECK(response.status == 200);
    CHECK(json::equal(body_of(response), json::parse(R"({"isValid":true,"payer":"0x1"})").value()));
    world.scripted.verdict =
        v2::VerifyResponse{.is_valid = false, .invalid_reason = "r", .invalid_message = "m"};
    response = world.ask("POST", "/verify?x=1", world.good_body());
    CHECK(response.status == 200);
    CHECK(json::equal(
        body_of(response),
        json::parse(R"({"isValid":false,"invalidReason":"r","invalidMessage":"m"})").value()));
    world.scripted.settled =
        v2::SettleResponse{.success = true, .transaction = "0xabc", .network = "eip155:84532"};
    response = world.ask("POST", "/settle", world.good_body());
    CHECK(response.status == 200);
    CHECK(json::equal(
        body_of(response),
        json::parse(R"({"success":true,"transaction":"0xabc","network":"eip155:84532"})").value()));
    CHECK(world.scripted.given_patience == 7s);
    // Who waits less gets its answer sooner; who would wait longer does not.
    world.headers.add("X-Request-Timeout", "3");
    CHECK(world.ask("POST", "/settle", world.good_body()).status == 200);
    CHECK(world.scripted.given_patience == 3s);
    world.headers.set("X-Request-Timeout", "300");
    CHECK(world.ask("POST", "/settle", world.good_body()).status == 200);
    CHECK(world.scripted.given_patience == 7s);
    CHECK(world.scripted.asked.size() == 5);
    CHECK(world.scripted.asked.back().requirements.amount == U256(1000));
}

TEST_CASE("facilitator: version 1 bodies are read as version 1") {
    Endpoints world;
    world.scripted.settled = fail(Errc::rpc_failed, "down");
    const auto response = world.ask("POST", "/settle", world.good_body(1));
    REQUIRE(world.scripted.asked.size() == 1);
    CHECK(world.scripted.asked[0].x402_version == 1);
    CHECK(response.status == 503);
    CHECK(member(response, "network") == "base-sepolia");
}

TEST_CASE("facilitator: what is no request gets 400 and the reason") {
    Endpoints world;
    auto body = json::parse(world.good_body()).value().as_object();
    const auto with = [&](std::string_view name, json::Value value) {
        auto changed = body;
        changed[name] = std::move(value);
        return json::to_text(changed);
    };
    const auto without = [&](std::string_view name) {
        auto changed = body;
        changed.erase(name);
        return json::to_text(changed);
    };
    const struct {
        const char* name;
        std::string text;
        std::string_view says;
    } cases[] = {
        {"nothing", "", "invalid_json"},
        {"not JSON", "x402", "invalid_json"},
        {"half of it", world.good_body().substr(0, 50), "invalid_json"},
        {"a duplicate key", R"({"paymentPayload":{},"paymentPayload":{}})", "duplicate key"},
        {"an array", "[]", "expected an object"},
        {"an empty object", "{}", "Missing paymentPayload or paymentRequirements"},
        {"no payload", without("paymentPayload"), "Missing paymentPayload or paymentRequirements"},
        {"no requirements", without("paymentRequirements"),
         "Missing paymentPayload or paymentRequirements"},
        {"payload null", with("paymentPayload", nullptr),
         "Missing paymentPayload or paymentRequirements"},
        {"a payload of no version", with("paymentPayload", json::Object{}),
         ".x402Version: missing"},
        {"a payload of version 3", with("paymentPayload", json::Object{{"x402Version", 3}}),
         ".x402Version: expected 1 or 2"},
        {"requirements in a string", with("paymentRequirements", "x"),
         ".paymentRequirements: expected an object"},
        {"requirements without members", with("paymentRequirements", json::Object{}),
         ".paymentRequirements.scheme: missing"},
    };
    for (const auto& each : cases) {
        for (const auto* const path : {"/verify", "/settle"}) {
            CAPTURE(each.name);
            const auto response = world.ask("POST", path, each.text);
            CHECK(response.status == 400);
            CHECK(member(response, "error").find(each.says) != std::string::npos);
        }
    }
    CHECK(world.scripted.asked.empty());
}

TEST_CASE("facilitator: a body that is too large, too deep or broken off") {
    Endpoints world;
    const auto status = [&](Result<std::string> body) {
        return world.ask("POST", "/verify", std::move(body)).status;
    };
    CHECK(status(std::string(1 << 20, ' ')) == 413);
    CHECK(status(std::string(10'000, '[') + std::string(10'000, ']')) == 413);
    CHECK(status(fail(Errc::closed, "the body broke off")) == 400);
    CHECK(status(fail(Errc::timed_out, "the body stopped")) == 408);
    CHECK(world.scripted.asked.empty());
}

TEST_CASE("facilitator: a mechanism nobody registered is 500 in the reference's words") {
    Endpoints world;
    const std::string words = "No facilitator registered for scheme: upto and network: eip155:1";
    world.scripted.verdict = fail(Errc::no_such_mechanism, words);
    world.scripted.settled = fail(Errc::no_such_mechanism, words);
    for (const auto* const path : {"/verify", "/settle"}) {
        const auto response = world.ask("POST", path, world.good_body());
        CHECK(response.status == 500);
        CHECK(member(response, "error") == words);
    }
    auto body = world.good_body(1);
    const auto at = body.rfind("base-sepolia");
    body.replace(at, 12, "base-goerli");
    const auto response = world.ask("POST", "/settle", body);
    CHECK(response.status == 500);
    CHECK(member(response, "error") ==
          "No facilitator registered for scheme: exact and network: base-goerli");
}

TEST_CASE("facilitator: what it depends on is down: 503, a body of the right shape, nothing sent") {
    Endpoints world;
    world.scripted.verdict = fail(Errc::rpc_failed, "the node does not answer");
    auto response = world.ask("POST", "/verify", world.good_body());
    CHECK(response.status == 503);
    CHECK(member(response, "invalidReason") == "unexpected_verify_error");
    CHECK(member(response, "invalidMessage") == "rpc_failed: the node does not answer");
    CHECK(body_of(response).as_object().at("isValid") == false);
    world.scripted.settled = fail(Errc::overloaded, "too many payments in hand");
    response = world.ask("POST", "/settle", world.good_body());
    CHECK(response.status == 503);
    CHECK(member(response, "errorReason") == "unexpected_settle_error");
    CHECK(member(response, "network") == "eip155:84532");
    CHECK(body_of(response).as_object().at("transaction") == "");
    CHECK(body_of(response).as_object().at("success") == false);
}

TEST_CASE("facilitator: an open fate is settlement_pending with 200, never a failure") {
    Endpoints world;
    world.scripted.settled = fail(Errc::settlement_pending, "asked, no answer");
    const auto response = world.ask("POST", "/settle", world.good_body());
    CHECK(response.status == 200);
    CHECK(member(response, "errorReason") == "settlement_pending");
    CHECK(body_of(response).as_object().at("success") == false);
}

TEST_CASE("facilitator: a success that could not be handed over is told again") {
    Endpoints world;
    world.scripted.settled = v2::SettleResponse{.success = true, .transaction = "0x1"};
    world.ask("POST", "/settle", world.good_body());
    CHECK(world.scripted.lost.empty());
    world.client_gone = true;
    world.ask("POST", "/settle", world.good_body());
    CHECK(world.scripted.lost.size() == 1);
    world.scripted.settled->success = false;
    world.ask("POST", "/settle", world.good_body());
    CHECK(world.scripted.lost.size() == 1);
}

TEST_CASE("facilitator: who asks is known by the idempotency key, within limits") {
    Endpoints world;
    world.scripted.settled = v2::SettleResponse{.success = true, .transaction = "0x1"};
    world.headers.add("Idempotency-Key", "\"abc\"");
    CHECK(world.ask("POST", "/settle", world.good_body()).status == 200);
    CHECK(world.scripted.given_key == "\"abc\"");
    for (const auto* key : {"\xff", "a b", "\x7f"}) {
        world.headers.set("Idempotency-Key", key);
        CHECK(world.ask("POST", "/settle", world.good_body()).status == 400);
    }
    world.headers.set("Idempotency-Key", std::string(257, 'a'));
    const auto refused = world.ask("POST", "/settle", world.good_body());
    CHECK(refused.status == 400);
    CHECK(member(refused, "error").starts_with("invalid_header: Idempotency-Key"));
}

TEST_CASE("facilitator: a bug of ours is 500 and tells nobody more than that") {
    Endpoints world;
    world.scripted.verdict = fail(Errc::internal, "oops");
    CHECK(world.ask("POST", "/verify", world.good_body()).status == 500);
}

TEST_CASE("facilitator: supported, health and readiness") {
    Endpoints world;
    v2::SupportedResponse kinds;
    kinds.kinds.push_back({2, "exact", "eip155:84532", {}, {}});
    kinds.extensions.emplace();
    kinds.signers = json::Object{{"eip155:*", json::Array{"0x1"}}};
    world.scripted.kinds = kinds;
    auto response = world.ask("GET", "/supported");
    CHECK(response.status == 200);
    CHECK(json::equal(
        body_of(response),
        json::parse(R"({"kinds":[{"x402Version":2,"scheme":"exact","network":"eip155:84532"}],)"
                    R"("extensions":[],"signers":{"eip155:*":["0x1"]}})")
            .value()));
    world.scripted.kinds = fail(Errc::rpc_failed, "down");
    CHECK(world.ask("GET", "/supported").status == 503);
    CHECK(world.ask("GET", "/healthz").status == 200);
    CHECK(world.ask("HEAD", "/healthz").status == 200);
    response = world.ask("GET", "/readyz");
    CHECK(response.status == 200);
    CHECK(member(response, "status") == "ready");
    world.not_ready = {"eip155:84532: 0x1 has nothing to pay gas with"};
    response = world.ask("GET", "/readyz");
    CHECK(response.status == 503);
    CHECK(body_of(response).as_object().at("reasons").as_array().size() == 1);
}

TEST_CASE("facilitator: other methods and other paths") {
    Endpoints world;
    for (const auto* const path : {"/verify", "/settle"}) {
        CHECK(world.ask("GET", path).status == 405);
        CHECK(world.ask("PUT", path).status == 405);
    }
    for (const auto* const path : {"/supported", "/healthz", "/readyz", "/metrics"}) {
        CHECK(world.ask("POST", path).status == 405);
    }
    for (const auto* const path : {"/", "", "/verify/", "//verify", "/Verify", "/verifyx", "*"}) {
        CHECK(world.ask("POST", path).status == 404);
    }
    CHECK(world.scripted.asked.empty());
}

TEST_CASE("facilitator: requests are counted by endpoint, strangers' paths under one name") {
    Endpoints world;
    world.ask("POST", "/verify", world.good_body());
    world.ask("GET", "/wp-login.php");
    world.ask("GET", "/.env?x=\"}");
    const auto response = world.ask("GET", "/metrics");
    CHECK(response.status == 200);
    CHECK(response.headers.get("Content-Type") == "text/plain; version=0.0.4");
    CHECK(response.body.find(R"(farthing_facilitator_requests_total{endpoint="verify"} 1)") !=
          std::string::npos);
    CHECK(response.body.find(R"(farthing_facilitator_requests_total{endpoint="other"} 2)") !=
          std::string::npos);
    CHECK(response.body.find("wp-login") == std::string::npos);
}

namespace {

const std::string kKey = "farthing_" + std::string(64, 'a');

AccessConfig one_key() {
    AccessConfig config;
    config.api_key.push_back({.name = "shop", .hash = *hash_api_key(kKey)});
    return config;
}

}  // namespace

TEST_CASE("facilitator: with keys, /verify and /settle need one, and nothing else does") {
    Endpoints world(one_key());
    world.scripted.settled = v2::SettleResponse{.success = true, .transaction = "0xabc"};
    world.scripted.kinds = v2::SupportedResponse{};
    for (const auto* const path : {"/verify", "/settle"}) {
        world.headers = {};
        auto response = world.ask("POST", path, world.good_body());
        CHECK(response.status == 401);
        CHECK(response.headers.get("WWW-Authenticate") == "Bearer");
        CHECK(member(response, "error") == "api_key_invalid");
        CHECK(member(response, "message").starts_with("an API key is needed"));
        world.headers.add("Authorization", "Bearer farthing_" + std::string(64, 'b'));
        response = world.ask("POST", path, world.good_body());
        CHECK(response.status == 401);
        CHECK(response.headers.get("WWW-Authenticate") == "Bearer error=\"invalid_token\"");
        CHECK(world.scripted.asked.empty());
    }
    for (const auto* const path : {"/supported", "/healthz", "/readyz", "/metrics"}) {
        CHECK(world.ask("GET", path).status == 200);
    }
    for (const auto* const path : {"/verify", "/settle"}) {
        world.headers = {};
        world.headers.add("Authorization", "Bearer " + kKey);
        CHECK(world.ask("POST", path, world.good_body()).status == 200);
        CHECK(world.ask("POST", path, "x402").status == 400);
    }
    CHECK(world.scripted.asked.size() == 2);
}

TEST_CASE("facilitator: what a key may not do is 403 with the member's name") {
    auto config = one_key();
    config.api_key[0].pay_to = {testing::known_address(testing::usdc_requirements().asset)};
    Endpoints world(config);
    world.headers.add("X-API-Key", kKey);
    const auto response = world.ask("POST", "/settle", world.good_body());
    CHECK(response.status == 403);
    CHECK(member(response, "error") == "not_allowed");
    CHECK(member(response, "field") == "payTo");
    CHECK(!body_of(response).as_object().contains("success"));
    CHECK(world.scripted.asked.empty());
}

TEST_CASE("facilitator: too often is 429 with Retry-After, before the body is read") {
    AccessConfig config;
    config.rate_limits.client = RateConfig{.rate = 1, .per = 90s, .burst = 1};
    Endpoints world(config);
    CHECK(world.ask("POST", "/verify", world.good_body()).status == 200);
    const auto response = world.ask("POST", "/verify", fail(Errc::internal, "not read"));
    CHECK(response.status == 429);
    CHECK(response.headers.get("Retry-After") == "90");
    CHECK(member(response, "error") == "rate_limited");
    CHECK(!body_of(response).as_object().contains("isValid"));
    CHECK(world.ask("GET", "/healthz").status == 200);
    world.peer_ip = "192.0.2.2";
    CHECK(world.ask("POST", "/verify", world.good_body()).status == 200);
    CHECK(world.scripted.asked.size() == 2);
}

TEST_CASE("facilitator: the log names the key's name and never the key") {
    Endpoints world(one_key());
    world.headers.add("X-API-Key", kKey);
    world.scripted.verdict = fail(Errc::rpc_failed, "down");
    world.ask("POST", "/verify", world.good_body());
    world.headers.set("X-API-Key", kKey + "a");
    world.ask("POST", "/verify", world.good_body());
    std::string names;
    for (const auto& line : world.log.lines()) {
        const auto text = json::to_text(line.fields);
        CHECK(text.find(std::string(16, 'a')) == std::string::npos);
        if (const auto* key = line.fields.if_contains("key")) {
            names += line.event + ":" + std::string(std::string_view(key->get_string())) + " ";
        }
    }
    CHECK(names == "verify_unavailable:shop request:shop request: ");
}

}  // namespace farthing::facilitator
