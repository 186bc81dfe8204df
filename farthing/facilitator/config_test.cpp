// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/config.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using farthing::facilitator::Config;

namespace {

constexpr std::string_view kNetwork =
    "[[network]]\nid = \"eip155:84532\"\nrpc = \"http://127.0.0.1:8545\"\n";

/// What is wrong with a file of one network with this key, and `more` at its end.
std::string error_of(std::string_view key, std::string_view more = {}) {
    const auto text = std::string(kNetwork) + std::string(key) + "\n" + std::string(more);
    const auto config = farthing::config_from_toml<Config>(text, "f.toml");
    return config ? "none" : config.error().detail;
}

}  // namespace

TEST_CASE("facilitator config: a key that is nowhere, or in two places, is found with the file") {
    struct Case {
        std::string_view key;
        std::string_view error;
    };
    constexpr auto cases = std::to_array<Case>({
        {"key = { env = \"FARTHING_FACILITATOR_KEY\" }", "none"},  // looked up when it starts
        {"key = { env = \"A\", file = \"b\" }",
         "f.toml:4:1: network[0].key: a secret is { env = \"NAME\" } or { file = \"path\" }, "
         "exactly one of them"},
        {"key = {}",
         "f.toml:4:1: network[0].key: a secret is { env = \"NAME\" } or { file = \"path\" }, "
         "exactly one of them"},
        {"key = { file = \"/nonexistent/key\" }",
         "f.toml:4:1: network[0].key: /nonexistent/key: No such file or directory"},
    });
    for (const auto& [key, error] : cases) CHECK(error_of(key) == error);
}

TEST_CASE("facilitator config: how long something is remembered has its limits") {
    const auto refused = [](const std::string& line) {
        return error_of("key = { env = \"K\" }\n" + line + "\n");
    };
    CHECK(refused("staleness_max = \"0s\"") == "none");
    CHECK(refused("recheck_after = \"0s\"").ends_with("recheck_after: expected more than 0"));
    CHECK(refused("reserve_for = \"0s\"")
              .ends_with("reserve_for: expected more than 0, at most 24 hours"));
    CHECK(refused("reserve_for = \"25h\"")
              .ends_with("reserve_for: expected more than 0, at most 24 hours"));
    CHECK(refused("reserve_for = \"24h\"") == "none");
}

TEST_CASE("facilitator config: batches go through our contract or through Multicall3") {
    const auto said = [](const std::string& value) {
        return error_of("key = { env = \"K\" }\nbatch_contract = \"" + value + "\"\n");
    };
    CHECK(said("auto") == "none");
    CHECK(said("multicall3") == "none");
    for (const auto* bad : {"", "Auto", "0x01Da3874AEC4FAFFfba21D4Cc2E9DBc01e103B68"}) {
        CHECK(said(bad).ends_with("batch_contract: expected auto or multicall3"));
    }
}

TEST_CASE("facilitator config: a network that is there twice is an error at the second") {
    constexpr std::string_view kKey = "key = { env = \"K\" }";
    const auto again = std::string(kNetwork) + std::string(kKey);
    CHECK(error_of(kKey, again) == "f.toml:6:1: network[1].id: eip155:84532 is there twice");
    CHECK(error_of(kKey,
                   "[[network]]\nid = \"eip155:1\"\nrpc = \"http://a\"\nkey = { env = \"K\" }\n") ==
          "none");
}

TEST_CASE("facilitator config: a chain has one node, or a list of them") {
    const auto parsed = [](std::string_view rpc) {
        const auto text =
            "[[network]]\nid = \"eip155:1\"\nkey = { env = \"K\" }\nrpc = " + std::string(rpc) +
            "\n";
        return farthing::config_from_toml<Config>(text, "f.toml");
    };
    const auto urls = [&](std::string_view rpc) { return parsed(rpc)->network[0].rpc.all; };
    CHECK(urls("\"http://a/key\"") == std::vector<std::string>{"http://a/key"});
    CHECK(urls("[\"http://b\", \"https://a\"]") ==
          std::vector<std::string>{"http://b", "https://a"});
    std::string many = "[";
    for (int i = 0; i < 17; ++i) many += "\"http://a/" + std::to_string(i) + "\",";
    struct Case {
        std::string rpc;
        std::string_view error;
    };
    const auto cases = std::to_array<Case>({
        {"[]", "f.toml:4:1: network[0].rpc: expected 1 to 16 URLs"},
        {many + "]", "f.toml:4:1: network[0].rpc: expected 1 to 16 URLs"},
        {"[\"http://a\", \"http://a\"]", "f.toml:4:1: network[0].rpc: one URL is there twice"},
        {"\"\"", "f.toml:4:1: network[0].rpc: URL: expected http:// or https://"},
        {"[\"http://a\", \"ftp://a\"]",
         "f.toml:4:1: network[0].rpc: URL: expected http:// or https://"},
        {"1", "f.toml:4:1: .network[0].rpc: expected a string"},
        {"[1]", "f.toml:4:8: .network[0].rpc[0]: expected a string"},
    });
    for (const auto& [rpc, error] : cases) {
        const auto config = parsed(rpc);
        REQUIRE_FALSE(config);
        CHECK(config.error().detail == error);
    }
}

namespace {

constexpr std::string_view kHash =
    "\"0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\n";

/// What is wrong with a good file that ends with `more`, without its place.
std::string error_with(std::string_view more) {
    const auto error = error_of("key = { env = \"K\" }", more);
    auto name = error.find(": ");
    if (name == std::string::npos) return error;
    name += error[name + 2] == '.' ? 3 : 2;
    return error.substr(name);
}

std::string key_with(std::string_view lines) {
    return "[[api_key]]\nname = \"shop\"\nhash = " + std::string(kHash) + std::string(lines);
}

}  // namespace

