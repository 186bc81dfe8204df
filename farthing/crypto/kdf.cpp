// SPDX-License-Identifier: Apache-2.0
#include "farthing/crypto/kdf.hpp"

#include <botan/scrypt.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <bit>
#include <exception>
#include <memory>
#include <new>

namespace farthing {

Result<> check_cost(const ScryptCost& cost) {
    if (cost.n < 2 || !std::has_single_bit(cost.n)) {
        return fail(Errc::invalid_argument, "n: expected a power of two, at least 2");
    }
    if (cost.r == 0 || cost.r > kScryptRMax) {
        return fail(Errc::invalid_argument, fmt::format("r: expected from 1 to {}", kScryptRMax));
    }
    if (cost.p == 0 || cost.p > kScryptPMax) {
        return fail(Errc::invalid_argument, fmt::format("p: expected from 1 to {}", kScryptPMax));
    }
    // n is bounded before it is multiplied, so that no product wraps.
    if (cost.n > kScryptMemoryMax / (128 * cost.r)) {
        return fail(
            Errc::invalid_argument,
            fmt::format("n: n and r ask for more than {} MiB of memory", kScryptMemoryMax >> 20));
    }
    if (cost.n * cost.r * cost.p > kScryptWorkMax) {
        return fail(Errc::invalid_argument,
                    fmt::format("p: n, r and p ask for more work than {}", kScryptWorkMax));
    }
    return {};
}

Result<DerivedKey> scrypt(const Secret<std::string>& password, ByteView salt,
                          const ScryptCost& cost) {
    FARTHING_CHECK(check_cost(cost));
    const auto& text = password.reveal();
    Bytes32 out;
    try {
        Botan::Scrypt(cost.n, cost.r, cost.p)
            .derive_key(out.data.data(), out.data.size(), text.data(), text.size(), salt.data(),
                        salt.size());
    } catch (const std::bad_alloc&) {
        return fail(Errc::too_large, "scrypt: the system has not the memory that n and r ask for");
    } catch (const std::exception& error) {
        return fail(Errc::invalid_argument, fmt::format("n: {}", error.what()));
    }
    DerivedKey key(out);
    wipe(&out, sizeof out);
    return key;
}

Result<DerivedKey> pbkdf2_sha256(const Secret<std::string>& password, ByteView salt,
                                 std::uint64_t rounds) {
    if (rounds == 0 || rounds > kPbkdf2RoundsMax) {
        return fail(Errc::invalid_argument,
                    fmt::format("c: expected from 1 to {}", kPbkdf2RoundsMax));
    }
    Bytes32 out;
    const auto& text = password.reveal();
    const int done = PKCS5_PBKDF2_HMAC(
        text.data(), static_cast<int>(text.size()), salt.data(), static_cast<int>(salt.size()),
        static_cast<int>(rounds), EVP_sha256(), static_cast<int>(out.data.size()), out.data.data());
    DerivedKey key(out);
    wipe(&out, sizeof out);
    if (done != 1) {
        ERR_clear_error();
        return fail(Errc::internal, "PBKDF2 failed");
    }
    return key;
}

Secret<Bytes> aes128_ctr(const Secret<Aes128Key>& key, const Aes128Key& counter, ByteView data) {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
        EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    Bytes out(data.size());
    int written = 0;
    const bool done = context != nullptr &&
                      EVP_EncryptInit_ex(context.get(), EVP_aes_128_ctr(), nullptr,
                                         key.reveal().data(), counter.data()) == 1 &&
                      EVP_EncryptUpdate(context.get(), out.data(), &written, data.data(),
                                        static_cast<int>(data.size())) == 1;
    invariant(done && static_cast<std::size_t>(written) == data.size(),
              "AES in counter mode gives as many bytes as it takes");
    return Secret<Bytes>(std::move(out));
}

bool equal_constant_time(ByteView a, ByteView b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace farthing
