// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/rate_limit.hpp"

#include <algorithm>

namespace farthing::facilitator {

RateLimit::RateLimit(const RateConfig& config, std::size_t entries_max)
    : refill_(std::chrono::nanoseconds(config.per) /
              static_cast<SteadyTime::duration::rep>(config.rate)),
      depth_(refill_ * static_cast<SteadyTime::duration::rep>(config.burst - 1)),
      entries_max_(entries_max) {}

RateLimit::Buckets::iterator RateLimit::bucket_of(std::string_view who, SteadyTime now) {
    if (const auto found = places_.find(who); found != places_.end()) {
        buckets_.splice(buckets_.end(), buckets_, found->second);
        return found->second;
    }
    if (buckets_.size() >= entries_max_) {
        places_.erase(buckets_.front().who);
        buckets_.pop_front();
    }
    const auto made = buckets_.insert(buckets_.end(), {std::string(who), now});
    places_.emplace(made->who, made);
    return made;
}

std::optional<std::chrono::seconds> RateLimit::take(std::string_view who, SteadyTime now) {
    const auto bucket = bucket_of(who, now);
    const auto full_at = std::max(bucket->full_at, now);
    const auto wait = full_at - now - depth_;
    if (wait > SteadyTime::duration::zero()) {
        return std::max(std::chrono::ceil<std::chrono::seconds>(wait), std::chrono::seconds(1));
    }
    bucket->full_at = full_at + refill_;
    return std::nullopt;
}

}  // namespace farthing::facilitator
