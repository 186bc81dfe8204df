// SPDX-License-Identifier: Apache-2.0
// farthing: one binary, every role.
#include <csignal>
#include <cstdio>
#include <exception>

#include "app/command_line.hpp"
#include "app/commands/commands.hpp"
#include "app/named_file.hpp"
#include "app/world.hpp"

int main(int argc, char** argv) {
    using namespace farthing;
    // A peer that goes away is an error of that connection, not of the process.
    std::signal(SIGPIPE, SIG_IGN);
    app::raise_descriptor_limit();
    CLI::App app{
        "Farthing: HTTP-native micropayments (x402). Sell with `gateway`, settle with "
        "`facilitator`, buy with `pay`."};
    app.set_version_flag("--version", FARTHING_VERSION);
    app.require_subcommand(1);
    app::Run run;
    // Whoever mistypes the name of a file hears it at once, as of any other bad argument.
    const std::function<std::string(const std::string&)> is_readable = app::why_unreadable;
    app::add_gateway(app, run);
    app::add_facilitator(app, run);
    app::add_apikey(app, run);
    app::add_pay(app, run);
    app::add_keystore(app, run);
    app::add_store(app, run);
    app::add_deploy_batch(app, run);
    app::add_ledger(app, run);
    app::add_wallet(app, run);
    app::add_card(app, run);
    app::add_pact(app, run);
    app::add_approvals(app, run);
    app::add_budget(app, run);
    app::add_mcp(app, run);
    app::add_discover(app, run);
    app::add_devnet(app, run);
    for (const auto* const service : {"gateway", "facilitator"}) {
        app.get_subcommand(service)->get_option("--config")->check(is_readable);
    }
    app::refuse_empty_values(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // Help and version are successes; everything else is a bad argument.
        if (error.get_exit_code() == 0) return app.exit(error);
        return app::report(
            {Errc::invalid_argument, app::describe(app, error) + " (see farthing --help)"});
    }
    try {
        return run();
    } catch (const std::exception& error) {
        return app::report({Errc::internal, error.what()});
    }
}
