// SPDX-License-Identifier: Apache-2.0
// `farthing keystore`: key files for the one who pays.
#include "farthing/wallet/keystore.hpp"

#include <unistd.h>

#include <cstdio>

#include "app/commands/commands.hpp"
#include "app/key.hpp"
#include "app/named_file.hpp"
#include "app/new_key.hpp"
#include "app/world.hpp"
#include "farthing/io/config.hpp"

namespace farthing::app {
namespace {

struct Options {
    NewKey key;
    bool mnemonic = false;
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

int run_store(const NewKey& wanted) {
    World world(Level::error);
    const auto address = make_key_file(wanted, world);
    return address ? print_address(*address, wanted.file) : report(address.error());
}

int run_address(const NewKey& wanted) {
    const auto& file = wanted.file;
    const auto text = read_file(file, wallet::kKeystoreBytesMax);
    if (!text) return report(text.error());
    const auto claimed = wallet::claimed_address(*text);
    if (!claimed) {
        return report({claimed.error().code, file + ": " + claimed.error().detail});
    }
    if (*claimed) return print_address(**claimed, file);
    const auto password = read_password(wanted.password_file, Password::known);
    if (!password) return report(password.error());
    const auto key = wallet::load_key(file, *password);
    if (!key) return report(key.error());
    return print_address(address_of(*key), file);
}

using Check = std::function<std::string(const std::string&)>;

CLI::App* add(CLI::App& parent, const char* name, const char* what, NewKey& key,
              const Check& check_file) {
    auto* command = parent.add_subcommand(name, what);
    command->add_option("file", key.file, "the key file")->required()->check(check_file);
    command
        ->add_option("--password-file", key.password_file,
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
    auto* fresh = add(*keystore, "new", "make a new key", options->key, why_not_creatable);
    fresh->add_flag("--light", options->key.light, light);
    fresh->callback([options, &run] { run = [options] { return run_store(options->key); }; });
    auto* import = add(*keystore, "import", "store the key in FARTHING_KEY or on stdin",
                       options->key, why_not_creatable);
    import->add_flag("--light", options->key.light, light);
    auto* mnemonic = import->add_flag(
        "--mnemonic", options->mnemonic,
        "the key of the words on stdin, or asked for (BIP-39 in English, m/44'/60'/0'/0/INDEX; its "
        "passphrase, if it has one, stands in FARTHING_MNEMONIC_PASSPHRASE)");
    import->add_option("--index", options->key.index, "which of its keys (0)")->needs(mnemonic);
    import->callback([options, &run] {
        options->key.from = options->mnemonic ? NewKey::From::mnemonic : NewKey::From::given;
        run = [options] { return run_store(options->key); };
    });
    auto* address =
        add(*keystore, "address", "say whose key a file holds", options->key, why_unreadable);
    address->callback([options, &run] { run = [options] { return run_address(options->key); }; });
}

}  // namespace farthing::app
