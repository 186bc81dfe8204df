// SPDX-License-Identifier: Apache-2.0
// Deadlines of many waits with one timer: setting one is a store, not a timer operation.
// Private to net. One loop.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>

#include "farthing/io/clock.hpp"

namespace farthing::net {

/// A deadline passes up to an eighth of `shortest` late (at least 1 ms, at most 500 ms).
class Deadlines {
  public:
    class Watch;

    Deadlines(Loop& loop, std::chrono::milliseconds shortest);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

/// One wait after another, each with its deadline. May outlive its Deadlines: a loop that ends
/// early destroys what waits on it in any order.
class Deadlines::Watch {
  public:
    /// `on_expired` runs on the loop, once per `arm`. It must not end a watch.
    Watch(Deadlines& deadlines, std::function<void()> on_expired);
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch();

    void arm(std::chrono::milliseconds after) { arm_at(socket_time() + after); }
    void arm_at(SteadyTime at);
    void disarm() { at_ = SteadyTime::max(); }
    [[nodiscard]] bool armed() const { return at_ != SteadyTime::max(); }
    /// Whether the deadline of the last `arm` has passed.
    [[nodiscard]] bool expired() const { return expired_; }

  private:
    friend struct State;

    std::shared_ptr<State> state_;
    std::function<void()> on_expired_;
    std::list<Watch*>::iterator place_;
    SteadyTime at_ = SteadyTime::max();
    bool expired_ = false;
};

struct Deadlines::State : std::enable_shared_from_this<State> {
    State(Loop& loop, std::chrono::milliseconds every) : timer(loop), period(every) {}

    void wait();
    void tick();

    Timer timer;
    std::chrono::milliseconds period;
    std::list<Watch*> watches;
    bool waiting = false;
};

inline void Deadlines::Watch::arm_at(SteadyTime at) {
    at_ = at;
    expired_ = false;
    if (!state_->waiting) state_->wait();
}

}  // namespace farthing::net
