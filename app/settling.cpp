// SPDX-License-Identifier: Apache-2.0
#include "app/settling.hpp"

#include "farthing/gateway/admin.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/store/sql_leases.hpp"
#include "farthing/store/sql_purchases.hpp"

namespace farthing::app {
namespace {

constexpr std::chrono::seconds kSupportedPatience{5};
constexpr std::size_t kFacilitatorAnswerBytesMax = 1 << 20;

Task<Result<v2::SupportedResponse>> ask_supported(Settling& settling) {
    auto asking = settling.remote->supported();
    auto supported = co_await with_deadline(std::move(asking), kSupportedPatience);
    co_return supported;
}

}  // namespace

void fill_in_stores(gateway::Config& config, const std::string& config_file) {
    auto& embedded = config.facilitator.store;
    if (config.store.empty()) config.store = embedded;
    if (config.store.empty()) config.store = default_store(config_file);
    if (embedded.empty()) embedded = config.store;
}

Result<Recording> make_recording(World& world, const gateway::Config& config,
                                 const Settling& settling) {
    Recording out;
    if (config.store == "memory") return out;
    auto* database = settling.local && config.store == config.facilitator.store
                         ? settling.local->database()
                         : nullptr;
    if (database == nullptr) {
        FARTHING_TRY(out.own, store::Database::open(world.env(), world.loop, config.store));
        database = out.own.get();
    }
    out.node = store::make_node_id(world.random);
    out.purchases = std::make_unique<store::SqlPurchases>(*database, out.node);
    out.leases = std::make_unique<store::SqlLeases>(*database, out.node);
    return out;
}

Result<Settling> make_settling(World& world, const gateway::Config& config) {
    Settling out;
    net::ClientConfig limits;
    limits.body_bytes_max = kFacilitatorAnswerBytesMax;
    const auto& wanted = config.facilitator;
    if (!wanted.url) {
        out.client = net::Client::make(world.env(), world.loop, limits);
        facilitator::Config embedded;
        embedded.network = wanted.network;
        embedded.asset = config.asset;
        embedded.store = wanted.store;
        embedded.screening = wanted.screening;
        FARTHING_TRY(out.local, facilitator::LocalFacilitator::make(world.env(), world.loop,
                                                                    *out.client, embedded));
        return out;
    }
    // The deadline of a whole call is the facilitator's own; nothing within it is cut off earlier.
    limits.response_timeout = wanted.timeout;
    limits.read_timeout = wanted.timeout;
    out.client = net::Client::make(world.env(), world.loop, limits);
    facilitator::RemoteConfig remote;
    FARTHING_TRY(remote.url, net::parse_url(*wanted.url));
    remote.timeout = wanted.timeout;
    for (const auto& header : wanted.header) {
        auto value = header.value.load();
        if (!value)
            return fail(Errc::invalid_config,
                        "facilitator.header " + header.name + ": " + value.error().detail);
        remote.headers.emplace_back(header.name, std::move(*value));
    }
    out.remote = std::make_unique<facilitator::RemoteFacilitator>(world.env(), *out.client,
                                                                  std::move(remote));
    return out;
}

Task<Result<>> check_settling(World& world, Settling& settling, const gateway::Site& site) {
    if (settling.local) {
        auto checked = co_await settling.local->check_chains();
        if (!checked) co_return checked;
        auto recovered = co_await settling.local->recover();
        co_return recovered;
    }
    const auto supported = co_await ask_supported(settling);
    if (supported) co_return gateway::check_supported(site, *supported);
    world.log->warn("facilitator_does_not_answer", {{"reason", to_string(supported.error())}});
    co_return Result<>{};
}

Task<Result<>> check_reload(Settling& settling, const gateway::Config& config,
                            const gateway::Site& site) {
    if (settling.local) {
        FARTHING_CO_TRY(auto assets, facilitator::asset_table(config.asset));
        auto checked = co_await settling.local->check_chains(std::move(assets));
        co_return checked;
    }
    const auto supported = co_await ask_supported(settling);
    if (supported) co_return gateway::check_supported(site, *supported);
    co_return fail(supported.error().code, "facilitator: " + supported.error().detail);
}

Task<std::vector<std::string>> not_ready(Settling& settling) {
    if (settling.local) {
        auto reasons = co_await settling.local->not_ready();
        co_return reasons;
    }
    std::vector<std::string> reasons;
    const auto supported = co_await ask_supported(settling);
    if (!supported) reasons.push_back("facilitator: " + to_string(supported.error()));
    co_return reasons;
}

}  // namespace farthing::app
