// SPDX-License-Identifier: Apache-2.0
// `farthing wallet alerts`: tells the operator what the ledger has written down.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "app/commands/commands.hpp"
#include "app/wallet_folder.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/wallet/alerter.hpp"

namespace farthing::app {
namespace {

constexpr std::chrono::milliseconds kPatience{60'000};

struct Options {
    std::string wallet;
    bool follow = false;
};

Task<> follow(wallet::Alerter& alerter, World& world) {
    using namespace asio::experimental::awaitable_operators;
    Signals signals(world.loop);
    co_await (alerter.run() || signals.until_told_to_stop(*world.log));
}

Result<wallet::Told> tell(const Options& options, World& world) {
    const auto folder = wallet_folder(options.wallet);
    FARTHING_CHECK(folder.load_operator());
    FARTHING_TRY(const auto agent, folder.load_agent());
    FARTHING_TRY(const auto settings, wallet::load_settings(folder));
    FARTHING_TRY(const auto ledger, ledger::Ledger::open(world.env(), world.loop, folder.path));
    const auto client = net::Client::make(world.env(), world.loop, {});
    FARTHING_TRY(const auto alerter,
                 wallet::Alerter::make(world.env(), world.loop, {*client, *ledger, folder, agent},
                                       settings.alert));
    if (!alerter->has_sinks()) {
        return fail(Errc::invalid_argument,
                    "wallet.toml names nobody who is told: write an [[alert]] into it");
    }
    if (options.follow) run_blocking(world.loop, follow(*alerter, world));
    return run_blocking(world.loop, alerter->tell_now(kPatience));
}

int run_alerts(const Options& options) {
    World world(Level::warn);
    const auto told = tell(options, world);
    if (!told) return report(told.error());
    if (isatty(STDOUT_FILENO) == 1) {
        fmt::print("{} told, {} left\n", told->delivered, told->left);
    } else {
        const json::Object line{{"told", told->delivered}, {"left", told->left}};
        fmt::print("{}\n", json::to_text(line));
    }
    return told->left == 0 ? 0 : exit_code(Error{Errc::connection_failed, {}});
}

}  // namespace

void add_wallet_alerts(CLI::App& wallet, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = wallet.add_subcommand(
        "alerts", "tell the alerts that nobody was told yet, to whom wallet.toml names");
    add_wallet_option(*command, options->wallet);
    command->add_flag("--follow", options->follow, "and those that come, until stopped");
    command->callback([options, &run] { run = [options] { return run_alerts(*options); }; });
}

}  // namespace farthing::app
