// SPDX-License-Identifier: Apache-2.0
// `farthing wallet serve`: the daemon, which holds the key so that no program has to.
#include <fmt/format.h>

#include "app/commands/commands.hpp"
#include "app/wallet_account.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/net/server.hpp"
#include "farthing/wallet/alerter.hpp"
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
    std::vector<std::string> rpcs;
    std::string every = "5m";
    std::string grace = "30s";
    bool verbose = false;
};

/// What the options say, in types.
struct Settings {
    std::vector<net::Url> rpcs;
    std::chrono::milliseconds every;
    std::chrono::milliseconds grace;
};

Result<std::chrono::milliseconds> read_time(const std::string& text, std::string_view option) {
    auto time = json::Codec<std::chrono::milliseconds>::decode(json::Value(text), json::Path{});
    if (time && time->count() > 0) return *time;
    return fail(Errc::invalid_argument,
                fmt::format("{}: expected a time such as 500ms, 30s or 5m", option));
}

/// Whoever can reach the daemon can try tokens: nobody beyond this machine may.
Result<> check_loopback(const std::string& address) {
    FARTHING_CHECK(net::check_listen_address(address));
    auto host = address.substr(0, address.rfind(':'));
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    boost::system::error_code wrong;
    const auto ip = asio::ip::make_address(host, wrong);
    if (!wrong && ip.is_loopback()) return {};
    return fail(Errc::invalid_argument,
                "--listen: only a loopback address, such as 127.0.0.1:8404: the daemon is for "
                "programs of this machine");
}

Result<Settings> read_settings(const Options& options) {
    Settings out;
    if (!options.listen.empty()) FARTHING_CHECK(check_loopback(options.listen));
    for (const auto& each : options.rpcs) {
        auto url = net::parse_url(each);
        if (!url) return fail(Errc::invalid_argument, "--rpc: " + url.error().detail);
        out.rpcs.push_back(*std::move(url));
    }
    FARTHING_TRY(out.every, read_time(options.every, "--reconcile-every"));
    FARTHING_TRY(out.grace, read_time(options.grace, "--grace"));
    return out;
}

void log_reconciled(Log& log, const Result<wallet::Reconciled>& done) {
    if (!done) {
        log.warn("reconcile_failed", {{"reason", to_string(done.error())}});
    } else if (done->settled + done->released > 0) {
        log.info("reconciled",
                 {{"settled", done->settled}, {"released", done->released}, {"open", done->open}});
    }
}

/// Now and then, until it is cancelled.
Task<> keep_reconciled(World& world, OpenAccount& opened, const Settings& settings,
                       std::optional<scheme::Money> low) {
    auto& ledger = *opened.wallet.ledger;
    for (;;) {
        const auto now = static_cast<std::uint64_t>(world.clock.now().time_since_epoch().count());
        if (settings.rpcs.empty()) {
            auto done = co_await wallet::reconcile(ledger, now, nullptr);
            log_reconciled(*world.log, done);
        }
        for (const auto& rpc : settings.rpcs) {
            auto done = co_await reconcile_with(ledger, now, *opened.client, rpc, low);
            log_reconciled(*world.log, done.transform(&Looked::open));
        }
        co_await world.clock.sleep(settings.every);
    }
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

Task<Result<>> serve(World& world, const Options& options, const Settings& settings,
                     OpenAccount& opened) {
    FARTHING_CO_TRY(const auto file, wallet::load_settings(opened.folder));
    FARTHING_CO_TRY(auto low, low_limit(file));
    FARTHING_CO_TRY(const auto alerter,
                    wallet::Alerter::make(
                        world.env(), world.loop,
                        {*opened.client, *opened.wallet.ledger, opened.folder, opened.wallet.agent},
                        file.alert));
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
    }
    TaskGroup serving(world.loop);
    serving.spawn(local->run());
    if (loopback) serving.spawn(loopback->run());
    TaskGroup chores(world.loop);
    chores.spawn(keep_reconciled(world, opened, settings, std::move(low)));
    if (alerter->has_sinks()) chores.spawn(alerter->run());
    announce("wallet", local->url());
    if (loopback) announce("wallet_loopback", loopback->url());
    auto& mandate = opened.account->mandate();
    std::function<void()> on_hangup = [&world, &mandate] { say_whether_it_pays(world, mandate); };
    co_await signals.until_told_to_stop(*world.log, std::move(on_hangup));
    signals.release();
    // Who waits for the operator hears so now; who is in the middle of a payment ends it.
    opened.account->stop_waiting();
    chores.cancel();
    co_await chores.join();
    local->stop(settings.grace);
    if (loopback) loopback->stop(settings.grace);
    auto joining = join_result(serving);
    const auto joined = co_await finish_within(std::move(joining), settings.grace + kCutPatience);
    if (!joined) {
        // What was signed stays reserved, and is settled or released by what the chain says.
        world.log->warn("stopped_with_requests_in_hand", {{"requests", daemon.in_hand()}});
    }
    co_return Result<>{};
}

int run_serve(const Options& options) {
    const auto settings = read_settings(options);
    if (!settings) return report(settings.error());
    World world(options.verbose ? Level::debug : Level::info);
    const auto opened = open_account(world, options.account);
    if (!opened) return report(opened.error());
    const auto ended = run_blocking(world.loop, serve(world, options, *settings, **opened));
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
    command
        ->add_option("--rpc", options->rpcs,
                     "a node of a chain that is paid on: what is reserved is reconciled with it; "
                     "may be repeated")
        ->take_all()
        ->allow_extra_args(false);
    command->add_option("--reconcile-every", options->every, "and how often")
        ->capture_default_str();
    command->add_option("--grace", options->grace, "for requests in hand, when told to stop")
        ->capture_default_str();
    command->add_flag("-v,--verbose", options->verbose, "log at debug level");
    command->callback([options, &run] { run = [options] { return run_serve(*options); }; });
}

}  // namespace farthing::app
