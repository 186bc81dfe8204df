// SPDX-License-Identifier: Apache-2.0
// `farthing budget`: the limits of a wallet, and what is left.
#include <fmt/format.h>
#include <unistd.h>

#include "app/commands/commands.hpp"
#include "app/wallet_folder.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/io/task_group.hpp"

namespace farthing::app {
namespace {

struct Options {
    std::string wallet;
    std::string vendor;
    std::string task;
};

int run_budget(const Options& options) {
    World world(Level::error);
    const auto opened = open_wallet(world, wallet_folder(options.wallet));
    if (!opened) return report(opened.error());
    const auto terms = opened->mandate->now();
    if (!terms) return report(terms.error());
    auto task = (*terms)->spending.standings(options.vendor, options.task);
    const auto limits = run_blocking(world.loop, std::move(task));
    if (!limits) return report(limits.error());
    for (const auto& each : *limits) {
        if (isatty(STDOUT_FILENO) != 1) {
            fmt::print("{}\n", json::to_text(json::encode(each)));
            continue;
        }
        const auto resets = each.resets ? ", until " + policy::to_text(*each.resets) : "";
        fmt::print("{:<20} {} left of {}, {} used{}\n", legible(each.condition), each.left,
                   each.limit, each.used, resets);
    }
    return 0;
}

}  // namespace

void add_budget(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand("budget", "a wallet's limits, and what is left of them");
    add_wallet_option(*command, options->wallet);
    command->add_option("--vendor", options->vendor, "also those that a payment to it would meet");
    command->add_option("--task", options->task, "also those that a payment for it would meet");
    command->callback([options, &run] { run = [options] { return run_budget(*options); }; });
}

}  // namespace farthing::app
