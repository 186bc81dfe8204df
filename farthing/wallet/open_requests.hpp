// SPDX-License-Identifier: Apache-2.0
// OpenRequests: those whose payment may have been made. They are not repeated blindly, for as long
// as their signature can be used, and neither after a restart: the ledger names them.
#pragma once

#include <map>
#include <optional>

#include "farthing/evm/assets.hpp"
#include "farthing/ledger/payments.hpp"
#include "farthing/wallet/payer.hpp"
#include "farthing/wallet/spending.hpp"

namespace farthing::wallet {

struct OpenRequest {
    Error error;  ///< of kind unknown
    std::optional<Decided> decided;
    Payment payment;
};

class OpenRequests {
  public:
    /// What earlier programs left. Errors: the ledger's.
    Task<Result<>> load(ledger::Ledger& ledger, const AssetTable& assets, UnixTime now);
    /// Nothing when the same request may buy.
    [[nodiscard]] const OpenRequest* find(const Bytes32& request, UnixTime now);
    /// From now on it is open. One that is already stays as it is.
    void begin(const Bytes32& request, const Payment& payment);
    /// What is known of it now, if that is its payment.
    void update(const Bytes32& request, OpenRequest known);
    /// It is known how this payment of it ended.
    void end(const Bytes32& request, const Bytes32& nonce);

  private:
    OpenRequest* of(const Bytes32& request, const Bytes32& nonce);
    std::map<Bytes32, OpenRequest> open_;
};

}  // namespace farthing::wallet
