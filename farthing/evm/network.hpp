// SPDX-License-Identifier: Apache-2.0
// Networks: CAIP-2 ids (v2) and the short names of v1. Source: protocol.md section 3.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "farthing/base/result.hpp"
#include "farthing/json/codec.hpp"

namespace farthing {

/// A CAIP-2 id such as `eip155:8453`, kept as text because other namespaces travel through us
/// untouched.
struct Network {
    std::string id;

    friend bool operator==(const Network&, const Network&) = default;
    friend auto operator<=>(const Network&, const Network&) = default;
    /// The chain id of an `eip155` network; nothing for other namespaces.
    [[nodiscard]] std::optional<std::uint64_t> chain_id() const;
    /// The name v1 peers know it by, if they know it.
    [[nodiscard]] std::optional<std::string_view> v1_name() const;
};

[[nodiscard]] Network evm_network(std::uint64_t chain_id);
/// At least 3 characters with a `:`; an `eip155` one must have a chain id from 1 to 2^53-1. Errors:
/// invalid_field.
[[nodiscard]] Result<Network> parse_network(std::string_view text);
/// `base-sepolia` to `eip155:84532`. Errors: invalid_field for an unknown name.
[[nodiscard]] Result<Network> network_from_v1(std::string_view name);
/// Either spelling, for configuration and the command line.
[[nodiscard]] Result<Network> network_from_any(std::string_view text);

struct V1Name {
    std::string_view name;
    std::string_view id;
};
[[nodiscard]] std::span<const V1Name> v1_names();

template <>
struct json::Codec<Network> {
    static Result<Network> decode(const Value& value, const Path& path);
    static Value encode(const Network& network) { return Value(network.id); }
};

}  // namespace farthing

template <>
struct std::hash<farthing::Network> {
    std::size_t operator()(const farthing::Network& network) const noexcept {
        return std::hash<std::string>{}(network.id);
    }
};
