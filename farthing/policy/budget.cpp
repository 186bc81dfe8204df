// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/budget.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/policy/rules.hpp"

namespace farthing::policy {
namespace {

constexpr std::size_t kSweepAtLeast = 1024;

std::unexpected<Error> unknown_id(std::string_view id) {
    return fail(Errc::invalid_argument, fmt::format("no open reservation is called {}", id));
}

U256 counted(const Meter& meter, const Reservation& reservation) {
    return meter.payments ? U256(1) : reservation.in(meter.unit);
}

std::optional<std::string_view> key_of(const Meter& meter, const Reservation& reservation) {
    // Before the pact began nothing counts for it.
    if (meter.per.kind == Period::Kind::pact && reservation.time < meter.since) return std::nullopt;
    return meter.key_for(reservation.vendor, reservation.category, reservation.task);
}

/// `[time, "amount"]`.
struct SlotText {
    std::uint64_t time = 0;
    U256 amount;
};

struct TallyText {
    std::string key;
    std::vector<SlotText> slots;
    static constexpr auto fields() {
        return std::tuple{field("key", &TallyText::key), field("slots", &TallyText::slots)};
    }
};

struct MeterText {
    std::string id;
    std::vector<TallyText> tallies;
    static constexpr auto fields() {
        return std::tuple{field("id", &MeterText::id), field("tallies", &MeterText::tallies)};
    }
};

struct VendorText {
    std::string vendor;
    VendorHistory history;
    static constexpr auto fields() {
        return std::tuple{field("vendor", &VendorText::vendor),
                          field("history", &VendorText::history)};
    }
};

struct BudgetText {
    std::uint32_t version = 1;
    std::uint64_t newest = 0;
    std::vector<MeterText> meters;
    std::vector<VendorText> vendors;
    std::vector<Reservation> open;
    static constexpr auto fields() {
        using T = BudgetText;
        return std::tuple{field("version", &T::version), field("newest", &T::newest),
                          field("meters", &T::meters), field("vendors", &T::vendors),
                          field("open", &T::open)};
    }
};

}  // namespace
}  // namespace farthing::policy

template <>
struct farthing::json::Codec<farthing::policy::SlotText> {
    static Result<policy::SlotText> decode(const Value& value, const Path& path) {
        const auto* pair = value.if_array();
        if (pair == nullptr || pair->size() != 2) return path.error("expected [time, amount]");
        FARTHING_TRY(const auto time, json::decode<std::uint64_t>((*pair)[0], Path(path, 0)));
        FARTHING_TRY(const auto amount, json::decode<U256>((*pair)[1], Path(path, 1)));
        return policy::SlotText{time, amount};
    }
    static Value encode(const policy::SlotText& slot) {
        return Value(Array{Value(slot.time), json::encode(slot.amount)});
    }
};

