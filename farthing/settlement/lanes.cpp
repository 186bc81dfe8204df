// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/lanes.hpp"

#include <algorithm>

#include "farthing/io/task_group.hpp"

namespace farthing::settlement {

Lanes::Lanes(Env env, Loop& loop, chain::Chain& chain, store::IntentStore& intents,
             std::vector<PrivateKey> keys, LaneConfig lane, QueueConfig queue)
    : loop_(loop), network_(chain.network()), queue_(env, loop, chain.network(), queue) {
    invariant(!keys.empty(), "a chain has at least one key");
    for (auto& key : keys) {
        lanes_.push_back(
            std::make_unique<Lane>(env, loop, chain, intents, queue_, std::move(key), lane));
        const auto* self = lanes_.back().get();
        lanes_.back()->set_relief([this, self] {
            return std::ranges::any_of(
                lanes_, [&](const auto& each) { return each.get() != self && each->is_able(); });
        });
    }
}

SubmissionPtr Lanes::resume(Call call, const scheme::PaymentKey& payment,
                            const std::vector<store::Broadcast>& versions) {
    const auto lane = std::ranges::find(lanes_, versions.back().signer,
                                        [](const auto& each) { return each->address(); });
    if (lane == lanes_.end()) return nullptr;
    auto submission = std::make_shared<Submission>(loop_);
    submission->call = std::move(call);
    submission->payment = payment;
    return (*lane)->resume(std::move(submission), versions);
}

bool Lanes::has_key() const {
    return std::ranges::any_of(lanes_, [](const auto& each) { return each->is_ours(); });
}

Task<> Lanes::run() {
    TaskGroup running(loop_);
    for (const auto& each : lanes_) running.spawn(each->run());
    co_await running.join();
}

std::size_t Lanes::in_flight() const {
    std::size_t count = 0;
    for (const auto& each : lanes_) count += each->in_flight();
    return count;
}

}  // namespace farthing::settlement
