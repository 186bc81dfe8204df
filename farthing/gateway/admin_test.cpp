// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/admin.hpp"

#include <doctest/doctest.h>

#include "farthing/gateway/test_shop.hpp"

using namespace farthing;
using namespace farthing::gateway;
using namespace farthing::gateway::test;

namespace {

constexpr std::string_view kOpenShop = R"(
origin = "http://origin.test"
network = "base-sepolia"
pay_to = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
[facilitator]
url = "http://facilitator.test"
[cors]
allow_origins = ["https://app.test"]
allow_headers = ["X-Api"]
[[route]]
match = "GET /weather"
price = "$0.001"
[[route]]
match = "/any"
price = "$0.001"
)";

/// The answer of the admin endpoints.
net::Response admin(std::string method, std::string target, std::vector<std::string> reasons = {}) {
    Shop shop;
    Admin::Readiness readiness = [reasons]() -> Task<std::vector<std::string>> {
        co_return reasons;
    };
    Admin endpoints(shop.env, std::move(readiness));
    Asked asked("");
    asked.request.method = std::move(method);
    asked.request.target = std::move(target);
    run_blocking(shop.loop, endpoints.handle(asked.request, asked.responder));
    return asked.responder.answer;
}

}  // namespace

TEST_CASE("admin: alive, ready and counted") {
    CHECK(admin("GET", "/healthz").body == R"({"status":"ok"})");
    CHECK(admin("GET", "/readyz").status == 200);
    const auto not_ready = admin("GET", "/readyz?x", {"no gas"});
    CHECK(not_ready.status == 503);
    CHECK(not_ready.body == R"({"status":"not ready","reasons":["no gas"]})");
    CHECK(admin("GET", "/metrics").body.contains("farthing_gateway_payments_waiting"));
    CHECK(admin("POST", "/metrics").status == 405);
    CHECK(admin("GET", "/weather").status == 404);
}

TEST_CASE("admin: an offer that the facilitator does not settle is found before the first payer") {
    const auto site = make_site(config_from_toml<Config>(kShopConfig, "shop.toml").value()).value();
    v2::SupportedResponse supported;
    const auto kind = [](std::uint64_t version, std::string scheme, std::string network) {
        v2::SupportedKind out;
        out.x402_version = version;
        out.scheme = std::move(scheme);
        out.network = std::move(network);
        return out;
    };
    supported.kinds = {kind(1, "exact", "eip155:84532"), kind(2, "upto", "eip155:84532"),
                       kind(2, "exact", "eip155:8453"), kind(2, "exact", "eip155:8453*")};
    CHECK(check_supported(*site, supported).error().detail ==
          "route \"GET /weather\": the facilitator does not settle exact on eip155:84532: take "
          "another facilitator or leave that offer out");
    supported.kinds.push_back(kind(2, "exact", "eip155:84532"));
    CHECK(check_supported(*site, supported));
    supported.kinds = {kind(2, "exact", "eip155:*")};
    CHECK(check_supported(*site, supported));
}

TEST_CASE("cors: pages on the list may ask, pay and read") {
    Shop shop(kOpenShop);
    const Shop::Headers page{{"Origin", "https://app.test"},
                             {"Access-Control-Request-Method", "GET"}};
    auto asked = shop.ask("OPTIONS", "/weather", page);
    CHECK(asked->status() == 204);
    CHECK(asked->header("Access-Control-Allow-Origin") == "https://app.test");
    CHECK(asked->header("Access-Control-Allow-Methods") == "GET");
    CHECK(asked->header("Access-Control-Allow-Headers") ==
          "Content-Type, PAYMENT-SIGNATURE, X-PAYMENT, Access-Control-Expose-Headers, X-Api");
    CHECK(shop.ask("OPTIONS", "/any", page)->status() == 204);

    asked = shop.ask("GET", "/weather", {{"Origin", "https://app.test"}});
    CHECK(asked->status() == 402);
    CHECK(asked->header("Access-Control-Allow-Origin") == "https://app.test");
    CHECK(asked->header("Vary") == "Origin");
    asked = shop.ask("GET", "/weather", {{"Origin", "https://evil.test"}});
    CHECK(asked->status() == 402);
    CHECK(asked->header("Access-Control-Allow-Origin").empty());
    CHECK(asked->header("Vary") == "Origin");

    auto paid = Shop::pay(shop.payment());
    paid.emplace_back("Origin", "https://app.test");
    asked = shop.ask("GET", "/weather", paid);
    CHECK(asked->status() == 200);
    CHECK(asked->header("Access-Control-Allow-Origin") == "https://app.test");
    CHECK(asked->header("Access-Control-Expose-Headers").contains("PAYMENT-RESPONSE"));
}

TEST_CASE("cors: others get no preflight of ours, and free paths keep the origin's") {
    Shop shop(kOpenShop);
    const Shop::Headers evil{{"Origin", "https://evil.test"},
                             {"Access-Control-Request-Method", "GET"}};
    CHECK(shop.ask("OPTIONS", "/weather", evil)->status() == 403);
    const Shop::Headers page{{"Origin", "https://app.test"},
                             {"Access-Control-Request-Method", "GET"}};
    CHECK(shop.ask("OPTIONS", "/free", page)->text() == "the goods");
    CHECK(shop.ask("OPTIONS", "/any")->status() == 402);  // no preflight, but any method costs
    auto script = OriginScript::ok("x");
    script.head.headers.add("Access-Control-Allow-Origin", "https://other.test");
    shop.origin.answers.set({script});
    CHECK(shop.ask("GET", "/free", {{"Origin", "https://app.test"}})
              ->header("Access-Control-Allow-Origin") == "https://other.test");
}
