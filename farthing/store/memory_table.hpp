// SPDX-License-Identifier: Apache-2.0
// What several nodes of one process share in place of a database: one loop, nothing survives.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "farthing/io/clock.hpp"
#include "farthing/store/intents.hpp"
#include "farthing/store/leases.hpp"

namespace farthing::store {

struct MemoryTable {
    struct Lease {
        std::string holder;
        SteadyTime until;
    };
    explicit MemoryTable(Clock& its_clock) : clock(its_clock) {}

    [[nodiscard]] bool is_living(const std::string& node) const {
        const auto found = leases.find(node_lease(node));
        return found != leases.end() && found->second.until > clock.steady_now();
    }

    /// An intent that is over: kept until many younger ones are.
    void forget_later(const scheme::PaymentKey& key) {
        over.push_back(key);
        if (over.size() <= kOverMax) return;
        const auto oldest = intents.find(over.front());
        over.pop_front();
        if (oldest == intents.end()) return;
        const auto& intent = oldest->second;
        if (intent.state != Intent::State::open && !intent.is_unheard()) intents.erase(oldest);
    }

    static constexpr std::size_t kOverMax = 10'000;
    std::deque<scheme::PaymentKey> over;
    Clock& clock;
    std::map<scheme::PaymentKey, Intent> intents;
    std::map<std::string, Lease> leases;
};

}  // namespace farthing::store
