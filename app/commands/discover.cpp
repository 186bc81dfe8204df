// SPDX-License-Identifier: Apache-2.0
// `farthing discover`: what facilitators list as for sale.
#include <fmt/format.h>
#include <unistd.h>

#include "app/commands/commands.hpp"
#include "app/discovery_options.hpp"
#include "app/named_file.hpp"
#include "app/network_option.hpp"
#include "app/world.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/wallet/discovery.hpp"

namespace farthing::app {
namespace {

/// The reference client's own.
constexpr const char* kDefaultFacilitator = "https://x402.org/facilitator";

struct Options {
    std::string query;
    std::vector<std::string> facilitators;
    std::string network;
    std::string max_price;
    std::uint32_t limit = 20;
    std::string ca_file;
    bool json = false;
};

Result<wallet::Search> make_search(const Options& options) {
    wallet::Search out;
    out.query = options.query;
    out.limit = options.limit;
    if (!options.network.empty()) {
        FARTHING_TRY(out.network, read_network(options.network, "--network"));
    }
    if (!options.max_price.empty()) {
        auto money = scheme::parse_money(options.max_price);
        if (!money) return fail(Errc::invalid_argument, "--max-price: " + money.error().detail);
        out.max_price = *std::move(money);
    }
    return out;
}

void print(const wallet::Service& service) {
    fmt::print("{}  {}{}\n", service.resource, service.type,
               service.tool ? ", tool " + *service.tool : "");
    if (service.name) fmt::print("    {}\n", *service.name);
    if (service.description) fmt::print("    {}\n", *service.description);
    for (const auto& each : service.prices) {
        fmt::print("    {} on {}{}\n", each.price, each.network,
                   each.payable ? "" : " (this wallet cannot pay so)");
    }
}

int run_discover(const Options& options) {
    const auto search = make_search(options);
    if (!search) return report(search.error());
    auto facilitators = facilitator_urls(options.facilitators);
    if (!facilitators) return report(facilitators.error());
    World world(Level::error);
    net::ClientConfig config;
    config.ca_file = options.ca_file;
    const auto client = net::Client::make(world.env(), world.loop, config);
    const auto assets = AssetTable::built_in();
    wallet::Directory directory(*client, assets, *std::move(facilitators));
    const auto found = run_blocking(world.loop, directory.find(*search));
    const bool as_json = options.json || isatty(STDOUT_FILENO) != 1;
    for (const auto& each : found.services) {
        if (as_json) {
            fmt::print("{}\n", json::encode_text(each));
        } else {
            print(each);
        }
    }
    if (found.partial && !as_json) fmt::print("There is more: narrow the search.\n");
    if (!found.failures.empty() && found.services.empty()) return report(found.failures.front());
    for (const auto& each : found.failures) {
        fmt::print(stderr, "farthing: warning: {}\n", legible(to_string(each)));
    }
    return 0;
}

}  // namespace

void add_discover(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand("discover", "find paid services in facilitators' lists");
    const std::function<std::string(const std::string&)> readable = why_unreadable;
    command->add_option("query", options->query, "words for what you need")->required();
    add_facilitator_option(*command, options->facilitators)->default_val(kDefaultFacilitator);
    command->add_option("--network", options->network,
                        "only what can be paid there (eip155:8453 or base)");
    command->add_option("--max-price", options->max_price, "only what costs at most this: '$0.01'");
    command->add_option("--limit", options->limit, "how many, at most 100")->capture_default_str();
    command->add_flag("--json", options->json,
                      "one JSON line each, as it is where the output is no terminal");
    command
        ->add_option("--ca-file,--cacert", options->ca_file,
                     "certificates to trust, PEM (default: the system's)")
        ->check(readable);
    command->footer(
        "All of it is what sellers say of themselves. Ask for a price with `farthing "
        "pay --dry-run` before you pay.");
    command->callback([options, &run] { run = [options] { return run_discover(*options); }; });
}

}  // namespace farthing::app
