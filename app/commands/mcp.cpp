// SPDX-License-Identifier: Apache-2.0
// `farthing mcp`: a wallet as tools of a model, over stdio or streamable HTTP.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "app/commands/commands.hpp"
#include "app/discovery_options.hpp"
#include "app/wallet_chores.hpp"
#include "farthing/mcp/http.hpp"
#include "farthing/mcp/stdio.hpp"
#include "farthing/mcp/wallet_tools.hpp"
#include "farthing/net/fence.hpp"
#include "farthing/wallet/tokens.hpp"

namespace farthing::app {
namespace {

constexpr std::chrono::milliseconds kConnectTimeout{10'000};
/// A settlement may take as long as the chain does.
constexpr std::chrono::milliseconds kAnswerTimeout{90'000};
constexpr std::chrono::milliseconds kGrace{120'000};
constexpr std::size_t kConnectionsMax = 256;

struct Options {
    AccountOptions account;
    ChoresOptions chores;
    std::string listen;
    std::vector<std::string> hosts;
    std::vector<std::string> facilitators;
    bool verbose = false;
};

/// Standard input and output for the protocol alone: whatever else would print there goes to
/// stderr.
struct Pipes {
    int in = -1;
    int out = -1;
};

Result<Pipes> take_pipes() {
    const Pipes pipes{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3),
                      ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)};
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const bool taken = pipes.in >= 0 && pipes.out >= 0 && nothing >= 0 &&
                       ::dup2(nothing, STDIN_FILENO) >= 0 &&
                       ::dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
    if (!taken) return fail(Errc::io_failed, "standard input and output cannot be used");
    ::close(nothing);
    return pipes;
}

net::ClientConfig client_config(const Options& options) {
    net::ClientConfig out;
    out.connect_timeout = kConnectTimeout;
    out.response_timeout = kAnswerTimeout;
    out.read_timeout = kAnswerTimeout;
    out.ca_file = options.account.ca_file;
    return out;
}

/// Local places that the operator approved by name; a model is not to find others.
net::MayBeLocal approved_by(wallet::Mandate& mandate) {
    return [&mandate](const net::Url& url) {
        const auto terms = mandate.now();
        if (!terms) return false;
        return std::ranges::any_of((*terms)->pact.vendor, [&](const policy::Vendor& each) {
            return each.host && each.host->matches(url.authority());
        });
    };
}

Task<Result<>> serve_stdio(World& world, mcp::Server& server, Pipes pipes) {
    mcp::Stdio stdio(world.env(), world.loop, server, pipes.in, pipes.out);
    Signals signals(world.loop);
    TaskGroup watching(world.loop);
    auto watch = [](Signals& on, World& in, mcp::Stdio& what) -> Task<> {
        co_await on.until_told_to_stop(*in.log);
        // A second one ends us at once: what was reserved stays reserved.
        on.release();
        what.stop();
    };
    watching.spawn(watch(signals, world, stdio));
    co_await stdio.run();
    watching.cancel();
    co_await watching.join();
    co_return Result<>{};
}

Task<Result<>> serve_http(World& world, mcp::Server& server, const wallet::Folder& folder,
                          const Options& options) {
    const wallet::Tokens tokens(folder.path);
    mcp::Http::Identify identify =
        [&tokens](std::string token) -> Task<std::optional<std::string>> {
        co_return tokens.agent_of(token);
    };
    mcp::Http http(world.env(), server, std::move(identify));
    net::Handler handler = [&http](net::ServerRequest& request, net::Responder& responder) {
        return http.handle(request, responder);
    };
    net::ServerLimits limits;
    limits.connections_max = connections_that_fit(*world.log, kConnectionsMax);
    auto listening =
        net::Server::listen(world.env(), world.loop, options.listen, limits, std::move(handler));
    if (!listening) co_return fail(std::move(listening).error());
    const auto url = (*listening)->url();
    auto hosts = mcp::loopback_hosts(url.substr(url.rfind(':') + 1));
    hosts.insert(hosts.end(), options.hosts.begin(), options.hosts.end());
    http.answer_to(std::move(hosts));
    Signals signals(world.loop);
    announce("mcp", url + "/mcp");
    TaskGroup serving(world.loop);
    serving.spawn((*listening)->run());
    co_await signals.until_told_to_stop(*world.log);
    signals.release();
    http.hurry();
    // Payments in hand come to their end.
    (*listening)->stop(kGrace);
    co_await serving.join();
    co_return Result<>{};
}

/// Serves, and does the chores meanwhile.
Task<Result<>> beside(World& world, WalletChores& chores, Task<Result<>> serving) {
    TaskGroup group(world.loop);
    chores.start(group);
    auto done = co_await std::move(serving);
    group.cancel();
    co_await group.join();
    co_return done;
}

Result<> run(World& world, const Options& options) {
    if (!options.listen.empty() && !is_loopback(options.listen)) {
        return fail(Errc::invalid_argument,
                    "--listen: expected a loopback address such as 127.0.0.1:8403; from elsewhere, "
                    "reach it through a proxy with TLS, and name that one with --host");
    }
    FARTHING_TRY(auto facilitators, facilitator_urls(options.facilitators));
    FARTHING_TRY(const auto opened, open_account(world, options.account));
    auto& mandate = *opened->wallet.mandate;
    FARTHING_TRY(const auto chores, WalletChores::make(world, *opened, options.chores));
    const auto outward = net::make_fenced_client(world.env(), world.loop, client_config(options),
                                                 approved_by(mandate));
    wallet::Directory directory(*opened->client, opened->assets, std::move(facilitators));
    wallet::PayerConfig config;
    config.body_bytes_max = mcp::Shelf::kBodyBytesMax;
    wallet::Account::Parts parts{*outward, *opened->signer, *opened->wallet.ledger,
                                 mandate,  opened->assets,  std::move(config)};
    mcp::Desk desk(world.env(), std::move(parts), directory, opened->folder.path.string(),
                   FARTHING_VERSION);
    mcp::ServerInfo info{"farthing", "Farthing wallet", FARTHING_VERSION,
                         mcp::wallet_instructions()};
    mcp::Server server(world.env(), world.loop, std::move(info), mcp::make_wallet_tools(desk));
    if (!options.listen.empty()) {
        desk.may_pay = [tokens = wallet::Tokens(opened->folder.path)](const std::string& agent) {
            return tokens.has(agent);
        };
        auto serving = serve_http(world, server, opened->folder, options);
        return run_blocking(world.loop, beside(world, *chores, std::move(serving)));
    }
    FARTHING_TRY(const auto pipes, take_pipes());
    return run_blocking(world.loop, beside(world, *chores, serve_stdio(world, server, pipes)));
}

int run_mcp(const Options& options) {
    World world(options.verbose ? Level::info : Level::warn);
    const auto done = run(world, options);
    return done ? 0 : report(done.error());
}

}  // namespace

void add_mcp(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand("mcp", "a wallet as tools of a model (MCP)");
    add_account_options(*command, options->account);
    add_chores_options(*command, options->chores);
    auto* listen = command->add_option(
        "--listen", options->listen,
        "streamable HTTP at this loopback address, for agents with a token of `farthing wallet "
        "token new` (default: stdio)");
    command
        ->add_option("--host", options->hosts,
                     "another name that Host may have, as a proxy in front passes it on")
        ->needs(listen)
        ->take_all()
        ->allow_extra_args(false);
    add_facilitator_option(*command, options->facilitators);
    command->add_flag("-v,--verbose", options->verbose, "log each call on stderr");
    command->callback([options, &run] { run = [options] { return run_mcp(*options); }; });
}

}  // namespace farthing::app
