// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/gateway.hpp"

#include <doctest/doctest.h>

#include <array>

#include "farthing/gateway/test_shop.hpp"

using namespace farthing;
using namespace farthing::gateway;
using namespace farthing::gateway::test;
using namespace std::chrono_literals;

namespace {

Result<v2::VerifyResponse> verify_error(Errc code, std::string detail = {}) {
    return fail(code, std::move(detail));
}
Result<v2::SettleResponse> settle_error(Errc code, std::string detail = {}) {
    return fail(code, std::move(detail));
}

/// One row of protocol.md 5.3: what the facilitator and the origin do, and what the payer sees.
struct Row {
    const char* name;
    std::vector<Result<v2::VerifyResponse>> verdicts{valid()};
    std::vector<Result<v2::SettleResponse>> settlements{settled()};
    OriginScript origin = OriginScript::ok("the goods");
    int status = 200;
    std::string error;   ///< of PAYMENT-REQUIRED
    std::string reason;  ///< of PAYMENT-RESPONSE
    std::string body;    ///< exact, when given
    std::string cache_control;
    int origin_runs = 1;
    int settle_calls = 1;
};

void check_row(const Row& row) {
    Shop shop;
    shop.facilitator.verdicts.set(row.verdicts);
    shop.facilitator.settlements.set(row.settlements);
    shop.origin.answers.set({row.origin});
    const auto asked = shop.ask("GET", "/weather", Shop::pay(shop.payment()));
    INFO(row.name);
    CHECK(asked->status() == row.status);
    CHECK(asked->error() == row.error);
    CHECK(asked->header("Cache-Control") == row.cache_control);
    CHECK(shop.origin.answers.calls() == row.origin_runs);
    CHECK(shop.facilitator.settlements.calls() == row.settle_calls);
    if (!row.body.empty()) CHECK(asked->text() == row.body);
    const auto receipt = asked->decoded(header::kPaymentResponse);
    if (row.status == 200) {
        CHECK(receipt.at("success") == json::Value(true));
        CHECK(receipt.at("transaction").as_string() == kTransaction);
    } else if (row.reason.empty()) {
        CHECK(receipt.is_null());
    } else {
        CHECK(receipt.at("success") == json::Value(false));
        CHECK(receipt.at("errorReason").as_string() == row.reason);
    }
    if (row.status >= 400 && row.status != row.origin.head.status)
        CHECK(!asked->text().contains("the goods"));
    CHECK(shop.log.count("paid_request") == 1);
}

}  // namespace

TEST_CASE("gateway: the outcome matrix, before the origin runs") {
    const std::vector<Row> rows{
        {.name = "isValid false",
         .verdicts = {invalid("invalid_exact_evm_signature")},
         .status = 402,
         .error = "invalid_exact_evm_signature",
         .cache_control = "no-store"},
        {.name = "isValid false without a reason",
         .verdicts = {invalid(std::nullopt)},
         .status = 402,
         .error = "unexpected_verify_error",
         .cache_control = "no-store"},
        {.name = "an allowance is missing",
         .verdicts = {invalid("permit2_allowance_required")},
         .status = 412,
         .error = "permit2_allowance_required",
         .cache_control = "no-store"},
        {.name = "verify answers with a text of its own",
         .verdicts = {verify_error(Errc::facilitator_failed, "Facilitator verify failed (500): x")},
         .status = 402,
         .error = "Facilitator verify failed (500): x",
         .cache_control = "no-store"},
        {.name = "verify answers with the wrong shape",
         .verdicts = {verify_error(Errc::facilitator_invalid_data,
                                   "Facilitator verify returned invalid data: x")},
         .status = 502,
         .body = R"({"error":"Facilitator verify returned invalid data: x"})"},
        {.name = "verify does not answer in time",
         .verdicts = {verify_error(Errc::timed_out, "http://10.1.2.3/")},
         .status = 502,
         .body =
             R"({"error":"the payment could not be verified: the facilitator does not answer"})"},
        {.name = "the facilitator cannot be reached",
         .verdicts = {verify_error(Errc::connection_failed)},
         .status = 502},
        {.name = "the facilitator has too much to do",
         .verdicts = {verify_error(Errc::overloaded)},
         .status = 503,
         .body = R"({"error":"overloaded"})",
         .cache_control = "no-store"},
        {.name = "a bug in the embedded facilitator",
         .verdicts = {verify_error(Errc::internal, "secret state")},
         .status = 500,
         .body = R"({"error":"Internal Server Error"})"},
    };
    for (auto row : rows) {
        row.origin_runs = 0;
        row.settle_calls = 0;
        check_row(row);
    }
}

