// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/multicall3.hpp"

#include "farthing/evm/abi.hpp"

namespace farthing::multicall3 {

Call try_each(const std::vector<Call>& calls) {
    std::vector<abi::Item> items;
    items.reserve(calls.size());
    for (const auto& each : calls) items.push_back(abi::Item::tuple({each.to, each.data}));
    return {kAddress, abi::call("tryAggregate(bool,(address,bytes)[])",
                                {false, abi::Item::array(std::move(items))})};
}

}  // namespace farthing::multicall3
