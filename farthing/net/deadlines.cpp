// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/deadlines.hpp"

#include <algorithm>

namespace farthing::net {

using std::chrono::milliseconds;

Deadlines::Deadlines(Loop& loop, milliseconds shortest)
    : state_(std::make_shared<State>(
          loop, std::clamp(shortest / 8, milliseconds(1), milliseconds(500)))) {}

void Deadlines::State::wait() {
    waiting = true;
    timer.expires_after(period);
    // Without watches left, the timer does not keep the state.
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto state = weak.lock();
        if (!state) return;
        state->waiting = false;
        if (!error) state->tick();
    });
}

void Deadlines::State::tick() {
    const auto now = socket_time();
    bool armed = false;
    for (auto* watch : watches) {
        if (watch->at_ <= now) {
            watch->at_ = SteadyTime::max();
            watch->expired_ = true;
            watch->on_expired_();
        }
        armed = armed || watch->armed();
    }
    // With no deadline set, nothing keeps the loop awake.
    if (armed && !waiting) wait();
}

Deadlines::Watch::Watch(Deadlines& deadlines, std::function<void()> on_expired)
    : state_(deadlines.state_),
      on_expired_(std::move(on_expired)),
      place_(state_->watches.insert(state_->watches.end(), this)) {}

Deadlines::Watch::~Watch() { state_->watches.erase(place_); }

}  // namespace farthing::net
