// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/decide.hpp"

#include <doctest/doctest.h>

#include "farthing/policy/test_pacts.hpp"

using namespace farthing;
using namespace farthing::policy;
using namespace farthing::policy::testing;

namespace {

/// One wallet: a pact, what it spent, and a way to pay.
struct Purse {
    explicit Purse(std::string_view changes = "{}")
        : rules(testing::rules(changes)), budget(rules.meters()) {}

    Decision ask(const Request& what, const Facts& known = facts()) const {
        return decide(rules, budget, what, known);
    }

    /// Decides, and reserves (and settles) what is allowed.
    Decision pay(const Request& what, const Facts& known = facts()) {
        auto decision = ask(what, known);
        if (decision.verdict != Verdict::allow) return decision;
        auto reservation = *decision.reservation;
        reservation.id = std::to_string(++paid);
        REQUIRE(budget.reserve(reservation));
        REQUIRE(budget.settle(reservation.id));
        return decision;
    }

    Rules rules;
    Budget budget;
    int paid = 0;
};

/// `ask:vendor_new`, or `allow`.
std::string outcome(const Decision& decision) {
    auto text = std::string(to_text(decision.verdict));
    return decision.code.empty() ? text : text + ":" + decision.code;
}

/// Changes to the smallest pact, with other vendors allowed.
std::string open(std::string_view more = "") {
    return R"({"other_vendors": "allow")" + std::string(more.empty() ? "" : ", ") +
           std::string(more) + "}";
}

std::string decided(std::string_view more, const Request& what = request(),
                    const Facts& known = facts()) {
    return outcome(Purse(open(more)).ask(what, known));
}

Request at(std::string_view url) {
    auto what = request();
    what.url = url;
    return what;
}

}  // namespace

TEST_CASE("decide: what the smallest pact allows") {
    const auto decision = Purse(open()).ask(request());
    CHECK(decision.verdict == Verdict::allow);
    CHECK(decision.condition.empty());
    CHECK(decision.text == "allowed by the pact");
    REQUIRE(decision.reservation.has_value());
    CHECK(decision.reservation->vendor == "api.example.com");
    CHECK(decision.reservation->resource == "GET https://api.example.com/v1/search");
    CHECK(decision.reservation->units == power_of_ten(16));
    CHECK(decision.reservation->dollars == power_of_ten(16));
    CHECK(decision.reservation->time == kNoon);
    CHECK(decision.pact == Purse(open()).rules.hash());
}

TEST_CASE("decide: the pact itself") {
    CHECK(decided(R"("stopped": true)") == "refuse:stopped");
    CHECK(decided(R"("expires": "2026-11-21T12:00:01Z")") == "allow");
    CHECK(decided(R"("expires": "2026-11-21T12:00:00Z")") == "refuse:expired");
    CHECK(decided(R"("not_before": "2026-11-21T12:00:00Z")") == "allow");
    CHECK(decided(R"("not_before": "2026-11-21T12:00:01Z")") == "refuse:not_yet");
    auto stranger = facts();
    stranger.agent = address(1);
    CHECK(decided("", request(), stranger) == "refuse:wrong_agent");

    Purse purse(open(R"("id": "p-1")"));
    Revocations revoked;
    auto known = facts();
    known.revoked = &revoked;
    CHECK(outcome(purse.ask(request(), known)) == "allow");
    revoked.ids = {"p-2", "p-1"};
    CHECK(outcome(purse.ask(request(), known)) == "refuse:revoked");
    revoked = {.hashes = {purse.rules.hash()}, .ids = {}};
    CHECK(outcome(purse.ask(request(), known)) == "refuse:revoked");
    revoked = {.hashes = {}, .ids = {""}};
    CHECK(decided("", request(), known) == "allow");
}

TEST_CASE("decide: a budget of another pact decides nothing") {
    const auto mine = rules(open());
    const Budget other(rules(R"({"limit": [{"amount": "$1", "per": "week"}]})").meters());
    CHECK(outcome(decide(mine, other, request(), facts())) == "refuse:other_budget");
}

