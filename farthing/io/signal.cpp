// SPDX-License-Identifier: Apache-2.0
#include "farthing/io/signal.hpp"

namespace farthing {

/// A waiter's timer, in the list for as long as its task waits, however the task ends.
class Signal::Place {
  public:
    Place(Loop& loop, std::shared_ptr<Waiting> among)
        : among_(std::move(among)),
          timer_(among_->emplace(among_->end(), loop.get_executor(), SteadyTime::max())) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { among_->erase(timer_); }

    [[nodiscard]] Timer& timer() const { return *timer_; }

  private:
    std::shared_ptr<Waiting> among_;
    Waiting::iterator timer_;
};

Task<> Signal::wait() {
    const Place place(loop_, waiting_);
    co_await wait_on(place.timer());
}

Task<> Signal::wait_until(Clock& clock, SteadyTime deadline) {
    const Place place(loop_, waiting_);
    co_await clock.wait(place.timer(), deadline);
}

void Signal::notify() {
    for (auto& timer : *waiting_) timer.cancel();
}

}  // namespace farthing
