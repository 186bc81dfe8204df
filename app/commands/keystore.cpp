// SPDX-License-Identifier: Apache-2.0
// `farthing keystore`: key files for the one who pays.
#include "farthing/wallet/keystore.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "app/commands/commands.hpp"
#include "app/key.hpp"
#include "app/named_file.hpp"
#include "app/world.hpp"
#include "farthing/io/config.hpp"
#include "farthing/wallet/mnemonic.hpp"

namespace farthing::app {
namespace {

struct Options {
    std::string file;
    std::string password_file;
    bool light = false;
    bool mnemonic = false;
    std::uint32_t index = 0;
};

int print_address(const Address& address, const std::string& file) {
    if (isatty(STDOUT_FILENO) == 1) {
        std::printf("%s\n", address.to_checksum().c_str());
    } else {
        const json::Object line{{"address", address.to_checksum()}, {"file", file}};
        std::printf("%s\n", json::to_text(line).c_str());
    }
    return 0;
}

Result<> store(const Options& options, const PrivateKey& key, World& world) {
    FARTHING_TRY(const auto password, read_password(options.password_file, Password::fresh));
    const auto cost = options.light ? wallet::KeystoreCost::light : wallet::KeystoreCost::standard;
    FARTHING_TRY(const auto text, wallet::encrypt_key(key, password, cost, world.random));
    return wallet::save_keystore(options.file, text);
}

Result<PrivateKey> fresh_key(World& world) {
    // A random number is no valid key once in 2^128 times.
    for (;;) {
        auto bytes = world.random.bytes32();
        auto key = make_key(bytes);
        wipe(&bytes, sizeof bytes);
        if (key) return key;
    }
}

Result<PrivateKey> derived_key(std::uint32_t index) {
    FARTHING_TRY(const auto mnemonic, read_mnemonic());
    const char* const text = std::getenv(kPassphraseVariable);
    const Secret<std::string> passphrase(text == nullptr ? "" : text);
    return wallet::key_from_mnemonic(mnemonic, passphrase, index);
}

Result<PrivateKey> given_key(const Options& options) {
    if (options.mnemonic) return derived_key(options.index);
    FARTHING_TRY(auto key, key_from_environment());
    if (key) return std::move(*key);
    if (isatty(STDIN_FILENO) == 1) {
        return fail(Errc::invalid_argument,
                    fmt::format("no key: set {} or send it to stdin", kKeyVariable));
    }
    FARTHING_TRY(auto text, read_stdin(256));
    const Secret<std::string> secret(std::move(text));
    return key_from_hex(secret.reveal(), "stdin");
}

int run_store(const Options& options, Result<PrivateKey> key, World& world) {
    if (!key) return report(key.error());
    if (auto stored = store(options, *key, world); !stored) return report(stored.error());
    return print_address(address_of(*key), options.file);
}

int run_address(const Options& options) {
    const auto text = read_file(options.file, wallet::kKeystoreBytesMax);
    if (!text) return report(text.error());
    const auto claimed = wallet::claimed_address(*text);
    if (!claimed) {
        return report({claimed.error().code, options.file + ": " + claimed.error().detail});
    }
    if (*claimed) return print_address(**claimed, options.file);
    const auto password = read_password(options.password_file, Password::known);
    if (!password) return report(password.error());
    const auto key = wallet::load_key(options.file, *password);
    if (!key) return report(key.error());
    return print_address(address_of(*key), options.file);
}

using Check = std::function<std::string(const std::string&)>;

CLI::App* add(CLI::App& parent, const char* name, const char* what, Options& options,
              const Check& check_file) {
    auto* command = parent.add_subcommand(name, what);
    command->add_option("file", options.file, "the key file")->required()->check(check_file);
    command
        ->add_option("--password-file", options.password_file,
                     "the password stands in this file (default: FARTHING_PASSWORD, else it is "
                     "asked for)")
        ->check(Check(why_unreadable));
    return command;
}

}  // namespace

void add_keystore(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* keystore = app.add_subcommand(
        "keystore", "key files (Web3 Secret Storage version 3, as geth and ethers write them)");
    keystore->require_subcommand(1);
    constexpr auto light =
        "a file that is quick to open, for us and for a thief (4 MiB of memory, not 256)";
    auto* fresh = add(*keystore, "new", "make a new key", *options, why_not_creatable);
    fresh->add_flag("--light", options->light, light);
    fresh->callback([options, &run] {
        run = [options] {
            World world(Level::error);
            return run_store(*options, fresh_key(world), world);
        };
    });
    auto* import = add(*keystore, "import", "store the key in FARTHING_KEY or on stdin", *options,
                       why_not_creatable);
    import->add_flag("--light", options->light, light);
    auto* mnemonic = import->add_flag(
        "--mnemonic", options->mnemonic,
        "the key of the words on stdin, or asked for (BIP-39 in English, m/44'/60'/0'/0/INDEX; its "
        "passphrase, if it has one, stands in FARTHING_MNEMONIC_PASSPHRASE)");
    import->add_option("--index", options->index, "which of its keys (0)")->needs(mnemonic);
    import->callback([options, &run] {
        run = [options] {
            World world(Level::error);
            return run_store(*options, given_key(*options), world);
        };
    });
    auto* address =
        add(*keystore, "address", "say whose key a file holds", *options, why_unreadable);
    address->callback([options, &run] { run = [options] { return run_address(*options); }; });
}

}  // namespace farthing::app
