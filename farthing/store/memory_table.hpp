// SPDX-License-Identifier: Apache-2.0
// What several nodes of one process share in place of a database: one loop, nothing survives.
#pragma once

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

    Clock& clock;
    std::map<scheme::PaymentKey, Intent> intents;
    std::map<std::string, Lease> leases;
};

}  // namespace farthing::store
