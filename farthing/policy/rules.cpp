// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/rules.hpp"

#include <algorithm>

#include "farthing/evm/assets.hpp"
#include "farthing/policy/signature.hpp"

namespace farthing::policy {
namespace {

const AssetTable& built_in() {
    static const AssetTable table = AssetTable::built_in();
    return table;
}

U256 ten_to(unsigned exponent) { return power_of_ten(exponent).value_or(U256::max()); }

/// value / divisor, rounded up.
std::optional<U256> divide_up(const U256& value, const U256& divisor) {
    const auto quotient = value.checked_div(divisor);
    if (!quotient) return std::nullopt;
    if (quotient->checked_mul(divisor) == value) return quotient;
    return quotient->checked_add(U256(1));
}

/// Which payments a limit or a rate is about.
template <class T>
Meter about(const T& condition, const Pact& pact) {
    Meter meter;
    meter.per = condition.per;
    meter.offset = pact.utc_offset;
    if (condition.per.kind == Period::Kind::pact && pact.not_before)
        meter.since = pact.not_before->seconds;
    if (condition.vendor) {
        const bool each = *condition.vendor == "each";
        meter.of = each ? Meter::Of::each_vendor : Meter::Of::vendor;
        if (!each) meter.which = *condition.vendor;
    }
    return meter;
}

/// percent of limit, rounded up.
U256 share(const U256& limit, std::uint32_t percent) {
    const auto product = limit.checked_mul(U256(percent));
    const auto part = product ? divide_up(*product, U256(100)) : std::nullopt;
    return part.value_or(limit);
}

}  // namespace

std::optional<Worth> worth_of(const U256& amount, const KnownToken& token) {
    static const U256 most = ten_to(kWorthDigitsMax);
    const auto units = token.decimals <= kScale
                           ? amount.checked_mul(ten_to(kScale - token.decimals))
                           : divide_up(amount, ten_to(token.decimals - kScale));
    if (!units || *units > most) return std::nullopt;
    Worth worth{*units, std::nullopt};
    if (!token.value) return worth;
    const auto product = units->checked_mul(*token.value);
    const auto dollars = product ? divide_up(*product, ten_to(kScale)) : std::nullopt;
    if (!dollars || *dollars > most) return std::nullopt;
    worth.dollars = *dollars;
    return worth;
}

Result<Rules> Rules::make(Pact pact) {
    FARTHING_CHECK(pact.validate());
    Rules rules;
    rules.hash_ = pact_hash(pact);
    for (const auto& each : pact.limit) {
        rules.limit_ids_.push_back(each.id());
        auto& alerts = rules.limit_alerts_.emplace_back();
        for (const auto percent : each.alert_at.value_or(pact.alert_at))
            alerts.push_back({percent, share(each.amount.value, percent)});
        auto meter = about(each, pact);
        meter.unit = each.amount.unit;
        if (each.category) {
            meter.of = Meter::Of::category;
            meter.which = *each.category;
        }
        if (each.task) {
            const bool every = *each.task == "each";
            meter.of = every ? Meter::Of::each_task : Meter::Of::task;
            if (!every) meter.which = *each.task;
        }
        if (each.per.kind == Period::Kind::request) {
            rules.limit_meters_.emplace_back();
        } else {
            rules.limit_meters_.emplace_back(rules.meter(std::move(meter)));
        }
    }
    for (const auto& each : pact.rate) {
        rules.rate_ids_.push_back(each.id());
        auto meter = about(each, pact);
        meter.payments = true;
        rules.rate_meters_.push_back(rules.meter(std::move(meter)));
    }
    rules.fingerprint_ = fingerprint_of(rules.meters_);
    rules.pact_ = std::move(pact);
    return rules;
}

std::size_t Rules::meter(Meter wanted) {
    const auto id = wanted.id();
    const auto same = [&](const Meter& each) { return each.id() == id; };
    const auto found = std::ranges::find_if(meters_, same);
    if (found != meters_.end()) return static_cast<std::size_t>(found - meters_.begin());
    meters_.push_back(std::move(wanted));
    return meters_.size() - 1;
}

std::optional<KnownToken> Rules::find_token(const Network& network, const Address& address) const {
    for (const auto& each : pact_.token) {
        if (each.network != network || each.address != address) continue;
        return KnownToken{each.symbol, each.decimals,
                          each.value ? std::optional(each.value->value) : std::nullopt};
    }
    const auto* asset = built_in().find(network, address);
    if (asset == nullptr) return std::nullopt;
    return KnownToken{asset->symbol, asset->decimals, ten_to(kScale)};
}

}  // namespace farthing::policy
