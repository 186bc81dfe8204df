// SPDX-License-Identifier: Apache-2.0
// Balances: what the chain says that the wallet has, held against what its ledger says. Money that
// comes in is nobody's business; money that left and is not in the ledger is an alert.
//
// Exact at each snapshot: it is taken at one block, every payment that was executed by then is
// settled in the ledger before it, and nothing that was settled before it can still be executed.
#pragma once

#include <vector>

#include "farthing/chain/chain.hpp"
#include "farthing/evm/assets.hpp"
#include "farthing/ledger/ledger.hpp"
#include "farthing/scheme/price.hpp"

namespace farthing::wallet {

struct Snapshot {
    ledger::Balance balance;
    std::optional<U256> missing;  ///< what left without the ledger
    bool low = false;             ///< below the limit, and was not before
    /// A receipt says settled, and the chain that the signature is unused and good: no snapshot
    /// was written, for the money may still leave. The decision.
    std::optional<ledger::Seq> waits_for;
};

/// One snapshot for each asset of this chain that the ledger knows, written with its alerts.
/// `low`: a symbol, or none for dollars, one for a unit. Errors: the chain's, the ledger's.
Task<Result<std::vector<Snapshot>>> take_balances(ledger::Ledger& ledger, chain::Chain& chain,
                                                  const AssetTable& assets,
                                                  std::optional<scheme::Money> low);

}  // namespace farthing::wallet