namespace farthing::policy {

U256 Reservation::in(std::string_view unit) const {
    if (unit.empty()) return dollars.value_or(U256{});
    return unit == symbol ? units : U256{};
}

std::optional<U256> VendorHistory::usual_price(std::string_view resource,
                                               std::string_view unit) const {
    for (const auto& each : prices) {
        if (each.resource != resource || each.unit != unit || each.prices.empty()) continue;
        auto sorted = each.prices;
        std::ranges::sort(sorted);
        return sorted[(sorted.size() - 1) / 2];
    }
    return std::nullopt;
}

Budget::Budget(std::vector<Meter> meters)
    : meters_(std::move(meters)),
      fingerprint_(fingerprint_of(meters_)),
      tallies_(meters_.size()),
      sweep_from_(meters_.size(), kSweepAtLeast) {}

Result<> Budget::reserve(Reservation reservation) {
    static const U256 most = power_of_ten(kWorthDigitsMax).value_or(U256{});
    if (open_.contains(reservation.id)) {
        return fail(Errc::invalid_argument,
                    fmt::format("a reservation is called {} already", reservation.id));
    }
    if (reservation.units > most || reservation.dollars.value_or(U256{}) > most)
        return fail(Errc::overflow, "a reservation of more than 10^30 units");
    reservation.time = now(reservation.time);
    newest_ = reservation.time;
    count(reservation);
    note_vendor(reservation);
    auto id = reservation.id;
    open_.emplace(std::move(id), std::move(reservation));
    return {};
}

void Budget::count(const Reservation& reservation) {
    for (std::size_t i = 0; i < meters_.size(); ++i) {
        const auto& meter = meters_[i];
        const auto key = key_of(meter, reservation);
        if (!key) continue;
        auto& tally = tallies_[i][std::string(*key)];
        tally.add(meter.slot_of(reservation.time), counted(meter, reservation));
        tally.forget_before(meter.first_slot(reservation.time));
        if (tallies_[i].size() > sweep_from_[i]) sweep(i);
    }
}

void Budget::sweep(std::size_t meter) {
    const auto first = meters_[meter].first_slot(newest_);
    std::erase_if(tallies_[meter], [&](const auto& each) { return each.second.newest() < first; });
    sweep_from_[meter] = std::max(kSweepAtLeast, 2 * tallies_[meter].size());
}

void Budget::note_vendor(const Reservation& reservation) {
    auto [place, fresh] = vendors_.try_emplace(reservation.vendor);
    auto& vendor = place->second;
    if (fresh) vendor.first_seen = reservation.time;
    vendor.last_seen = reservation.time;
    ++vendor.payments;
    if (std::ranges::find(vendor.pay_to, reservation.pay_to) == vendor.pay_to.end()) {
        if (vendor.pay_to.size() == kPinsMax) vendor.pay_to.erase(vendor.pay_to.begin());
        vendor.pay_to.push_back(reservation.pay_to);
    }
    if (vendors_.size() > kVendorsMax) forget_vendors();
}

/// The tenth that was not seen for longest; forgotten, a vendor is new again, which is the safe
/// side.
void Budget::forget_vendors() {
    std::vector<std::pair<std::uint64_t, std::string>> order;
    order.reserve(vendors_.size());
    for (const auto& [name, each] : vendors_) order.emplace_back(each.last_seen, name);
    std::ranges::sort(order);
    order.resize(order.size() / 10);
    for (const auto& [time, name] : order) vendors_.erase(name);
}

Result<> Budget::settle(std::string_view id) {
    const auto found = open_.find(id);
    if (found == open_.end()) return unknown_id(id);
    note_price(found->second);
    open_.erase(found);
    return {};
}

void Budget::note_price(const Reservation& reservation) {
    const auto found = vendors_.find(reservation.vendor);
    if (found == vendors_.end()) return;
    auto& all = found->second.prices;
    const std::string unit = reservation.dollars ? "" : reservation.symbol;
    const auto same = [&](const PriceHistory& each) {
        return each.resource == reservation.resource && each.unit == unit;
    };
    const auto at = std::ranges::find_if(all, same);
    if (at == all.end()) {
        if (all.size() == kResourcesMax) all.erase(all.begin());
        all.push_back({reservation.resource, unit, {}});
    } else {
        std::rotate(at, at + 1, all.end());
    }
    auto& prices = all.back().prices;
    if (prices.size() == kPricesMax) prices.erase(prices.begin());
    prices.push_back(reservation.in(unit));
}

Result<> Budget::release(std::string_view id) {
    const auto found = open_.find(id);
    if (found == open_.end()) return unknown_id(id);
    const auto& reservation = found->second;
    for (std::size_t i = 0; i < meters_.size(); ++i) {
        const auto& meter = meters_[i];
        const auto key = key_of(meter, reservation);
        // What was tried was tried: a rate still counts it.
        if (!key || meter.payments) continue;
        const auto tally = tallies_[i].find(std::string(*key));
        if (tally == tallies_[i].end()) continue;
        tally->second.take(meter.slot_of(reservation.time), counted(meter, reservation));
    }
    if (const auto vendor = vendors_.find(reservation.vendor);
        vendor != vendors_.end() && vendor->second.payments > 0)
        --vendor->second.payments;
    open_.erase(found);
    return {};
}

const Tally* Budget::tally(std::size_t meter, std::string_view key) const {
    const auto found = tallies_[meter].find(std::string(key));
    return found == tallies_[meter].end() ? nullptr : &found->second;
}

U256 Budget::used(std::size_t meter, std::string_view key, std::uint64_t now) const {
    const auto* found = tally(meter, key);
    return found == nullptr ? U256{} : found->sum(meters_[meter].first_slot(now));
}

std::optional<std::uint64_t> Budget::frees_at(std::size_t meter, std::string_view key,
                                              const U256& most, std::uint64_t now) const {
    const auto& what = meters_[meter];
    if (used(meter, key, now) <= most) return now;
    switch (what.per.kind) {
        case Period::Kind::window: {
            const auto last = tally(meter, key)->last_to_leave(most);
            return last ? std::optional(*last + what.per.seconds) : std::nullopt;
        }
        case Period::Kind::day:
        case Period::Kind::week:
        case Period::Kind::month:
            return calendar_stretch(what.per.kind, now, what.offset).end;
        case Period::Kind::request:
        case Period::Kind::pact:
            break;
    }
    return std::nullopt;
}

const VendorHistory* Budget::vendor(std::string_view name) const {
    const auto found = vendors_.find(name);
    return found == vendors_.end() ? nullptr : &found->second;
}

const Reservation* Budget::open(std::string_view id) const {
    const auto found = open_.find(id);
    return found == open_.end() ? nullptr : &found->second;
}

json::Value Budget::checkpoint() const {
    BudgetText text{.newest = newest_};
    for (std::size_t i = 0; i < meters_.size(); ++i) {
        MeterText meter{meters_[i].id(), {}};
        for (const auto& [key, tally] : tallies_[i]) {
            TallyText one{key, {}};
            for (const auto& [time, amount] : tally.slots()) one.slots.push_back({time, amount});
            meter.tallies.push_back(std::move(one));
        }
        std::ranges::sort(meter.tallies, {}, &TallyText::key);
        text.meters.push_back(std::move(meter));
    }
    for (const auto& [name, history] : vendors_) text.vendors.push_back({name, history});
    for (const auto& [id, reservation] : open_) text.open.push_back(reservation);
    return json::encode(text);
}

Result<Budget> Budget::restore(std::vector<Meter> meters, const json::Value& checkpoint) {
    static const U256 most = power_of_ten(kWorthDigitsMax + 12).value_or(U256{});
    FARTHING_TRY(auto text, json::decode<BudgetText>(checkpoint));
    if (text.version != 1) return fail(Errc::invalid_field, ".version: expected 1");
    Budget budget(std::move(meters));
    if (text.meters.size() != budget.meters_.size())
        return fail(Errc::invalid_field, ".meters: not those of this pact");
    for (std::size_t i = 0; i < text.meters.size(); ++i) {
        const auto path = fmt::format(".meters[{}]", i);
        if (text.meters[i].id != budget.meters_[i].id())
            return fail(Errc::invalid_field, path + ".id: not that of this pact");
        for (const auto& each : text.meters[i].tallies) {
            auto& tally = budget.tallies_[i][each.key];
            for (const auto& slot : each.slots) {
                const bool ordered = tally.empty() || slot.time > tally.newest();
                if (!ordered || slot.time > text.newest || slot.amount > most)
                    return fail(Errc::invalid_field, path + ": slots out of order or range");
                tally.add(slot.time, slot.amount);
            }
        }
        budget.sweep_from_[i] = std::max(kSweepAtLeast, 2 * budget.tallies_[i].size());
    }
    for (auto& each : text.vendors) {
        auto name = each.vendor;
        budget.vendors_.insert_or_assign(std::move(name), std::move(each.history));
    }
    for (auto& each : text.open) {
        auto id = each.id;
        budget.open_.insert_or_assign(std::move(id), std::move(each));
    }
    budget.newest_ = text.newest;
    return budget;
}

}  // namespace farthing::policy
