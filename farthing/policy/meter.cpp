// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/meter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace farthing::policy {
namespace {

using namespace std::chrono;

/// No sum of amounts that Budget takes comes near 2^256.
U256 plus(const U256& a, const U256& b) {
    const auto sum = a.checked_add(b);
    invariant(sum.has_value(), "sums of bounded amounts fit");
    return *sum;
}

U256 minus(const U256& a, const U256& b) {
    const auto difference = a.checked_sub(b);
    invariant(difference.has_value(), "totals never fall");
    return *difference;
}

sys_days month_after(const year_month_day& date) {
    return sys_days((date.year() / date.month() / 1) + months(1));
}

}  // namespace

Stretch calendar_stretch(Period::Kind kind, std::uint64_t now, UtcOffset offset) {
    // Beyond this calendars end; a clock that says so is wrong anyway.
    constexpr std::uint64_t kLast = 253'402'300'799;
    const auto shift = seconds(offset.minutes * 60LL);
    const auto local =
        sys_seconds(seconds(static_cast<std::int64_t>(std::min(now, kLast)))) + shift;
    const auto today = floor<days>(local);
    auto begin = today;
    auto end = today + days(1);
    if (kind == Period::Kind::week) {
        begin = today - (weekday(today) - Monday);
        end = begin + days(7);
    } else if (kind == Period::Kind::month) {
        const year_month_day date(today);
        begin = sys_days(date.year() / date.month() / 1);
        end = month_after(date);
    }
    const auto utc = [&](sys_days day) {
        const auto count = (sys_seconds(day) - shift).time_since_epoch().count();
        return static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
    };
    return {utc(begin), utc(end)};
}

std::string Meter::id() const {
    static constexpr std::array<std::string_view, 6> kOf{"everything", "each_vendor", "vendor",
                                                         "category",   "each_task",   "task"};
    return fmt::format("{} {}|{}|{}{}", payments ? "payments" : "sum", unit,
                       kOf[static_cast<std::size_t>(of)], which.empty() ? "" : which + "|",
                       fmt::format("{}|{}|{}", to_text(per), to_text(offset), since));
}

std::uint64_t Meter::slot_of(std::uint64_t time) const {
    switch (per.kind) {
        case Period::Kind::day:
        case Period::Kind::week:
        case Period::Kind::month:
            return calendar_stretch(per.kind, time, offset).begin;
        case Period::Kind::pact:
            return since;
        case Period::Kind::window:
        case Period::Kind::request:
            break;
    }
    return time;
}

std::uint64_t Meter::first_slot(std::uint64_t now) const {
    if (per.kind != Period::Kind::window) return slot_of(now);
    return now < per.seconds ? 0 : now - per.seconds + 1;
}

std::optional<std::string_view> Meter::key_for(std::string_view vendor, std::string_view category,
                                               std::string_view task) const {
    const auto when = [](bool counts) {
        return counts ? std::optional<std::string_view>("") : std::nullopt;
    };
    switch (of) {
        case Of::everything:
            return "";
        case Of::each_vendor:
            return vendor;
        case Of::vendor:
            return when(HostPattern{which}.covers(vendor));
        case Of::category:
            return when(category == which);
        case Of::each_task:
            return task;
        case Of::task:
            return when(task == which);
    }
    return std::nullopt;
}

std::size_t fingerprint_of(const std::vector<Meter>& meters) {
    std::string all;
    for (const auto& each : meters) all += each.id() + "\n";
    return std::hash<std::string>{}(all);
}

std::size_t Tally::find(std::uint64_t time) const {
    const auto begin = slots_.begin() + static_cast<std::ptrdiff_t>(head_);
    const auto at = std::lower_bound(
        begin, slots_.end(), time, [](const Slot& slot, std::uint64_t t) { return slot.time < t; });
    return static_cast<std::size_t>(at - slots_.begin());
}

U256 Tally::total_before(std::size_t index) const {
    return index == head_ ? forgotten_ : slots_[index - 1].total;
}

void Tally::add(std::uint64_t time, const U256& amount) {
    const auto total = plus(total_before(slots_.size()), amount);
    if (!empty() && slots_.back().time >= time) {
        slots_.back().total = total;
    } else {
        slots_.push_back({time, total});
    }
}

void Tally::take(std::uint64_t time, const U256& amount) {
    const auto index = find(time);
    if (index == slots_.size() || slots_[index].time != time) return;
    for (auto i = index; i < slots_.size(); ++i) slots_[i].total = minus(slots_[i].total, amount);
}

void Tally::forget_before(std::uint64_t time) {
    const auto index = find(time);
    forgotten_ = total_before(index);
    head_ = index;
    if (head_ < 64 || head_ < slots_.size() / 2) return;
    slots_.erase(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
}

U256 Tally::sum(std::uint64_t first) const {
    return minus(total_before(slots_.size()), total_before(find(first)));
}

std::optional<std::uint64_t> Tally::last_to_leave(const U256& most) const {
    const auto all = total_before(slots_.size());
    const auto begin = slots_.begin() + static_cast<std::ptrdiff_t>(head_);
    const auto at = std::partition_point(
        begin, slots_.end(), [&](const Slot& slot) { return minus(all, slot.total) > most; });
    if (at == slots_.end()) return std::nullopt;
    return at->time;
}

std::vector<std::pair<std::uint64_t, U256>> Tally::slots() const {
    std::vector<std::pair<std::uint64_t, U256>> out;
    for (auto i = head_; i < slots_.size(); ++i)
        out.emplace_back(slots_[i].time, minus(slots_[i].total, total_before(i)));
    return out;
}

}  // namespace farthing::policy
