// SPDX-License-Identifier: Apache-2.0
#include "app/wallet_folder.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "app/key.hpp"
#include "app/named_file.hpp"
#include "farthing/wallet/keystore.hpp"

namespace farthing::app {
namespace {

std::string variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

}  // namespace

void add_wallet_option(CLI::App& command, std::string& wallet) {
    command.add_option("--wallet", wallet,
                       "the wallet's folder (default: FARTHING_WALLET, else ~/.farthing)");
}

std::string wallet_of_environment() { return variable(kWalletVariable); }

wallet::Folder wallet_folder(const std::string& named) {
    if (!named.empty()) return {named};
    if (const auto set = wallet_of_environment(); !set.empty()) return {set};
    return {std::filesystem::path(variable("HOME")) / ".farthing"};
}

Result<std::unique_ptr<ledger::Ledger>> open_ledger(World& world, const wallet::Folder& folder,
                                                    store::Access access) {
    std::error_code code;
    const auto file = folder.path / ledger::kFileName;
    if (!std::filesystem::exists(file, code)) {
        // Says how to make a wallet where there is none.
        FARTHING_CHECK(folder.load_operator());
        if (access == store::Access::read) {
            return fail(Errc::invalid_argument,
                        file.string() + ": no such file: this wallet has decided nothing yet");
        }
    }
    return ledger::Ledger::open(world.env(), world.loop, folder.path, access);
}

Result<policy::Rules> load_rules(const wallet::Folder& folder, const Address& op,
                                 const Address& agent) {
    auto rules = folder.load_rules(op, agent);
    if (rules) return rules;
    auto& [code, detail] = rules.error();
    if (code == Errc::invalid_signature && !detail.contains("pact sign")) {
        detail +=
            "; if it is meant as it stands (`farthing pact show`), the operator has to sign it "
            "again, with `farthing pact sign`";
    }
    return rules;
}

void add_operator_options(CLI::App& command, OperatorKey& key) {
    const std::function<std::string(const std::string&)> readable = why_unreadable;
    command
        .add_option("--keystore", key.keystore,
                    "the operator's key file (default: the key in FARTHING_OPERATOR_KEY)")
        ->check(readable);
    command
        .add_option("--password-file", key.password_file,
                    "its password (default: FARTHING_PASSWORD, else it is asked for)")
        ->check(readable);
}

Result<PrivateKey> load_operator_key(const OperatorKey& key) {
    if (!key.keystore.empty()) {
        FARTHING_TRY(const auto password, read_password(key.password_file, Password::known));
        return wallet::load_key(key.keystore, password);
    }
    FARTHING_TRY(auto found, key_from_environment(kOperatorKeyVariable));
    if (found) return *std::move(found);
    return fail(Errc::invalid_argument, fmt::format("the operator's key is needed: set {} or name "
                                                    "a --keystore",
                                                    kOperatorKeyVariable));
}

Result<std::optional<wallet::SignerConfig>> signer_elsewhere(const wallet::Folder& folder) {
    FARTHING_TRY(auto settings, wallet::load_settings(folder));
    std::error_code code;
    if (settings.signer && std::filesystem::exists(folder.key_file(), code)) {
        return fail(Errc::invalid_config,
                    fmt::format("{} has a key, and wallet.toml a [signer]: one of them signs",
                                folder.key_file()));
    }
    return std::move(settings.signer);
}

Result<OpenWallet> open_wallet(World& world, const wallet::Folder& folder) {
    OpenWallet out;
    FARTHING_TRY(out.op, folder.load_operator());
    FARTHING_TRY(out.agent, folder.load_agent());
    FARTHING_CHECK(load_rules(folder, out.op, out.agent));
    FARTHING_TRY(out.ledger, ledger::Ledger::open(world.env(), world.loop, folder.path));
    out.mandate = std::make_unique<wallet::Mandate>(*out.ledger, folder, out.agent, out.op);
    return out;
}

}  // namespace farthing::app
