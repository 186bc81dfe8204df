// SPDX-License-Identifier: Apache-2.0
// Prices: money text to atomic units without floating point. Source: protocol.md section 5.9.
#pragma once

#include <string>

#include "farthing/evm/assets.hpp"

namespace farthing::scheme {

/// An exact decimal number of dollars: `units` / 10^`scale`. "$0.001" is {1, 3, ""}.
struct Money {
    U256 units;
    unsigned scale = 0;
    std::string symbol;  ///< upper case ticker, or empty for plain dollars

    friend bool operator==(const Money&, const Money&) = default;
};

/// `$0.001`, `0.001`, `0.01 USDC`, `$ 2`; at most 30 digits after the point. Errors: invalid_field.
[[nodiscard]] Result<Money> parse_money(std::string_view text);

/// Atomic units of a token with `decimals`; further digits are cut off, as the reference does.
/// Errors: overflow.
[[nodiscard]] Result<U256> to_atomic(const Money& money, std::uint32_t decimals);

/// Which of two amounts of different tokens is worth more, each token at one dollar a unit.
[[nodiscard]] std::strong_ordering compare_value(const U256& a, std::uint32_t a_decimals,
                                                 const U256& b, std::uint32_t b_decimals);
/// Whether `amount` of a token with `decimals` is worth more than `limit`.
[[nodiscard]] bool exceeds(const U256& amount, std::uint32_t decimals, const Money& limit);

/// `$0.001 USDC` for people.
[[nodiscard]] std::string describe(const U256& amount, const Asset& asset);

/// A price as configuration states it: money text (a string), or `{ amount = "1000", asset = "0x…"
/// }` in atomic units.
struct Price {
    std::optional<Money> money;
    std::optional<U256> amount;
    std::optional<Address> asset;
    friend bool operator==(const Price&, const Price&) = default;
};

/// The token and atomic amount of a price on a network; the amount may be zero after truncation.
/// Errors: invalid_config (no asset there), overflow.
struct Priced {
    const Asset* asset;
    U256 amount;
};
[[nodiscard]] Result<Priced> resolve_price(const Price& price, const Network& network,
                                           const AssetTable& assets);

}  // namespace farthing::scheme

template <>
struct farthing::json::Codec<farthing::scheme::Price> {
    static Result<scheme::Price> decode(const Value& value, const Path& path);
    static Value encode(const scheme::Price& price);
};
