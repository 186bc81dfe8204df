// SPDX-License-Identifier: Apache-2.0
// ManualClock: time that passes only when a test says so. Deterministic, and a day takes no time.
#pragma once

#include <list>
#include <optional>

#include "farthing/io/clock.hpp"

namespace farthing::testing {

/// One loop. Wall clock and steady time pass together.
class ManualClock final : public Clock {
  public:
    explicit ManualClock(UnixTime start = UnixTime{std::chrono::seconds{1'800'000'000}})
        : start_(start) {}

    [[nodiscard]] UnixTime now() const override {
        return start_ + std::chrono::floor<std::chrono::seconds>(now_ - kSteadyStart);
    }
    [[nodiscard]] SteadyTime steady_now() const override { return now_; }
    [[nodiscard]] std::uint64_t unix_seconds() const {
        return static_cast<std::uint64_t>(now().time_since_epoch().count());
    }

    Task<> wait(Timer& timer, SteadyTime deadline) override {
        const Place place(*this, timer, deadline);
        timer.expires_at(deadline <= now_ ? SteadyTime::min() : SteadyTime::max());
        co_await wait_on(timer);
    }

    /// Lets time pass; whoever waited for a moment in it goes on when the loop runs next, and sees
    /// the end of it.
    void advance(SteadyTime::duration by) { set(now_ + by); }

    /// Lets time pass step by step: everybody wakes at the moment they waited for, and whoever
    /// begins to wait meanwhile is woken too.
    void advance_in(Loop& loop, SteadyTime::duration by) {
        const auto end = now_ + by;
        run_ready(loop);
        while (const auto next = next_deadline()) {
            if (*next > end) break;
            set(*next);
            run_ready(loop);
        }
        set(end);
        run_ready(loop);
    }

    /// The next moment anybody waits for, other than for ever.
    [[nodiscard]] std::optional<SteadyTime> next_deadline() const {
        std::optional<SteadyTime> next;
        for (const auto& each : waiting_) {
            if (each.deadline == SteadyTime::max()) continue;
            if (!next || each.deadline < *next) next = each.deadline;
        }
        return next;
    }

    /// Everything that can be done without time passing.
    static void run_ready(Loop& loop) {
        loop.restart();
        while (loop.poll() > 0) {
        }
    }

  private:
    static constexpr SteadyTime kSteadyStart{std::chrono::hours(1)};

    struct Waiting {
        Timer* timer;
        SteadyTime deadline;
    };

    /// A waiter's entry, for as long as its task waits.
    class Place {
      public:
        Place(ManualClock& clock, Timer& timer, SteadyTime deadline)
            : clock_(clock), at_(clock.waiting_.insert(clock.waiting_.end(), {&timer, deadline})) {}
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place() { clock_.waiting_.erase(at_); }

      private:
        ManualClock& clock_;
        std::list<Waiting>::iterator at_;
    };

    void set(SteadyTime now) {
        now_ = std::max(now_, now);
        for (const auto& each : waiting_) {
            if (each.deadline <= now_) each.timer->cancel();
        }
    }

    UnixTime start_;
    SteadyTime now_ = kSteadyStart;
    std::list<Waiting> waiting_;
};

}  // namespace farthing::testing
