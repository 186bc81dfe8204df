// SPDX-License-Identifier: Apache-2.0
// Tenure: a node among others on one store. It stays alive for the others, holds its part of the
// keys, and takes over what a node that is no more has left.
#pragma once

#include <string>
#include <vector>

#include "farthing/settlement/settler.hpp"
#include "farthing/store/leases.hpp"

namespace farthing::settlement {

struct TenureConfig {
    std::chrono::milliseconds ttl{6'000};    ///< after which a silent node is no more
    std::chrono::milliseconds renew{1'500};  ///< between renewals
    std::chrono::milliseconds look{200};     ///< between looks for what others have left
};

/// One executor.
class Tenure {
  public:
    Tenure(Env env, store::LeaseStore& leases, std::string node, TenureConfig config = {});

    /// The keys of one chain. Until `begin` none of them is this node's.
    void add(Lanes& lanes, Settler& settler);
    /// Before the first payment. Errors: io_failed.
    Task<Result<>> begin();
    Task<> run();
    /// At a clean stop: others need not wait.
    Task<> end();

  private:
    struct Chain {
        Lanes* lanes;
        Settler* settler;
    };
    Task<Result<>> renew();
    Task<> share_out(Chain chain, std::size_t nodes);
    Task<> adopt();
    [[nodiscard]] SteadyTime until(SteadyTime asked_at) const;

    Env env_;
    store::LeaseStore& leases_;
    std::string node_;
    TenureConfig config_;
    std::vector<Chain> chains_;
    std::size_t nodes_ = 1;  ///< alive, this one included
    bool ended_ = false;
};

}  // namespace farthing::settlement
