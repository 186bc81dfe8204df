// SPDX-License-Identifier: Apache-2.0
// Key files: one private key under a password, in the form geth, ethers and Foundry write.
// Source: Web3 Secret Storage Definition, version 3.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "farthing/crypto/ecdsa.hpp"
#include "farthing/evm/address.hpp"
#include "farthing/io/random.hpp"

namespace farthing::wallet {

/// A key file is a few hundred bytes; more is something else.
inline constexpr std::size_t kKeystoreBytesMax = 64 << 10;

/// What guessing one password costs an attacker, and opening the file costs us.
enum class KeystoreCost : std::uint8_t {
    standard,  ///< scrypt n = 2^18: 256 MiB and about a second; geth's default
    light,     ///< scrypt n = 2^12: 4 MiB; for keys that hold little
};

/// The key in a key file's text. Reads scrypt and PBKDF2 files. Errors: invalid_field with the
/// member's path, invalid_json, wrong_password (also when the file was altered: its checksum covers
/// the password and the ciphertext).
[[nodiscard]] Result<PrivateKey> decrypt_key(std::string_view text,
                                             const Secret<std::string>& password);

/// A new key file's text; salt, counter and id come from `random`. Errors: invalid_argument for an
/// empty password.
[[nodiscard]] Result<std::string> encrypt_key(const PrivateKey& key,
                                              const Secret<std::string>& password,
                                              KeystoreCost cost, Random& random);

/// The address the file claims, readable without the password and not proved by it. Nothing when
/// the file does not say. Errors: invalid_json, invalid_field.
[[nodiscard]] Result<std::optional<Address>> claimed_address(std::string_view text);

/// Errors: those of decrypt_key with the file's name before them, io_failed, too_large.
[[nodiscard]] Result<PrivateKey> load_key(const std::filesystem::path& path,
                                          const Secret<std::string>& password);

/// Writes a key file that only its owner can read (0600), whole or not at all, and never over a
/// file that is there: a key overwritten is money lost. Errors: io_failed, invalid_argument when
/// the file exists or its folder cannot be used.
[[nodiscard]] Result<> save_keystore(const std::filesystem::path& path, std::string_view text);

}  // namespace farthing::wallet