TEST_CASE("gateway: the outcome matrix, when the origin fails") {
    auto half = OriginScript::ok("the goods");
    half.fault = Error{Errc::closed, "in the middle"};
    const std::vector<Row> rows{
        {.name = "the origin answers 500",
         .origin = OriginScript::status(500, "broken"),
         .status = 500,
         .body = "broken"},
        {.name = "the origin answers 404",
         .origin = OriginScript::status(404, "no such thing"),
         .status = 404,
         .body = "no such thing"},
        {.name = "the origin hangs",
         .origin = OriginScript::fails(Errc::timed_out),
         .status = 504,
         .body = R"({"error":"the origin did not answer in time"})"},
        {.name = "the origin is down",
         .origin = OriginScript::fails(Errc::connection_failed),
         .status = 502,
         .body = R"({"error":"the origin cannot be reached"})"},
        {.name = "the origin resets", .origin = OriginScript::fails(Errc::closed), .status = 502},
        {.name = "the origin talks nonsense",
         .origin = OriginScript::fails(Errc::protocol_violation),
         .status = 502},
        {.name = "the origin sends half a body",
         .origin = half,
         .status = 502,
         .body = R"({"error":"the origin broke off its answer"})"},
        {.name = "the origin sends more than we take",
         .origin = OriginScript::ok(std::string(1001, 'x')),
         .status = 502,
         .body = R"({"error":"the origin's answer is larger than this gateway takes"})"},
    };
    for (auto row : rows) {
        row.settle_calls = 0;
        check_row(row);
    }
}

TEST_CASE("gateway: the outcome matrix, after the origin ran") {
    const std::vector<Row> rows{
        {.name = "success", .body = "the goods", .cache_control = "private"},
        {.name = "the limit is not over the limit",
         .origin = OriginScript::ok(std::string(1000, 'x')),
         .cache_control = "private"},
        {.name = "a redirect is an answer below 400",
         .origin = OriginScript::status(302, ""),
         .status = 302,
         .reason = ""},
        {.name = "settle says no",
         .settlements = {unsettled("invalid_exact_evm_transaction_failed",
                                   std::string(kTransaction))},
         .status = 402,
         .reason = "invalid_exact_evm_transaction_failed",
         .body = "{}",
         .cache_control = "no-store"},
        {.name = "settle says no without a reason",
         .settlements = {unsettled("")},
         .status = 402,
         .reason = "unexpected_settle_error",
         .body = "{}",
         .cache_control = "no-store"},
        {.name = "settle is refused with a text",
         .settlements = {settle_error(Errc::facilitator_failed,
                                      "Facilitator settle failed (400): x")},
         .status = 402,
         .reason = "Facilitator settle failed (400): x",
         .body = "{}",
         .cache_control = "no-store"},
        {.name = "settle is pending and then done",
         .settlements = {unsettled("settlement_pending", std::string(kTransaction)), settled()},
         .body = "the goods",
         .cache_control = "private",
         .settle_calls = 2},
        {.name = "settle stays pending",
         .settlements = {unsettled("settlement_pending", std::string(kTransaction))},
         .status = 503,
         .reason = "settlement_pending",
         .cache_control = "no-store",
         .settle_calls = 2},
        {.name = "settle is pending without a transaction: asking again at once would not help",
         .settlements = {unsettled("settlement_pending")},
         .status = 503,
         .reason = "settlement_pending",
         .cache_control = "no-store"},
        {.name = "settle did not answer",
         .settlements = {settle_error(Errc::settlement_pending, "no answer")},
         .status = 503,
         .reason = "settlement_pending",
         .cache_control = "no-store"},
        {.name = "a bug while settling",
         .settlements = {settle_error(Errc::internal)},
         .status = 503,
         .reason = "settlement_pending",
         .cache_control = "no-store"},
        {.name = "settle answered nonsense",
         .settlements = {settle_error(Errc::facilitator_invalid_data, "nonsense")},
         .status = 502,
         .body = R"({"error":"nonsense"})"},
        {.name = "the facilitator cannot be reached: nothing was sent",
         .settlements = {settle_error(Errc::connection_failed)},
         .status = 502,
         .cache_control = "no-store"},
    };
    for (const auto& row : rows) {
        if (row.status == 302) continue;  // below, it has a receipt
        check_row(row);
    }
}

TEST_CASE("gateway: a redirect of the origin is an answer, and is paid for") {
    Shop shop;
    shop.origin.answers.set({OriginScript::status(302, "")});
    const auto asked = shop.ask("GET", "/weather", Shop::pay(shop.payment()));
    CHECK(asked->status() == 302);
    CHECK(asked->decoded(header::kPaymentResponse).at("success") == json::Value(true));
}

TEST_CASE("gateway: without a payment the offer, in both dialects") {
    Shop shop;
    const auto asked = shop.ask("GET", "/weather?city=Oslo");
    CHECK(asked->status() == 402);
    CHECK(asked->error() == "Payment required");
    CHECK(asked->header("Cache-Control") == "no-store");
    CHECK(asked->header("Content-Type") == "application/json");
    CHECK(asked->header("Access-Control-Expose-Headers") ==
          "PAYMENT-REQUIRED, PAYMENT-RESPONSE, X-PAYMENT-RESPONSE");
    const auto offer = json::parse(R"({"x402Version":2,"error":"Payment required",
        "resource":{"url":"http://shop.test/weather?city=Oslo","description":"Weather",
                    "mimeType":"application/json"},
        "accepts":[{"scheme":"exact","network":"eip155:84532","amount":"1000",
            "asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e",
            "payTo":"0x209693Bc6afc0C5328bA36FaF03C514EF312287C","maxTimeoutSeconds":300,
            "extra":{"name":"USDC","version":"2"}}]})");
    CHECK(json::equal(asked->decoded(header::kPaymentRequired), offer.value()));
    const auto v1 = json::parse(R"({"x402Version":1,"error":"X-PAYMENT header is required",
        "accepts":[{"scheme":"exact","network":"base-sepolia","maxAmountRequired":"1000",
            "resource":"http://shop.test/weather","description":"Weather",
            "mimeType":"application/json","asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e",
            "payTo":"0x209693Bc6afc0C5328bA36FaF03C514EF312287C","maxTimeoutSeconds":300,
            "extra":{"name":"USDC","version":"2"}}]})");
    CHECK_MESSAGE(json::equal(json::parse(asked->text()).value(), v1.value()), asked->text());
    CHECK(shop.facilitator.verdicts.calls() == 0);
    CHECK(shop.origin.answers.calls() == 0);
}

