// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/daemon_api.hpp"

#include <doctest/doctest.h>

using namespace farthing;
using namespace farthing::wallet;

namespace {

std::string wrong(std::string_view text) {
    const auto order = parse_fetch_call(text);
    return order ? "taken" : order.error().detail;
}

}  // namespace

TEST_CASE("daemon api: a call becomes a request and an errand") {
    const auto order = parse_fetch_call(R"({"url":"https://api.example/a?b#c","headers":{
        "Accept":"text/plain","Host":"evil.example","Farthing-Token":"x","Connection":"X-Gone","X-Gone":"1"},
        "body":"hello","task":"mail","reason":"why","maxAmount":"$0.01","wait":600})");
    REQUIRE_MESSAGE(order.has_value(), to_string(order.error()));
    CHECK(order->url.to_string() == "https://api.example/a?b");
    CHECK(order->request.method == "POST");
    CHECK(order->request.body == "hello");
    CHECK(order->request.headers.size() == 1);
    CHECK(order->request.headers.get("accept") == "text/plain");
    CHECK(order->errand.task == "mail");
    CHECK(order->errand.reason == "why");
    CHECK(order->errand.tool.empty());
    CHECK(order->errand.agent.empty());
    CHECK(order->max_amount == scheme::parse_money("$0.01").value());
    CHECK(order->wait == std::chrono::minutes(10));
    CHECK(parse_fetch_call(R"({"url":"http://a"})")->request.method == "GET");
    CHECK(parse_fetch_call(R"({"url":"http://a","bodyBase64":"AAE="})")->request.body ==
          std::string("\0\1", 2));
}

TEST_CASE("daemon api: what is wrong with a call is named") {
    CHECK(wrong("{}") != "taken");
    CHECK(wrong("") != "taken");
    CHECK(wrong(R"({"url":"ftp://a"})").starts_with(".url: "));
    CHECK(wrong(R"({"url":"http://u:p@a"})").starts_with(".url: "));
    CHECK(wrong(R"({"url":"http://a","wait":601})").contains("at most 600"));
    CHECK(wrong(R"({"url":"http://a","maxAmount":"2000"})").starts_with(".maxAmount: "));
    CHECK(wrong(R"({"url":"http://a","maxAmount":2})") != "taken");
    CHECK(wrong(R"({"url":"http://a","body":"x","bodyBase64":"eA=="})") != "taken");
    CHECK(wrong(R"({"url":"http://a","headers":{"A":1}})").starts_with(".headers: "));
    CHECK(wrong(R"({"url":"http://a","agent":"root"})") != "taken");
    CHECK(wrong(R"({"url":"http://a","card":"c"})") != "taken");
}

TEST_CASE("daemon api: parameters of a query") {
    CHECK(query_parameter("/v1/limits?vendor=api.example%3A81&task=a+b", "vendor") ==
          "api.example:81");
    CHECK(query_parameter("/v1/limits?vendor=&task=a+b%", "task") == "a b%");
    CHECK(query_parameter("/v1/limits?vendor", "vendor") == "");
    CHECK(!query_parameter("/v1/limits", "vendor"));
    CHECK(!query_parameter("/v1/limits?xvendor=1", "vendor"));
}

TEST_CASE("daemon api: the status says what it means for the money") {
    CHECK(status_of(Errc::not_allowed, true) == 402);
    CHECK(status_of(Errc::not_allowed, false) == 403);
    CHECK(status_of(Errc::over_limit, false) == 402);
    CHECK(status_of(Errc::invalid_signature, false) == 403);
    CHECK(status_of(Errc::outcome_unknown, false) == 503);
    CHECK(status_of(Errc::settlement_pending, false) == 503);
    CHECK(status_of(Errc::receipt_invalid, false) == 503);
    CHECK(status_of(Errc::connection_failed, false) == 502);
    CHECK(status_of(Errc::timed_out, false) == 504);
    CHECK(status_of(Errc::invalid_field, false) == 400);
    CHECK(status_of(Errc::internal, false) == 500);
}

TEST_CASE("daemon api: an answer of any bytes is JSON") {
    PaidResponse answer;
    answer.url = net::parse_url("http://a/").value();
    answer.response.headers.add("Set-Cookie", "a");
    answer.response.headers.add("set-cookie", "\xff");
    answer.response.body = "\xff\xfe";
    const auto out = to_json(answer, std::nullopt);
    CHECK(
        json::to_text(out) ==
        R"({"status":200,"url":"http://a/","headers":{"set-cookie":["a","?"]},"bodyBase64":"//4="})");
}

TEST_CASE("daemon api: the holder of a card learns nothing of the wallet") {
    Decided decided;
    decided.decision.condition = "day";
    decided.decision.text = "$0.04 of $0.05 left today";
    policy::Finding finding;
    finding.left = "$0.04";
    decided.decision.findings.push_back(finding);
    const Error no{Errc::not_allowed, decided.decision.text};
    for (const auto verdict : {policy::Verdict::refuse, policy::Verdict::ask}) {
        decided.decision.verdict = verdict;
        const auto text =
            json::encode_text(for_card_holder(advise(no, decided), Errc::not_allowed));
        CHECK(!text.contains("0.04"));
        CHECK(!text.contains("day"));
    }
    const Error file{Errc::invalid_signature, "/home/op/pact.toml is not signed: 0x12 has to"};
    CHECK(!json::encode_text(for_card_holder(advise(file), file.code)).contains("/home"));
}
