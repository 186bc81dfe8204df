// SPDX-License-Identifier: Apache-2.0
// Keys from a mnemonic, as other wallets make them. Source: BIP-39, BIP-44.
#pragma once

#include <string_view>

#include "farthing/crypto/hd.hpp"

namespace farthing::wallet {

/// 2048 words between blanks, sorted.
[[nodiscard]] std::string_view mnemonic_words();

/// The key at m/44'/60'/0'/0/`index`. 12, 15, 18, 21 or 24 English words between blanks, whose
/// checksum has to be right. Errors: invalid_argument, with the place of a word and never the word.
[[nodiscard]] Result<PrivateKey> key_from_mnemonic(const Secret<std::string>& mnemonic,
                                                   const Secret<std::string>& passphrase,
                                                   std::uint32_t index);

}  // namespace farthing::wallet
