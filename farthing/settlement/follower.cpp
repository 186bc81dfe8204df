// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/follower.hpp"

#include <algorithm>

namespace farthing::settlement {

std::chrono::milliseconds Follower::interval() const {
    using std::chrono::milliseconds;
    // A look or two may fail before the cache is not believed any more.
    return std::clamp(config_.staleness_max / 4, milliseconds(50), milliseconds(1'000));
}

void Follower::want() {
    const bool was_idle = is_idle();
    wanted_at_ = env_.clock.steady_now();
    if (was_idle) wanted_.notify();
}

Task<> Follower::run() {
    if (config_.staleness_max.count() == 0) co_return;
    bool is_failing = false;
    for (;;) {
        if (is_idle()) {
            looked_at_.reset();
            cache_.forget_all();
            co_await wanted_.wait();
            continue;
        }
        const auto began = env_.clock.steady_now();
        const auto looked = co_await look();
        if (looked) looked_at_ = began;
        // Once for each outage.
        if (!looked && !is_failing) {
            env_.log.warn("chain_not_followed", {{"network", chain_.network().id},
                                                 {"reason", to_string(looked.error())}});
        }
        is_failing = !looked;
        co_await env_.clock.sleep(interval());
    }
}

Task<Result<>> Follower::look() {
    auto head = co_await chain_.head();
    if (!head) co_return fail(std::move(head).error());
    std::vector<chain::Log> logs;
    for (auto& each : cache_.questions(*head)) {
        auto found = co_await chain_.logs(std::move(each));
        if (!found) co_return fail(std::move(found).error());
        logs.insert(logs.end(), std::make_move_iterator(found->begin()),
                    std::make_move_iterator(found->end()));
    }
    cache_.advance(*head, logs);
    co_return Result<>{};
}

}  // namespace farthing::settlement
