// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/bound.hpp"

namespace farthing::policy {

std::string amount_text(const U256& value, std::string_view unit) {
    return to_text(Amount{value, std::string(unit)});
}

/// `today`, `in the last 1h`.
std::string when_text(const Period& per) {
    switch (per.kind) {
        case Period::Kind::day:
            return "today";
        case Period::Kind::week:
            return "this week";
        case Period::Kind::month:
            return "this month";
        case Period::Kind::pact:
            return "under this pact";
        case Period::Kind::window:
            return "in the last " + to_text(per);
        case Period::Kind::request:
            break;
    }
    return "per request";
}

std::string Bound::text(const U256& value) const {
    if (unit) return amount_text(value, *unit);
    return value.to_decimal() + (value == U256(1) ? " payment" : " payments");
}

Bound limit_bound(const Rules& rules, std::size_t i) {
    const auto& limit = rules.pact().limit[i];
    return {rules.limit_id(i), limit.amount.value, limit.amount.unit,
            limit.per,         limit.over,         rules.limit_meter(i)};
}

Bound rate_bound(const Rules& rules, std::size_t i) {
    const auto& rate = rules.pact().rate[i];
    return {rules.rate_id(i), U256(rate.payments), std::nullopt,
            rate.per,         rate.over,           rules.rate_meter(i)};
}

}  // namespace farthing::policy
