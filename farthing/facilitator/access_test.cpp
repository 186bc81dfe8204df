// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/access.hpp"

#include <doctest/doctest.h>

#include "farthing/facilitator/api_key.hpp"
#include "farthing/testing/world.hpp"

namespace farthing::facilitator {
namespace {

using namespace std::chrono_literals;
using testing::known_address;

constexpr std::string_view kOther = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65";

std::string key_of(char digit) { return "farthing_" + std::string(64, digit); }

ApiKeyConfig key_config(std::string name, char digit) {
    ApiKeyConfig out;
    out.name = std::move(name);
    out.hash = *hash_api_key(key_of(digit));
    return out;
}

struct Door : testing::ChainWorld {
    explicit Door(AccessConfig config) : access(env, std::move(config)) {}
    Access access;
    std::string peer = "192.0.2.1";

    static net::Headers with(std::string name, std::string value) {
        net::Headers headers;
        headers.add(std::move(name), std::move(value));
        return headers;
    }
    /// The key's name, `open`, or why not.
    std::string admit(const net::Headers& headers = {}) {
        const auto pass = access.admit(headers, peer);
        if (!pass) return std::string(label_of(pass.error().why));
        return pass->name.empty() ? "open" : pass->name;
    }
    std::string with_key(char digit) { return admit(with("X-API-Key", key_of(digit))); }
    /// Why a payment is not served with a key.
    std::string judge(char digit, const v2::Payment& payment) {
        const auto pass = digit == 0 ? access.admit({}, peer)
                                     : access.admit(with("X-API-Key", key_of(digit)), peer);
        REQUIRE(pass);
        const auto denied = access.judge(*pass, payment);
        return denied ? std::string(label_of(denied->why)) : "served";
    }
    v2::Payment payment(std::uint64_t payer = 0) { return craft(payer).payment(); }
    int refused(const std::string& reason) {
        const auto text = env.metrics.expose();
        const auto name = "farthing_facilitator_refused_total{reason=\"" + reason + "\"} ";
        const auto at = text.find(name);
        REQUIRE(at != std::string::npos);
        return std::stoi(text.substr(at + name.size()));
    }
};

AccessConfig two_keys() {
    AccessConfig config;
    config.api_key = {key_config("shop", 'a'), key_config("other", 'b')};
    return config;
}

}  // namespace

TEST_CASE("access: without keys it is open, whatever is presented") {
    Door door{AccessConfig{}};
    CHECK(door.admit() == "open");
    CHECK(door.admit(Door::with("Authorization", "Bearer nonsense")) == "open");
    CHECK(door.judge(0, door.payment()) == "served");
}

TEST_CASE("access: with keys, one of them is needed, in either header") {
    Door door{two_keys()};
    CHECK(door.with_key('a') == "shop");
    CHECK(door.with_key('b') == "other");
    CHECK(door.admit(Door::with("Authorization", "Bearer " + key_of('a'))) == "shop");
    CHECK(door.admit(Door::with("authorization", "bearer " + key_of('b'))) == "other");
    CHECK(door.admit() == "no_key");
    CHECK(door.admit(Door::with("Authorization", "Basic dXNlcjpwYXNz")) == "no_key");
    for (const auto& value : {std::string(), key_of('c'), key_of('a') + " ", std::string("shop"),
                              to_hex(*hash_api_key(key_of('a')))}) {
        CAPTURE(value);
        CHECK(door.admit(Door::with("X-API-Key", value)) == "bad_key");
    }
    auto both = Door::with("X-API-Key", key_of('a'));
    both.add("Authorization", "Bearer " + key_of('b'));
    CHECK(door.admit(both) == "bad_key");
    CHECK(door.refused("no_key") == 2);
    CHECK(door.refused("bad_key") == 6);
}

TEST_CASE("access: a key counts until the second it expires") {
    auto config = two_keys();
    Door clockwork{AccessConfig{}};
    config.api_key[0].expires = UtcTime{clockwork.clock.now() + 60s};
    Door door{std::move(config)};
    REQUIRE(door.clock.now() == clockwork.clock.now());
    door.advance(59s);
    CHECK(door.with_key('a') == "shop");
    door.advance(1s);
    CHECK(door.with_key('a') == "expired_key");
    CHECK(door.with_key('b') == "other");
}

TEST_CASE("access: a key's lists, and the facilitator's own") {
    const auto payee = known_address(testing::usdc_requirements().pay_to);
    const auto usdc = known_address(testing::usdc_requirements().asset);
    const auto other = known_address(kOther);
    auto config = two_keys();
    config.api_key[0].pay_to = {payee};
    config.api_key[0].asset = {usdc};
    config.api_key[0].network = {evm_network(84532)};
    Door door{config};
    CHECK(door.judge('a', door.payment()) == "served");
    const auto refused = [&](auto change) {
        auto payment = door.payment();
        change(payment.requirements);
        CHECK(door.judge('b', payment) == "served");
        return door.judge('a', payment);
    };
    CHECK(refused([](auto& wanted) { wanted.pay_to = kOther; }) == "pay_to");
    CHECK(refused([](auto& wanted) { wanted.pay_to = "nobody"; }) == "pay_to");
    CHECK(refused([](auto& wanted) { wanted.asset = kOther; }) == "asset");
    CHECK(refused([](auto& wanted) { wanted.network = evm_network(1); }) == "network");
    // Another spelling is the same address.
    auto lower = door.payment();
    lower.requirements.pay_to = payee.to_lower();
    CHECK(door.judge('a', lower) == "served");

    AccessConfig open;
    open.allow.pay_to = {other};
    Door strict{open};
    CHECK(strict.judge(0, strict.payment()) == "pay_to");
    open.allow.pay_to.push_back(payee);
    open.allow.asset = {other};
    Door stricter{open};
    CHECK(stricter.judge(0, stricter.payment()) == "asset");
    // What the facilitator does not serve, no key opens.
    auto both = two_keys();
    both.api_key[0].pay_to = {payee};
    both.allow.pay_to = {other};
    Door shut{both};
    CHECK(shut.judge('a', shut.payment()) == "pay_to");
    CHECK(shut.refused("pay_to") == 1);
}

TEST_CASE("access: clients are limited by address, and who has IPv6 is one /64") {
    AccessConfig config;
    config.trusted_proxies = {"10.0.0.1"};
    config.rate_limits.client = RateConfig{.rate = 1, .per = 1min, .burst = 2};
    Door door{std::move(config)};
    const auto twice = [&](std::string peer) {
        door.peer = std::move(peer);
        const auto first = door.admit();
        return first + " " + door.admit();
    };
    CHECK(twice("192.0.2.1") == "open open");
    CHECK(twice("192.0.2.1") == "client_rate client_rate");
    CHECK(twice("::ffff:192.0.2.1") == "client_rate client_rate");
    CHECK(twice("192.0.2.2") == "open open");
    CHECK(twice("2001:db8:0:1::1") == "open open");
    CHECK(twice("2001:db8:0:1:ffff::2") == "client_rate client_rate");
    CHECK(twice("2001:db8:0:2::1") == "open open");
    // A header of a stranger makes nobody a new client; one of a trusted proxy does.
    const auto forwarded = Door::with("X-Forwarded-For", "203.0.113.5");
    door.peer = "192.0.2.1";
    CHECK(door.admit(forwarded) == "client_rate");
    door.peer = "10.0.0.1";
    CHECK(door.admit(forwarded) == "open");
    const auto denied = door.access.admit({}, "192.0.2.1");
    REQUIRE(!denied);
    CHECK(denied.error().retry_after == 60s);
    door.advance(60s);
    CHECK(door.access.admit({}, "192.0.2.1"));
}

TEST_CASE("access: guessing keys is limited, and does not use up a key's own limit") {
    auto config = two_keys();
    config.rate_limits.client = RateConfig{.rate = 1, .per = 1min, .burst = 3};
    config.rate_limits.key = RateConfig{.rate = 1, .per = 1min, .burst = 1};
    Door door{std::move(config)};
    door.peer = "203.0.113.66";
    for (int i = 0; i < 3; ++i) CHECK(door.with_key('c') == "bad_key");
    CHECK(door.with_key('c') == "client_rate");
    door.peer = "192.0.2.1";
    CHECK(door.with_key('a') == "shop");
    CHECK(door.with_key('a') == "key_rate");
    CHECK(door.with_key('b') == "other");
    CHECK(door.refused("key_rate") == 1);
}

TEST_CASE("access: a key's own limit counts instead of the common one") {
    auto config = two_keys();
    config.rate_limits.key = RateConfig{.rate = 1, .per = 1min, .burst = 1};
    config.api_key[1].rate_limit = RateConfig{.rate = 1, .per = 1min, .burst = 3};
    Door door{std::move(config)};
    CHECK(door.with_key('a') == "shop");
    CHECK(door.with_key('a') == "key_rate");
    for (int i = 0; i < 3; ++i) CHECK(door.with_key('b') == "other");
    CHECK(door.with_key('b') == "key_rate");
}

TEST_CASE("access: payers are limited, each key counting for itself") {
    auto config = two_keys();
    config.rate_limits.payer = RateConfig{.rate = 1, .per = 1min, .burst = 2};
    Door door{std::move(config)};
    const auto payment = door.payment(0);
    CHECK(door.judge('a', payment) == "served");
    CHECK(door.judge('a', payment) == "served");
    CHECK(door.judge('a', payment) == "payer_rate");
    CHECK(door.judge('a', door.payment(1)) == "served");
    CHECK(door.judge('b', payment) == "served");
    // Another spelling is the same payer.
    auto lower = payment;
    auto& authorization = lower.payload.payload["authorization"].as_object();
    std::string from(std::string_view(authorization["from"].as_string()));
    for (char& c : from) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    authorization["from"] = from;
    CHECK(door.judge('a', lower) == "payer_rate");
    door.advance(60s);
    CHECK(door.judge('a', payment) == "served");
}

}  // namespace farthing::facilitator
