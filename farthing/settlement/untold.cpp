// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/untold.hpp"

namespace farthing::settlement {

void Untold::remember(const scheme::PaymentKey& key, const Bytes32& print, Outcome outcome) {
    if (const auto old = entries_.find(key); old != entries_.end()) {
        order_.erase(old->second.place);
        entries_.erase(old);
    }
    const auto place = order_.insert(order_.end(), key);
    entries_.emplace(key, Entry{print, std::move(outcome), place});
    while (entries_.size() > entries_max_) {
        entries_.erase(order_.front());
        order_.pop_front();
    }
}

std::optional<Bytes32> Untold::print_of(const scheme::PaymentKey& key) const {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return std::nullopt;
    return found->second.print;
}

std::optional<Outcome> Untold::tell(const scheme::PaymentKey& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return std::nullopt;
    auto outcome = std::move(found->second.outcome);
    order_.erase(found->second.place);
    entries_.erase(found);
    return outcome;
}

}  // namespace farthing::settlement
