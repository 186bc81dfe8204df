// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/config.hpp"

#include <fmt/format.h>

#include <set>

#include "farthing/net/http.hpp"
#include "farthing/net/server.hpp"

namespace farthing::facilitator {

Result<> NetworkConfig::validate() const {
    if (!id.chain_id())
        return fail(Errc::invalid_config, "id: expected an eip155 network, got " + id.id);
    if (const auto url = net::parse_url(rpc); !url)
        return fail(Errc::invalid_config, "rpc: " + url.error().detail);
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
