// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/transaction.hpp"

#include <algorithm>

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

Result<ReadTransaction> read_transaction(ByteView raw) {
    if (raw.empty() || raw[0] != kDynamicFee) {
        return fail(Errc::invalid_encoding, "not a transaction of type 2");
    }
    rlp::Reader whole(raw.subspan(1));
    FARTHING_TRY(const auto list, whole.next());
    rlp::Reader reader(list);
    ReadTransaction out;
    auto& fields = out.fields;
    FARTHING_TRY(fields.chain_id, reader.small());
    FARTHING_TRY(fields.nonce, reader.small());
    FARTHING_TRY(fields.max_priority_fee_per_gas, reader.number());
    FARTHING_TRY(fields.max_fee_per_gas, reader.number());
    FARTHING_TRY(fields.gas_limit, reader.small());
    FARTHING_TRY(const auto to, reader.next());
    if (to.size() != fields.to.data.size()) {
        return fail(Errc::invalid_encoding, "the transaction has no recipient");
    }
    std::ranges::copy(to, fields.to.data.begin());
    FARTHING_TRY(fields.value, reader.number());
    FARTHING_TRY(const auto data, reader.next());
    fields.data.assign(data.begin(), data.end());
    FARTHING_TRY(const auto access, reader.next());
    Signature signature;
    FARTHING_TRY(const auto parity, reader.small());
    FARTHING_TRY(const auto r, reader.number());
    FARTHING_TRY(const auto s, reader.number());
    if (!access.empty() || parity > 1 || !reader.at_end() || !whole.at_end()) {
        return fail(Errc::invalid_encoding, "more or less than one transaction");
    }
    signature.recovery_id = static_cast<std::uint8_t>(parity);
    signature.r = r.to_bytes();
    signature.s = s.to_bytes();
    FARTHING_TRY(const auto key, recover(signing_hash(fields), signature));
    out.sender = address_of(key);
    out.hash = keccak256(raw);
    return out;
}

}  // namespace farthing
