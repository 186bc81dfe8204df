// SPDX-License-Identifier: Apache-2.0
#include "app/discovery_options.hpp"

namespace farthing::app {

CLI::Option* add_facilitator_option(CLI::App& command, std::vector<std::string>& facilitators) {
    return command
        .add_option("--facilitator", facilitators,
                    "whose list of services is searched; may be repeated")
        ->take_all()
        ->allow_extra_args(false);
}

Result<std::vector<net::Url>> facilitator_urls(const std::vector<std::string>& texts) {
    std::vector<net::Url> out;
    for (const auto& each : texts) {
        auto url = net::parse_url(each);
        if (!url) return fail(Errc::invalid_argument, "--facilitator: " + url.error().detail);
        out.push_back(*std::move(url));
    }
    return out;
}

}  // namespace farthing::app
