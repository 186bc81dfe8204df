// SPDX-License-Identifier: Apache-2.0
// For tests: pacts from JSON text, and a smallest one to start from.
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string_view>

#include "farthing/policy/decide.hpp"

namespace farthing::policy::testing {

inline constexpr std::string_view kAgent = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
inline constexpr std::string_view kSmallest = R"({
    "version": 1, "agent": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "expires": "2030-01-01", "networks": ["eip155:84532"], "per_request": "$0.05",
    "limit": [{"amount": "$1", "per": "day"}]})";

/// `base` with members added or replaced, given as JSON text of an object; `null` removes one.
inline json::Value document(std::string_view changes = "{}", std::string_view base = kSmallest) {
    auto object = json::parse(base).value().as_object();
    for (const auto& [key, value] : json::parse(changes).value().as_object()) {
        if (value.is_null())
            object.erase(key);
        else
            object[key] = value;
    }
    return json::Value(std::move(object));
}

inline Pact pact(std::string_view changes = "{}") {
    auto parsed = parse_pact(document(changes));
    if (!parsed) throw std::runtime_error(to_string(parsed.error()));
    return *std::move(parsed);
}

/// 2026-11-21T12:00:00Z, a Saturday.
inline constexpr std::uint64_t kNoon = 1'795'262'400;

inline Rules rules(std::string_view changes = "{}") { return Rules::make(pact(changes)).value(); }

/// `0x00…00nn`.
inline Address address(std::uint8_t last) {
    Address out;
    out.data[19] = last;
    return out;
}

/// One cent of USDC on Base Sepolia to https://api.example.com/v1/search.
inline Request request(std::uint64_t amount = 10'000) {
    return {.url = "https://api.example.com/v1/search",
            .network = {"eip155:84532"},
            .asset = parse_address("0x036CbD53842c5426634e7929541eC2318f3dCF7e").value(),
            .pay_to = address(7),
            .amount = U256(amount),
            .lifetime = 60};
}

inline Facts facts(std::uint64_t now = kNoon) {
    return {.now = now, .agent = parse_address(kAgent).value()};
}

}  // namespace farthing::policy::testing
