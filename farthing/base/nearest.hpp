// SPDX-License-Identifier: Apache-2.0
// What a misspelt word most likely means, for messages that say what to write instead.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace farthing {

/// The first of the nearest in `known`: at most two edits away (one for a word of up to three
/// letters), where an edit is a letter too many, too few, another one, or two that changed places;
/// ASCII letters compare without case. Nothing when none is so near.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view text,
                                                      std::span<const std::string_view> known);

}  // namespace farthing
