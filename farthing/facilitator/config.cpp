// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "farthing/net/http.hpp"
#include "farthing/net/server.hpp"

namespace farthing::facilitator {
namespace {

constexpr std::size_t kEndpointsMax = 16;

}  // namespace

Result<> RpcUrls::validate() const {
    if (urls.empty() || urls.size() > kEndpointsMax) {
        return fail(Errc::invalid_config, fmt::format("expected 1 to {} URLs", kEndpointsMax));
    }
    for (std::size_t i = 0; i < urls.size(); ++i) {
        const auto url = net::parse_url(urls[i]);
        if (!url) return fail(Errc::invalid_config, url.error().detail);
        if (std::find(urls.begin(), urls.begin() + static_cast<std::ptrdiff_t>(i), urls[i]) !=
            urls.begin() + static_cast<std::ptrdiff_t>(i)) {
            return fail(Errc::invalid_config, "one URL is there twice");
        }
    }
    return {};
}

Result<> NetworkConfig::validate() const {
    if (!id.chain_id())
        return fail(Errc::invalid_config, "id: expected an eip155 network, got " + id.id);
    if (const auto valid = rpc.validate(); !valid)
        return fail(Errc::invalid_config, "rpc: " + valid.error().detail);
    if (const auto valid = key.validate(); !valid)
        return fail(Errc::invalid_config, "key: " + valid.error().detail);
    if (gas_limit_max < 21'000)
        return fail(Errc::invalid_config, "gas_limit_max: expected at least 21000");
    if (poll_interval.count() <= 0)
        return fail(Errc::invalid_config, "poll_interval: expected more than 0");
    if (rpc_timeout.count() <= 0)
        return fail(Errc::invalid_config, "rpc_timeout: expected more than 0");
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

Result<> Config::validate() const {
    if (const auto valid = net::check_listen_address(listen); !valid)
        return fail(Errc::invalid_config, "listen: " + valid.error().detail);
    if (network.empty())
        return fail(Errc::invalid_config, "network: expected at least one [[network]]");
    FARTHING_CHECK(check_networks(network));
    FARTHING_CHECK(asset_table(asset));
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

farthing::Result<farthing::facilitator::RpcUrls>
farthing::json::Codec<farthing::facilitator::RpcUrls>::decode(const Value& value,
                                                              const Path& path) {
    facilitator::RpcUrls rpc;
    if (value.is_string()) {
        FARTHING_TRY(auto one, json::decode<std::string>(value, path));
        rpc.urls.push_back(std::move(one));
        return rpc;
    }
    if (!value.is_array()) return path.error("expected a URL or a list of URLs");
    FARTHING_TRY(rpc.urls, json::decode<std::vector<std::string>>(value, path));
    return rpc;
}
