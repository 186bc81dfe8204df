// SPDX-License-Identifier: Apache-2.0
// Keys from passwords, and the cipher and comparison that go with them in key files. Over
// OpenSSL; scrypt over Botan, because OpenSSL refuses n >= 2^(16 r), which key files in use have.
#pragma once

#include <cstdint>
#include <string>

#include "farthing/base/bytes.hpp"
#include "farthing/base/result.hpp"
#include "farthing/base/secret.hpp"

namespace farthing {

/// What a password is turned into. 32 bytes where key files want one.
using DerivedKey = Secret<Bytes32>;

/// Cost of scrypt. Memory is 128 * n * r bytes; time grows with n * r * p. Source: RFC 7914.
struct ScryptCost {
    std::uint64_t n = 1 << 18;
    std::uint64_t r = 8;
    std::uint64_t p = 1;

    friend bool operator==(const ScryptCost&, const ScryptCost&) = default;
};

/// The most a file may ask of us: twice the memory and eight times the time of the usual n = 2^18,
/// r = 8, p = 1. A hostile file must neither exhaust the memory nor stop the process for minutes.
inline constexpr std::uint64_t kScryptMemoryMax = 512ULL << 20;
inline constexpr std::uint64_t kScryptWorkMax = 1ULL << 24;
inline constexpr std::uint64_t kScryptRMax = 256;
inline constexpr std::uint64_t kScryptPMax = 128;
inline constexpr std::uint64_t kPbkdf2RoundsMax = 10'000'000;

/// n a power of two from 2, r and p at least 1, all within the limits above. Errors:
/// invalid_argument, starting with the name of the number that is wrong.
[[nodiscard]] Result<> check_cost(const ScryptCost& cost);

/// Errors: invalid_argument as check_cost, too_large when the system has not the memory.
[[nodiscard]] Result<DerivedKey> scrypt(const Secret<std::string>& password, ByteView salt,
                                        const ScryptCost& cost);

/// PBKDF2 with HMAC-SHA-256. Source: RFC 8018 section 5.2. Errors: invalid_argument for rounds of 0
/// or above kPbkdf2RoundsMax.
[[nodiscard]] Result<DerivedKey> pbkdf2_sha256(const Secret<std::string>& password, ByteView salt,
                                               std::uint64_t rounds);

using Aes128Key = std::array<std::uint8_t, 16>;

/// AES-128 in counter mode: the same call encrypts and decrypts. Source: NIST SP 800-38A section
/// 6.5.
[[nodiscard]] Secret<Bytes> aes128_ctr(const Secret<Aes128Key>& key, const Aes128Key& counter,
                                       ByteView data);

/// Takes the same time wherever the difference is. Lengths are not secret.
[[nodiscard]] bool equal_constant_time(ByteView a, ByteView b);

}  // namespace farthing
