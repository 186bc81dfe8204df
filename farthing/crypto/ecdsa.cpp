// SPDX-License-Identifier: Apache-2.0
#include "farthing/crypto/ecdsa.hpp"

#include <openssl/rand.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include <algorithm>

namespace farthing {
namespace {

/// n/2 of secp256k1: the greatest s that counts as low.
constexpr std::array<std::uint8_t, 32> kHalfOrder{
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};

/// Thread-safe once made: it is only read. Blinded against side channels with fresh randomness.
const secp256k1_context* context() {
    static const secp256k1_context* const made = [] {
        auto* fresh = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
        std::array<std::uint8_t, 32> seed{};
        invariant(RAND_bytes(seed.data(), static_cast<int>(seed.size())) == 1,
                  "the system has randomness");
        invariant(secp256k1_context_randomize(fresh, seed.data()) == 1,
                  "secp256k1 context is blinded");
        return fresh;
    }();
    return made;
}

Result<secp256k1_ecdsa_recoverable_signature> to_library(const Signature& signature) {
    std::array<std::uint8_t, 64> compact{};
    std::ranges::copy(signature.r.data, compact.begin());
    std::ranges::copy(signature.s.data, compact.begin() + 32);
    secp256k1_ecdsa_recoverable_signature parsed;
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(context(), &parsed, compact.data(),
                                                            signature.recovery_id) != 1) {
        return fail(Errc::invalid_signature, "r or s out of range");
    }
    return parsed;
}

PublicKey serialize(const secp256k1_pubkey& key) {
    std::array<std::uint8_t, 65> uncompressed{};
    std::size_t size = uncompressed.size();
    secp256k1_ec_pubkey_serialize(context(), uncompressed.data(), &size, &key,
                                  SECP256K1_EC_UNCOMPRESSED);
    PublicKey out;
    std::copy(uncompressed.begin() + 1, uncompressed.end(), out.begin());
    return out;
}

}  // namespace

Bytes Signature::to_bytes() const {
    Bytes out;
    out.reserve(65);
    append(out, r);
    append(out, s);
    out.push_back(static_cast<std::uint8_t>(27 + recovery_id));
    return out;
}

Result<PrivateKey> make_key(const Bytes32& bytes) {
    if (secp256k1_ec_seckey_verify(context(), bytes.data.data()) != 1) {
        return fail(Errc::invalid_argument, "private key: expected a number in [1, n-1]");
    }
    return PrivateKey(bytes);
}

Result<Signature> parse_signature(ByteView bytes) {
    if (bytes.size() != 65) return fail(Errc::invalid_signature, "expected 65 bytes");
    Signature signature;
    std::copy_n(bytes.begin(), 32, signature.r.data.begin());
    std::copy_n(bytes.begin() + 32, 32, signature.s.data.begin());
    const auto v = bytes[64];
    if (v > 1 && v != 27 && v != 28) {
        return fail(Errc::invalid_signature, "expected v to be 0, 1, 27 or 28");
    }
    signature.recovery_id = v >= 27 ? static_cast<std::uint8_t>(v - 27) : v;
    // The library refuses n and above, but takes zero until it recovers.
    if (signature.r == Bytes32{} || signature.s == Bytes32{})
        return fail(Errc::invalid_signature, "r or s is zero");
    if (signature.s.data > kHalfOrder)
        return fail(Errc::invalid_signature, "s is in the upper half");
    FARTHING_CHECK(to_library(signature));
    return signature;
}

Signature sign(const Bytes32& digest, const PrivateKey& key) {
    secp256k1_ecdsa_recoverable_signature made;
    const int done = secp256k1_ecdsa_sign_recoverable(context(), &made, digest.data.data(),
                                                      key.reveal().data.data(), nullptr, nullptr);
    invariant(done == 1, "a checked key signs");
    std::array<std::uint8_t, 64> compact{};
    int recovery_id = 0;
    secp256k1_ecdsa_recoverable_signature_serialize_compact(context(), compact.data(), &recovery_id,
                                                            &made);
    Signature signature;
    std::copy_n(compact.begin(), 32, signature.r.data.begin());
    std::copy_n(compact.begin() + 32, 32, signature.s.data.begin());
    signature.recovery_id = static_cast<std::uint8_t>(recovery_id);
    return signature;
}

PublicKey public_key(const PrivateKey& key) {
    secp256k1_pubkey made;
    const int done = secp256k1_ec_pubkey_create(context(), &made, key.reveal().data.data());
    invariant(done == 1, "a checked key has a public key");
    return serialize(made);
}

Result<PublicKey> recover(const Bytes32& digest, const Signature& signature) {
    FARTHING_TRY(const auto parsed, to_library(signature));
    secp256k1_pubkey key;
    if (secp256k1_ecdsa_recover(context(), &key, &parsed, digest.data.data()) != 1) {
        return fail(Errc::invalid_signature, "no public key fits");
    }
    return serialize(key);
}

}  // namespace farthing
