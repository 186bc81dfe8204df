// SPDX-License-Identifier: Apache-2.0
// Untold: settled payments whose outcome nobody has heard yet.
#pragma once

#include <list>
#include <map>
#include <optional>

#include "farthing/scheme/scheme.hpp"
#include "farthing/settlement/outcome.hpp"

namespace farthing::settlement {

/// Bounded; the oldest is forgotten first. One executor.
class Untold {
  public:
    explicit Untold(std::size_t entries_max) : entries_max_(entries_max) {}

    void remember(const scheme::PaymentKey& key, const Bytes32& print, Outcome outcome);
    /// The print of what is remembered under this key.
    [[nodiscard]] std::optional<Bytes32> print_of(const scheme::PaymentKey& key) const;
    /// Told once.
    [[nodiscard]] std::optional<Outcome> tell(const scheme::PaymentKey& key);
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

  private:
    using Order = std::list<scheme::PaymentKey>;
    struct Entry {
        Bytes32 print;
        Outcome outcome;
        Order::iterator place;
    };

    std::size_t entries_max_;
    std::map<scheme::PaymentKey, Entry> entries_;
    Order order_;  ///< oldest first
};

}  // namespace farthing::settlement
