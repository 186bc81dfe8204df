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
