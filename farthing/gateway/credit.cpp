// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/credit.hpp"

namespace farthing::gateway {
namespace {

/// Amounts of different tokens are added up in units of this many decimals, each token at one
/// dollar.
constexpr std::uint32_t kDecimals = 18;

/// Nothing when it cannot be counted in our units.
std::optional<U256> units_of(const Credit::Debt& debt) {
    if (debt.decimals > kDecimals) return std::nullopt;
    const auto factor = power_of_ten(kDecimals - debt.decimals);
    return factor ? debt.amount.checked_mul(*factor) : std::nullopt;
}

}  // namespace

struct Credit::State {
    CreditLimits limits;
    std::map<Address, U256> by_payer;
    std::map<std::string, U256> by_pay_to;
    U256 total;
    std::size_t count = 0;

    template <class Map, class Key>
    static U256 of(const Map& map, const Key& key) {
        const auto found = map.find(key);
        return found == map.end() ? U256{} : found->second;
    }
    static bool fits(const U256& there, const U256& more, const scheme::Money& limit) {
        const auto sum = there.checked_add(more);
        return sum && !scheme::exceeds(*sum, kDecimals, limit);
    }
};

Credit::Credit(CreditLimits limits) : state_(std::make_shared<State>()) {
    state_->limits = std::move(limits);
}

std::unique_ptr<Credit::Open> Credit::give(const Debt& debt) {
    const auto units = units_of(debt);
    if (!units || is_barred(debt.payer)) return nullptr;
    const auto& [limits, by_payer, by_pay_to, total, count] = *state_;
    const bool fits = State::fits(State::of(by_payer, debt.payer), *units, limits.per_payer) &&
                      State::fits(State::of(by_pay_to, debt.pay_to), *units, limits.per_pay_to) &&
                      State::fits(total, *units, limits.total);
    return fits ? std::make_unique<Open>(state_, debt, *units) : nullptr;
}

std::unique_ptr<Credit::Open> Credit::take_over(const Debt& debt) {
    // What is beyond any number leaves no room for more.
    const auto units = units_of(debt).value_or(U256::max());
    const auto room = U256::max().saturating_sub(state_->total);
    return std::make_unique<Open>(state_, debt, std::min(units, room));
}

void Credit::bar(const Address& payer) { barred_.insert(payer); }

std::size_t Credit::count() const { return state_->count; }

Credit::Open::Open(std::shared_ptr<State> state, const Debt& debt, const U256& units)
    : state_(std::move(state)), payer_(debt.payer), pay_to_(debt.pay_to), units_(units) {
    // Each sum is at most the total, which was seen to hold it.
    const auto add = [&](U256& to) { to = to.checked_add(units_).value_or(U256::max()); };
    add(state_->by_payer[payer_]);
    add(state_->by_pay_to[pay_to_]);
    add(state_->total);
    ++state_->count;
}

Credit::Open::~Open() {
    const auto take = [&](auto& map, const auto& key) {
        const auto found = map.find(key);
        if (found == map.end()) return;
        found->second = found->second.saturating_sub(units_);
        if (found->second.is_zero()) map.erase(found);
    };
    take(state_->by_payer, payer_);
    --state_->count;
    if (lost_) return;
    take(state_->by_pay_to, pay_to_);
    state_->total = state_->total.saturating_sub(units_);
}

}  // namespace farthing::gateway
