// SPDX-License-Identifier: Apache-2.0
// The facilitator itself: verifies against the chain and settles with its own keys.
#pragma once

#include <map>
#include <memory>

#include "farthing/facilitator/config.hpp"
#include "farthing/facilitator/facilitator.hpp"
#include "farthing/facilitator/screening.hpp"
#include "farthing/io/env.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/net/client.hpp"
#include "farthing/settlement/tenure.hpp"
#include "farthing/store/stores.hpp"

namespace farthing::facilitator {

/// One loop.
class LocalFacilitator final : public Facilitator {
  public:
    /// Reads the keys and the list of who is refused. Errors: invalid_config.
    static Result<std::unique_ptr<LocalFacilitator>> make(Env env, Loop& loop, net::Client& client,
                                                          const Config& config);
    ~LocalFacilitator() override;

    /// Asks every chain who it is and compares the domain of each of its assets. Errors:
    /// invalid_config with what to change; rpc_failed, connection_failed when a node does not
    /// answer.
    Task<Result<>> check_chains();
    /// The same with other assets than those of the configuration: before they are offered.
    Task<Result<>> check_chains(AssetTable assets);
    /// Takes up what the process before left in the store: before the first payment. Errors:
    /// io_failed.
    Task<Result<>> recover();
    /// Settles until cancelled.
    Task<> run();
    /// Until the settlements in hand have ended.
    Task<> drain();

    Task<Result<v2::VerifyResponse>> verify(v2::Payment payment) override;
    Task<Result<v2::SettleResponse>> settle(v2::Payment payment, Asking asking) override;
    void unheard(const v2::Payment& payment) override;
    Task<Result<v2::SupportedResponse>> supported() override;

    /// Where its payments are; null when that is memory.
    [[nodiscard]] store::Database* database() const { return stores_.database.get(); }

    /// Looks at once whether the list of who is refused has changed.
    void reload_screening();

    /// Whether every chain answers and every key can pay for gas: what is wrong, or nothing.
    Task<std::vector<std::string>> not_ready();

  private:
    struct Unit;
    LocalFacilitator(Env env, AssetTable assets);
    [[nodiscard]] Unit* unit_of(const Network& network) const;
    /// The opened payment and who settles it. Errors: no_such_mechanism and the scheme's.
    struct Accepted;
    [[nodiscard]] Result<Accepted> accept(const v2::Payment& payment) const;
    Task<Result<>> examine(Accepted accepted);
    /// What has been begun is not screened again: who asks hears what became of it.
    Task<Result<>> screen(Accepted accepted, Transfer transfer, std::string asker);
    Task<Result<>> check_unit(Unit& unit, const AssetTable& assets);
    /// Through what this chain's payments go together.
    Task<Result<>> choose_batching(Unit& unit);
    Task<> watch_batching(Unit& unit);

    Env env_;
    AssetTable assets_;
    store::Stores stores_;
    std::unique_ptr<Screening> screening_;  ///< none: nobody is refused
    std::map<Network, std::unique_ptr<Unit>> units_;
    std::unique_ptr<settlement::Tenure> tenure_;  ///< among other nodes of the store
};

}  // namespace farthing::facilitator