TEST_CASE("facilitator config: API keys") {
    CHECK(error_with(key_with("")) == "none");
    CHECK(error_with(key_with("pay_to = [\"0x209693Bc6afc0C5328bA36FaF03C514EF312287C\"]\n"
                              "asset = []\nnetwork = [\"eip155:84532\"]\n"
                              "rate_limit = { rate = 10, per = \"1m\", burst = 5 }\n"
                              "expires = \"2027-01-31\"\n")) == "none");
    CHECK(error_with("[[api_key]]\nname = \"shop\"\n") == "api_key[0].hash: missing");
    CHECK(error_with("[[api_key]]\nname = \"a b\"\nhash = " + std::string(kHash)) ==
          "api_key[0].name: expected 1 to 64 letters, digits, `-`, `_` and `.`");
    CHECK(error_with("[[api_key]]\nname = \"shop\"\nhash = \"farthing_00\"\n")
              .starts_with("api_key[0].hash: "));
    CHECK(error_with(key_with("") + key_with("")) == "api_key[1].name: shop is there twice");
    CHECK(error_with(key_with("") + "[[api_key]]\nname = \"b\"\nhash = " + std::string(kHash)) ==
          "api_key[1].hash: it is there twice");
    CHECK(error_with(key_with("pay_to = [\"0x1\"]\n")).starts_with("api_key[0].pay_to[0]: "));
    CHECK(error_with(key_with("network = [\"eip155:1\"]\n")) ==
          "api_key[0].network[0]: eip155:1 is none of the networks");
    CHECK(error_with(key_with("expires = \"soon\"\n")) ==
          "api_key[0].expires: expected 2027-01-31 or 2027-01-31T12:00:00Z");
    CHECK(error_with(key_with("rate_limit = { rate = 0, burst = 5 }\n")) ==
          "api_key[0].rate_limit.rate: expected 1 to 50000");
    CHECK(error_with(key_with("key = \"farthing_00\"\n")).starts_with("api_key[0].key: "));
}

TEST_CASE("facilitator config: rate limits, allow-lists and proxies") {
    CHECK(error_with("[rate_limits]\nclient = { rate = 1, burst = 1 }\n") == "none");
    CHECK(error_with("[rate_limits]\npayer = { rate = 1 }\n") ==
          "rate_limits.payer.burst: missing");
    CHECK(error_with("[rate_limits]\npayer = { rate = 1, burst = 50001 }\n") ==
          "rate_limits.payer.burst: expected 1 to 50000");
    CHECK(error_with("[rate_limits]\nkey = { rate = 1, burst = 1, per = \"25h\" }\n") ==
          "rate_limits.key.per: expected more than 0, at most a day");
    CHECK(error_with("[rate_limits]\nentries_max = 0\n") ==
          "rate_limits.entries_max: expected 1 to 10000000");
    CHECK(error_with("[allow]\npay_to = [\"me\"]\n").starts_with("allow.pay_to[0]: "));
    const auto proxies =
        farthing::config_from_toml<Config>("trusted_proxies = [\"10.0.0.0/8\", \"there\"]\n" +
                                               std::string(kNetwork) + "key = { env = \"K\" }\n",
                                           "f.toml");
    REQUIRE(!proxies);
    CHECK(proxies.error().detail ==
          "f.toml:1:34: trusted_proxies[1]: expected an address or a network such as 10.0.0.0/8, "
          "got \"there\"");
}

TEST_CASE("facilitator config: screening") {
    CHECK(error_with("[screening]\n") == "screening.file: expected a file or a url to screen with");
    CHECK(error_with("[screening]\nurl = \"http://127.0.0.1:1/x\"\n") == "none");
    CHECK(error_with("[screening]\nurl = \"ftp://a\"\n").starts_with("screening.url: "));
    CHECK(error_with("[screening]\nfile = \"/nonexistent\"\n").starts_with("screening.file: "));
    CHECK(error_with("[screening]\nurl = \"http://a\"\non_error = \"ignore\"\n") ==
          "screening.on_error: expected \"refuse\" or \"allow\"");
    CHECK(error_with("[screening]\nurl = \"http://a\"\ntimeout = \"0s\"\n") ==
          "screening.timeout: expected more than 0");
    CHECK(error_with("[screening]\nurl = \"http://a\"\ncache_max = 0\n") ==
          "screening.cache_max: expected 1 to 10000000");
}

TEST_CASE("facilitator config: times are real ones, in UTC") {
    using farthing::facilitator::parse_utc_time;
    using farthing::facilitator::to_text;
    CHECK(parse_utc_time("1970-01-02")->at.time_since_epoch() == std::chrono::hours(24));
    CHECK(to_text(*parse_utc_time("2024-02-29")) == "2024-02-29T00:00:00Z");
    CHECK(to_text(*parse_utc_time("2027-01-31T23:59:59Z")) == "2027-01-31T23:59:59Z");
    for (const auto* const text :
         {"", "2027", "2027-1-31", "2027-02-29", "2027-13-01", "2027-00-01", "2027-01-31T24:00:00Z",
          "2027-01-31T12:60:00Z", "2027-01-31T12:00:60Z", "2027-01-31 12:00:00Z",
          "2027-01-31T12:00:00", "2027-01-31T12:00:00+", "2027-01-31T12:00:00Z "}) {
        CAPTURE(text);
        CHECK(!parse_utc_time(text));
    }
}
