// SPDX-License-Identifier: Apache-2.0
// Keys derived from a seed, over OpenSSL and libsecp256k1. Source: BIP-32.
#pragma once

#include <span>

#include "farthing/crypto/ecdsa.hpp"

namespace farthing {

/// Added to a number of a path whose key must not follow from the public key above it: 44'.
inline constexpr std::uint32_t kHardened = 0x8000'0000;

/// PBKDF2 with HMAC-SHA-512, 64 bytes. Source: RFC 8018 section 5.2. Errors: internal.
[[nodiscard]] Result<Secret<Bytes>> pbkdf2_sha512(const Secret<std::string>& password,
                                                  ByteView salt, std::uint32_t rounds);

/// The key at `path` below the master key of `seed` (16 to 64 bytes). Errors: invalid_argument (no
/// such seed; once in 2^127 times, no such key).
[[nodiscard]] Result<PrivateKey> derive_key(const Secret<Bytes>& seed,
                                            std::span<const std::uint32_t> path);

}  // namespace farthing
