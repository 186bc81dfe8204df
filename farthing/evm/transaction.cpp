// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/transaction.hpp"

#include "farthing/crypto/keccak.hpp"
#include "farthing/evm/rlp.hpp"

namespace farthing {
namespace {

constexpr std::uint8_t kDynamicFee = 0x02;

std::vector<Bytes> items(const Transaction& t) {
    return {rlp::number(t.chain_id),
            rlp::number(t.nonce),
            rlp::number(t.max_priority_fee_per_gas),
            rlp::number(t.max_fee_per_gas),
            rlp::number(t.gas_limit),
            rlp::string(t.to),
            rlp::number(t.value),
            rlp::string(t.data),
            rlp::list({})};
}

Bytes typed(const std::vector<Bytes>& fields) {
    Bytes out{kDynamicFee};
    append(out, rlp::list(fields));
    return out;
}

}  // namespace

Bytes32 signing_hash(const Transaction& transaction) {
    return keccak256(ByteView(typed(items(transaction))));
}

SignedTransaction sign(const Transaction& transaction, const PrivateKey& key) {
    auto fields = items(transaction);
    const auto signature = sign(keccak256(ByteView(typed(fields))), key);
    fields.push_back(rlp::number(signature.recovery_id));
    fields.push_back(rlp::number(U256::from_bytes(signature.r)));
    fields.push_back(rlp::number(U256::from_bytes(signature.s)));
    SignedTransaction out{.raw = typed(fields), .hash = {}};
    out.hash = keccak256(ByteView(out.raw));
    return out;
}

}  // namespace farthing
