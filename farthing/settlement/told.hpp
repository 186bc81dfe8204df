// SPDX-License-Identifier: Apache-2.0
// Told: settled payments, and who has heard of them. A settlement buys one answer: it is told once,
// and again only to who can show that it was told before and got lost.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "farthing/scheme/scheme.hpp"
#include "farthing/settlement/outcome.hpp"

namespace farthing::settlement {

/// Bounded: the oldest of those that were told are forgotten first, then the oldest. One executor.
class Told {
  public:
    explicit Told(std::size_t entries_max) : entries_max_(entries_max) {}

    /// A payment has settled, and nobody has heard of it.
    void remember(const scheme::PaymentKey& key, const Bytes32& print, Outcome outcome);
    /// The print of what waits to be told under this key.
    [[nodiscard]] std::optional<Bytes32> untold_print(const scheme::PaymentKey& key) const;
    /// The outcome, when nobody has heard of it, or when it was told to an asker of the same
    /// non-empty name: `hear` it then.
    [[nodiscard]] std::optional<Outcome> outcome_for(const scheme::PaymentKey& key,
                                                     const Bytes32& print,
                                                     const std::string& asker) const;
    /// Whether an asker with this name, not empty, has heard of it.
    [[nodiscard]] bool has_heard(const scheme::PaymentKey& key, const Bytes32& print,
                                 const std::string& asker) const;
    /// An asker is about to hear of it, beside whoever else does: nobody else shall.
    void hear(const scheme::PaymentKey& key, const Bytes32& print, const std::string& asker);
    /// That asker is gone before it heard. Unless another one heard, it waits again.
    void miss(const scheme::PaymentKey& key, const Bytes32& print);
    /// That asker has heard.
    void heard(const scheme::PaymentKey& key, const Bytes32& print);
    /// The answer was lost on its way to an asker without a name.
    void untell(const scheme::PaymentKey& key, const Bytes32& print);
    /// It is open again: the chain took it back.
    void forget(const scheme::PaymentKey& key);
    [[nodiscard]] std::size_t untold() const { return untold_.size(); }

  private:
    using Order = std::list<scheme::PaymentKey>;
    struct Entry {
        Bytes32 print;
        Outcome outcome;
        bool told = false;
        bool was_heard = false;
        std::vector<std::string> askers;  ///< who heard it
        Order::iterator place;
    };
    void shrink();

    std::size_t entries_max_;
    std::map<scheme::PaymentKey, Entry> entries_;
    Order untold_;  ///< oldest first
    Order told_;
};

}  // namespace farthing::settlement
