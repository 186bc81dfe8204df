// SPDX-License-Identifier: Apache-2.0
// For tests: pacts from JSON text, and a smallest one to start from.
#pragma once

#include <initializer_list>
#include <string_view>

#include "farthing/policy/pact.hpp"

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

}  // namespace farthing::policy::testing
