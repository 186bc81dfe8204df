// SPDX-License-Identifier: Apache-2.0
// The ledger's schema, one step after the other. Forward only: a released step is never edited.
#pragma once

#include <string_view>
#include <vector>

namespace farthing::ledger {

/// Statements ended by `;` at the end of a line. The first is version 1.
[[nodiscard]] const std::vector<std::string_view>& migrations();

}  // namespace farthing::ledger
