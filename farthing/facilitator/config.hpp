// SPDX-License-Identifier: Apache-2.0
// What a facilitator is told: its networks, keys and limits. Also the `[facilitator]` part of a
// gateway's configuration.
#pragma once

#include <array>
#include <chrono>
#include <vector>

#include "farthing/evm/assets.hpp"
#include "farthing/facilitator/access_config.hpp"
#include "farthing/io/config.hpp"
#include "farthing/json/one_or_many.hpp"
#include "farthing/settlement/settler.hpp"

namespace farthing::facilitator {

/// `[[network.confirm]]`: when a payment counts as settled. The last rule that applies does.
struct ConfirmConfig {
    std::string above = "0";  ///< for payments of this many dollars and more
    std::string wait;         ///< `included`, `3 blocks`, `safe` or `finalized`

    static constexpr std::array<std::string_view, 1> required{"wait"};
    static constexpr auto fields() {
        using T = ConfirmConfig;
        return std::tuple{field("above", &T::above), field("wait", &T::wait)};
    }
    [[nodiscard]] Result<> validate() const;
};

/// Errors: invalid_config.
[[nodiscard]] Result<settlement::Depth> parse_depth(std::string_view wait);

struct NetworkConfig {
    Network id;  ///< `eip155:8453`
    /// http or https URL of a node, or a list of at most 16, the preferred one first
    OneOrMany<std::string> rpc;
    /// the gas key: 0x and 64 hex digits; or a list of at most 64, which settle side by side
    OneOrMany<SecretSource> key;
    std::vector<Address> eip6492_factories;         ///< may deploy a payer's wallet at our cost
    std::chrono::milliseconds rpc_timeout{10'000};  ///< of one exchange with the node
    std::chrono::milliseconds poll_interval{250};   ///< between looks for receipts
    /// how long ago the chain was looked at last for a payment to be verified by what is
    /// remembered of it; 0: it is asked each time
    std::chrono::milliseconds staleness_max{2'000};
    /// after which a simulation is run again for a payer whose payments are otherwise verified from
    /// memory: it alone tells of a paused token and of accounts that the token refuses
    std::chrono::milliseconds recheck_after{60'000};
    /// how long a verified payment that is not settled keeps its part of the payer's balance from
    /// others; never longer than it is valid
    std::chrono::milliseconds reserve_for{60'000};
    /// How deep in the chain a payment must be before it is told as settled; without a rule being
    /// included is enough.
    std::vector<ConfirmConfig> confirm;
    /// For so many blocks a settled payment is looked for again, and sent again when a
    /// reorganisation has taken it away.
    std::uint64_t reorganised_within = 32;
    std::uint64_t gas_limit_max = 500'000;  ///< a transfer that wants more is refused
    std::uint64_t max_fee_gwei = 500;       ///< per gas: above it nothing is sent
    std::chrono::milliseconds replace_after{
        20'000};  ///< a transaction not mined by then is sent again with higher fees
    std::uint64_t in_flight_max = 16;  ///< transactions of one key that may wait to be mined
    std::uint64_t batch_max = 50;      ///< payments in one transaction; 1: each goes alone
    std::chrono::milliseconds batch_wait{
        100};  ///< how long payments gather while another transaction is under way
    std::uint64_t batch_gas_max = 8'000'000;  ///< of one transaction
    /// Through what they go: `auto`, our own contract where `farthing deploy-batch` has put it and
    /// Multicall3 elsewhere; or `multicall3`, always that
    std::string batch_contract = "auto";

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
                          field("recheck_after", &T::recheck_after),
                          field("reserve_for", &T::reserve_for),
                          field("confirm", &T::confirm),
                          field("reorganised_within", &T::reorganised_within),
                          field("gas_limit_max", &T::gas_limit_max),
                          field("max_fee_gwei", &T::max_fee_gwei),
                          field("replace_after", &T::replace_after),
                          field("in_flight_max", &T::in_flight_max),
                          field("batch_max", &T::batch_max),
                          field("batch_wait", &T::batch_wait),
                          field("batch_gas_max", &T::batch_gas_max),
                          field("batch_contract", &T::batch_contract)};
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
    /// Where payments on their way are kept: the path of an SQLite file, for one process;
    /// `postgresql://user@host/database`, for several (the password from PGPASSFILE or PGPASSWORD);
    /// or `memory`, which a crash empties. Default: beside the configuration file, `.db` in place
    /// of `.toml`.
    std::string store;
    std::chrono::milliseconds settle_timeout{
        60'000};  ///< after which /settle answers settlement_pending
    std::chrono::milliseconds shutdown_grace{
        30'000};                               ///< for settlements in hand when told to stop
    std::vector<ApiKeyConfig> api_key;         ///< who may use it; none: everybody
    AllowConfig allow;                         ///< what it serves, whoever asks
    RateLimitsConfig rate_limits;              ///< how often it may be asked
    std::vector<std::string> trusted_proxies;  ///< `10.0.0.0/8`: whose X-Forwarded-For counts
    std::optional<ScreeningConfig> screening;  ///< whose payments are refused

    static constexpr std::array<std::string_view, 1> required{"network"};
    static constexpr auto fields() {
        using T = Config;
        return std::tuple{field("listen", &T::listen),
                          field("network", &T::network),
                          field("asset", &T::asset),
                          field("store", &T::store),
                          field("settle_timeout", &T::settle_timeout),
                          field("shutdown_grace", &T::shutdown_grace),
                          field("api_key", &T::api_key),
                          field("allow", &T::allow),
                          field("rate_limits", &T::rate_limits),
                          field("trusted_proxies", &T::trusted_proxies),
                          field("screening", &T::screening)};
    }
    /// Errors: invalid_config with the field.
    [[nodiscard]] Result<> validate() const;
};

/// The built-in table with the configured assets. Errors: invalid_config.
[[nodiscard]] Result<AssetTable> asset_table(const std::vector<Asset>& configured);

}  // namespace farthing::facilitator
