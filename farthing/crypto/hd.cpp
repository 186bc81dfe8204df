// SPDX-License-Identifier: Apache-2.0
#include "farthing/crypto/hd.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <secp256k1.h>

#include <algorithm>

namespace farthing {
namespace {

constexpr std::size_t kSeedBytesMin = 16;
constexpr std::size_t kSeedBytesMax = 64;

/// A key and what it takes, beside it, to derive others.
struct Node {
    Bytes32 key;
    Bytes32 chain;

    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node() {
        wipe(&key, sizeof key);
        wipe(&chain, sizeof chain);
    }
};

using Hash512 = std::array<std::uint8_t, 64>;

Secret<Hash512> hmac_sha512(ByteView key, ByteView data) {
    Hash512 out{};
    unsigned size = 0;
    const auto* const done = HMAC(EVP_sha512(), key.data(), static_cast<int>(key.size()),
                                  data.data(), data.size(), out.data(), &size);
    invariant(done != nullptr && size == out.size(), "HMAC-SHA-512 gives 64 bytes");
    return Secret<Hash512>(out);
}

/// What a child is made of: the key itself when hardened, else the compressed public key.
Result<Secret<Bytes>> origin_of(const Bytes32& key, std::uint32_t index) {
    Bytes data;
    data.reserve(37);  // grows in place: no copy of the key stays behind
    if (index >= kHardened) {
        data.push_back(0);
        append(data, key);
    } else {
        FARTHING_TRY(const auto parent, make_key(key));
        const auto point = public_key(parent);
        data.push_back(point.back() % 2 == 0 ? 2 : 3);
        append(data, ByteView(point).first(32));
    }
    for (const int shift : {24, 16, 8, 0})
        data.push_back(static_cast<std::uint8_t>(index >> shift));
    return Secret<Bytes>(std::move(data));
}

/// Source: BIP-32, CKDpriv.
Result<> descend(Node& node, std::uint32_t index) {
    FARTHING_TRY(const auto origin, origin_of(node.key, index));
    const auto hash = hmac_sha512(node.chain, origin.reveal());
    const auto& bytes = hash.reveal();
    if (secp256k1_ec_seckey_tweak_add(secp256k1_context_static, node.key.data.data(),
                                      bytes.data()) != 1) {
        return fail(Errc::invalid_argument, "there is no such key: take the next one");
    }
    std::copy(bytes.begin() + 32, bytes.end(), node.chain.data.begin());
    return {};
}

}  // namespace

Result<Secret<Bytes>> pbkdf2_sha512(const Secret<std::string>& password, ByteView salt,
                                    std::uint32_t rounds) {
    Bytes out(sizeof(Hash512));
    const auto& text = password.reveal();
    const int done = PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()), salt.data(),
                                       static_cast<int>(salt.size()), static_cast<int>(rounds),
                                       EVP_sha512(), static_cast<int>(out.size()), out.data());
    Secret<Bytes> key(std::move(out));
    if (done != 1) {
        ERR_clear_error();
        return fail(Errc::internal, "PBKDF2 failed");
    }
    return key;
}

Result<PrivateKey> derive_key(const Secret<Bytes>& seed, std::span<const std::uint32_t> path) {
    const auto& bytes = seed.reveal();
    if (bytes.size() < kSeedBytesMin || bytes.size() > kSeedBytesMax) {
        return fail(Errc::invalid_argument, "seed: expected from 16 to 64 bytes");
    }
    Node node;
    {
        const auto hash = hmac_sha512(as_bytes("Bitcoin seed"), bytes);
        std::copy_n(hash.reveal().begin(), 32, node.key.data.begin());
        std::copy_n(hash.reveal().begin() + 32, 32, node.chain.data.begin());
    }
    for (const auto index : path) FARTHING_CHECK(descend(node, index));
    return make_key(node.key);
}

}  // namespace farthing
