// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/config.hpp"

#include <doctest/doctest.h>

#include <array>

#include "farthing/gateway/site.hpp"

using namespace farthing;
using namespace farthing::gateway;

namespace {

constexpr std::string_view kTop = R"(origin = "http://127.0.0.1:3000"
network = "base-sepolia"
pay_to = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
)";
constexpr std::string_view kRemote = "[facilitator]\nurl = \"http://127.0.0.1:4020\"\n";
constexpr std::string_view kRoute = "[[route]]\nmatch = \"/x\"\nprice = \"$0.001\"\n";

Result<Config> read(const std::string& text) { return config_from_toml<Config>(text, "g.toml"); }

/// The error of a good file with `more` at its end.
std::string error_with(std::string_view more) {
    const auto config = read(std::string(kTop) + std::string(kRemote) + std::string(more));
    return config ? "none" : config.error().detail;
}

std::string text(std::initializer_list<std::string_view> parts) {
    std::string out;
    for (const auto part : parts) out += part;
    return out;
}

}  // namespace

TEST_CASE("config: the file of the manual is read") {
    const auto config = read(R"(
listen = "127.0.0.1:0"
admin_listen = "[::1]:0"
origin = "http://127.0.0.1:3000"
public_url = "https://api.example"
trusted_proxies = ["10.0.0.0/8", "::1"]
[[facilitator.network]]
id = "eip155:84532"
rpc = "http://127.0.0.1:8545"
key = { env = "FARTHING_FACILITATOR_KEY" }
[limits]
response_body_bytes_max = 1000
[cors]
allow_origins = ["https://app.example"]
[[route]]
match = "GET /weather"
description = "Weather"
mime_type = "application/json"
tags = ["weather"]
[[route.accepts]]
price = "$0.001"
network = "eip155:84532"
pay_to = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
max_timeout = "60s"
extra = { note = "ours" }
[[route]]
match = "/free"
free = true
)");
    REQUIRE_MESSAGE(config, config.error().detail);
    const auto site = make_site(*config);
    REQUIRE(site);
    const auto& offer = (*site)->routes[0].offers[0];
    CHECK(offer.requirements.max_timeout_seconds == 60);
    CHECK(offer.requirements.amount == U256(1000));
    CHECK(offer.requirements.extra_text("note") == "ours");
    CHECK(offer.requirements.extra_text("name") == "USDC");
    CHECK((*site)->routes[1].is_free);
    CHECK((*site)->warnings.empty());
    // Printed and read again it is the same.
    const auto printed = json::encode(*config);
    const auto again = json::decode<Config>(printed, json::Path(json::Unknown::refuse));
    REQUIRE_MESSAGE(again, again.error().detail);
    CHECK(json::equal(json::encode(*again), printed));
}