TEST_CASE("gateway: the facilitator gets the server's requirements and the payer's own payload") {
    Shop shop;
    const auto payment = shop.payment();
    CHECK(shop.ask("GET", "/weather", Shop::pay(payment))->status() == 200);
    REQUIRE(shop.facilitator.seen.size() == 1);
    const auto& seen = shop.facilitator.seen.front();
    CHECK(seen.x402_version == 2);
    CHECK(json::encode(seen.requirements) == json::encode(payment.wanted));
    CHECK(seen.payload.payload == payment.payment().payload.payload);
}

TEST_CASE("gateway: version 1 pays and gets its own receipt") {
    Shop shop;
    auto asked = shop.ask("GET", "/weather", Shop::pay_v1(shop.payment()));
    CHECK(asked->status() == 200);
    CHECK(asked->decoded(header::kPaymentResponseV1).at("success") == json::Value(true));
    CHECK(asked->header(header::kPaymentResponse).empty());
    CHECK(shop.facilitator.seen.front().x402_version == 1);

    shop.facilitator.settlements.set({unsettled("invalid_exact_evm_transaction_failed")});
    asked = shop.ask("GET", "/weather", Shop::pay_v1(shop.payment()));
    CHECK(asked->status() == 402);
    const auto body = json::parse(asked->text()).value();
    CHECK(body.at("x402Version") == json::Value(1));
    CHECK(body.at("error") == json::Value("invalid_exact_evm_transaction_failed"));
    CHECK(asked->decoded(header::kPaymentResponseV1).at("success") == json::Value(false));
}

TEST_CASE("gateway: HEAD costs what GET costs") {
    Shop shop;
    CHECK(shop.ask("HEAD", "/weather")->status() == 402);
    auto script = OriginScript::ok("");
    script.length = 1234;
    shop.origin.answers.set({script});
    const auto asked = shop.ask("HEAD", "/weather", Shop::pay(shop.payment()));
    CHECK(asked->status() == 200);
    CHECK(asked->responder.length == 1234U);
    CHECK(shop.origin.seen.back().second.method == "HEAD");
    CHECK(shop.facilitator.settlements.calls() == 1);
}

