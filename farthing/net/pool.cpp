// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/pool.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace farthing::net {

Pool::Pool(Loop& loop, Deadlines& deadlines, std::size_t per_origin_max,
           std::chrono::milliseconds idle_timeout)
    : loop_(loop),
      per_origin_max_(per_origin_max),
      idle_timeout_(idle_timeout),
      oldest_(deadlines, [this] {
          // Later: dropping a connection ends its watches, which may not happen from here.
          asio::post(loop_, [self = weak_from_this()] {
              if (const auto pool = self.lock()) pool->drop_old();
          });
      }) {}

std::unique_ptr<Stream> Pool::take(const std::string& origin) {
    const auto found = idle_.find(origin);
    if (found == idle_.end()) return nullptr;
    auto& waiting = found->second;
    std::unique_ptr<Stream> stream;
    while (!stream && !waiting.empty()) {
        auto last = std::move(waiting.back());
        waiting.pop_back();
        if (last.until > socket_time() && last.stream->quiet()) stream = std::move(last.stream);
    }
    if (waiting.empty()) idle_.erase(found);
    return stream;
}

void Pool::keep(const std::string& origin, std::unique_ptr<Stream> stream) {
    if (per_origin_max_ == 0 || idle_timeout_.count() <= 0) return;
    auto& waiting = idle_[origin];
    if (waiting.size() >= per_origin_max_) waiting.pop_front();
    const auto until = socket_time() + idle_timeout_;
    waiting.push_back(Idle{std::move(stream), until});
    if (!oldest_.armed()) oldest_.arm_at(until);
}

void Pool::drop_old() {
    const auto now = socket_time();
    auto next = SteadyTime::max();
    for (auto each = idle_.begin(); each != idle_.end();) {
        auto& waiting = each->second;
        while (!waiting.empty() && waiting.front().until <= now) waiting.pop_front();
        if (!waiting.empty()) next = std::min(next, waiting.front().until);
        each = waiting.empty() ? idle_.erase(each) : std::next(each);
    }
    if (next != SteadyTime::max()) oldest_.arm_at(next);
}

}  // namespace farthing::net
