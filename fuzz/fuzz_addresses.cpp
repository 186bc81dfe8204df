// SPDX-License-Identifier: Apache-2.0
// The list of refused addresses: every line that names one is on it, or the whole list is refused.
#include "farthing/facilitator/address_list.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto list = facilitator::parse_address_list(text);
    fuzz::explained(list);
    if (!list) return 0;
    std::string again;
    for (const auto& address : *list) again += address.to_checksum() + "\n";
    const auto same = facilitator::parse_address_list(again);
    invariant(same && *same == *list, "what was read is read again as the same");
    for (auto rest = text; !rest.empty();) {
        const auto [line, next] = fuzz::first_line(rest);
        if (const auto address = parse_address(line))
            invariant(list->contains(*address), "no line is left out");
        rest = next;
    }
    return 0;
}
