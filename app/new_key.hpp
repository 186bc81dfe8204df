// SPDX-License-Identifier: Apache-2.0
// New key files: of a fresh key, or of one that is handed in.
#pragma once

#include <string>

#include "app/world.hpp"
#include "farthing/evm/address.hpp"

namespace farthing::app {

struct NewKey {
    enum class From : std::uint8_t {
        random,
        given,     ///< FARTHING_KEY, else stdin
        mnemonic,  ///< stdin
    };
    std::string file;
    std::string password_file;
    From from = From::random;
    bool light = false;
    std::uint32_t index = 0;  ///< of a mnemonic's keys
};

/// Whose key it is. Errors: invalid_argument (no key, no password, the file exists), io_failed.
[[nodiscard]] Result<Address> make_key_file(const NewKey& wanted, World& world);

}  // namespace farthing::app
