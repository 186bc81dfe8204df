// SPDX-License-Identifier: Apache-2.0
// Which entry of a 402 to pay, if any, and why not the others. Pure: the same offer and rules give
// the same choice. An entry is payable when all of these hold, asked in this order:
//   1. it can be read, and its scheme is one we speak;
//   2. its network is an EVM chain, and on the buyer's list when there is one;
//   3. extra.paymentFlow is absent or "authorization": we do not pay before the work is done;
//   4. its asset is in the asset table, on the buyer's list when there is one, moved by EIP-3009,
//      and extra.name and extra.version are the table's: a signature for a look-alike token or
//      domain is a signature for anything;
//   5. its payTo is an address and not zero;
//   6. its maxTimeoutSeconds is from 1 second to one day (and we sign for an hour at the most);
//   7. its amount is at most the buyer's limit, one unit of an asset counting as one dollar.
// Of the payable ones the cheapest in dollars is chosen; of equally cheap ones, the first.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "farthing/evm/assets.hpp"
#include "farthing/scheme/price.hpp"
#include "farthing/wire/dialect.hpp"

namespace farthing::wallet {

/// What the buyer allows for one payment.
struct SpendRules {
    /// With a symbol (`0.10 USDC`) only assets of that symbol are paid. Default: ten cents.
    scheme::Money max_amount{U256(10), 2, {}};
    std::vector<Network> networks;     ///< empty: every network of the asset table
    std::vector<std::string> symbols;  ///< of assets; empty: every one of it
    std::uint64_t lifetime_seconds_max = 3600;
};

/// `$0.10` or `0.1 USDC`. Amounts in x402 are atomic, so a bare `2000` may well mean $0.002: it is
/// not taken for $2000. Errors: invalid_argument.
[[nodiscard]] Result<scheme::Money> parse_max_amount(std::string_view text);

inline constexpr std::uint64_t kTimeoutSecondsMax = 86'400;

/// One entry of `accepts`, judged.
struct Verdict {
    std::optional<v2::PaymentRequirements> requirements;  ///< nothing when it cannot be read
    const Asset* asset = nullptr;                         ///< when it is on the list
    std::optional<Error> refusal;                         ///< nothing when it is payable
};

struct Choice {
    std::vector<Verdict> verdicts;      ///< in the order of `accepts`
    std::optional<std::size_t> chosen;  ///< index into both
    /// Why nothing can be paid: over_limit when some entry failed for its amount alone, else
    /// no_acceptable_offer; the detail names every entry's reason.
    [[nodiscard]] Error refusal() const;
};

/// The verdicts point into `assets`, which must outlive them.
[[nodiscard]] Choice choose(const dialect::Offered& offered, const SpendRules& rules,
                            const AssetTable& assets);

}  // namespace farthing::wallet
