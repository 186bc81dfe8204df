// SPDX-License-Identifier: Apache-2.0
// Fees: what a transaction offers for its gas, never more than the operator allows. Source:
// EIP-1559.
#pragma once

#include <optional>

#include "farthing/base/result.hpp"
#include "farthing/chain/chain.hpp"

namespace farthing::settlement {

/// What the chain asks now, under the ceiling (wei per gas). Errors: unexpected_settle_error (the
/// base fee is above it).
[[nodiscard]] Result<chain::Fees> fees_within(const chain::Fees& now, const U256& ceiling);

/// What the next version of a transaction must offer so that every node takes it in the place of
/// the last: an eighth more of both (nodes want a tenth), and no less than the chain asks now.
/// Nothing when that is above the ceiling.
[[nodiscard]] std::optional<chain::Fees> fees_to_replace(const chain::Fees& last,
                                                         const chain::Fees& now,
                                                         const U256& ceiling);

}  // namespace farthing::settlement
