// SPDX-License-Identifier: Apache-2.0
// Who settles what a gateway sells, and whether they can.
#pragma once

#include "app/world.hpp"
#include "farthing/facilitator/local.hpp"
#include "farthing/facilitator/remote.hpp"
#include "farthing/gateway/register.hpp"
#include "farthing/gateway/site.hpp"
#include "farthing/store/stores.hpp"

namespace farthing::app {

/// Who settles: the embedded facilitator or one somewhere else.
struct Settling {
    std::unique_ptr<net::Client> client;
    std::unique_ptr<facilitator::LocalFacilitator> local;
    std::unique_ptr<facilitator::RemoteFacilitator> remote;

    [[nodiscard]] facilitator::Facilitator& facilitator() const {
        if (local) return *local;
        return *remote;
    }
};

/// Where a gateway's own payments are.
struct Recording {
    std::unique_ptr<store::Database> own;  ///< null when it is the embedded facilitator's, or none
    std::unique_ptr<store::PurchaseStore> purchases;
    std::unique_ptr<store::LeaseStore> leases;
    std::string node;

    [[nodiscard]] gateway::Durable durable() const { return {purchases.get(), leases.get(), node}; }
};

/// What a configuration leaves out: one store for the gateway and its embedded facilitator, beside
/// the file.
void fill_in_stores(gateway::Config& config, const std::string& config_file);

/// On the embedded facilitator's database when it is the same. Errors: those of Database::open.
[[nodiscard]] Result<Recording> make_recording(World& world, const gateway::Config& config,
                                               const Settling& settling);

/// Errors: invalid_config.
[[nodiscard]] Result<Settling> make_settling(World& world, const gateway::Config& config);

/// What is wrong before the first request: a chain, an asset, an offer nobody settles. A remote
/// facilitator that does not answer yet is no reason to stay down.
Task<Result<>> check_settling(World& world, Settling& settling, const gateway::Site& site);

/// The same of a configuration that is to replace the one that serves: there, no answer is a reason
/// to keep what there is.
Task<Result<>> check_reload(Settling& settling, const gateway::Config& config,
                            const gateway::Site& site);

/// Why no payment can be settled now, or nothing.
Task<std::vector<std::string>> not_ready(Settling& settling);

}  // namespace farthing::app
