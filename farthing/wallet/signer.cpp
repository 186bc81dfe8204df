// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/signer.hpp"

namespace farthing::wallet {

LocalSigner::LocalSigner(PrivateKey key)
    : key_(std::make_shared<const PrivateKey>(std::move(key))), address_(address_of(*key_)) {}

Task<Result<Bytes>> LocalSigner::sign(eip712::Signable what) {
    co_return farthing::sign(what.digest, *key_).to_bytes();
}

Signer::AtHand LocalSigner::at_hand() const {
    return [key = key_](const Bytes32& digest) { return farthing::sign(digest, *key).to_bytes(); };
}

}  // namespace farthing::wallet
