// SPDX-License-Identifier: Apache-2.0
// What each row of protocol.md 5.3 means to a buyer who has paid.
#include "farthing/wallet/answer.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "farthing/base/base64.hpp"

using namespace farthing;
using namespace farthing::wallet;
using Meaning = Answer::Meaning;

namespace {

constexpr auto kHash = "0x89c91c789e57059b17285e7ba1716a1f5ff4c5dace0ea5a5135f26158d0421b9";
constexpr auto kPayer = "0x857b06519E91e3A54538791bDbb0E22373e36b66";
constexpr auto kEntry =
    R"({"scheme":"exact","network":"eip155:84532","amount":"1","asset":"0x1","payTo":"0x1","maxTimeoutSeconds":1})";

struct Given {
    int status = 200;
    std::string receipt;   ///< JSON of PAYMENT-RESPONSE
    std::string required;  ///< JSON of PAYMENT-REQUIRED
    std::string body;
};

Answer answer_to(const Given& given) {
    net::Response response;
    response.status = given.status;
    response.body = given.body;
    if (!given.receipt.empty()) response.headers.add("PAYMENT-RESPONSE", to_base64(given.receipt));
    if (!given.required.empty())
        response.headers.add("PAYMENT-REQUIRED", to_base64(given.required));
    return read_answer(response, {evm_network(84532), U256(1000), parse_address(kPayer).value()});
}

std::string receipt(bool success, std::string reason, std::string transaction) {
    json::Object out{{"success", success},
                     {"transaction", transaction},
                     {"network", "eip155:84532"},
                     {"payer", kPayer}};
    if (!reason.empty()) out["errorReason"] = reason;
    return json::to_text(json::Value(out));
}

std::string required(std::string error) {
    return R"({"x402Version":2,"error":")" + error + R"(","accepts":[)" + kEntry + "]}";
}

}  // namespace

TEST_CASE("answer: what a status and a receipt mean for the money") {
    struct Case {
        const char* name;
        Given given;
        Meaning meaning;
        const char* detail = "";
    };
    const std::string v1 =
        R"({"x402Version":1,"error":"insufficient_funds","accepts":[)" + std::string(kEntry) + "]}";
    const std::vector<Case> cases{
        {"paid", {200, receipt(true, "", kHash), "", ""}, Meaning::settled},
        {"paid, yet an error", {404, receipt(true, "", kHash), "", ""}, Meaning::settled},
        {"no receipt", {200, "", "", ""}, Meaning::unproved},
        {"redirect", {302, "", "", ""}, Meaning::unproved},
        {"handler failed", {500, "", "", ""}, Meaning::unsettled},
        {"handler did not find it", {404, "", "", ""}, Meaning::unsettled},
        {"refused",
         {402, "", required("invalid_exact_evm_signature"), "{}"},
         Meaning::rejected,
         "invalid_exact_evm_signature"},
        {"refused, version 1", {402, "", "", v1}, Meaning::rejected, "insufficient_funds"},
        {"refused for an allowance",
         {412, "", required("permit2_allowance_required"), "{}"},
         Meaning::rejected,
         "permit2_allowance_required"},
        {"refused without a word", {402, "", "", "<html>"}, Meaning::rejected, "no reason given"},
        {"settlement failed",
         {402, receipt(false, "invalid_transaction_state", kHash), "", "{}"},
         Meaning::rejected,
         "invalid_transaction_state"},
        {"settlement pending",
         {402, receipt(false, "settlement_pending", kHash), "", "{}"},
         Meaning::pending,
         kHash},
        {"pending by header only",
         {402, "", required("settlement_pending"), "{}"},
         Meaning::pending},
        {"pending in a 503",
         {503, receipt(false, "settlement_pending", kHash), "", ""},
         Meaning::pending,
         kHash},
        {"pending in a 503's body",
         {503, "", "",
          std::string(R"({"error":"settlement_pending","transaction":")") + kHash + "\"}"},
         Meaning::pending,
         kHash},
        {"in hand already", {409, "", "", R"({"error":"payment_in_flight"})"}, Meaning::pending},
        {"a conflict of the handler's own",
         {409, "", "", R"({"error":"exists"})"},
         Meaning::unsettled},
        {"busy", {503, "", "", "try later"}, Meaning::busy, "503 Service Unavailable"},
        {"facilitator lost", {502, "", "", "{}"}, Meaning::busy, "502"},
        {"origin hangs", {504, "", "", ""}, Meaning::busy, "504"},
        {"too fast", {429, "", "", ""}, Meaning::busy, "429"},
        {"somebody else's receipt",
         {200, R"({"success":true,"transaction":"0x1","network":"eip155:1"})", "", ""},
         Meaning::forged,
         ".network"},
        {"delivered, yet not settled",
         {200, receipt(false, "no", kHash), "", ""},
         Meaning::forged,
         ".success"},
        {"settled, yet asks again",
         {402, receipt(true, "", kHash), required("x"), "{}"},
         Meaning::forged,
         "a 402 came with the receipt"},
        {"garbage for a receipt", {200, "garbage", "", ""}, Meaning::forged},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        const auto answer = answer_to(each.given);
        CHECK(static_cast<int>(answer.meaning) == static_cast<int>(each.meaning));
        const bool failed = each.meaning == Meaning::rejected || each.meaning == Meaning::pending ||
                            each.meaning == Meaning::busy || each.meaning == Meaning::forged;
        REQUIRE(answer.error.has_value() == failed);
        if (!failed) continue;
        CAPTURE(answer.error->detail);
        CHECK(answer.error->detail.find(each.detail) != std::string::npos);
    }
}

