// SPDX-License-Identifier: Apache-2.0
// A pact in words, for whoever signs it.
#pragma once

#include <string>
#include <vector>

#include "farthing/policy/pact.hpp"

namespace farthing::app {

/// One sentence for each condition, in the order of the pact's settings.
[[nodiscard]] std::vector<std::string> in_words(const policy::Pact& pact);
/// With the name that people know it by, if it has one.
[[nodiscard]] std::string in_words(const Network& network);

}  // namespace farthing::app
