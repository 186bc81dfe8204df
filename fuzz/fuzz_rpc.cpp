// SPDX-License-Identifier: Apache-2.0
// What a chain node answers: one answer per call or an error, never a result that was not there;
// and a block, a receipt or a log that was asked for, or an error.
#include "farthing/chain/evm_chain.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

namespace {

void read_result(const json::Value& result) {
    fuzz::explained(chain::parse_head(result));
    fuzz::explained(chain::parse_receipt(result, Bytes32{}));
    const chain::LogFilter asked{.from_block = 1, .to_block = 16, .addresses = {}, .topics = {}};
    const auto logs = chain::parse_logs(result, asked);
    fuzz::explained(logs);
    if (!logs) return;
    for (const auto& each : *logs) {
        invariant(each.block_number >= 1 && each.block_number <= 16, "in the range asked for");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto body = json::parse(fuzz::text_of(data, size));
    if (!body) return 0;
    const auto single = net::parse_rpc_answers(*body, {1}, false);
    fuzz::explained(single);
    invariant(!single || single->size() == 1, "one call, one answer");
    if (single && single->front()) read_result(*single->front());
    const auto batch = net::parse_rpc_answers(*body, {1, 2, 3}, true);
    fuzz::explained(batch);
    invariant(!batch || batch->size() == 3, "three calls, three answers");
    return 0;
}
