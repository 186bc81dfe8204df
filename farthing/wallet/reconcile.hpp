// SPDX-License-Identifier: Apache-2.0
// Reconciling: what is still reserved, and what the chain says of it. A reservation is released
// only on proof, and settled when the authorisation was used.
#pragma once

#include <vector>

#include "farthing/chain/chain.hpp"
#include "farthing/ledger/payments.hpp"

namespace farthing::wallet {

/// A decision that still holds its reservation, with its signature if there is one.
[[nodiscard]] Task<Result<std::vector<ledger::Payment>>> reserved(ledger::Ledger& ledger);

/// How long after its decision a payment without a signature is given up. Should its process only
/// be slow, the ledger refuses the signature that comes after.
inline constexpr std::uint64_t kUnsignedPatienceSeconds = 600;

struct Reconciled {
    std::uint64_t settled = 0;
    std::uint64_t released = 0;
    std::uint64_t open = 0;  ///< not known yet, or on a chain that was not asked
};

/// `chain` may be null: then only what was never signed ends. Errors: the chain's, the ledger's.
Task<Result<Reconciled>> reconcile(ledger::Ledger& ledger, std::uint64_t now, chain::Chain* chain,
                                   std::uint64_t patience = kUnsignedPatienceSeconds);

}  // namespace farthing::wallet
