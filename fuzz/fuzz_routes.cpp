// SPDX-License-Identifier: Apache-2.0
// A gateway's configuration file: a site whose every paid route has a price, or an error that says
// what to change.
#include "farthing/gateway/site.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto config = config_from_toml<gateway::Config>(fuzz::text_of(data, size), "fuzz.toml");
    fuzz::explained(config);
    if (!config) return 0;
    const auto site = gateway::make_site(*config);
    fuzz::explained(site);
    if (!site) return 0;
    for (const auto& route : (*site)->routes) {
        invariant(route.is_free == route.offers.empty(), "a route is free or has a price");
        for (const auto& offer : route.offers) {
            invariant(!offer.requirements.amount.is_zero(), "a price is not nothing");
            invariant(!offer.requirements.pay_to.empty(), "and is paid to somebody");
        }
    }
    return 0;
}