TEST_CASE("decide: where the request goes") {
    CHECK(decided("", at("http://api.example.com/")) == "refuse:plain_http");
    CHECK(decided(R"("plain_http": true)", at("http://api.example.com/")) == "allow");
    CHECK(decided("", at("http://127.0.0.1:4021/")) == "allow");
    CHECK(decided("", at("https://b\xc3\xbc"
                         "cher.example/")) == "refuse:bad_url");
    CHECK(decided("", at("https://a@b.example/")) == "refuse:bad_url");
    CHECK(decided("", at("https://xn--bcher-kva.example/")) == "ask:idn_host");
    CHECK(decided(R"("vendor": [{"host": "xn--bcher-kva.example"}])",
                  at("https://xn--bcher-kva.example/")) == "allow");
    auto what = request();
    what.task = std::string(201, 't');
    CHECK(decided("", what) == "refuse:bad_task");
}

TEST_CASE("decide: networks and assets") {
    auto what = request();
    what.network = {"eip155:8453"};
    what.asset = parse_address("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913").value();
    CHECK(decided("", what) == "refuse:network_not_allowed");
    CHECK(decided(R"("networks": ["eip155:8453"])", what) == "allow");
    what = request();
    what.asset = address(9);
    CHECK(decided("", what) == "refuse:asset_unknown");
    CHECK(decided(R"("assets": ["USDT"])") == "refuse:asset_not_allowed");
    CHECK(decided(R"("assets": ["USDC"])") == "allow");
    what = request();
    what.amount = U256::max();
    CHECK(decided("", what) == "refuse:amount_invalid");
}

TEST_CASE("decide: a token of 18 decimals is counted as what it is worth") {
    const auto token = [](std::string_view value) {
        return R"("token": [{"network": "eip155:84532", "symbol": "TEST", "decimals": 18)" +
               std::string(value) +
               R"(, "address": "0x5FbDB2315678afecb367f032d93F642f64180aa3"}])";
    };
    auto what = request();
    what.asset = parse_address("0x5FbDB2315678afecb367f032d93F642f64180aa3").value();
    what.amount = power_of_ten(16)->checked_mul(U256(2)).value();  // 0.02 TEST
    CHECK(decided(token(R"(, "value": "$2.5")"), what) == "allow");
    CHECK(decided(token(R"(, "value": "$2.51")"), what) == "refuse:over_request_limit");
    CHECK(decided(token(""), what) == "refuse:asset_not_valued");
    // In units of the token itself no value is needed.
    const auto in_units = token("") + R"(, "per_request": "0.02 TEST", "assets": ["TEST"],
                                          "limit": [{"amount": "1 TEST", "per": "day"}])";
    CHECK(decided(in_units, what) == "allow");
    what.amount = what.amount.checked_add(U256(1)).value();
    CHECK(decided(in_units, what) == "refuse:over_request_limit");
    CHECK(decided(R"("per_request": "0.02 TEST")") == "refuse:asset_not_limited");
}

TEST_CASE("decide: the authorisation's lifetime") {
    auto what = request();
    what.lifetime = 3600;
    CHECK(decided("", what) == "allow");
    what.lifetime = 3601;
    CHECK(decided("", what) == "refuse:lifetime_too_long");
    what.lifetime = 61;
    CHECK(decided(R"("lifetime_max": "1m")", what) == "refuse:lifetime_too_long");
}

TEST_CASE("decide: denied, approved and other vendors") {
    CHECK(decided(R"("deny": [{"host": "*.example.com"}])") == "refuse:denied");
    CHECK(decided(R"("deny": [{"host": "api.example.com"}])",
                  at("https://api.example.com:8443/")) == "refuse:denied");
    CHECK(decided(R"("deny": [{"pay_to": "0x0000000000000000000000000000000000000007"}])") ==
          "refuse:denied");
    CHECK(decided(R"("deny": [{"host": "example.com"}])") == "allow");
    auto known = facts();
    known.vendor_did = "did:web:example.com";
    CHECK(decided(R"("deny": [{"did": "did:web:example.com"}])", request(), known) ==
          "refuse:denied");

    const auto listed = [](std::string_view vendor, const Facts& with = facts()) {
        return outcome(Purse(R"({"vendor": [)" + std::string(vendor) + "]}").ask(request(), with));
    };
    CHECK(listed(R"({"host": "api.example.com"})") == "allow");
    CHECK(listed(R"({"host": "*.example.com"})") == "allow");
    CHECK(listed(R"({"host": "example.com"})") == "refuse:vendor_not_approved");
    CHECK(listed(R"({"pay_to": ["0x0000000000000000000000000000000000000007"]})") == "allow");
    CHECK(listed(R"({"host": "api.example.com",
                     "pay_to": ["0x0000000000000000000000000000000000000008"]})") ==
          "refuse:pay_to_not_approved");
    CHECK(listed(R"({"did": "did:web:example.com"})") == "refuse:vendor_not_approved");
    CHECK(listed(R"({"did": "did:web:example.com"})", known) == "allow");
    CHECK(listed(R"({"host": "api.example.com",
                     "pay_to": ["0x0000000000000000000000000000000000000008"]},
                    {"host": "*.example.com",
                     "pay_to": ["0x0000000000000000000000000000000000000007"]})") == "allow");
    CHECK(outcome(Purse().ask(request())) == "ask:vendor_new");
    CHECK(outcome(Purse(R"({"other_vendors": "refuse"})").ask(request())) ==
          "refuse:vendor_not_approved");
}

