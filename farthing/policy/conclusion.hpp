// SPDX-License-Identifier: Apache-2.0
// From what stands in the way to a decision.
#pragma once

#include "farthing/policy/decide.hpp"

namespace farthing::policy {

inline constexpr std::string_view kAskOperator = "ask the operator";

/// Completes `decision`, of which the pact and the alerts are known. An approval that is about this
/// payment and covers everything which asks makes an ask an allow; nothing does that to a refusal.
[[nodiscard]] Decision conclude(Decision decision, std::vector<Finding> findings,
                                Reservation payment, std::span<const Approval> approvals,
                                std::uint64_t now);

}  // namespace farthing::policy