TEST_CASE("gateway: what no route matches, and what is free, passes through") {
    Shop shop;
    shop.origin.answers.set({OriginScript::status(404, "nothing here")});
    auto asked = shop.ask("GET", "/other?x=1", {{"X-Payment", "money"}, {"Accept", "*/*"}});
    CHECK(asked->status() == 404);
    CHECK(asked->text() == "nothing here");
    CHECK(!asked->header("X-Request-Id").empty());
    CHECK(shop.origin.seen.back().first.to_string() == "http://origin.test:3000/other?x=1");
    CHECK(!shop.origin.seen.back().second.headers.has("X-Payment"));
    CHECK(shop.origin.seen.back().second.headers.get("Accept") == "*/*");

    asked = shop.ask("PUT", "/files/public/a", {}, "contents");
    CHECK(shop.origin.seen.back().second.body == "contents");
    CHECK(shop.ask("GET", "/files/a")->status() == 402);
    CHECK(shop.ask("GET", "/files/public/../a")->status() == 402);
    CHECK(shop.ask("GET", "/files/public/..%2fa")->status() == 400);
    CHECK(shop.facilitator.verdicts.calls() == 0);
}

TEST_CASE("gateway: a free answer that breaks off does not look complete") {
    Shop shop;
    auto half = OriginScript::ok("half");
    half.fault = Error{Errc::closed, ""};
    shop.origin.answers.set({half});
    auto asked = shop.ask("GET", "/free");
    CHECK(asked->status() == 200);
    CHECK(asked->responder.aborted);
    CHECK(!asked->responder.finished);
    shop.origin.answers.set({OriginScript::fails(Errc::timed_out)});
    CHECK(shop.ask("GET", "/free")->status() == 504);
    shop.origin.answers.set({OriginScript::fails(Errc::connection_failed)});
    CHECK(shop.ask("GET", "/free")->status() == 502);
}

TEST_CASE("gateway: a request body that breaks off is the client's fault, not the origin's") {
    Shop shop;
    const std::array<std::pair<Errc, int>, 3> faults{
        {{Errc::timed_out, 408}, {Errc::protocol_violation, 400}, {Errc::too_large, 413}}};
    for (const auto& [code, status] : faults) {
        for (const auto* target : {"/free", "/report"}) {
            auto headers = Shop::pay(shop.payment());
            auto asked = std::make_shared<Asked>("body");
            asked->body.fault = Error{code, "scripted"};
            asked->request.method = "POST";
            asked->request.target = target;
            asked->request.headers.add("Host", "shop.test");
            asked->request.headers.add(headers[0].first, headers[0].second);
            asked->request.has_body = true;
            asked->request.body = &asked->body;
            shop.running.spawn(shop.gateway->handle(asked->request, asked->responder));
            shop.settle_down();
            CHECK(asked->status() == status);
        }
    }
    CHECK(shop.facilitator.settlements.calls() == 0);
}

TEST_CASE("gateway: the body of a request whose payment is no good is not read") {
    Shop shop;
    shop.facilitator.verdicts.set({invalid("invalid_exact_evm_signature")});
    // To read it would be a fault, and too large.
    CHECK(shop.ask("POST", "/report", Shop::pay(shop.payment()), std::string(101, 'b'))->error() ==
          "invalid_exact_evm_signature");
}

TEST_CASE("gateway: a paid request's body reaches the origin whole, or is refused") {
    Shop shop;
    const auto body = std::string(100, 'b');
    CHECK(shop.ask("POST", "/report", Shop::pay(shop.payment()), body)->status() == 200);
    CHECK(shop.origin.seen.back().second.body == body);
    const auto asked = shop.ask("POST", "/report", Shop::pay(shop.payment()), body + "b");
    CHECK(asked->status() == 413);
    CHECK(shop.facilitator.settlements.calls() == 1);
}

TEST_CASE("gateway: several payment headers are an error, not a choice") {
    Shop shop;
    const auto one = shop.payment();
    const auto two = shop.payment();
    const auto join = [](Shop::Headers a, const Shop::Headers& b) {
        a.insert(a.end(), b.begin(), b.end());
        return a;
    };
    const auto refused = [&](const Shop::Headers& headers) {
        const auto asked = shop.ask("GET", "/weather", headers);
        return asked->status() == 400 &&
               asked->text().starts_with(R"({"error":"several_payments: )");
    };
    CHECK(refused(join(Shop::pay(one), Shop::pay(two))));
    CHECK(refused(join(Shop::pay(one), Shop::pay(one))));
    CHECK(refused(join(Shop::pay_v1(one), Shop::pay_v1(one))));
    CHECK(refused(join(Shop::pay(one), Shop::pay_v1(two))));
    CHECK(refused(join(Shop::pay(one), {{"X-Payment", "nonsense"}})));
    CHECK(refused(join({{"Payment-Signature", "nonsense"}}, Shop::pay_v1(one))));
    CHECK(shop.facilitator.verdicts.calls() == 0);
    CHECK(shop.ask("GET", "/weather", join(Shop::pay(one), Shop::pay_v1(one)))->status() == 200);
}

