// SPDX-License-Identifier: Apache-2.0
// RLP encoding, as transactions need it. Source: Yellow Paper, appendix B.
#pragma once

#include <vector>

#include "farthing/evm/u256.hpp"

namespace farthing::rlp {

[[nodiscard]] Bytes string(ByteView bytes);
/// Big-endian without leading zeros; zero is the empty string.
[[nodiscard]] Bytes number(const U256& value);
/// A list of items that are encoded already.
[[nodiscard]] Bytes list(const std::vector<Bytes>& items);

}  // namespace farthing::rlp
