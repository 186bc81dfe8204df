// SPDX-License-Identifier: Apache-2.0
// wallet.toml: settings that are within their limits, or an error that says where.
#include "farthing/wallet/settings.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto settings = config_from_toml<wallet::Settings>(text, "wallet.toml");
    fuzz::explained(settings);
    if (!settings) return 0;
    for (const auto& each : settings->alert) {
        invariant(!each.name.empty() && each.timeout.count() > 0, "a sink has a name and a time");
        if (each.webhook) {
            invariant(wallet::parse_private_url(*each.webhook).has_value(),
                      "a URL that is private");
        }
    }
    return 0;
}
