// SPDX-License-Identifier: Apache-2.0
// `farthing gateway`: paid routes in front of an HTTP origin.
#include "farthing/gateway/gateway.hpp"

#include "app/commands/commands.hpp"
#include "app/settling.hpp"
#include "app/world.hpp"
#include "farthing/gateway/admin.hpp"
#include "farthing/io/task_group.hpp"

namespace farthing::app {
namespace {

constexpr std::chrono::milliseconds kCutPatience{500};
constexpr std::size_t kAdminConnectionsMax = 16;

struct Options {
    std::string config_file;
    bool check_config = false;
    bool print_config = false;
    bool verbose = false;
};

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
                           json::encode(config.facilitator), json::Value(config.store),
                           json::encode(config.limits)};
    };
    return !json::equal(fixed(running), fixed(next));
}

/// Takes the file over at each SIGHUP: routes, prices, origin, assets, proxies and CORS; a file
/// with a fault, or with an offer that nobody would settle, is not. One loop.
class Reloads {
  public:
    Reloads(World& world, const Options& options, const gateway::Config& running,
            Settling& settling, gateway::Gateway& gateway)
        : world_(world),
          options_(options),
          running_(running),
          settling_(settling),
          gateway_(gateway),
          tasks_(world.loop) {}

    /// One at a time: who asks while one is under way gets another one after it, which reads the
    /// file as it is then.
    void ask() {
        asked_ = true;
        if (busy_) return;
        busy_ = true;
        tasks_.spawn(work());
    }
    /// Leaves off. Await before it ends.
    Task<> end() {
        tasks_.cancel();
        co_await tasks_.join();
    }

  private:
    Task<> work() {
        while (std::exchange(asked_, false)) {
            co_await reload();
        }
        busy_ = false;
    }
    Task<> reload();
    Task<Result<std::shared_ptr<const gateway::Site>>> read();

    World& world_;
    const Options& options_;
    const gateway::Config& running_;
    Settling& settling_;
    gateway::Gateway& gateway_;
    TaskGroup tasks_;
    bool asked_ = false;
    bool busy_ = false;
};

Task<> Reloads::reload() {
    auto site = co_await read();
    if (!site) {
        gateway_.count_failed_reload();
        world_.log->error("config_rejected", {{"file", options_.config_file},
                                              {"reason", to_string(site.error())},
                                              {"kept", "the configuration before"}});
        co_return;
    }
    warn_of(world_, **site);
    world_.log->info("config_reloaded",
                     {{"file", options_.config_file}, {"routes", (*site)->routes.size()}});
    gateway_.use(std::move(*site));
}

Task<Result<std::shared_ptr<const gateway::Site>>> Reloads::read() {
    FARTHING_CO_TRY(auto next, load_config<gateway::Config>(options_.config_file));
    fill_in_stores(next, options_.config_file);
    if (needs_restart(running_, next)) {
        world_.log->warn("config_needs_restart",
                         {{"what",
                           "listen, admin_listen, facilitator, store and limits stay as they "
                           "were until the next start"}});
    }
    // New offers are held against the facilitator that runs.
    next.facilitator = running_.facilitator;
    FARTHING_CO_TRY(auto site, gateway::make_site(next));
    auto checked = co_await check_reload(settling_, next, *site);
    if (!checked) co_return fail(std::move(checked).error());
    co_return site;
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
    lanes.spawn(gateway.run());
    TaskGroup serving(world.loop);
    serving.spawn(server->run());
    if (admin_server) serving.spawn(admin_server->run());
    Signals signals(world.loop, Signals::Hangup::reloads);
    announce("gateway", server->url());
    Reloads reloads(world, options, config, settling, gateway);
    std::function<void()> on_hangup = [&reloads, &settling] {
        if (settling.local) settling.local->reload_screening();
        reloads.ask();
    };
    co_await signals.until_told_to_stop(*world.log, std::move(on_hangup));
    signals.release();
    co_await reloads.end();
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
    co_await gateway.close();
    co_return Result<>{};
}

Task<Result<>> serve(World& world, const Options& options, const gateway::Config& config,
                     Settling& settling, const Recording& recording) {
    FARTHING_CO_TRY(const auto site, gateway::make_site(config));
    warn_of(world, *site);
    auto checked = co_await check_settling(world, settling, *site);
    if (!checked) co_return checked;
    const auto origin = net::Client::make(world.env(), world.loop, origin_limits(config.limits));
    gateway::Gateway gateway(world.env(), world.loop, *origin, settling.facilitator(), site,
                             gateway::rules_of(config), recording.durable());
    auto opened = co_await gateway.open();
    if (!opened) co_return opened;
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
    fill_in_stores(*config, options.config_file);
    World world(options.verbose ? Level::debug : Level::info);
    auto settling = make_settling(world, *config);
    if (!settling) return report(settling.error());
    const auto recording = make_recording(world, *config, *settling);
    if (!recording) return report(recording.error());
    const auto ended =
        run_blocking(world.loop, serve(world, options, *config, *settling, *recording));
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
