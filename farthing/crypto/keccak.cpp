// SPDX-License-Identifier: Apache-2.0
#include "farthing/crypto/keccak.hpp"

#include <botan/keccak.h>

namespace farthing {

Bytes32 keccak256(ByteView data) { return keccak256({data}); }

Bytes32 keccak256(std::initializer_list<ByteView> parts) {
    // One object a thread: making one costs more than hashing 64 bytes.
    static thread_local Botan::Keccak_1600 hash(256);
    for (const auto part : parts) hash.update(part.data(), part.size());
    Bytes32 out;
    hash.final(out.data.data());
    return out;
}

}  // namespace farthing
