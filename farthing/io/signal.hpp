// SPDX-License-Identifier: Apache-2.0
// Signal: tasks of one loop wait until another one says that something changed.
#pragma once

#include <list>
#include <memory>

#include "farthing/io/clock.hpp"

namespace farthing {

/// Many wait, one wakes all. No value and no memory: check the condition, wait, check again. One
/// loop. A waiter may outlive the signal; then nothing wakes it but its deadline or its
/// cancellation.
class Signal {
  public:
    explicit Signal(Loop& loop) : loop_(loop), waiting_(std::make_shared<Waiting>()) {}
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

    /// Returns at the next `notify`.
    Task<> wait();
    /// Returns at the next `notify`, or at the deadline; which of them, the condition tells.
    Task<> wait_until(Clock& clock, SteadyTime deadline);
    void notify();

  private:
    using Waiting = std::list<Timer>;
    class Place;

    Loop& loop_;
    std::shared_ptr<Waiting> waiting_;
};

}  // namespace farthing
