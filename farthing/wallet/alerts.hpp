// SPDX-License-Identifier: Apache-2.0
// What the operator is told of a decision. An alert is an entry of the ledger first, written in the
// transaction of what it is about; telling it to somebody comes after (alerter.hpp).
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "farthing/ledger/ledger.hpp"
#include "farthing/policy/decide.hpp"

namespace farthing::wallet {

namespace alert {
inline constexpr std::string_view kThreshold = "threshold";
inline constexpr std::string_view kApprovalWanted = "approval_wanted";
inline constexpr std::string_view kRefusalBurst = "refusal_burst";
inline constexpr std::string_view kNewVendor = "new_vendor";
inline constexpr std::string_view kPriceDrift = "price_drift";
inline constexpr std::string_view kPayToChanged = "pay_to_changed";
inline constexpr std::string_view kBalanceLow = "balance_low";
inline constexpr std::string_view kDifference = "reconciliation_difference";
inline constexpr std::array<std::string_view, 8> kNames{kThreshold,  kApprovalWanted, kRefusalBurst,
                                                        kNewVendor,  kPriceDrift,     kPayToChanged,
                                                        kBalanceLow, kDifference};
}  // namespace alert

/// So many refusals within this time are a burst, told once in it.
inline constexpr std::size_t kBurst = 5;
inline constexpr ledger::UnixMillis kBurstWithin = 600'000;

/// What is known of a decision besides itself.
struct Circumstances {
    bool named = false;                     ///< the pact names the vendor
    bool first = false;                     ///< never paid before
    std::optional<std::string> pay_to_was;  ///< the vendor's address until now, when it changes
};

/// Pure. `entry` is the decision as the ledger has it, `seq` its place.
[[nodiscard]] std::vector<ledger::Alert> alerts_of(const policy::Decision& decision,
                                                   const ledger::Decision& entry, ledger::Seq seq,
                                                   const Circumstances& known);
/// The burst that the refusal just written completes, if it does.
[[nodiscard]] Result<std::optional<ledger::Alert>> refusal_burst(ledger::Transaction& transaction);
/// Those that were not told in the same words a short while ago: who asks again and again makes one
/// alert. Thresholds are crossed once, and always told.
[[nodiscard]] Result<std::vector<ledger::Alert>> without_repeats(ledger::Transaction& transaction,
                                                                 std::vector<ledger::Alert> alerts);

}  // namespace farthing::wallet
