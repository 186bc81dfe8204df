// SPDX-License-Identifier: Apache-2.0
// RateLimit: a token bucket for each of many askers, in a bounded amount of memory.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "farthing/facilitator/access_config.hpp"
#include "farthing/io/clock.hpp"

namespace farthing::facilitator {

/// One executor.
class RateLimit {
  public:
    /// Beyond `entries_max` askers, who has been silent longest is forgotten and starts anew.
    RateLimit(const RateConfig& config, std::size_t entries_max);

    /// Takes a token of `who` and answers nothing; or takes none and answers how long until there
    /// is one: at least a second, what Retry-After can say.
    [[nodiscard]] std::optional<std::chrono::seconds> take(std::string_view who, SteadyTime now);
    [[nodiscard]] std::size_t size() const { return buckets_.size(); }

  private:
    /// A bucket is one point in time (the generic cell rate algorithm): no fractions of a token.
    struct Bucket {
        std::string who;
        SteadyTime full_at;
    };
    using Buckets = std::list<Bucket>;  ///< who asked last stands last

    Buckets::iterator bucket_of(std::string_view who, SteadyTime now);

    SteadyTime::duration refill_;  ///< of one token
    SteadyTime::duration depth_;   ///< of all tokens but one
    std::size_t entries_max_;
    Buckets buckets_;
    std::unordered_map<std::string_view, Buckets::iterator> places_;
};

}  // namespace farthing::facilitator
