// SPDX-License-Identifier: Apache-2.0
// `farthing wallet serve`: the daemon, which holds the key so that no program has to.
#include <fmt/format.h>

#include "app/commands/commands.hpp"
#include "app/wallet_chores.hpp"
#include "farthing/net/server.hpp"
#include "farthing/wallet/daemon.hpp"

namespace farthing::app {
namespace {

constexpr std::chrono::milliseconds kCutPatience{500};
constexpr std::size_t kConnectionsMax = 512;
constexpr std::string_view kNoTunnel =
    "no tunnels: what is in them could not be paid for; ask this address for "
    "/https://host/path instead";

struct Options {
    AccountOptions account;
    std::string socket;
    std::string listen;
    ChoresOptions chores;
    std::string grace = "30s";
    bool verbose = false;
};

/// Whoever can reach the daemon can try tokens: nobody beyond this machine may.
Result<> check_loopback(const std::string& address) {
    FARTHING_CHECK(net::check_listen_address(address));
    if (is_loopback(address)) return {};
    return fail(Errc::invalid_argument,
                "--listen: only a loopback address, such as 127.0.0.1:8404: the daemon is for "
                "programs of this machine");
}

void say_whether_it_pays(World& world, wallet::Mandate& mandate) {
    const auto terms = mandate.now();
    if (terms) {
        world.log->info("pact_in_force", {{"agent", mandate.agent().to_checksum()}});
    } else {
        world.log->error("pact_not_in_force", {{"reason", to_string(terms.error())}});
    }
}

net::ServerLimits server_limits(World& world) {
    net::ServerLimits out;
    out.connections_max = connections_that_fit(*world.log, kConnectionsMax);
    out.body_bytes_max = wallet::kCallBytesMax;
    out.no_tunnel = kNoTunnel;
    return out;
}

Task<bool> join_result(TaskGroup& serving) {
    co_await serving.join();
    co_return true;
}

Task<Result<>> serve(World& world, const Options& options, OpenAccount& opened) {
    FARTHING_CO_TRY(const auto grace, read_time(options.grace, "--grace"));
    FARTHING_CO_TRY(const auto chores, WalletChores::make(world, opened, options.chores));
    wallet::Daemon daemon(world.env(), *opened.account, wallet::Tokens(opened.folder.path));
    const auto handler = [&daemon](wallet::Door door) -> net::Handler {
        return [&daemon, door](net::ServerRequest& request, net::Responder& responder) {
            return daemon.handle(request, responder, door);
        };
    };
    const auto path =
        options.socket.empty() ? (opened.folder.path / "wallet.sock").string() : options.socket;
    Signals signals(world.loop, Signals::Hangup::reloads);
    FARTHING_CO_TRY(const auto local,
                    net::Server::listen_unix(world.env(), world.loop, path, server_limits(world),
                                             handler(wallet::Door::unix_socket)));
    std::unique_ptr<net::Server> loopback;
    if (!options.listen.empty()) {
        FARTHING_CO_TRY(loopback,
                        net::Server::listen(world.env(), world.loop, options.listen,
                                            server_limits(world), handler(wallet::Door::loopback)));
        FARTHING_CO_TRY(const auto own, net::parse_url(loopback->url()));
        daemon.listens_on(own.port);
    }
    TaskGroup serving(world.loop);
    serving.spawn(local->run());
    if (loopback) serving.spawn(loopback->run());
    TaskGroup beside(world.loop);
    chores->start(beside);
    announce("wallet", local->url());
    if (loopback) announce("wallet_loopback", loopback->url());
    auto& mandate = opened.account->mandate();
    std::function<void()> on_hangup = [&world, &mandate] { say_whether_it_pays(world, mandate); };
    co_await signals.until_told_to_stop(*world.log, std::move(on_hangup));
    signals.release();
    // Who waits for the operator hears so now; who is in the middle of a payment ends it.
    opened.account->stop_waiting();
    beside.cancel();
    co_await beside.join();
    local->stop(grace);
    if (loopback) loopback->stop(grace);
    auto joining = join_result(serving);
    const auto joined = co_await finish_within(std::move(joining), grace + kCutPatience);
    if (!joined) {
        // What was signed stays reserved, and is settled or released by what the chain says.
        world.log->warn("stopped_with_requests_in_hand", {{"requests", daemon.in_hand()}});
    }
    co_return Result<>{};
}

int run_serve(const Options& options) {
    if (!options.listen.empty()) {
        if (const auto good = check_loopback(options.listen); !good) return report(good.error());
    }
    World world(options.verbose ? Level::debug : Level::info);
    const auto opened = open_account(world, options.account);
    if (!opened) return report(opened.error());
    const auto ended = run_blocking(world.loop, serve(world, options, **opened));
    return ended ? 0 : report(ended.error());
}

}  // namespace

void add_wallet_serve(CLI::App& wallet, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = wallet.add_subcommand(
        "serve", "a daemon that pays for programs with a token, within the pact");
    add_account_options(*command, options->account);
    command->add_option("--socket", options->socket,
                        "the Unix socket to listen on (default: wallet.sock in the folder)");
    command->add_option("--listen", options->listen,
                        "also this loopback address, 127.0.0.1:PORT: API and local proxy");
    add_chores_options(*command, options->chores);
    command->add_option("--grace", options->grace, "for requests in hand, when told to stop")
        ->capture_default_str();
    command->add_flag("-v,--verbose", options->verbose, "log at debug level");
    command->callback([options, &run] { run = [options] { return run_serve(*options); }; });
}

}  // namespace farthing::app
