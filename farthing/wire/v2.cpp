// SPDX-License-Identifier: Apache-2.0
#include "farthing/wire/v2.hpp"

namespace farthing::v2 {

std::optional<std::string> PaymentRequirements::extra_text(std::string_view name) const {
    if (!extra) return std::nullopt;
    const auto* value = extra->if_contains(name);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string(value->get_string());
}

}  // namespace farthing::v2
