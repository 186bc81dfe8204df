// SPDX-License-Identifier: Apache-2.0
// A child process that never outlives us.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "farthing/base/result.hpp"

namespace farthing::app {

class ChildProcess {
  public:
    /// Looks the program up in PATH; its output goes to `output_file` (for reading why it failed).
    /// Errors: io_failed.
    static Result<ChildProcess> start(const std::vector<std::string>& command,
                                      const std::string& output_file);
    ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    ChildProcess& operator=(ChildProcess&&) = delete;
    ~ChildProcess() { stop(); }

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Whether it still runs; reaps it when it has ended.
    [[nodiscard]] bool running();
    /// SIGTERM, and SIGKILL when that is not enough within five seconds. Waits for the end.
    void stop();

  private:
    explicit ChildProcess(pid_t pid) : pid_(pid) {}
    pid_t pid_ = -1;
};

}  // namespace farthing::app
