// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "farthing/net/http.hpp"
#include "farthing/net/server.hpp"
#include "farthing/scheme/price.hpp"

namespace farthing::facilitator {
namespace {

constexpr std::size_t kEndpointsMax = 16;
constexpr std::size_t kKeysMax = 64;
constexpr std::uint64_t kFeeGweiMax = 1'000'000'000;  // an ether per gas
constexpr std::uint64_t kInFlightMax = 1'000;
constexpr std::uint64_t kBatchMax = 250;

Result<> check_count(std::size_t count, std::size_t most, std::string_view what) {
    if (count >= 1 && count <= most) return {};
    return fail(Errc::invalid_config, fmt::format("expected 1 to {} {}", most, what));
}

Result<> check_urls(const std::vector<std::string>& urls) {
    FARTHING_CHECK(check_count(urls.size(), kEndpointsMax, "URLs"));
    for (auto each = urls.begin(); each != urls.end(); ++each) {
        const auto url = net::parse_url(*each);
        if (!url) return fail(Errc::invalid_config, url.error().detail);
        if (std::find(urls.begin(), each, *each) != each) {
            return fail(Errc::invalid_config, "one URL is there twice");
        }
    }
    return {};
}

Result<> check_keys(const std::vector<SecretSource>& keys) {
    FARTHING_CHECK(check_count(keys.size(), kKeysMax, "keys"));
    for (const auto& each : keys) FARTHING_CHECK(each.validate());
    return {};
}

Result<> check_range(std::string_view name, std::uint64_t value, std::uint64_t least,
                     std::uint64_t most) {
    if (value >= least && value <= most) return {};
    return fail(Errc::invalid_config, fmt::format("{}: expected {} to {}", name, least, most));
}

}  // namespace

Result<settlement::Depth> parse_depth(std::string_view wait) {
    constexpr std::uint64_t kBlocksMax = 10'000;
    if (wait == "included") return settlement::Depth{};
    if (wait == "safe") return settlement::Depth{0, chain::HeadAt::safe};
    if (wait == "finalized") return settlement::Depth{0, chain::HeadAt::finalized};
    for (const std::string_view unit : {" blocks", " block"}) {
        if (!wait.ends_with(unit)) continue;
        const auto digits = wait.substr(0, wait.size() - unit.size());
        const auto count = u256_from_decimal(digits);
        const auto blocks = count ? count->to_u64() : std::nullopt;
        if (blocks && *blocks <= kBlocksMax) return settlement::Depth{*blocks};
    }
    return fail(
        Errc::invalid_config,
        fmt::format("expected included, safe, finalized or at most {} blocks (\"3 blocks\")",
                    kBlocksMax));
}

Result<> ConfirmConfig::validate() const {
    if (const auto valid = scheme::parse_money(above); !valid)
        return fail(Errc::invalid_config, "above: " + valid.error().detail);
    if (const auto valid = parse_depth(wait); !valid)
        return fail(Errc::invalid_config, "wait: " + valid.error().detail);
    return {};
}

Result<> NetworkConfig::validate() const {
    for (std::size_t i = 0; i < confirm.size(); ++i) {
        if (const auto valid = confirm[i].validate(); !valid) {
            return fail(Errc::invalid_config,
                        fmt::format("confirm[{}].{}", i, valid.error().detail));
        }
    }
    if (!id.chain_id())
        return fail(Errc::invalid_config, "id: expected an eip155 network, got " + id.id);
    if (const auto valid = check_urls(rpc.all); !valid)
        return fail(Errc::invalid_config, "rpc: " + valid.error().detail);
    if (const auto valid = check_keys(key.all); !valid)
        return fail(Errc::invalid_config, "key: " + valid.error().detail);
    if (gas_limit_max < 21'000)
        return fail(Errc::invalid_config, "gas_limit_max: expected at least 21000");
    if (poll_interval.count() <= 0)
        return fail(Errc::invalid_config, "poll_interval: expected more than 0");
    if (rpc_timeout.count() <= 0)
        return fail(Errc::invalid_config, "rpc_timeout: expected more than 0");
    if (replace_after.count() <= 0)
        return fail(Errc::invalid_config, "replace_after: expected more than 0");
    if (staleness_max.count() < 0)
        return fail(Errc::invalid_config, "staleness_max: expected 0 or more");
    if (recheck_after.count() <= 0)
        return fail(Errc::invalid_config, "recheck_after: expected more than 0");
    if (reserve_for.count() <= 0 || reserve_for > std::chrono::hours(24))
        return fail(Errc::invalid_config, "reserve_for: expected more than 0, at most 24 hours");
    FARTHING_CHECK(check_range("max_fee_gwei", max_fee_gwei, 1, kFeeGweiMax));
    FARTHING_CHECK(check_range("in_flight_max", in_flight_max, 1, kInFlightMax));
    FARTHING_CHECK(check_range("batch_max", batch_max, 1, kBatchMax));
    if (batch_contract != "auto" && batch_contract != "multicall3")
        return fail(Errc::invalid_config, "batch_contract: expected auto or multicall3");
    if (batch_gas_max < gas_limit_max)
        return fail(Errc::invalid_config, "batch_gas_max: expected at least gas_limit_max");
    return {};
}

Result<> check_networks(const std::vector<NetworkConfig>& networks) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < networks.size(); ++i) {
        if (const auto valid = networks[i].validate(); !valid) {
            return fail(Errc::invalid_config,
                        fmt::format("network[{}].{}", i, valid.error().detail));
        }
        if (!seen.insert(networks[i].id.id).second) {
            return fail(Errc::invalid_config,
                        fmt::format("network[{}].id: {} is there twice", i, networks[i].id.id));
        }
    }
    return {};
}

namespace {

/// A key for a network that is not served would be one that is refused everywhere.
Result<> check_key_networks(const Config& config) {
    for (std::size_t i = 0; i < config.api_key.size(); ++i) {
        const auto& networks = config.api_key[i].network;
        for (std::size_t j = 0; j < networks.size(); ++j) {
            if (std::ranges::find(config.network, networks[j], &NetworkConfig::id) !=
                config.network.end())
                continue;
            return fail(Errc::invalid_config,
                        fmt::format("api_key[{}].network[{}]: {} is none of the networks", i, j,
                                    networks[j].id));
        }
    }
    return {};
}

}  // namespace

Result<> Config::validate() const {
    if (const auto valid = net::check_listen_address(listen); !valid)
        return fail(Errc::invalid_config, "listen: " + valid.error().detail);
    if (network.empty())
        return fail(Errc::invalid_config, "network: expected at least one [[network]]");
    FARTHING_CHECK(check_networks(network));
    FARTHING_CHECK(asset_table(asset));
    FARTHING_CHECK(check_api_keys(api_key));
    FARTHING_CHECK(check_key_networks(*this));
    FARTHING_CHECK(check_proxies(trusted_proxies));
    if (const auto valid = rate_limits.validate(); !valid)
        return fail(Errc::invalid_config, "rate_limits." + valid.error().detail);
    if (!screening) return {};
    if (const auto valid = screening->validate(); !valid)
        return fail(Errc::invalid_config, "screening." + valid.error().detail);
    return {};
}

Result<AssetTable> asset_table(const std::vector<Asset>& configured) {
    auto table = AssetTable::built_in();
    for (std::size_t i = 0; i < configured.size(); ++i) {
        if (auto added = table.add(configured[i]); !added) {
            return fail(Errc::invalid_config,
                        fmt::format("asset[{}]: {}", i, added.error().detail));
        }
    }
    return table;
}

}  // namespace farthing::facilitator
