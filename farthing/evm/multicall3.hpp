// SPDX-License-Identifier: Apache-2.0
// Multicall3: many calls in one transaction, at the same address on nearly every chain. Source:
// protocol.md 8.2.
#pragma once

#include <vector>

#include "farthing/evm/eip3009.hpp"

namespace farthing::multicall3 {

inline constexpr Address kAddress{{0xca, 0x11, 0xbd, 0xe0, 0x59, 0x77, 0xb3, 0x63, 0x11, 0x67,
                                   0x02, 0x88, 0x62, 0xbe, 0x2a, 0x17, 0x39, 0x76, 0xca, 0x11}};

/// `tryAggregate(false, calls)`: each call succeeds or fails by itself.
[[nodiscard]] Call try_each(const std::vector<Call>& calls);

}  // namespace farthing::multicall3
