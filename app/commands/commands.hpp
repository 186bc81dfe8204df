// SPDX-License-Identifier: Apache-2.0
// The subcommands: each registers itself and, when chosen, sets `run` to what main calls for the
// exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace farthing::app {

using Run = std::function<int()>;

void add_facilitator(CLI::App& app, Run& run);
void add_apikey(CLI::App& app, Run& run);
void add_gateway(CLI::App& app, Run& run);
void add_devnet(CLI::App& app, Run& run);
void add_pay(CLI::App& app, Run& run);
void add_keystore(CLI::App& app, Run& run);
void add_deploy_batch(CLI::App& app, Run& run);
void add_store(CLI::App& app, Run& run);
void add_ledger(CLI::App& app, Run& run);
void add_wallet(CLI::App& app, Run& run);
/// Below `wallet`.
void add_wallet_serve(CLI::App& wallet, Run& run);
void add_wallet_token(CLI::App& wallet, Run& run);
void add_card(CLI::App& app, Run& run);
void add_wallet_fund(CLI::App& wallet, Run& run);
/// `alerts`, below `wallet`.
void add_wallet_alerts(CLI::App& wallet, Run& run);
void add_pact(CLI::App& app, Run& run);
void add_approvals(CLI::App& app, Run& run);
void add_budget(CLI::App& app, Run& run);
void add_mcp(CLI::App& app, Run& run);
void add_discover(CLI::App& app, Run& run);

}  // namespace farthing::app
