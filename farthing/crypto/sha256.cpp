// SPDX-License-Identifier: Apache-2.0
#include "farthing/crypto/sha256.hpp"

#include <openssl/sha.h>

namespace farthing {

Bytes32 sha256(ByteView data) {
    Bytes32 out;
    ::SHA256(data.data(), data.size(), out.data.data());
    return out;
}

}  // namespace farthing
