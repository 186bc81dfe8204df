// SPDX-License-Identifier: Apache-2.0
// Request targets against a route pattern (first line): what goes to the origin is read the same
// again, so it cannot mean another route there.
#include "farthing/gateway/path.hpp"
#include "farthing/gateway/routes.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto [match, raw] = fuzz::first_line(fuzz::text_of(data, size));
    const auto pattern = gateway::RoutePattern::parse(match);
    fuzz::explained(pattern);
    const auto target = gateway::read_target(raw);
    fuzz::explained(target);
    if (!target) return 0;
    const auto& path = target->path;
    const auto again = gateway::read_path(path.forward);
    invariant(again && again->plain == path.plain, "forwarded, it reads the same");
    invariant(again->forward == path.forward, "and is forwarded the same");
    if (pattern) {
        gateway::RouteTable table;
        table.add(*pattern, true);
        const auto there = table.find("GET", *again);
        const auto here = table.find("GET", path);
        invariant(there.has_value() == here.has_value(), "understood alike");
        invariant(!here || there.value() == here.value(), "to the same route");
    }
    return 0;
}
