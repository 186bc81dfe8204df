// SPDX-License-Identifier: Apache-2.0
// Exposure: what each payer has in transactions that are on their way. The chain judges every one
// of them as if it were alone; together they may be worth more than the payer has, and all but the
// first then revert at our cost.
#pragma once

#include <map>
#include <memory>

#include "farthing/evm/u256.hpp"
#include "farthing/io/signal.hpp"
#include "farthing/scheme/scheme.hpp"

namespace farthing::settlement {

/// One chain, one executor.
class Exposure {
  public:
    explicit Exposure(Loop& loop) : state_(std::make_shared<State>(loop)) {}
    Exposure(const Exposure&) = delete;
    Exposure& operator=(const Exposure&) = delete;

  private:
    struct State;

  public:
    /// A payment's part in it, given back at the end. May outlive the exposure.
    class Hold {
      public:
        Hold(Exposure& exposure, const scheme::Opened& payment);
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;
        Hold(Hold&& other) noexcept = default;
        Hold& operator=(Hold&& other) = delete;
        ~Hold() { release(); }

      private:
        void release();
        std::weak_ptr<State> state_;
        scheme::PaymentKey key_;
        U256 amount_;
    };

    /// What the payer of `payment` has under way in its token.
    [[nodiscard]] U256 of(const scheme::Opened& payment) const;
    /// Returns when something was given back, or at the deadline.
    Task<> wait_until(Clock& clock, SteadyTime deadline) {
        return state_->changed.wait_until(clock, deadline);
    }

  private:
    using Account = std::pair<Address, Address>;  ///< token, payer
    struct State {
        explicit State(Loop& loop) : changed(loop) {}
        std::map<Account, U256> held;
        Signal changed;
    };
    std::shared_ptr<State> state_;
};

}  // namespace farthing::settlement
