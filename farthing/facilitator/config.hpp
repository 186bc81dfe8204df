// SPDX-License-Identifier: Apache-2.0
// What a facilitator is told: its networks, keys and limits. Also the `[facilitator]` part of a
// gateway's configuration.
#pragma once

#include <array>
#include <chrono>
#include <vector>

#include "farthing/evm/assets.hpp"
#include "farthing/io/config.hpp"

namespace farthing::facilitator {

/// Nodes of one chain, the preferred one first. In a file: one URL, or a list of them.
struct RpcUrls {
    RpcUrls() = default;
    RpcUrls(std::string one) : urls{std::move(one)} {}       // NOLINT: one is a list of one
    RpcUrls(const char* one) : RpcUrls(std::string(one)) {}  // NOLINT: the same
    std::vector<std::string> urls;
    [[nodiscard]] Result<> validate() const;
};

struct NetworkConfig {
    Network id;   ///< `eip155:8453`
    RpcUrls rpc;  ///< http or https URL of a node, or a list of at most 16, the preferred one first
    SecretSource key;                               ///< the gas key: 0x and 64 hex digits
    std::vector<Address> eip6492_factories;         ///< may deploy a payer's wallet at our cost
    std::chrono::milliseconds rpc_timeout{10'000};  ///< of one exchange with the node
    std::chrono::milliseconds poll_interval{250};   ///< between looks for receipts
    std::chrono::milliseconds staleness_max{
        2'000};                             ///< how long a good verification may be remembered
    std::uint64_t gas_limit_max = 500'000;  ///< a transfer that wants more is refused

    static constexpr std::array<std::string_view, 3> required{"id", "rpc", "key"};
    static constexpr auto fields() {
        using T = NetworkConfig;
        return std::tuple{field("id", &T::id),
                          field("rpc", &T::rpc),
                          field("key", &T::key),
                          field("eip6492_factories", &T::eip6492_factories),
                          field("rpc_timeout", &T::rpc_timeout),
                          field("poll_interval", &T::poll_interval),
                          field("staleness_max", &T::staleness_max),
                          field("gas_limit_max", &T::gas_limit_max)};
    }
    [[nodiscard]] Result<> validate() const;
};

/// Each by itself, and no id twice. Errors: invalid_config with `network[i]` and the field.
[[nodiscard]] Result<> check_networks(const std::vector<NetworkConfig>& networks);

/// `farthing facilitator --config FILE`.
struct Config {
    std::string listen = "127.0.0.1:4020";  ///< address and port; port 0 picks a free one
    std::vector<NetworkConfig> network;     ///< the chains it settles on
    std::vector<Asset> asset;               ///< added to the built-in table
    /// Where payments on their way are kept: the path of an SQLite file, or `memory`, which a crash
    /// empties. Default: beside the configuration file, `.db` in place of `.toml`.
    std::string store;
    std::chrono::milliseconds settle_timeout{
        60'000};  ///< after which /settle answers settlement_pending
    std::chrono::milliseconds shutdown_grace{
        30'000};  ///< for settlements in hand when told to stop

    static constexpr std::array<std::string_view, 1> required{"network"};
    static constexpr auto fields() {
        using T = Config;
        return std::tuple{field("listen", &T::listen),
                          field("network", &T::network),
                          field("asset", &T::asset),
                          field("store", &T::store),
                          field("settle_timeout", &T::settle_timeout),
                          field("shutdown_grace", &T::shutdown_grace)};
    }
    /// Errors: invalid_config with the field.
    [[nodiscard]] Result<> validate() const;
};

/// The built-in table with the configured assets. Errors: invalid_config.
[[nodiscard]] Result<AssetTable> asset_table(const std::vector<Asset>& configured);

}  // namespace farthing::facilitator

template <>
struct farthing::json::Codec<farthing::facilitator::RpcUrls> {
    static Result<facilitator::RpcUrls> decode(const Value& value, const Path& path);
    static Value encode(const facilitator::RpcUrls& rpc) { return json::encode(rpc.urls); }
};
