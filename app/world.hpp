// SPDX-License-Identifier: Apache-2.0
// The real world, made once per process and handed down; and how a service runs until it is told to
// stop.
#pragma once

#include <boost/asio/signal_set.hpp>
#include <functional>
#include <string>

#include "farthing/io/env.hpp"

namespace farthing::app {

struct World {
    explicit World(Level log_level) : log(make_stderr_log(log_level)) {}
    [[nodiscard]] Env env() { return {clock, random, *log, metrics}; }

    SystemClock clock;
    SystemRandom random;
    std::unique_ptr<Log> log;
    Metrics metrics;
    Loop loop{1};
};

/// Where a service keeps its payments unless its configuration says otherwise: beside that file.
[[nodiscard]] std::string default_store(const std::string& config_file);

/// Lets the process have as many file descriptors as its hard limit allows; the soft one is often
/// 1024, for programs that use select.
void raise_descriptor_limit();

/// `wanted` connections for a server, or as many as the file descriptors are enough for, with a
/// warning: a client's connection may need another one, to the origin, the chain or a facilitator,
/// and as many may be kept idle.
[[nodiscard]] std::size_t connections_that_fit(Log& log, std::size_t wanted);

/// Prints an error for people (`legible`) or, when stderr is no terminal, as one JSON line; answers
/// the exit code of its kind.
int report(const Error& error);

/// `{"event":"listening","role":…,"url":…}` as one line on stdout: whoever started us waits for it.
void announce(std::string_view role, const std::string& url);

/// SIGINT and SIGTERM, and SIGHUP when it asks for a reload, are ours as long as this lives: make
/// it before you announce yourself, so that none that comes early ends the process.
class Signals {
  public:
    enum class Hangup : std::uint8_t { ends_us, reloads };
    explicit Signals(Loop& loop, Hangup hangup = Hangup::ends_us);
    /// Ends at the first SIGINT or SIGTERM. `on_hangup` runs at each SIGHUP, when given.
    Task<> until_told_to_stop(Log& log, std::function<void()> on_hangup = {});
    /// From now on a signal ends the process at once: who sends a second one will not wait for a
    /// grace.
    void release() { signals_.clear(); }

  private:
    asio::basic_signal_set<Executor> signals_;
};

}  // namespace farthing::app
