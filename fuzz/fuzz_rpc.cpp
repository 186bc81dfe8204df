// SPDX-License-Identifier: Apache-2.0
// What a chain node answers: one answer per call or an error, never a result that was not there.
#include "farthing/net/json_rpc.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto body = json::parse(fuzz::text_of(data, size));
    if (!body) return 0;
    const auto single = net::parse_rpc_answers(*body, {1}, false);
    fuzz::explained(single);
    invariant(!single || single->size() == 1, "one call, one answer");
    const auto batch = net::parse_rpc_answers(*body, {1, 2, 3}, true);
    fuzz::explained(batch);
    invariant(!batch || batch->size() == 3, "three calls, three answers");
    return 0;
}
