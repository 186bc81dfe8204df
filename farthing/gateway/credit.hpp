// SPDX-License-Identifier: Apache-2.0
// Credit: how much has been served and is not settled yet, and who gets no more of it. Of one
// gateway: two of them give twice as much.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "farthing/evm/address.hpp"
#include "farthing/evm/u256.hpp"
#include "farthing/scheme/price.hpp"

namespace farthing::gateway {

struct CreditLimits {
    scheme::Money per_payer{U256(1), 0, {}};
    scheme::Money per_pay_to{U256(10), 0, {}};
    scheme::Money total{U256(100), 0, {}};
};

/// One loop.
class Credit {
  public:
    explicit Credit(CreditLimits limits);
    Credit(const Credit&) = delete;
    Credit& operator=(const Credit&) = delete;

    struct Debt {
        Address payer;
        std::string pay_to;
        U256 amount;
        std::uint32_t decimals = 0;
    };
    class Open;
    /// Null when it would be over a limit, or the payer is barred.
    [[nodiscard]] std::unique_ptr<Open> give(const Debt& debt);
    /// One that was given before this process began counts, whatever the limits.
    [[nodiscard]] std::unique_ptr<Open> take_over(const Debt& debt);
    /// From now on this payer gets none.
    void bar(const Address& payer);
    [[nodiscard]] bool is_barred(const Address& payer) const { return barred_.contains(payer); }
    /// How many debts are open.
    [[nodiscard]] std::size_t count() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
    std::set<Address> barred_;
};

/// Counts as long as it lives.
class Credit::Open {
  public:
    Open(std::shared_ptr<State> state, const Debt& debt, const U256& units);
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;
    ~Open();
    /// It will not be paid: it counts against `per_pay_to` and `total` until the process ends.
    void lose() { lost_ = true; }

  private:
    bool lost_ = false;
    std::shared_ptr<State> state_;
    Address payer_;
    std::string pay_to_;
    U256 units_;
};

}  // namespace farthing::gateway
