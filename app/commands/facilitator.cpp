// SPDX-License-Identifier: Apache-2.0
// `farthing facilitator`: verify and settle for many sellers.
#include "app/commands/commands.hpp"
#include "app/world.hpp"
#include "farthing/facilitator/local.hpp"
#include "farthing/facilitator/routes.hpp"
#include "farthing/io/task_group.hpp"

namespace farthing::app {
namespace {

struct Options {
    std::string config_file;
    bool check_config = false;
    bool print_config = false;
    bool verbose = false;
};

Task<bool> drain_result(facilitator::LocalFacilitator& local) {
    co_await local.drain();
    co_return true;
}

facilitator::AccessConfig access_of(const facilitator::Config& config) {
    return {config.trusted_proxies, config.allow, config.api_key, config.rate_limits};
}

Task<Result<>> serve(World& world, const facilitator::Config& config,
                     facilitator::LocalFacilitator& local) {
    auto checked = co_await local.check_chains();
    if (!checked) co_return checked;
    auto recovered = co_await local.recover();
    if (!recovered) co_return recovered;
    facilitator::Service::Readiness not_ready = [&local] { return local.not_ready(); };
    facilitator::Access access(world.env(), access_of(config));
    facilitator::Service service(world.env(), local, access, std::move(not_ready),
                                 config.settle_timeout);
    net::Handler handler = [&service](net::ServerRequest& request, net::Responder& responder) {
        return service.handle(request, responder);
    };
    net::ServerLimits limits;
    limits.connections_max = connections_that_fit(*world.log, limits.connections_max);
    auto server =
        net::Server::listen(world.env(), world.loop, config.listen, limits, std::move(handler));
    if (!server) co_return fail(std::move(server).error());
    Signals signals(world.loop, Signals::Hangup::reloads);
    announce("facilitator", (*server)->url());
    TaskGroup lanes(world.loop);
    lanes.spawn(local.run());
    TaskGroup serving(world.loop);
    serving.spawn((*server)->run());
    std::function<void()> on_hangup = [&local] { local.reload_screening(); };
    co_await signals.until_told_to_stop(*world.log, std::move(on_hangup));
    signals.release();
    (*server)->stop(config.shutdown_grace);
    co_await serving.join();
    // What was broadcast is watched to its end, as long as the grace lasts.
    auto drained = co_await finish_within(drain_result(local), config.shutdown_grace);
    if (!drained) world.log->warn("stopped_with_settlements_in_hand");
    lanes.cancel();
    co_await lanes.join();
    co_return Result<>{};
}

int run_facilitator(const Options& options) {
    auto config = load_config<facilitator::Config>(options.config_file);
    if (!config) return report(config.error());
    if (options.print_config) {
        std::printf("%s\n", json::encode_text(*config).c_str());
        return 0;
    }
    if (options.check_config) {
        std::printf("%s: good\n", options.config_file.c_str());
        return 0;
    }
    if (config->store.empty()) config->store = default_store(options.config_file);
    World world(options.verbose ? Level::debug : Level::info);
    const auto client = net::Client::make(world.env(), world.loop, {});
    auto local = facilitator::LocalFacilitator::make(world.env(), world.loop, *client, *config);
    if (!local) return report(local.error());
    const auto ended = run_blocking(world.loop, serve(world, *config, **local));
    return ended ? 0 : report(ended.error());
}

}  // namespace

void add_facilitator(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command =
        app.add_subcommand("facilitator", "verify payments and settle them on the chain");
    command->add_option("--config", options->config_file, "TOML file (docs/config.md)")->required();
    command->add_flag("--check-config", options->check_config,
                      "read the file, say whether it is good, and end");
    command->add_flag("--print-config", options->print_config,
                      "print the whole configuration with its defaults as JSON, and end");
    command->add_flag("-v,--verbose", options->verbose, "log at debug level");
    command->callback([options, &run] { run = [options] { return run_facilitator(*options); }; });
}

}  // namespace farthing::app
