// SPDX-License-Identifier: Apache-2.0
// Follower: looks at the head of the chain and at the tokens' events again and again, for as long
// as somebody verifies.
#pragma once

#include "farthing/io/env.hpp"
#include "farthing/io/signal.hpp"
#include "farthing/settlement/facts_cache.hpp"

namespace farthing::settlement {

struct FollowerConfig {
    std::chrono::milliseconds staleness_max{2'000};  ///< zero: nothing is followed or believed
    std::chrono::milliseconds idle_after{30'000};    ///< nobody verified for so long: it stops
};

/// One chain, one executor.
class Follower {
  public:
    Follower(Env env, Loop& loop, chain::Chain& chain, FactsCache& cache, FollowerConfig config)
        : env_(env), chain_(chain), cache_(cache), config_(config), wanted_(loop) {}

    /// Until cancelled.
    Task<> run();
    /// Somebody verifies: the cache is of use.
    void want();
    /// Whether the last look that succeeded is young enough.
    [[nodiscard]] bool is_believed() const {
        return looked_at_ && env_.clock.steady_now() - *looked_at_ < config_.staleness_max;
    }

  private:
    [[nodiscard]] std::chrono::milliseconds interval() const;
    [[nodiscard]] bool is_idle() const {
        return !wanted_at_ || env_.clock.steady_now() - *wanted_at_ >= config_.idle_after;
    }
    Task<Result<>> look();

    Env env_;
    chain::Chain& chain_;
    FactsCache& cache_;
    FollowerConfig config_;
    std::optional<SteadyTime> wanted_at_;
    std::optional<SteadyTime> looked_at_;
    Signal wanted_;
};

}  // namespace farthing::settlement
