// SPDX-License-Identifier: Apache-2.0
// HMAC-SHA-256, over OpenSSL: for messages whose receiver shares a secret with us.
#pragma once

#include "farthing/base/bytes.hpp"

namespace farthing {

/// Source: RFC 2104.
[[nodiscard]] Bytes32 hmac_sha256(ByteView key, ByteView data);

}  // namespace farthing
