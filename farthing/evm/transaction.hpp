// SPDX-License-Identifier: Apache-2.0
// EIP-1559 transactions: built, hashed and signed here, sent as raw bytes, and read from
// them again after a restart.
#pragma once

#include "farthing/crypto/ecdsa.hpp"
#include "farthing/evm/address.hpp"
#include "farthing/evm/u256.hpp"

namespace farthing {

/// A type 2 transaction without an access list. Fees in wei per gas. Source: EIP-1559.
struct Transaction {
    std::uint64_t chain_id = 0;
    std::uint64_t nonce = 0;
    U256 max_priority_fee_per_gas;
    U256 max_fee_per_gas;
    std::uint64_t gas_limit = 0;
    Address to;
    U256 value;
    Bytes data;
};

struct SignedTransaction {
    Bytes raw;     ///< 0x02 ‖ rlp(…), what eth_sendRawTransaction takes
    Bytes32 hash;  ///< known before it is sent, so a lost answer can be asked for
};

/// What the key signs.
[[nodiscard]] Bytes32 signing_hash(const Transaction& transaction);
[[nodiscard]] SignedTransaction sign(const Transaction& transaction, const PrivateKey& key);

/// A signed transaction, read from its bytes.
struct ReadTransaction {
    Transaction fields;
    Address sender;
    Bytes32 hash;
};
/// Errors: invalid_encoding (not exactly one signed transaction of type 2 without an access list).
[[nodiscard]] Result<ReadTransaction> read_transaction(ByteView raw);

}  // namespace farthing
