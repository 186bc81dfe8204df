// SPDX-License-Identifier: Apache-2.0
#include "app/new_key.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "app/key.hpp"
#include "farthing/wallet/keystore.hpp"
#include "farthing/wallet/mnemonic.hpp"

namespace farthing::app {
namespace {

PrivateKey fresh_key(World& world) {
    // A random number is no valid key once in 2^128 times.
    for (;;) {
        auto bytes = world.random.bytes32();
        auto key = make_key(bytes);
        wipe(&bytes, sizeof bytes);
        if (key) return *std::move(key);
    }
}

Result<PrivateKey> derived_key(std::uint32_t index) {
    FARTHING_TRY(const auto mnemonic, read_mnemonic());
    const char* const text = std::getenv(kPassphraseVariable);
    const Secret<std::string> passphrase(text == nullptr ? "" : text);
    return wallet::key_from_mnemonic(mnemonic, passphrase, index);
}

Result<PrivateKey> given_key() {
    FARTHING_TRY(auto key, key_from_environment());
    if (key) return std::move(*key);
    const auto none = fmt::format("no key: set {} or give the key on stdin", kKeyVariable);
    if (isatty(STDIN_FILENO) == 1) return fail(Errc::invalid_argument, none);
    FARTHING_TRY(auto text, read_stdin(256));
    if (text.empty()) return fail(Errc::invalid_argument, none);
    const Secret<std::string> secret(std::move(text));
    return key_from_hex(secret.reveal(), "stdin");
}

Result<PrivateKey> wanted_key(const NewKey& wanted, World& world) {
    switch (wanted.from) {
        case NewKey::From::given:
            return given_key();
        case NewKey::From::mnemonic:
            return derived_key(wanted.index);
        case NewKey::From::random:
            break;
    }
    keep_to_ourselves();
    return fresh_key(world);
}

}  // namespace

Result<Address> make_key_file(const NewKey& wanted, World& world) {
    FARTHING_TRY(const auto key, wanted_key(wanted, world));
    FARTHING_TRY(const auto password, read_password(wanted.password_file, Password::fresh));
    const auto cost = wanted.light ? wallet::KeystoreCost::light : wallet::KeystoreCost::standard;
    FARTHING_TRY(const auto text, wallet::encrypt_key(key, password, cost, world.random));
    FARTHING_CHECK(wallet::save_keystore(wanted.file, text));
    return address_of(key);
}

}  // namespace farthing::app