TEST_CASE("gateway: a header that is no payment counts as none, and is logged") {
    Shop shop;
    for (const std::string header :
         {"{not base64}", "-_-_", "bm90IGpzb24=", "bnVsbA==", "e30=", "W10=", ""}) {
        const auto asked =
            shop.ask("GET", "/weather", {{std::string(header::kPaymentSignature), header}});
        CHECK_MESSAGE(asked->status() == 402, header);
        CHECK(asked->error() == "Payment required");
    }
    CHECK(shop.log.count("payment_unreadable") == 7);
    const auto huge = std::string(70'000, 'A');
    CHECK(shop.ask("GET", "/weather", {{std::string(header::kPaymentSignature), huge}})->error() ==
          "Payment required");
}

TEST_CASE("gateway: a payment that does not open is refused without asking anybody") {
    Shop shop;
    auto payment = shop.payment();
    payment.accepted = json::encode(payment.wanted);
    auto payload = payment.payment().payload;
    payload.payload = json::Object{{"authorization", json::Object{}}};
    const auto header = dialect::to_header(payload);
    const auto asked =
        shop.ask("GET", "/weather", {{std::string(header::kPaymentSignature), header}});
    CHECK(asked->status() == 402);
    CHECK(asked->error() == "unsupported_payload_type");
    CHECK(shop.facilitator.verdicts.calls() == 0);
}

TEST_CASE("gateway: a request that names no host, or no path, is a 400") {
    Shop shop;
    const auto status_of = [&](std::string target, Shop::Headers headers) {
        auto asked = std::make_shared<Asked>("");
        asked->request.method = "GET";
        asked->request.target = std::move(target);
        for (const auto& [name, value] : headers) asked->request.headers.add(name, value);
        asked->request.peer_ip = "192.0.2.1";
        shop.running.spawn(shop.gateway->handle(asked->request, asked->responder));
        shop.settle_down();
        return asked->status();
    };
    CHECK(status_of("/weather", {}) == 400);
    CHECK(status_of("/weather", {{"Host", "a"}, {"Host", "b"}}) == 400);
    CHECK(status_of("/weather", {{"Host", "a\"b"}}) == 400);
    CHECK(status_of("/weather", {{"Host", "a/b"}}) == 400);
    CHECK(status_of("*", {{"Host", "a"}}) == 400);
    CHECK(status_of("/weather%00", {{"Host", "a"}}) == 400);
    CHECK(status_of("/weather", {{"Host", "a"}}) == 402);
}

TEST_CASE("gateway: a new site is for new requests, and the running ones keep theirs") {
    Shop shop;
    shop.origin.answers.hold(true);
    const auto running = shop.start("GET", "/weather", Shop::pay(shop.payment()));
    auto text = std::string(kShopConfig);
    text.replace(text.find("$0.001"), 6, "$0.005");
    text.replace(text.find("origin.test"), 11, "elsewhere.test");
    const auto config = config_from_toml<Config>(text, "shop.toml").value();
    shop.gateway->use(make_site(config).value());
    const auto offer = shop.ask("GET", "/weather")->decoded(header::kPaymentRequired);
    CHECK(offer.at("accepts").at(0).at("amount") == json::Value("5000"));
    shop.origin.answers.hold(false);
    shop.settle_down();
    CHECK(running->status() == 200);
    const auto refused = shop.ask("GET", "/weather", Shop::pay(shop.payment()));
    CHECK(refused->error() == "No matching payment requirements");
}

TEST_CASE("gateway: every request is counted by its route and its ending") {
    Shop shop;
    shop.ask("GET", "/weather");
    shop.ask("GET", "/weather", Shop::pay(shop.payment()));
    shop.ask("GET", "/unknown");
    shop.ask("GET", "/%zz");
    const auto page = shop.metrics.expose();
    const auto has = [&](std::string_view route, std::string_view ending) {
        return page.contains("farthing_gateway_requests_total{ending=\"" + std::string(ending) +
                             "\",route=\"" + std::string(route) + "\"} 1");
    };
    CHECK(has("GET /weather", "unpaid"));
    CHECK(has("GET /weather", "paid"));
    CHECK(has("_none", "passed"));
    CHECK(has("_none", "bad_request"));
    CHECK(page.contains("farthing_gateway_settle_seconds_count 1"));
}
