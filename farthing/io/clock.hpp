// SPDX-License-Identifier: Apache-2.0
// Time as a parameter: wall clock for what is signed, steady time for what is waited for.
#pragma once

#include <chrono>

#include "farthing/io/task.hpp"

namespace farthing {

/// Unix seconds, as authorisations use them.
using UnixTime = std::chrono::sys_seconds;
using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual UnixTime now() const = 0;
    [[nodiscard]] virtual SteadyTime steady_now() const = 0;
    /// Until `deadline` (of `steady_now`), or until somebody cancels `timer`: which of them, the
    /// caller's condition tells. This is how every wait of a service can be driven by a test.
    virtual Task<> wait(Timer& timer, SteadyTime deadline) = 0;
    Task<> sleep(std::chrono::milliseconds duration);
};

/// Until `timer` expires or is cancelled. A task that is itself cancelled ends there.
Task<> wait_on(Timer& timer);

/// The machine's own steady time, for deadlines of sockets: a peer is real even where a test's
/// Clock is not. Everything else asks its Clock.
[[nodiscard]] SteadyTime socket_time();

class SystemClock final : public Clock {
  public:
    [[nodiscard]] UnixTime now() const override;
    [[nodiscard]] SteadyTime steady_now() const override;
    Task<> wait(Timer& timer, SteadyTime deadline) override;
};

}  // namespace farthing
