// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/fees.hpp"

#include <algorithm>

namespace farthing::settlement {
namespace {

/// An eighth more, and at least one wei. Nothing when that is out of range.
std::optional<U256> raised(const U256& fee) {
    const auto eighth = fee.checked_div(U256(8));
    const auto more = eighth ? fee.checked_add(*eighth) : std::nullopt;
    return more ? more->checked_add(U256(1)) : std::nullopt;
}

}  // namespace

Result<chain::Fees> fees_within(const chain::Fees& now, const U256& ceiling) {
    if (now.base_fee > ceiling) {
        return fail(Errc::unexpected_settle_error, "the base fee of " + now.base_fee.to_decimal() +
                                                       " wei per gas is above the ceiling of " +
                                                       ceiling.to_decimal());
    }
    auto fees = now;
    fees.max_fee = std::min(now.max_fee, ceiling);
    fees.priority_fee = std::min(now.priority_fee, fees.max_fee);
    return fees;
}

std::optional<chain::Fees> fees_to_replace(const chain::Fees& last, const chain::Fees& now,
                                           const U256& ceiling) {
    const auto max_fee = raised(last.max_fee);
    const auto priority_fee = raised(last.priority_fee);
    if (!max_fee || !priority_fee || *max_fee > ceiling) return std::nullopt;
    auto fees = now;
    fees.max_fee = std::clamp(now.max_fee, *max_fee, ceiling);
    fees.priority_fee = std::min(std::max(now.priority_fee, *priority_fee), fees.max_fee);
    return fees;
}

}  // namespace farthing::settlement
