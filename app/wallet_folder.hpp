// SPDX-License-Identifier: Apache-2.0
// A wallet's folder, opened for a command.
#pragma once

#include <CLI/CLI.hpp>

#include "app/world.hpp"
#include "farthing/ledger/ledger.hpp"
#include "farthing/wallet/mandate.hpp"
#include "farthing/wallet/settings.hpp"

namespace farthing::app {

/// The option `--wallet`.
void add_wallet_option(CLI::App& command, std::string& wallet);
/// Names the wallet's folder where no option does.
inline constexpr const char* kWalletVariable = "FARTHING_WALLET";
/// What that says; empty when it is not set.
[[nodiscard]] std::string wallet_of_environment();
/// `named`, else FARTHING_WALLET, else ~/.farthing.
[[nodiscard]] wallet::Folder wallet_folder(const std::string& named);

/// The ledger of a wallet, as it is there. Errors: invalid_argument (no wallet, or one that has
/// decided nothing yet); those of Ledger::open.
[[nodiscard]] Result<std::unique_ptr<ledger::Ledger>> open_ledger(World& world,
                                                                  const wallet::Folder& folder,
                                                                  store::Access access);

/// The pact to pay by. Errors: those of Folder::load_rules; of one that is not as it was signed
/// with the way on.
[[nodiscard]] Result<policy::Rules> load_rules(const wallet::Folder& folder, const Address& op,
                                               const Address& agent);

/// Where the operator's key is.
struct OperatorKey {
    std::string keystore;
    std::string password_file;
};
void add_operator_options(CLI::App& command, OperatorKey& key);
/// From the keystore, else from FARTHING_OPERATOR_KEY. Errors: invalid_argument, wrong_password.
[[nodiscard]] Result<PrivateKey> load_operator_key(const OperatorKey& key);

/// The wallet's `[signer]`, if that is who signs. Errors: invalid_config when a key is there too.
[[nodiscard]] Result<std::optional<wallet::SignerConfig>> signer_elsewhere(
    const wallet::Folder& folder);

/// What a wallet decides with: a pact that was checked, and the ledger.
struct OpenWallet {
    Address agent;
    Address op;
    std::unique_ptr<ledger::Ledger> ledger;
    std::unique_ptr<wallet::Mandate> mandate;
};
/// Errors: those of a wallet that may not pay by its pact; io_failed.
[[nodiscard]] Result<OpenWallet> open_wallet(World& world, const wallet::Folder& folder);

}  // namespace farthing::app
