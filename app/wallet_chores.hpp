// SPDX-License-Identifier: Apache-2.0
// What a service that pays does beside it: reconciles with the chain, and tells alerts.
#pragma once

#include "app/wallet_account.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/wallet/alerter.hpp"

namespace farthing::app {

struct ChoresOptions {
    std::vector<std::string> rpcs;
    std::string every = "5m";
};
void add_chores_options(CLI::App& command, ChoresOptions& options);
/// `30s`, `5m`. Errors: invalid_argument, naming the option.
[[nodiscard]] Result<std::chrono::milliseconds> read_time(const std::string& text,
                                                          std::string_view option);

/// Of an open wallet, which outlives it.
class WalletChores {
  public:
    /// Errors: invalid_argument; invalid_config of wallet.toml.
    static Result<std::unique_ptr<WalletChores>> make(World& world, OpenAccount& opened,
                                                      const ChoresOptions& options);
    /// Until cancelled.
    void start(TaskGroup& in);

  private:
    WalletChores(World& world, OpenAccount& opened) : world_(world), opened_(opened) {}
    Task<> keep_reconciled();
    void log(const Result<wallet::Reconciled>& done);

    World& world_;
    OpenAccount& opened_;
    std::vector<net::Url> rpcs_;
    std::chrono::milliseconds every_{};
    std::optional<scheme::Money> low_;
    std::unique_ptr<wallet::Alerter> alerter_;
};

}  // namespace farthing::app
