// SPDX-License-Identifier: Apache-2.0
// Quotes: what sellers said that a request costs, until the same request is paid for: a price that
// rises in between is one that the pact asks about (price_drift).
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "farthing/evm/u256.hpp"
#include "farthing/io/clock.hpp"
#include "farthing/wallet/payer.hpp"

namespace farthing::wallet {

/// One offer of a quote.
struct QuotedPrice {
    Network network;
    Address asset;
    U256 amount;  ///< atomic units
};

/// The lowest of what was quoted in this asset.
[[nodiscard]] std::optional<U256> price_in(const std::vector<QuotedPrice>& quoted,
                                           const Network& network, const Address& asset);

class Quotes {
  public:
    /// The newest quote of a request counts, for an hour.
    void note(const Bytes32& request, const Quote& quote, UnixTime now);
    [[nodiscard]] std::vector<QuotedPrice> of(const Bytes32& request, UnixTime now) const;

  private:
    struct Noted {
        UnixTime time;
        std::vector<QuotedPrice> prices;
    };
    void make_room(UnixTime now);
    std::map<Bytes32, Noted> noted_;
};

}  // namespace farthing::wallet
