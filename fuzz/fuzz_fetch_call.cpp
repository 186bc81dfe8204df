// SPDX-License-Identifier: Apache-2.0
// What an agent asks the wallet's daemon for: the body of a call, and the query of a target.
#include "farthing/wallet/daemon_api.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto order = wallet::parse_fetch_call(text);
    fuzz::explained(order);
    if (order) {
        // Who asks is not for the caller to say, nor whom it goes to but by the URL.
        invariant(order->errand.agent.empty() && order->errand.card.empty(), "no name");
        invariant(!order->request.headers.has("Host"), "no Host");
    }
    static_cast<void>(wallet::query_parameter(text, "vendor"));
    static_cast<void>(wallet::parse_wait(text));
    return 0;
}
