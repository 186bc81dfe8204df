// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/pact.hpp"

#include <doctest/doctest.h>

#include "farthing/policy/test_pacts.hpp"

using namespace farthing;
using namespace farthing::policy;
using farthing::policy::testing::document;
using farthing::policy::testing::pact;

namespace {

/// Why the smallest pact with these changes is refused.
std::string refusal(std::string_view changes) {
    const auto parsed = parse_pact(document(changes));
    return parsed ? "accepted" : parsed.error().detail;
}

}  // namespace

TEST_CASE("pact: the smallest one, and what its silence means") {
    const auto smallest = pact();
    CHECK(smallest.for_other_vendors() == Verdict::ask);
    CHECK_FALSE(smallest.plain_http);
    CHECK(smallest.lifetime_max.seconds == 3600);
    CHECK(smallest.pay_to_change == Verdict::ask);
    CHECK(smallest.price_drift == PriceDrift{100, 0, Verdict::ask});
    CHECK(smallest.trust_unknown == Verdict::refuse);
    CHECK(smallest.alert_at == std::vector<std::uint32_t>{80});
    CHECK(smallest.limit[0].over == Verdict::refuse);
    CHECK(pact(R"({"vendor": [{"host": "a.example"}]})").for_other_vendors() == Verdict::refuse);
    CHECK(pact(R"({"vendor": [{"host": "a.example"}], "other_vendors": "ask"})")
              .for_other_vendors() == Verdict::ask);
}

TEST_CASE("pact: it comes back from its own JSON") {
    const auto whole = pact(R"({"id": "p-1", "name": "Research", "not_before": "2026-01-01",
        "utc_offset": "-03:30", "assets": ["USDC", "TEST"],
        "token": [{"network": "eip155:84532", "symbol": "TEST", "decimals": 18, "value": "$2",
                   "address": "0x5FbDB2315678afecb367f032d93F642f64180aa3"}],
        "deny": [{"host": "*.evil.example"}, {"did": "did:web:evil.example"}],
        "vendor": [{"host": "a.example", "category": "search",
                    "pay_to": ["0x70997970C51812dc3A010C7d01b50e0d17dc79C8"]}],
        "scope": [{"urls": ["a.example/v1/**"], "methods": ["GET"], "tools": ["search_*"],
                   "tasks": ["t-*"]}],
        "limit": [{"amount": "$1", "per": "day"}, {"amount": "0.5 USDC", "per": "60m"},
                  {"name": "searching", "amount": "$3", "per": "week", "category": "search",
                   "over": "ask", "alert_at": [50, 90]}],
        "rate": [{"payments": 10, "per": "1m", "vendor": "each"}],
        "ask_above": "$0.02", "justify_above": "$0", "trust_min": 60})");
    CHECK(parse_pact(json::encode(whole)).value() == whole);
    CHECK(whole.limit[0].id() == "day");
    CHECK(whole.limit[1].id() == "window:1h:USDC");
    CHECK(whole.limit[2].id() == "searching");
    CHECK(whole.rate[0].id() == "rate:each_vendor:1m");
}

