// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/network.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace farthing {
namespace {

constexpr std::string_view kEvmPrefix = "eip155:";
constexpr std::uint64_t kChainIdMax = (1ULL << 53) - 1;

constexpr std::array kV1Names{
    V1Name{"ethereum", "eip155:1"},
    V1Name{"sepolia", "eip155:11155111"},
    V1Name{"base", "eip155:8453"},
    V1Name{"base-sepolia", "eip155:84532"},
    V1Name{"avalanche", "eip155:43114"},
    V1Name{"avalanche-fuji", "eip155:43113"},
    V1Name{"abstract", "eip155:2741"},
    V1Name{"abstract-testnet", "eip155:11124"},
    V1Name{"iotex", "eip155:4689"},
    V1Name{"sei", "eip155:1329"},
    V1Name{"sei-testnet", "eip155:1328"},
    V1Name{"polygon", "eip155:137"},
    V1Name{"polygon-amoy", "eip155:80002"},
    V1Name{"peaq", "eip155:3338"},
    V1Name{"story", "eip155:1514"},
    V1Name{"educhain", "eip155:41923"},
    V1Name{"skale-base-sepolia", "eip155:324705682"},
    V1Name{"megaeth", "eip155:4326"},
    V1Name{"monad", "eip155:143"},
    V1Name{"stable", "eip155:988"},
    V1Name{"stable-testnet", "eip155:2201"},
    V1Name{"celo", "eip155:42220"},
    V1Name{"flare", "eip155:14"},
    V1Name{"solana", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"},
    V1Name{"solana-devnet", "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1"},
    V1Name{"solana-testnet", "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z"},
};

std::optional<std::uint64_t> parse_chain_id(std::string_view id) {
    if (!id.starts_with(kEvmPrefix)) return std::nullopt;
    const auto digits = id.substr(kEvmPrefix.size());
    std::uint64_t number = 0;
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool whole = error == std::errc{} && stop == digits.data() + digits.size();
    if (!whole || number == 0 || number > kChainIdMax || digits.front() == '0') return std::nullopt;
    return number;
}

}  // namespace

std::span<const V1Name> v1_names() { return kV1Names; }

std::optional<std::uint64_t> Network::chain_id() const { return parse_chain_id(id); }

std::optional<std::string_view> Network::v1_name() const {
    for (const auto& each : kV1Names) {
        if (each.id == id) return each.name;
    }
    return std::nullopt;
}

Network evm_network(std::uint64_t chain_id) { return {fmt::format("{}{}", kEvmPrefix, chain_id)}; }

Result<Network> parse_network(std::string_view text) {
    const auto colon = text.find(':');
    if (text.size() < 3 || text.size() > 128 || colon == 0 || colon == std::string_view::npos ||
        colon + 1 == text.size()) {
        return fail(Errc::invalid_field, "expected a CAIP-2 network such as eip155:8453");
    }
    if (text.starts_with(kEvmPrefix) && !parse_chain_id(text)) {
        return fail(Errc::invalid_field, "expected eip155: and a chain id from 1 to 2^53-1");
    }
    return Network{std::string(text)};
}

Result<Network> network_from_v1(std::string_view name) {
    for (const auto& each : kV1Names) {
        if (each.name == name) return Network{std::string(each.id)};
    }
    return fail(Errc::invalid_field,
                fmt::format("unknown network name \"{}\"", name.substr(0, 64)));
}

Result<Network> network_from_any(std::string_view text) {
    if (text.find(':') != std::string_view::npos) return parse_network(text);
    return network_from_v1(text);
}

Result<Network> json::Codec<Network>::decode(const Value& value, const Path& path) {
    const auto* text = value.if_string();
    if (text == nullptr) return path.error("expected a CAIP-2 network such as eip155:8453");
    auto network = parse_network(*text);
    if (!network) return path.error(network.error().detail);
    return network;
}

}  // namespace farthing
