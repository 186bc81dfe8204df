// SPDX-License-Identifier: Apache-2.0
// PAYMENT-RESPONSE: what the server says became of our payment, held against what we signed. Pure.
// Source: protocol.md sections 2.1 and 4.
#pragma once

#include <optional>
#include <string>

#include "farthing/evm/address.hpp"
#include "farthing/net/http.hpp"
#include "farthing/wire/v2.hpp"

namespace farthing::wallet {

/// What was signed, as far as a receipt can contradict it.
struct Signed {
    Network network;
    U256 amount;
    Address payer;
};

/// The settlement a response carries, in version 2 or version 1 spelling. Nothing when it carries
/// none. Errors: receipt_invalid when it cannot be read, or there are several that differ.
[[nodiscard]] Result<std::optional<v2::SettleResponse>> read_receipt(const net::Headers& headers);

/// A settled payment must be ours: success, our network, our payer when it names one, a transaction
/// hash, and no more than we signed. Gives the hash. Errors: receipt_invalid, naming the member.
[[nodiscard]] Result<Bytes32> check_receipt(const v2::SettleResponse& receipt, const Signed& ours);

/// The transaction a settlement names, if it is a hash and not zero.
[[nodiscard]] std::optional<Bytes32> transaction_of(const v2::SettleResponse& receipt);

}  // namespace farthing::wallet