TEST_CASE("config: an error names the field, what is wrong and what to do") {
    const auto cases = std::to_array<std::pair<std::string, std::string_view>>({
        {"", "g.toml:1:1: .route: missing"},
        {"[[route]]\nmatch = \"/x\"\n", "route[0]: no price: add price, or [[route.accepts]], or"},
        {"[[route]]\nprice = \"$1\"\n", ".route[0].match: missing"},
        {"[[route]]\nmatch = \"x\"\nprice = \"$1\"\n", "route[0].match: expected a path"},
        {"[[route]]\nmatch = \"GTE /x\"\nprice = \"$1\"\n",
         "g.toml:7:1: route[0].match: unknown method \"GTE\", did you mean GET?"},
        {"[[route]]\nmatch = \"GET /x/{id}\"\nprice = \"$1\"\n",
         "route[0].match: '{' has no meaning here: write :name"},
        {"[[route]]\nmatch = \"/x\"\nprice = \"$1\"\nfree = true\n",
         "route[0]: free = true and a price"},
        {"[[route]]\nmatch = \"/x\"\nprice = \"$0.0000001\"\n",
         "route[0].price: is zero in the 6 decimals of USDC: ask for more, or write free = true"},
        {"[[route]]\nmatch = \"/x\"\nprice = \"1e-6\"\n", ".route[0].price: expected a price such"},
        {"[[route]]\nmatch = \"/x\"\nprice = 0.1\n", "a fraction is not a setting"},
        {"[[route]]\nmatch = \"/x\"\nprice = \"$1 EURC\"\n",
         "route[0].price: no EURC asset known on eip155:84532"},
        {"[[route]]\nmatch = \"/x\"\nprice = \"$1\"\nnetwork = \"bsae\"\n",
         "route[0].network: unknown network name \"bsae\""},
        {"[[route]]\nmatch = \"/x\"\nprice = \"$1\"\nnetwork = \"eip155:x\"\n",
         "route[0].network: expected eip155: and a chain id"},
        {"[[route]]\nmatch = \"/x\"\nprice = \"$1\"\nnetwork = \"eip155:38833\"\n",
         "route[0]: USDC on eip155:38833 has no EIP-3009"},
        {"[[route]]\nmatch = \"/x\"\nprice = \"$1\"\npay_to = \"0x12\"\n", "route[0].pay_to: "},
        {"[[route]]\nmatch = \"/x\"\nprice = \"$1\"\npay_to = "
         "\"0x209693bc6afc0c5328ba36faf03c514ef312287C\"\n",
         "route[0].pay_to: "},
        {"[[route]]\nmatch = \"/x\"\n[[route.accepts]]\nscheme = \"upto\"\nprice = \"$1\"\n",
         "route[0].accepts[0].scheme: unknown scheme \"upto\"; known: exact"},
        {"[[route]]\nmatch = \"/x\"\n[[route.accepts]]\n", "route[0].accepts[0].price: missing"},
        {"[[route]]\nmatch = \"/x\"\nprice = \"$1\"\n[[route.accepts]]\n[[route.accepts]]\n",
         "route[0].accepts[1]: there is the same one before"},
        {"[[route]]\nmatch = \"/x\"\nprice = \"$1\"\nmax_timeout = \"6s\"\n",
         "route[0].max_timeout: expected whole seconds"},
        {"[[route]]\nmatch = \"/x\"\nprice = \"$1\"\nmax_timeout = \"1500ms\"\n",
         "route[0].max_timeout: expected whole seconds"},
        {text({kRoute, kRoute}), "route[1].match: the same as route[0].match (\"/x\")"},
        {text({kRoute, "prise = \"$1\"\n"}), "g.toml:9:1: .route[0].prise: unknown key"},
        {text({kRoute, "tags = [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"]\n"}),
         "route[0].tags: expected"},
        {text({kRoute, "service_name = \"\"\n"}), "route[0].service_name: expected 1 to 32"},
        {text({kRoute, "resource = \"weather\"\n"}), "route[0].resource: expected an absolute URL"},
        {text({kRoute, "origin = \"http://a/b\"\n"}), "route[0].origin: expected scheme, host"},
        {text({"[cors]\nallow_origins = [\"app.example\"]\n", kRoute}), "cors.allow_origins[0]: "},
        {text({"[limits]\nkept_bytes_max = 0\n", kRoute}), "limits.kept_bytes_max: expected 1 to"},
        {text({"[[asset]]\nnetwork = \"eip155:1\"\n", kRoute}), ".asset[0].address: missing"},
        {"[[route]\n", "g.toml:"},
    });
    for (const auto& [more, expected] : cases) {
        CHECK_MESSAGE(error_with(more).contains(expected), error_with(more) << "\n" << more);
    }
}

TEST_CASE("config: an error at the top names the field as well") {
    const auto error = [](std::initializer_list<std::string_view> parts) {
        const auto config = read(text(parts));
        return config ? "none" : config.error().detail;
    };
    CHECK(error({"listen = \"8402\"\n", kTop, kRemote, kRoute}).contains("g.toml:1:1: listen: "));
    CHECK(error({"listen = \"localhost:1\"\n", kTop, kRemote, kRoute})
              .contains("g.toml:1:1: listen: "));
    CHECK(error({"listen = \"1.2.3.4:65536\"\n", kTop, kRemote, kRoute})
              .contains("g.toml:1:1: listen: "));
    CHECK(error({"admin_listen = \"x\"\n", kTop, kRemote, kRoute}).contains("admin_listen: "));
    CHECK(error({"trusted_proxies = [\"x\"]\n", kTop, kRemote, kRoute})
              .contains("trusted_proxies[0]: expected an address or a network"));
    CHECK(
        error({"public_url = \"https://a/b\"\n", kTop, kRemote, kRoute}).contains("public_url: "));
    CHECK(error({"origin = \"ftp://a\"\n", kRemote, kRoute}).contains("origin: "));
    CHECK(error({kTop, "[facilitator]\n", kRoute}).contains("facilitator: expected either url"));
    CHECK(error({kTop, "[facilitator]\nurl = \"x\"\n", kRoute}).contains("facilitator.url: "));
    CHECK(error({kTop, kRoute}).contains(".facilitator: missing"));
    const std::string_view embedded =
        "[[facilitator.network]]\nid = \"eip155:8453\"\n"
        "rpc = \"http://127.0.0.1\"\nkey = { env = \"K\" }\n";
    CHECK(error({kTop, embedded, kRoute})
              .contains(
                  "route[0].network: the embedded facilitator does not settle on eip155:84532"));
    CHECK(error({kTop, embedded, embedded, kRoute})
              .contains("g.toml:9:1: facilitator.network[1].id: eip155:8453 is there twice"));
    CHECK(error({kTop, kRemote,
                 "[[facilitator.header]]\nname = \"A\"\nvalue = { env = \"A\", file = \"b\" }\n",
                 kRoute})
              .contains("g.toml:8:1: facilitator.header[0].value: a secret is"));
    CHECK(error({kTop, kRemote,
                 "[[facilitator.network]]\nid = \"eip155:84532\"\nrpc = \"http://a\"\n"
                 "key = { env = \"K\" }\n",
                 kRoute})
              .contains("facilitator: expected either url"));
    CHECK(error({kTop, "[facilitator]\nurl = \"http://f\"\n",
                 "[facilitator.screening]\nurl = \"http://s\"\n", kRoute})
              .contains("facilitator.screening: the facilitator at url has its own"));
}

TEST_CASE("config: what is never reached is a warning") {
    const auto config = read(text({kTop, kRemote, "[[route]]\nmatch = \"/a/*\"\nprice = \"$1\"\n",
                                   "[[route]]\nmatch = \"GET /a/b\"\nprice = \"$2\"\n"}));
    REQUIRE(config);
    const auto site = make_site(*config).value();
    REQUIRE(site->warnings.size() == 1);
    CHECK(site->warnings[0] ==
          "route[1].match: \"GET /a/b\" is never reached: route[0] (\"/a/*\") takes all of its "
          "requests; the first match wins");
}
