// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/paygate.hpp"

#include <doctest/doctest.h>

#include "farthing/gateway/responses.hpp"
#include "farthing/gateway/test_shop.hpp"

using namespace farthing;
using namespace farthing::gateway;
using farthing::testing::usdc_requirements;

namespace {

std::shared_ptr<const Site> shop_site() {
    return make_site(config_from_toml<Config>(test::kShopConfig, "shop.toml").value()).value();
}

/// What a client echoes, with one change.
bool matches(std::function<void(json::Object&)> change) {
    const auto site = shop_site();
    auto accepted = json::encode(usdc_requirements()).as_object();
    change(accepted);
    dialect::Received received;
    received.payload.accepted = std::move(accepted);
    return find_offer(site->routes[0], received) != nullptr;
}

bool matches_v1(std::string_view scheme, std::string_view network) {
    const auto site = shop_site();
    dialect::Received received;
    received.x402_version = 1;
    received.payload.accepted = json::Object{{"scheme", scheme}, {"network", network}};
    return find_offer(site->routes[0], received) != nullptr;
}

}  // namespace

TEST_CASE("paygate: an accepted entry is the offer's when its core members are, as JSON values") {
    CHECK(matches([](json::Object&) {}));
    CHECK(matches([](json::Object& o) { o["maxTimeoutSeconds"] = 300.0; }));
    CHECK(matches([](json::Object& o) { o["note"] = "the client may add"; }));
    CHECK(matches([](json::Object& o) { o["extra"].as_object()["more"] = 1; }));

    CHECK(!matches([](json::Object& o) { o["scheme"] = "upto"; }));
    CHECK(!matches([](json::Object& o) { o["network"] = "eip155:8453"; }));
    CHECK(!matches([](json::Object& o) { o["network"] = "base-sepolia"; }));
    CHECK(!matches([](json::Object& o) { o["amount"] = "999"; }));
    CHECK(!matches([](json::Object& o) { o["amount"] = "01000"; }));
    CHECK(!matches([](json::Object& o) { o["amount"] = 1000; }));
    CHECK(!matches(
        [](json::Object& o) { o["asset"] = "0x036cbd53842c5426634e7929541ec2318f3dcf7e"; }));
    CHECK(!matches(
        [](json::Object& o) { o["payTo"] = "0x209693bc6afc0c5328ba36faf03c514ef312287c"; }));
    CHECK(!matches([](json::Object& o) { o["maxTimeoutSeconds"] = 60; }));
    CHECK(!matches([](json::Object& o) { o["maxTimeoutSeconds"] = "300"; }));
    CHECK(!matches([](json::Object& o) { o.erase("payTo"); }));
    CHECK(!matches([](json::Object& o) { o["payTo"] = nullptr; }));
    CHECK(!matches([](json::Object& o) { o.erase("extra"); }));
    CHECK(!matches([](json::Object& o) { o["extra"] = json::Object{}; }));
    CHECK(!matches([](json::Object& o) { o["extra"].as_object()["version"] = 2; }));
    CHECK(!matches([](json::Object& o) { o["extra"].as_object()["name"] = nullptr; }));
}

TEST_CASE("paygate: a version 1 payment matches by scheme and network") {
    CHECK(matches_v1("exact", "eip155:84532"));
    CHECK(!matches_v1("exact", "eip155:8453"));
    CHECK(!matches_v1("upto", "eip155:84532"));
}

TEST_CASE("paygate: a version 2 payment under the version 1 name is read as what it is") {
    test::Shop shop;
    const auto payment = shop.payment();
    net::Headers headers;
    headers.add("X-PAYMENT", dialect::to_header(payment.payment().payload));
    const auto presented = read_payment(headers);
    REQUIRE(presented);
    REQUIRE(presented->payment);
    CHECK(presented->payment->x402_version == 2);
}

TEST_CASE("paygate: remembered 402s are few, and as the route makes them") {
    UnpaidAnswers answers;
    int made = 0;
    const auto make = [&] { return "answer " + std::to_string(++made); };
    const auto one = answers.get(0, "", "http://a/", make);
    CHECK(*answers.get(0, "", "http://a/", make) == *one);
    CHECK(made == 1);
    CHECK(*answers.get(1, "", "http://a/", make) == "answer 2");
    CHECK(*answers.get(0, "*", "http://a/", make) == "answer 3");
    for (int i = 0; i < 5000; ++i) {
        static_cast<void>(answers.get(0, "", "http://a/?" + std::to_string(i), make));
    }
    CHECK(answers.size() <= 1024);
    // A long URL must not push out a thousand short ones.
    const auto before = answers.size();
    static_cast<void>(answers.get(0, "", std::string(2 << 20, 'x'), make));
    CHECK(answers.size() == before);
}

TEST_CASE("paygate: a paid answer is private, whatever the origin says of caches") {
    const auto merged = [](std::string_view from) {
        net::Headers headers;
        if (!from.empty()) headers.add("Cache-Control", std::string(from));
        make_private(headers);
        return std::string(headers.get("Cache-Control").value_or(""));
    };
    CHECK(merged("") == "private");
    CHECK(merged("max-age=60") == "max-age=60, private");
    CHECK(merged("private") == "private");
    CHECK(merged("Private, max-age=1") == "max-age=1, private");
    CHECK(merged("public, max-age=60, s-maxage=600") == "max-age=60, private");
    CHECK(merged("no-store") == "no-store, private");
}

TEST_CASE("paygate: an offer that version 1 cannot name leaves its body empty") {
    auto text = std::string(test::kShopConfig);
    text += R"(
[[asset]]
network = "eip155:31337"
address = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
name = "Dev"
version = "1"
symbol = "DEV"
[[route]]
match = "/dev"
price = "$0.001"
network = "eip155:31337"
)";
    const auto site = make_site(config_from_toml<Config>(text, "shop.toml").value()).value();
    const auto response = payment_required(site->routes.back(), "http://a/dev", "Payment required");
    CHECK(response.status == 402);
    CHECK(response.body == "{}");
    CHECK(response.headers.has(header::kPaymentRequired));
}

TEST_CASE("paygate: a receipt carries nothing that was for the server only") {
    auto receipt = test::settled();
    receipt.other.emplace("extensionResponses", json::Object{{"secret", 1}});
    receipt.other.emplace("note", "kept");
    net::Headers headers;
    add_receipt(headers, 2, receipt);
    const auto text = from_base64(*headers.get(header::kPaymentResponse)).value();
    CHECK(!text.contains("secret"));
    CHECK(text.contains("kept"));
}
