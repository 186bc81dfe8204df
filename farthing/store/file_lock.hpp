// SPDX-License-Identifier: Apache-2.0
// The lock beside an SQLite file: two processes that settle from one store would send everything
// twice.
#pragma once

#include <string>

#include "farthing/base/result.hpp"

namespace farthing::store {

class FileLock {
  public:
    FileLock() = default;
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    ~FileLock();

    /// Held until this ends, also when the process is killed; may be tried again. Errors: io_failed
    /// (another process has it, or the file cannot be made).
    Result<> take(const std::string& path);

  private:
    int file_ = -1;
};

}  // namespace farthing::store
