// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/bound.hpp"
#include "farthing/policy/decide.hpp"

namespace farthing::policy {

std::vector<Standing> standings(const Rules& rules, const Budget& budget, std::uint64_t clock,
                                std::string_view vendor, std::string_view task) {
    std::vector<Standing> out;
    if (budget.fingerprint() != rules.fingerprint()) return out;
    const auto now = budget.now(clock);
    const auto& pact = rules.pact();
    std::string category;
    for (const auto& each : pact.vendor) {
        if (!each.host || !each.host->matches(vendor)) continue;
        category = each.category;
        break;
    }
    const auto add = [&](const Bound& bound) {
        const auto& meter = rules.meters()[*bound.meter];
        const bool asks = (meter.of == Meter::Of::each_vendor && vendor.empty()) ||
                          (meter.of == Meter::Of::each_task && task.empty());
        const auto key = meter.key_for(vendor, category, task);
        if (!key || asks) return;
        const auto used = budget.used(*bound.meter, *key, now);
        Standing standing{.condition = bound.id,
                          .per = bound.per,
                          .limit = bound.text(bound.limit),
                          .used = bound.text(used),
                          .left = bound.text(bound.limit.saturating_sub(used)),
                          .resets = std::nullopt};
        const auto kind = bound.per.kind;
        if (kind == Period::Kind::day || kind == Period::Kind::week || kind == Period::Kind::month)
            standing.resets = Instant{calendar_stretch(kind, now, pact.utc_offset).end};
        out.push_back(std::move(standing));
    };
    for (std::size_t i = 0; i < pact.limit.size(); ++i) {
        const auto bound = limit_bound(rules, i);
        if (bound.meter) add(bound);
    }
    for (std::size_t i = 0; i < pact.rate.size(); ++i) add(rate_bound(rules, i));
    return out;
}

}  // namespace farthing::policy
