// SPDX-License-Identifier: Apache-2.0
// SHA-256, over OpenSSL. For our own files and settings; Ethereum hashes with keccak-256.
#pragma once

#include "farthing/base/bytes.hpp"

namespace farthing {

/// Source: FIPS 180-4.
[[nodiscard]] Bytes32 sha256(ByteView data);
[[nodiscard]] inline Bytes32 sha256(std::string_view text) { return sha256(as_bytes(text)); }

}  // namespace farthing
