// SPDX-License-Identifier: Apache-2.0
// `farthing gateway`: paid routes in front of an HTTP origin.
#include "farthing/gateway/gateway.hpp"

#include "app/commands/commands.hpp"
#include "app/world.hpp"
#include "farthing/facilitator/local.hpp"
#include "farthing/facilitator/remote.hpp"
#include "farthing/gateway/admin.hpp"
#include "farthing/io/task_group.hpp"

namespace farthing::app {
namespace {

constexpr std::chrono::seconds kSupportedPatience{5};
constexpr std::chrono::milliseconds kCutPatience{500};
constexpr std::size_t kAdminConnectionsMax = 16;
constexpr std::size_t kFacilitatorAnswerBytesMax = 1 << 20;

struct Options {
    std::string config_file;
    bool check_config = false;
    bool print_config = false;
    bool verbose = false;
};

/// Who settles: the embedded facilitator or one somewhere else.
struct Settling {
    std::unique_ptr<net::Client> client;
    std::unique_ptr<facilitator::LocalFacilitator> local;
    std::unique_ptr<facilitator::RemoteFacilitator> remote;

    [[nodiscard]] facilitator::Facilitator& facilitator() const {
        if (local) return *local;
        return *remote;
    }
};

Result<Settling> make_settling(World& world, const gateway::Config& config) {
    Settling out;
    net::ClientConfig limits;
    limits.body_bytes_max = kFacilitatorAnswerBytesMax;
    const auto& wanted = config.facilitator;
    if (!wanted.url) {
        out.client = net::Client::make(world.env(), world.loop, limits);
        facilitator::Config embedded;
        embedded.network = wanted.network;
        embedded.asset = config.asset;
        FARTHING_TRY(out.local, facilitator::LocalFacilitator::make(world.env(), world.loop,
                                                                    *out.client, embedded));
        return out;
    }
    // The deadline of a whole call is the facilitator's own; nothing within it is cut off earlier.
    limits.response_timeout = wanted.timeout;
    limits.read_timeout = wanted.timeout;
    out.client = net::Client::make(world.env(), world.loop, limits);
    facilitator::RemoteConfig remote;
    FARTHING_TRY(remote.url, net::parse_url(*wanted.url));
    remote.timeout = wanted.timeout;
    for (const auto& header : wanted.header) {
        auto value = header.value.load();
        if (!value)
            return fail(Errc::invalid_config,
                        "facilitator.header " + header.name + ": " + value.error().detail);
        remote.headers.emplace_back(header.name, std::move(*value));
    }
    out.remote = std::make_unique<facilitator::RemoteFacilitator>(world.env(), *out.client,
                                                                  std::move(remote));
    return out;
}

/// What is wrong before the first request: a chain, an asset, an offer nobody settles. A remote
/// facilitator that does not answer yet is no reason to stay down.
Task<Result<>> check_settling(World& world, Settling& settling, const gateway::Site& site) {
    if (settling.local) {
        auto checked = co_await settling.local->check_chains();
        co_return checked;
    }
    auto asking = settling.remote->supported();
    const auto supported = co_await with_deadline(std::move(asking), kSupportedPatience);
    if (supported) co_return gateway::check_supported(site, *supported);
    world.log->warn("facilitator_does_not_answer", {{"reason", to_string(supported.error())}});
    co_return Result<>{};
}

Task<std::vector<std::string>> not_ready(Settling& settling) {
    if (settling.local) {
        auto reasons = co_await settling.local->not_ready();
        co_return reasons;
    }
    std::vector<std::string> reasons;
    auto asking = settling.remote->supported();
    const auto supported = co_await with_deadline(std::move(asking), kSupportedPatience);
    if (!supported) reasons.push_back("facilitator: " + to_string(supported.error()));
    co_return reasons;
}

net::ClientConfig origin_limits(const gateway::LimitsConfig& limits) {
    net::ClientConfig out;
    out.connect_timeout = limits.origin_connect_timeout;
    out.response_timeout = limits.origin_response_timeout;
    out.read_timeout = limits.origin_read_timeout;
    return out;
}

net::ServerLimits server_limits(World& world, const gateway::LimitsConfig& limits) {
    net::ServerLimits out;
    out.body_bytes_max = limits.request_body_bytes_max;
    out.connections_max = connections_that_fit(*world.log, limits.connections_max);
    return out;
}

net::ServerLimits admin_limits() {
    net::ServerLimits out;
    out.connections_max = kAdminConnectionsMax;
    return out;
}

void warn_of(World& world, const gateway::Site& site) {
    for (const auto& warning : site.warnings) world.log->warn("config", {{"warning", warning}});
}

/// What a reload does not change while the process runs.
bool needs_restart(const gateway::Config& running, const gateway::Config& next) {
    const auto fixed = [](const gateway::Config& config) {
        return json::Array{json::Value(config.listen),
                           json::Value(config.admin_listen.value_or("")),
                           json::encode(config.facilitator), json::encode(config.limits)};
    };
    return !json::equal(fixed(running), fixed(next));
}

/// Routes, prices, origin, assets, proxies and CORS are taken over; a file with a fault is not.
void reload(World& world, const Options& options, const gateway::Config& running,
            gateway::Gateway& gateway) {
    auto next = load_config<gateway::Config>(options.config_file);
    Result<std::shared_ptr<const gateway::Site>> site;
    if (next) {
        if (needs_restart(running, *next)) {
            world.log->warn("config_needs_restart",
                            {{"what",
                              "listen, admin_listen, facilitator and limits stay as they "
                              "were until the next start"}});
        }
        // New offers are held against the facilitator that runs.
        next->facilitator = running.facilitator;
        site = gateway::make_site(*next);
    } else {
        site = fail(next.error());
    }
    if (!site) {
        gateway.count_failed_reload();
        world.log->error("config_rejected", {{"file", options.config_file},
                                             {"reason", to_string(site.error())},
                                             {"kept", "the configuration before"}});
        return;
    }
    warn_of(world, **site);
    world.log->info("config_reloaded",
                    {{"file", options.config_file}, {"routes", (*site)->routes.size()}});
    gateway.use(std::move(*site));
}

Task<bool> join_result(TaskGroup& serving) {
    co_await serving.join();
    co_return true;
}

Task<bool> drain_result(gateway::Gateway& gateway, Settling& settling) {
    co_await gateway.drain();
    if (settling.local) co_await settling.local->drain();
    co_return true;
}

/// The servers, until told to stop; then what was begun is finished within the grace.
Task<Result<>> run_servers(World& world, const Options& options, const gateway::Config& config,
                           Settling& settling, gateway::Gateway& gateway) {
    net::Handler handler = [&gateway](net::ServerRequest& request, net::Responder& responder) {
        return gateway.handle(request, responder);
    };
    gateway::Admin::Readiness readiness = [&settling] { return not_ready(settling); };
    gateway::Admin admin(world.env(), std::move(readiness));
    net::Handler admin_handler = [&admin](net::ServerRequest& request, net::Responder& responder) {
        return admin.handle(request, responder);
    };
    FARTHING_CO_TRY(const auto server,
                    net::Server::listen(world.env(), world.loop, config.listen,
                                        server_limits(world, config.limits), std::move(handler)));
    std::unique_ptr<net::Server> admin_server;
    if (config.admin_listen) {
        FARTHING_CO_TRY(admin_server,
                        net::Server::listen(world.env(), world.loop, *config.admin_listen,
                                            admin_limits(), std::move(admin_handler)));
        announce("gateway_admin", admin_server->url());
    }
    TaskGroup lanes(world.loop);
    if (settling.local) lanes.spawn(settling.local->run());
    TaskGroup serving(world.loop);
    serving.spawn(server->run());
    if (admin_server) serving.spawn(admin_server->run());
    Signals signals(world.loop, Signals::Hangup::reloads);
    announce("gateway", server->url());
    std::function<void()> on_hangup = [&] { reload(world, options, config, gateway); };
    co_await signals.until_told_to_stop(*world.log, std::move(on_hangup));
    signals.release();
    server->stop(config.limits.shutdown_grace);
    if (admin_server) admin_server->stop(std::chrono::milliseconds(0));
    // Connections are cut when the grace is over; a request that still waits for an origin or a
    // facilitator is ended a moment later. A settlement is a task of its own and goes on.
    auto joining = join_result(serving);
    const auto joined =
        co_await finish_within(std::move(joining), config.limits.shutdown_grace + kCutPatience);
    if (!joined) world.log->warn("stopped_with_requests_in_hand");
    auto draining = drain_result(gateway, settling);
    const auto drained = co_await finish_within(std::move(draining), config.limits.shutdown_grace);
    if (!drained) world.log->warn("stopped_with_settlements_in_hand");
    lanes.cancel();
    co_await lanes.join();
    co_return Result<>{};
}

Task<Result<>> serve(World& world, const Options& options, const gateway::Config& config,
                     Settling& settling) {
    FARTHING_CO_TRY(const auto site, gateway::make_site(config));
    warn_of(world, *site);
    auto checked = co_await check_settling(world, settling, *site);
    if (!checked) co_return checked;
    const auto origin = net::Client::make(world.env(), world.loop, origin_limits(config.limits));
    gateway::Gateway gateway(world.env(), world.loop, *origin, settling.facilitator(), site,
                             gateway::rules_of(config));
    auto ended = co_await run_servers(world, options, config, settling, gateway);
    co_return ended;
}

int check_config(const Options& options, const gateway::Config& config) {
    const auto site = gateway::make_site(config);
    if (!site) return report(site.error());
    for (const auto& warning : (*site)->warnings) {
        std::printf("%s: warning: %s\n", options.config_file.c_str(), warning.c_str());
    }
    std::printf("%s: good\n", options.config_file.c_str());
    return 0;
}

int run_gateway(const Options& options) {
    auto config = load_config<gateway::Config>(options.config_file);
    if (!config) return report(config.error());
    if (options.print_config) {
        std::printf("%s\n", json::encode_text(*config).c_str());
        return 0;
    }
    if (options.check_config) return check_config(options, *config);
    World world(options.verbose ? Level::debug : Level::info);
    auto settling = make_settling(world, *config);
    if (!settling) return report(settling.error());
    const auto ended = run_blocking(world.loop, serve(world, options, *config, *settling));
    return ended ? 0 : report(ended.error());
}

}  // namespace

void add_gateway(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand(
        "gateway", "sell what an HTTP server offers: paid routes in front of it");
    command->add_option("--config", options->config_file, "TOML file (docs/config.md)")->required();
    command->add_flag("--check-config", options->check_config,
                      "read the file, say whether it is good, and end");
    command->add_flag("--print-config", options->print_config,
                      "print the whole configuration with its defaults as JSON, and end");
    command->add_flag("-v,--verbose", options->verbose, "log at debug level");
    command->callback([options, &run] { run = [options] { return run_gateway(*options); }; });
}

}  // namespace farthing::app
