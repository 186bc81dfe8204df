// SPDX-License-Identifier: Apache-2.0
#include "farthing/crypto/hmac.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "farthing/base/result.hpp"

namespace farthing {

Bytes32 hmac_sha256(ByteView key, ByteView data) {
    Bytes32 out;
    unsigned size = 0;
    const auto* const done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                  data.data(), data.size(), out.data.data(), &size);
    invariant(done != nullptr && size == out.data.size(), "HMAC-SHA-256 gives 32 bytes");
    return out;
}

}  // namespace farthing