TEST_CASE(
    "decide: what another host has is asked about, unless the money goes where the pact says") {
    const auto claiming = [](std::string_view url) {
        auto what = request();
        what.claimed = url;
        return what;
    };
    CHECK(decided("", claiming("https://api.example.com/other")) == "allow");
    CHECK(decided("", claiming("http://API.example.com.:4021/v1")) == "allow");
    CHECK(decided("", claiming("https://rich.example/v1")) == "ask:resource_elsewhere");
    CHECK(decided("", claiming("https://api.example.com.evil.example/")) ==
          "ask:resource_elsewhere");
    CHECK(decided("", claiming("http://seller:3000/")) == "allow");
    const auto named = fmt::format(R"("vendor": [{{"host": "api.example.com", "pay_to": ["{}"]}}])",
                                   request().pay_to.to_checksum());
    CHECK(decided(named, claiming("https://rich.example/v1")) == "allow");
}

TEST_CASE("decide: task scope") {
    const auto scope = [](std::string_view one, const Request& what) {
        return decided(R"("scope": [)" + std::string(one) + "]", what);
    };
    const auto urls = R"({"urls": ["api.example.com/v1/**"], "methods": ["GET"]})";
    CHECK(scope(urls, request()) == "allow");
    for (const auto* url :
         {"https://api.example.com/v2/x", "https://api.example.com/v1/../v2/x",
          "https://api.example.com/v1/%2e%2e/v2", "https://api.example.com/v1/..%2fv2",
          "https://api.example.com/v1/..%5cv2", "https://api.example.com//v2",
          "https://other.example/v1/x"}) {
        CAPTURE(url);
        CHECK(scope(urls, at(url)) == "refuse:out_of_scope");
    }
    auto what = request();
    what.method = "POST";
    CHECK(scope(urls, what) == "refuse:out_of_scope");
    CHECK(scope(R"({"methods": ["POST"]}, {"urls": ["other.example"]})", what) == "allow");
    const auto tools = R"({"tools": ["search_*"], "tasks": ["t-*"]})";
    CHECK(scope(tools, request()) == "refuse:out_of_scope");
    what.tool = "search_web";
    CHECK(scope(tools, what) == "refuse:out_of_scope");
    what.task = "t-1";
    CHECK(scope(tools, what) == "allow");
    what.tool = "delete_all";
    CHECK(scope(tools, what) == "refuse:out_of_scope");
}

TEST_CASE("decide: payTo is pinned on first use") {
    for (const auto* rule : {"ask", "refuse", "allow"}) {
        Purse purse(open(R"("pay_to_change": ")" + std::string(rule) + "\""));
        CHECK(outcome(purse.pay(request())) == "allow");
        CHECK(outcome(purse.pay(request())) == "allow");
        auto moved = request();
        moved.pay_to = address(8);
        const auto wanted =
            std::string(rule) == "allow" ? "allow" : std::string(rule) + ":pay_to_changed";
        CHECK(outcome(purse.ask(moved)) == wanted);
        // Another vendor has an address of its own.
        moved.url = "https://other.example/";
        CHECK(outcome(purse.ask(moved)) == "allow");
    }
    Purse named(R"({"vendor": [{"host": "api.example.com", "pay_to": [
        "0x0000000000000000000000000000000000000007",
        "0x0000000000000000000000000000000000000008"]}]})");
    CHECK(outcome(named.pay(request())) == "allow");
    auto moved = request();
    moved.pay_to = address(8);
    CHECK(outcome(named.ask(moved)) == "allow");
}

TEST_CASE("decide: price drift") {
    Purse purse(open(R"("price_drift": {"history": 50, "quote": 10})"));
    CHECK(outcome(purse.pay(request(10'000))) == "allow");
    CHECK(outcome(purse.ask(request(15'000))) == "allow");
    CHECK(outcome(purse.ask(request(15'001))) == "ask:price_above_history");
    auto elsewhere = request(15'001);
    elsewhere.url = "https://api.example.com/v1/images";
    CHECK(outcome(purse.ask(elsewhere)) == "allow");
    auto query = request(15'001);
    query.url += "?page=2";
    CHECK(outcome(purse.ask(query)) == "ask:price_above_history");

    auto quoted = request(11'000);
    quoted.quoted = U256(10'000);
    CHECK(outcome(purse.ask(quoted)) == "allow");
    quoted.amount = U256(11'001);
    CHECK(outcome(purse.ask(quoted)) == "ask:price_above_quote");
    CHECK(decided(R"("price_drift": {"then": "refuse", "quote": 10})", quoted) ==
          "refuse:price_above_quote");
}

TEST_CASE("decide: the most for one request") {
    CHECK(decided("", request(50'000)) == "allow");
    CHECK(decided("", request(50'001)) == "refuse:over_request_limit");
    const auto vendor = R"("limit": [{"amount": "$1", "per": "day"},
        {"amount": "$0.01", "per": "request", "vendor": "api.example.com"}])";
    CHECK(decided(vendor, request(10'000)) == "allow");
    CHECK(decided(vendor, request(10'001)) == "refuse:over_limit");
    auto other = request(50'000);
    other.url = "https://other.example/";
    CHECK(decided(vendor, other) == "allow");
}

TEST_CASE("decide: limits over time say what is left and when to come back") {
    Purse purse(open(R"("limit": [{"amount": "$0.1", "per": "day"}])"));
    CHECK(outcome(purse.pay(request(50'000))) == "allow");
    CHECK(outcome(purse.pay(request(20'000))) == "allow");
    const auto refused = purse.pay(request(40'000));
    CHECK(outcome(refused) == "refuse:over_limit");
    CHECK(refused.condition == "day");
    REQUIRE(refused.findings.size() == 1);
    CHECK(refused.findings[0].limit == "$0.1");
    CHECK(refused.findings[0].used == "$0.07");
    CHECK(refused.findings[0].left == "$0.03");
    CHECK(to_text(refused.retry_after.value()) == "2026-11-22T00:00:00Z");
    CHECK(
        refused.text ==
        "Refused by the pact (day): $0.03 of $0.1 left today, $0.04 asked. What would help: choose "
        "an offer of at most $0.03, or retry after 2026-11-22T00:00:00Z.");
    CHECK(outcome(purse.pay(request(30'000))) == "allow");
    CHECK(outcome(purse.pay(request(1))) == "refuse:over_limit");
    CHECK(outcome(purse.pay(request(1), facts(kNoon + 43'199))) == "refuse:over_limit");
    CHECK(outcome(purse.pay(request(1), facts(kNoon + 43'200))) == "allow");
}

TEST_CASE("decide: a rolling window opens to the second it says") {
    Purse purse(open(R"("limit": [{"amount": "$0.05", "per": "1h"}])"));
    CHECK(outcome(purse.pay(request(20'000), facts(kNoon))) == "allow");
    CHECK(outcome(purse.pay(request(20'000), facts(kNoon + 60))) == "allow");
    const auto refused = purse.pay(request(20'000), facts(kNoon + 120));
    CHECK(refused.condition == "window:1h");
    REQUIRE(refused.retry_after.has_value());
    CHECK(refused.retry_after->seconds == kNoon + 3600);
    CHECK(outcome(purse.ask(request(20'000), facts(kNoon + 3599))) == "refuse:over_limit");
    CHECK(outcome(purse.ask(request(20'000), facts(kNoon + 3600))) == "allow");
    // More than the whole limit: waiting does not help.
    CHECK_FALSE(purse.ask(request(50'001)).retry_after.has_value());
}

TEST_CASE("decide: vendors, categories and tasks have limits of their own") {
    Purse purse(R"({"other_vendors": "allow",
        "vendor": [{"host": "api.example.com", "category": "search"},
                   {"host": "b.example", "category": "search"}],
        "limit": [{"amount": "$9", "per": "pact"},
                  {"amount": "$0.02", "per": "day", "vendor": "each"},
                  {"amount": "$0.03", "per": "day", "category": "search"},
                  {"amount": "$0.05", "per": "day", "task": "each"}]})");
    CHECK(outcome(purse.pay(request(20'000))) == "allow");
    CHECK(purse.pay(request(1)).condition == "each_vendor:day");
    auto other = request(10'000);
    other.url = "https://b.example/";
    CHECK(outcome(purse.pay(other)) == "allow");
    CHECK(purse.pay(other).condition == "category:search:day");
    other.url = "https://c.example/";
    CHECK(outcome(purse.pay(other)) == "allow");
    CHECK(outcome(purse.pay(other)) == "allow");
    other.url = "https://d.example/";
    CHECK(purse.pay(other).condition == "each_task:day");
    other.task = "t2";
    CHECK(outcome(purse.pay(other)) == "allow");
    CHECK(standings(purse.rules, purse.budget, kNoon).size() == 1);
    const auto all = standings(purse.rules, purse.budget, kNoon, "api.example.com", "t2");
    REQUIRE(all.size() == 4);
    CHECK(all[0].left == "$8.94");
    CHECK(all[1].left == "$0");
    CHECK(all[2].left == "$0");
    CHECK(all[3].left == "$0.04");
    CHECK(to_text(all[3].resets.value()) == "2026-11-22T00:00:00Z");
}

TEST_CASE("decide: rates") {
    Purse purse(open(R"("rate": [{"payments": 2, "per": "1m"}])"));
    CHECK(outcome(purse.pay(request())) == "allow");
    CHECK(outcome(purse.pay(request(), facts(kNoon + 30))) == "allow");
    const auto refused = purse.pay(request(), facts(kNoon + 59));
    CHECK(outcome(refused) == "refuse:rate_exceeded");
    CHECK(refused.condition == "rate:1m");
    CHECK(refused.retry_after->seconds == kNoon + 60);
    CHECK(outcome(purse.pay(request(), facts(kNoon + 60))) == "allow");
}

TEST_CASE("decide: alerts are given once, when their threshold is crossed") {
    Purse purse(open(R"("price_drift": {"history": 1000000},
        "limit": [{"amount": "$0.1", "per": "week", "alert_at": [50, 80, 100]}])"));
    const auto percents = [&](std::uint64_t amount) {
        std::vector<std::uint32_t> out;
        for (const auto& each : purse.pay(request(amount)).alerts) out.push_back(each.percent);
        return out;
    };
    CHECK(percents(25'000).empty());
    CHECK(percents(24'999).empty());
    CHECK(percents(1) == std::vector<std::uint32_t>{50});
    CHECK(percents(40'000) == std::vector<std::uint32_t>{80});
    CHECK(percents(20'000).empty());  // refused
    CHECK(percents(10'000) == std::vector<std::uint32_t>{100});
}

TEST_CASE("decide: approval above an amount, and what an approval covers") {
    Purse purse(open(R"("ask_above": "$0.02")"));
    CHECK(outcome(purse.ask(request(20'000))) == "allow");
    const auto asked = purse.ask(request(20'001));
    CHECK(outcome(asked) == "ask:approval_needed");
    auto approval = approval_for(asked, Instant{kNoon + 600}).value();
    CHECK(approval.conditions == std::vector<std::string>{"ask_above"});
    approval.id = "a-1";
    const auto with = [&](const Approval& given, Request what, std::uint64_t now = kNoon) {
        auto known = facts(now);
        known.approvals = {&given, 1};
        return purse.ask(what, known);
    };
    const auto allowed = with(approval, request(20'001));
    CHECK(allowed.verdict == Verdict::allow);
    CHECK(allowed.approval == "a-1");
    CHECK(allowed.text == "allowed: the operator approved it");
    CHECK(outcome(with(approval, request(20'002))) == "ask:approval_needed");
    CHECK(outcome(with(approval, request(20'001), kNoon + 600)) == "ask:approval_needed");
    CHECK(with(approval, request(20'000)).approval == std::nullopt);
    auto moved = request(20'001);
    moved.pay_to = address(8);
    CHECK(outcome(with(approval, moved)) == "ask:approval_needed");
    moved = request(20'001);
    moved.url += "/else";
    CHECK(outcome(with(approval, moved)) == "ask:approval_needed");
    approval.conditions = {"vendors"};
    CHECK(outcome(with(approval, request(20'001))) == "ask:approval_needed");
    // It never overrides a refusal.
    approval.conditions = {"ask_above", "per_request"};
    approval.amount_max = U256::max();
    CHECK(outcome(with(approval, request(50'001))) == "refuse:over_request_limit");
    CHECK(approval_for(allowed, Instant{kNoon}) == std::nullopt);
}

TEST_CASE("decide: an approved new vendor is known from then on") {
    Purse purse;
    const auto asked = purse.ask(request());
    const auto approval = approval_for(asked, Instant{kNoon + 600}).value();
    auto known = facts();
    known.approvals = {&approval, 1};
    CHECK(outcome(purse.pay(request(), known)) == "allow");
    CHECK(outcome(purse.pay(request())) == "allow");
}

TEST_CASE("decide: a limit that asks") {
    Purse purse(open(R"("limit": [{"amount": "$1", "per": "day"},
        {"amount": "$0.01", "per": "day", "name": "pocket", "over": "ask"}])"));
    CHECK(outcome(purse.pay(request())) == "allow");
    const auto asked = purse.ask(request());
    CHECK(outcome(asked) == "ask:over_limit");
    CHECK(asked.condition == "pocket");
    CHECK(asked.text.contains("ask the operator"));
}

TEST_CASE("decide: justification and trust") {
    auto what = request();
    CHECK(decided(R"("justify_above": "$0.01")", what) == "allow");
    CHECK(decided(R"("justify_above": "$0")", what) == "refuse:justification_needed");
    what.justified = true;
    CHECK(decided(R"("justify_above": "$0")", what) == "allow");
    auto known = facts();
    CHECK(decided(R"("trust_min": 60)", what, known) == "refuse:trust_unknown");
    CHECK(decided(R"("trust_min": 60, "trust_unknown": "ask")", what, known) ==
          "ask:trust_unknown");
    CHECK(decided(R"("trust_min": 60, "trust_unknown": "allow")", what, known) == "allow");
    known.trust = 60;
    CHECK(decided(R"("trust_min": 60)", what, known) == "allow");
    known.trust = 59;
    CHECK(decided(R"("trust_min": 60, "trust_unknown": "allow")", what, known) ==
          "refuse:trust_too_low");
}

TEST_CASE("decide: the first of the strongest decides, and all are listed") {
    Purse purse(R"({"per_request": "$0.001", "ask_above": "$0.001", "trust_min": 1,
        "limit": [{"amount": "$0.002", "per": "day"}, {"amount": "$0.003", "per": "week"}]})");
    const auto decision = purse.ask(request());
    std::vector<std::string> conditions;
    for (const auto& each : decision.findings) conditions.push_back(each.condition);
    CHECK(conditions == std::vector<std::string>{"vendors", "per_request", "day", "week",
                                                 "ask_above", "trust_min"});
    CHECK(decision.verdict == Verdict::refuse);
    CHECK(decision.condition == "per_request");
    CHECK(decision.more == 0);
    CHECK_FALSE(decision.reservation.has_value());

    auto limits = std::string(R"("limit": [{"amount": "$0.001", "per": "day"})");
    for (int i = 1; i < 50; ++i)
        limits += R"(, {"amount": "$0.001", "per": ")" + std::to_string(i) + "h\"}";
    const auto many = Purse(open(limits + "]")).ask(request());
    CHECK(many.findings.size() == Decision::kFindingsMax);
    CHECK(many.more == 50 - Decision::kFindingsMax);
}

TEST_CASE("decide: a decision comes back from its JSON") {
    for (const auto amount : {10'000ULL, 60'000ULL}) {
        const auto decision = Purse(open()).ask(request(amount));
        CHECK(json::decode<Decision>(json::encode(decision)).value() == decision);
    }
}
