// SPDX-License-Identifier: Apache-2.0
// Kept connections per origin. Private to net. One loop.
#pragma once

#include <deque>
#include <map>

#include "farthing/net/stream.hpp"

namespace farthing::net {

class Pool : public std::enable_shared_from_this<Pool> {
  public:
    Pool(Loop& loop, Deadlines& deadlines, std::size_t per_origin_max,
         std::chrono::milliseconds idle_timeout);

    /// The connection used last that is still open; null when there is none.
    [[nodiscard]] std::unique_ptr<Stream> take(const std::string& origin);
    /// Keeps it for the next request; the oldest gives way when there are too many.
    void keep(const std::string& origin, std::unique_ptr<Stream> stream);

  private:
    struct Idle {
        std::unique_ptr<Stream> stream;
        SteadyTime until;
    };
    void drop_old();

    Loop& loop_;
    std::size_t per_origin_max_;
    std::chrono::milliseconds idle_timeout_;
    std::map<std::string, std::deque<Idle>> idle_;
    Deadlines::Watch oldest_;
};

}  // namespace farthing::net
