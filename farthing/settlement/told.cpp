// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/told.hpp"

#include <algorithm>

namespace farthing::settlement {
namespace {

/// As many as ask at once for one payment, within reason.
constexpr std::size_t kAskersMax = 16;

}  // namespace

void Told::remember(const scheme::PaymentKey& key, const Bytes32& print, Outcome outcome) {
    if (entries_.contains(key)) return;
    const auto place = untold_.insert(untold_.end(), key);
    entries_.emplace(key, Entry{print, std::move(outcome), false, false, {}, place});
    shrink();
}

void Told::shrink() {
    while (entries_.size() > entries_max_) {
        auto& order = told_.empty() ? untold_ : told_;
        entries_.erase(order.front());
        order.pop_front();
    }
}

std::optional<Bytes32> Told::untold_print(const scheme::PaymentKey& key) const {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.told) return std::nullopt;
    return found->second.print;
}

std::optional<Outcome> Told::outcome_for(const scheme::PaymentKey& key, const Bytes32& print,
                                         const std::string& asker) const {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.print != print) return std::nullopt;
    if (found->second.told && !has_heard(key, print, asker)) return std::nullopt;
    return found->second.outcome;
}

bool Told::has_heard(const scheme::PaymentKey& key, const Bytes32& print,
                     const std::string& asker) const {
    const auto found = entries_.find(key);
    if (asker.empty() || found == entries_.end() || found->second.print != print) return false;
    const auto& askers = found->second.askers;
    return std::ranges::find(askers, asker) != askers.end();
}

void Told::hear(const scheme::PaymentKey& key, const Bytes32& print, const std::string& asker) {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.print != print) return;
    auto& entry = found->second;
    if (!entry.told) told_.splice(told_.end(), untold_, entry.place);
    entry.told = true;
    const bool known = std::ranges::find(entry.askers, asker) != entry.askers.end();
    if (!asker.empty() && !known && entry.askers.size() < kAskersMax) entry.askers.push_back(asker);
}

void Told::heard(const scheme::PaymentKey& key, const Bytes32& print) {
    const auto found = entries_.find(key);
    if (found != entries_.end() && found->second.print == print) found->second.was_heard = true;
}

void Told::miss(const scheme::PaymentKey& key, const Bytes32& print) {
    const auto found = entries_.find(key);
    const bool another = found != entries_.end() && found->second.was_heard;
    if (!another) untell(key, print);
}

void Told::untell(const scheme::PaymentKey& key, const Bytes32& print) {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.print != print || !found->second.told) return;
    found->second.told = false;
    found->second.was_heard = false;
    untold_.splice(untold_.end(), told_, found->second.place);
}

void Told::forget(const scheme::PaymentKey& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    (found->second.told ? told_ : untold_).erase(found->second.place);
    entries_.erase(found);
}

}  // namespace farthing::settlement
