// SPDX-License-Identifier: Apache-2.0
// Where a person's key and password come from: the environment, a file, or the terminal. Never the
// command line, which every process of the machine can read.
#pragma once

#include <optional>
#include <string>

#include "farthing/crypto/ecdsa.hpp"

namespace farthing::app {

/// Holds the private key as `0x` and 64 hex digits.
inline constexpr const char* kKeyVariable = "FARTHING_KEY";
/// Holds the key of the operator, who signs pacts and approvals.
inline constexpr const char* kOperatorKeyVariable = "FARTHING_OPERATOR_KEY";
/// Holds the password of the key file.
inline constexpr const char* kPasswordVariable = "FARTHING_PASSWORD";
/// Holds the passphrase of a mnemonic that has one (BIP-39).
inline constexpr const char* kPassphraseVariable = "FARTHING_MNEMONIC_PASSPHRASE";

/// Errors: invalid_argument, naming `source` and never the text.
[[nodiscard]] Result<PrivateKey> key_from_hex(std::string_view text, std::string_view source);

/// The key in this variable, or nothing when it is unset or empty. Errors: invalid_argument.
[[nodiscard]] Result<std::optional<PrivateKey>> key_from_environment(
    const char* variable = kKeyVariable);

enum class Password : std::uint8_t {
    known,  ///< of a key file that exists
    fresh,  ///< asked for twice on a terminal
};

/// From `file` when it is not empty (a newline at its end is not part of it), else from
/// FARTHING_PASSWORD, else asked for on the terminal without echo. Errors: invalid_argument when
/// there is none of them, io_failed.
[[nodiscard]] Result<Secret<std::string>> read_password(const std::string& file, Password which);

/// A mnemonic from stdin, or asked for on the terminal without echo. Errors: io_failed, too_large.
[[nodiscard]] Result<Secret<std::string>> read_mnemonic();

/// From now on this process leaves no core dump, and only root may look into it. Whoever takes a
/// key, a password or a mnemonic through this file has had it called.
void keep_to_ourselves();

/// All of standard input. Errors: too_large, io_failed.
[[nodiscard]] Result<std::string> read_stdin(std::size_t bytes_max);

}  // namespace farthing::app
