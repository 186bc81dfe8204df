// SPDX-License-Identifier: Apache-2.0
// secp256k1 ECDSA with public key recovery, over libsecp256k1.
#pragma once

#include "farthing/base/bytes.hpp"
#include "farthing/base/result.hpp"
#include "farthing/base/secret.hpp"

namespace farthing {

/// A private key: 32 bytes, big-endian, in [1, n-1] (checked by `make_key`).
using PrivateKey = Secret<Bytes32>;

/// r ‖ s ‖ v as Ethereum carries it, v normalised to the recovery id 0 or 1.
struct Signature {
    Bytes32 r;
    Bytes32 s;
    std::uint8_t recovery_id = 0;

    friend bool operator==(const Signature&, const Signature&) = default;
    /// 65 bytes with v = 27 or 28.
    [[nodiscard]] Bytes to_bytes() const;
};

/// Uncompressed public key without its 0x04 prefix: x ‖ y.
using PublicKey = std::array<std::uint8_t, 64>;

/// Errors: invalid_argument when zero or not below the group order.
[[nodiscard]] Result<PrivateKey> make_key(const Bytes32& bytes);

/// Exactly 65 bytes, v in {0, 1, 27, 28}, r and s in range, s in the lower half (EIP-2: a high s is
/// a second encoding of the same authorisation). Errors: invalid_signature.
[[nodiscard]] Result<Signature> parse_signature(ByteView bytes);

/// RFC 6979 deterministic nonce, low s.
[[nodiscard]] Signature sign(const Bytes32& digest, const PrivateKey& key);

[[nodiscard]] PublicKey public_key(const PrivateKey& key);

/// Who signed `digest`. Errors: invalid_signature. Source: SEC 1 v2 section 4.1.6.
[[nodiscard]] Result<PublicKey> recover(const Bytes32& digest, const Signature& signature);

}  // namespace farthing
