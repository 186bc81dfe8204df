// SPDX-License-Identifier: Apache-2.0
// Price text: never more atomic units than the text says, whatever the decimals.
#include "farthing/scheme/price.hpp"
#include "fuzz/fuzz.hpp"

using namespace farthing;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto money = scheme::parse_money(fuzz::text_of(data, size));
    fuzz::explained(money);
    if (!money) return 0;
    for (std::uint32_t decimals = 0; decimals <= 36; ++decimals) {
        const auto amount = scheme::to_atomic(*money, decimals);
        if (!amount) continue;
        invariant(!scheme::exceeds(*amount, decimals, *money), "cutting digits never adds value");
        const auto next = amount->checked_add(U256(1));
        invariant(!next || scheme::exceeds(*next, decimals, *money), "and cuts less than one unit");
    }
    return 0;
}
