// SPDX-License-Identifier: Apache-2.0
#include "app/network_option.hpp"

#include <fmt/format.h>

#include "farthing/base/nearest.hpp"

namespace farthing::app {

Result<Network> read_network(std::string_view text, std::string_view option) {
    auto network = network_from_any(text);
    if (network) return network;
    std::vector<std::string_view> known;
    for (const auto& each : v1_names()) known.push_back(each.name);
    const auto meant = nearest(text, known);
    return fail(Errc::invalid_argument,
                fmt::format("{}: {}{}", option, network.error().detail,
                            meant ? fmt::format("; did you mean {}?", *meant) : std::string()));
}

}  // namespace farthing::app
