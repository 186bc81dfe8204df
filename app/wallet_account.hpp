// SPDX-License-Identifier: Apache-2.0
// A wallet opened with its key, for services that pay: the daemon, MCP.
#pragma once

#include "app/wallet_folder.hpp"
#include "farthing/wallet/account.hpp"
#include "farthing/wallet/balances.hpp"
#include "farthing/wallet/reconcile.hpp"
#include "farthing/wallet/settings.hpp"

namespace farthing::app {

/// The built-in table and the [[asset]] tables of `file`, if there is one. Errors: invalid_config.
[[nodiscard]] Result<AssetTable> load_assets(const std::string& file);

/// A key file that can be read and is one, said before its password is asked for.
[[nodiscard]] Result<> check_key_file(const std::string& file);

/// Of `ADDRESS:PORT`: whether only this machine can reach it.
[[nodiscard]] bool is_loopback(const std::string& address);

struct AccountOptions {
    std::string wallet;
    std::string password_file;
    std::string assets_file;
    std::string ca_file;
};
void add_account_options(CLI::App& command, AccountOptions& options);

struct OpenAccount {
    wallet::Folder folder;
    AssetTable assets;
    std::unique_ptr<net::Client> signers;  ///< when the key is elsewhere
    std::unique_ptr<wallet::Signer> signer;
    OpenWallet wallet;
    std::unique_ptr<net::Client> client;
    std::unique_ptr<wallet::Account> account;
};
/// Asks for the password where it is not given. Errors: those of a wallet that may not pay by its
/// pact; wrong_password; invalid_argument.
[[nodiscard]] Result<std::unique_ptr<OpenAccount>> open_account(World& world,
                                                                const AccountOptions& options);

/// The balance below which the operator is told. Errors: invalid_field.
[[nodiscard]] Result<std::optional<scheme::Money>> low_limit(const wallet::Settings& settings);

/// What is open, and what there is.
struct Looked {
    wallet::Reconciled open;
    std::vector<wallet::Snapshot> balances;
};
/// By the chain that answers at `rpc`.
Task<Result<Looked>> reconcile_with(ledger::Ledger& ledger, std::uint64_t now, net::Client& client,
                                    net::Url rpc, const AssetTable& assets,
                                    std::optional<scheme::Money> low);

}  // namespace farthing::app