TEST_CASE("pact: every refusal names the field") {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"version": null})", ".version: missing"},
        {R"({"version": 2})", ".version: expected 1"},
        {R"({"per_requst": "$1"})", ".per_requst: unknown key"},
        {R"({"agent": null})", ".agent: missing"},
        {R"({"agent": "0x0000000000000000000000000000000000000000"})", ".agent: expected the"},
        {R"({"expires": "2030-01-01T00:00:00"})", ".expires: expected a time"},
        {R"({"not_before": "2030-01-01"})", ".expires: expected a time after"},
        {R"({"utc_offset": "+15:00"})", ".utc_offset: expected an offset"},
        {R"({"networks": []})", ".networks: expected at least one"},
        {R"({"networks": ["base"]})", ".networks[0]"},
        {R"({"per_request": 5})", ".per_request: expected a string"},
        {R"({"per_request": "five"})", ".per_request: expected a price"},
        {R"({"limit": []})", ".limit: expected at least one"},
        {R"({"limit": [{"amount": "$1", "per": "request"}]})", ".limit: expected at least one"},
        {R"({"limit": [{"amount": "$1", "per": "day", "vendor": "each"}]})", ".limit: expected at"},
        {R"({"limit": [{"amount": "1 USDC", "per": "day"}]})", ".limit: expected at least one"},
        {R"({"limit": [{"amount": "$1", "per": "day", "over": "ask"}]})", ".limit: expected at"},
        {R"({"limit": [{"per": "day"}]})", ".limit[0].amount: missing"},
        {R"({"limit": [{"amount": "$1", "per": "year"}]})", ".limit[0].per: expected"},
        {R"({"limit": [{"amount": "$1", "per": "day"}, {"amount": "$2", "per": "day"}]})",
         ".limit[1]: there are two called \"day\""},
        {R"({"limit": [{"amount": "$1", "per": "day", "name": "a b"}]})", ".limit[0].name"},
        {R"({"limit": [{"amount": "$1", "per": "day", "name": "scope"}]})", ".limit[0].name: is"},
        {R"({"limit": [{"amount": "$1", "per": "day", "vendor": "*"}]})", ".limit[0].vendor"},
        {R"({"limit": [{"amount": "$1", "per": "day", "category": "x"}]})", ".limit[0].category"},
        {R"({"limit": [{"amount": "$1", "per": "day", "task": "each", "vendor": "each"}]})",
         ".limit[0]: expected at most one"},
        {R"({"limit": [{"amount": "$1", "per": "day", "over": "allow"}]})", ".limit[0].over"},
        {R"({"limit": [{"amount": "$1", "per": "day", "alert_at": [90, 80]}]})", ".alert_at"},
        {R"({"rate": [{"payments": 1, "per": "request"}]})", ".rate[0].per"},
        {R"({"alert_at": [101]})", ".alert_at: expected percents"},
        {R"({"assets": ["usdc"]})", ".assets[0]: expected a symbol"},
        {R"({"token": [{"network": "eip155:1", "symbol": "T", "decimals": 6,
             "address": "0x5FbDB2315678afecb367f032d93F642f64180aa3"}]})",
         ".token[0].network"},
        {R"({"token": [{"network": "eip155:84532", "symbol": "USDC", "decimals": 18,
             "address": "0x036CbD53842c5426634e7929541eC2318f3dCF7e"}]})",
         ".token[0].decimals"},
        {R"({"token": [{"network": "eip155:84532", "symbol": "T", "decimals": 6, "value": "1 T",
             "address": "0x5FbDB2315678afecb367f032d93F642f64180aa3"}]})",
         ".token[0].value"},
        {R"({"deny": [{}]})", ".deny[0]: expected exactly one"},
        {R"({"deny": [{"host": "*"}]})", ".deny[0].host: "},
        {R"({"vendor": [{"category": "x"}]})", ".vendor[0]: expected a host"},
        {R"({"vendor": [{"host": "b\u00fccher.example"}]})", ".vendor[0].host: expected a host"},
        {R"({"vendor": [{"did": "web:x"}]})", ".vendor[0].did: expected a DID"},
        {R"({"scope": [{"urls": ["ftp://x"]}]})", ".scope[0].urls[0]: "},
        {R"({"scope": [{"methods": ["get"]}]})", ".scope[0].methods[0]: "},
        {R"({"scope": [{"tools": ["a b"]}]})", ".scope[0].tools[0]: "},
        {R"({"pay_to_change": "deny"})", ".pay_to_change: expected allow, ask or refuse"},
        {R"({"price_drift": {"then": "allow"}})", ".price_drift.then: "},
        {R"({"price_drift": {"history": 2000000}})", ".price_drift.history: "},
        {R"({"trust_min": 101})", ".trust_min: "},
        {R"({"lifetime_max": "0s"})", ".lifetime_max: expected a duration"},
        {R"({"name": "a\nb"})", ".name: control"},
        {R"({"id": "a b"})", ".id: expected"},
    };
    for (const auto& [changes, why] : cases) {
        CAPTURE(changes);
        const auto text = refusal(changes);
        CAPTURE(text);
        CHECK(text.contains(why));
    }
}

TEST_CASE("pact: lists have an end") {
    const auto many = [](std::string_view key, std::string_view element, int count) {
        auto text = "{\"" + std::string(key) + "\": [";
        for (int i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + std::string(element);
        return text + "]}";
    };
    CHECK(refusal(many("vendor", R"({"host": "a.example"})", 1000)) == "accepted");
    CHECK(refusal(many("vendor", R"({"host": "a.example"})", 1001)).contains(".vendor: "));
    CHECK(refusal(many("deny", R"({"host": "a.example"})", 1001)).contains(".deny: "));
    CHECK(refusal(many("limit", R"({"amount": "$1", "per": "day"})", 101)).contains(".limit: "));
    CHECK(refusal(many("networks", R"("eip155:1")", 65)).contains(".networks: "));
}