TEST_CASE("answer: errors have the kind that says what to do next") {
    CHECK(kind_of(answer_to({402, "", required("x"), ""}).error->code) == Kind::refused);
    CHECK(kind_of(answer_to({503, "", "", ""}).error->code) == Kind::unknown);
    CHECK(kind_of(answer_to({402, receipt(false, "settlement_pending", ""), "", ""}).error->code) ==
          Kind::unknown);
    CHECK(kind_of(answer_to({200, "garbage", "", ""}).error->code) == Kind::unknown);
}

TEST_CASE("answer: a server's reason is bounded") {
    const auto answer = answer_to({402, "", required(std::string(5000, 'x')), ""});
    CHECK(answer.error->detail.size() <= 500);
    const auto wide = answer_to({402, "", required(std::string(499, 'x') + "€"), ""});
    CHECK(wide.error->detail == std::string(499, 'x'));
}

TEST_CASE("answer: a server's reason cannot redraw a terminal") {
    const auto again =
        answer_to({402, "", required("no\\u001b]0;PWNED\\u0007\u009b2J\u202e!"), ""});
    CHECK(again.error->detail == "no?]0;PWNED??2J?!");
    const auto failed = answer_to({402, receipt(false, "no\u009b2J", ""), "", ""});
    CHECK(failed.error->detail.find("no?2J") != std::string::npos);
}

TEST_CASE("answer: Retry-After is read in seconds, within reason") {
    const std::vector<std::pair<std::string, std::optional<std::chrono::seconds>>> cases{
        {"0", std::chrono::seconds(0)},
        {"7", std::chrono::seconds(7)},
        {"999999", std::chrono::seconds(3600)},
        {"99999999999", std::nullopt},
        {"-1", std::nullopt},
        {"1.5", std::nullopt},
        {"", std::nullopt},
        {"Wed, 21 Oct 2026 07:28:00 GMT", std::nullopt},
    };
    for (const auto& [text, expected] : cases) {
        CAPTURE(text);
        net::Headers headers;
        headers.add("Retry-After", text);
        CHECK(retry_after(headers) == expected);
    }
    CHECK(!retry_after(net::Headers{}));
}
