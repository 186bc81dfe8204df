// SPDX-License-Identifier: Apache-2.0
// `farthing wallet token`: which programs may ask the daemon.
#include <fmt/format.h>
#include <unistd.h>

#include "app/commands/commands.hpp"
#include "app/wallet_folder.hpp"
#include "farthing/ledger/payments.hpp"
#include "farthing/wallet/tokens.hpp"

namespace farthing::app {
namespace {

struct Options {
    std::string wallet;
    std::string name;
};

bool on_terminal() { return isatty(STDOUT_FILENO) == 1; }

Result<wallet::Tokens> tokens_of(const Options& options) {
    const auto folder = wallet_folder(options.wallet);
    FARTHING_CHECK(folder.load_operator());
    return wallet::Tokens(folder.path);
}

int run_new(const Options& options) {
    World world(Level::error);
    const auto tokens = tokens_of(options);
    if (!tokens) return report(tokens.error());
    const auto token = tokens->add(options.name, world.clock.now(), world.random);
    if (!token) return report(token.error());
    if (on_terminal()) {
        fmt::print("{}\n\nThis is the token of {}; it is shown once.\n", token->reveal(),
                   options.name);
    } else {
        fmt::print("{}\n",
                   json::to_text(json::Object{{"name", options.name}, {"token", token->reveal()}}));
    }
    return 0;
}

int run_list(const Options& options) {
    constexpr std::uint64_t millis = 1'000;
    const auto tokens = tokens_of(options);
    if (!tokens) return report(tokens.error());
    const auto listed = tokens->list();
    if (!listed) return report(listed.error());
    for (const auto& [name, made] : *listed) {
        const auto when = ledger::time_text(std::min(made, ledger::kTimeMax / millis) * millis);
        if (on_terminal()) {
            fmt::print("{:<32} {}\n", name, when);
        } else {
            fmt::print("{}\n", json::to_text(json::Object{{"name", name}, {"made", when}}));
        }
    }
    return 0;
}

int run_revoke(const Options& options) {
    const auto tokens = tokens_of(options);
    if (!tokens) return report(tokens.error());
    const auto done = tokens->revoke(options.name);
    if (!done) return report(done.error());
    if (on_terminal()) {
        fmt::print("{} counts no longer\n", options.name);
    } else {
        fmt::print("{}\n", json::to_text(json::Object{{"name", options.name}, {"revoked", true}}));
    }
    return 0;
}

}  // namespace

void add_wallet_token(CLI::App& wallet, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command =
        wallet.add_subcommand("token", "which programs may pay through `farthing wallet serve`");
    command->require_subcommand(1);
    const auto add = [&](const char* name, const char* help, int (*work)(const Options&)) {
        auto* each = command->add_subcommand(name, help);
        add_wallet_option(*each, options->wallet);
        each->callback([options, &run, work] { run = [options, work] { return work(*options); }; });
        return each;
    };
    add("new", "make one, which is shown once", run_new)
        ->add_option("name", options->name, "of the program: a-z, 0-9 and -")
        ->required();
    add("list", "the names, and since when", run_list);
    add("revoke", "it counts no longer, at once", run_revoke)
        ->add_option("name", options->name, "as it was made")
        ->required();
}

}  // namespace farthing::app
