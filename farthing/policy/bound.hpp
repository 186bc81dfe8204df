// SPDX-License-Identifier: Apache-2.0
// A limit or a rate in the same terms, in words and for judging.
#pragma once

#include <optional>
#include <string>

#include "farthing/policy/rules.hpp"

namespace farthing::policy {

[[nodiscard]] std::string amount_text(const U256& value, std::string_view unit);
/// `today`, `in the last 1h`.
[[nodiscard]] std::string when_text(const Period& per);

/// A limit or a rate in the same terms: how much, of what, where it is counted.
struct Bound {
    const std::string& id;
    U256 limit;
    std::optional<std::string> unit;  ///< of an amount; a number of payments has none
    const Period& per;
    Verdict over;
    std::optional<std::size_t> meter;

    [[nodiscard]] std::string text(const U256& value) const;
};

[[nodiscard]] Bound limit_bound(const Rules& rules, std::size_t i);
[[nodiscard]] Bound rate_bound(const Rules& rules, std::size_t i);

}  // namespace farthing::policy
