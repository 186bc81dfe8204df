// SPDX-License-Identifier: Apache-2.0
// A network that somebody typed.
#pragma once

#include <string_view>

#include "farthing/evm/network.hpp"

namespace farthing::app {

/// Its id or its short name. Errors: invalid_argument, naming `option`, and the name that was
/// probably meant.
[[nodiscard]] Result<Network> read_network(std::string_view text, std::string_view option);

}  // namespace farthing::app
