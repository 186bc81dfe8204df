// SPDX-License-Identifier: Apache-2.0
// The name of a Unix socket in the file system, taken by one process at a time. Private to net.
#pragma once

#include <string>

#include "farthing/base/result.hpp"

namespace farthing::net {

/// Empty, or a path that is ours until this ends: `<path>.lock` is locked, and so a socket found at
/// the path belongs to nobody.
class UnixPlace {
  public:
    UnixPlace() = default;
    UnixPlace(UnixPlace&& other) noexcept;
    UnixPlace& operator=(UnixPlace&&) = delete;
    ~UnixPlace();

    /// Errors: those of Server::listen_unix.
    [[nodiscard]] static Result<UnixPlace> take(const std::string& path);
    /// A descriptor that listens there, mode 0600 from the first moment.
    [[nodiscard]] Result<int> listen();
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_;
    int lock_ = -1;
    bool bound_ = false;
};

}  // namespace farthing::net
