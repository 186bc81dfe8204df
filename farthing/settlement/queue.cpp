// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/queue.hpp"

#include <algorithm>

#include "farthing/evm/batch_contract.hpp"
#include "farthing/evm/multicall3.hpp"

namespace farthing::settlement {

void finish(Submission& submission, Submission::State state) {
    submission.state = state;
    submission.changed.notify();
}

void refuse(Submission& submission, Errc code, std::string detail) {
    submission.error = {code, std::move(detail)};
    finish(submission, Submission::State::refused);
}

namespace {

/// Nothing when one of them is not for our contract.
std::optional<Call> through_ours(const Load& load) {
    std::vector<batch_contract::Payment> payments;
    payments.reserve(load.size());
    for (const auto& each : load) {
        if (!each->packed) return std::nullopt;
        payments.push_back(*each->packed);
        payments.back().gas = batch_contract::gas_within(each->gas_limit);
    }
    return batch_contract::transfer_all(payments);
}

}  // namespace

Call call_of(const Load& load, Batching batching) {
    if (load.size() == 1) return load.front()->call;
    // Taken while there was Multicall3 only, it may hold what ours cannot make.
    if (batching == Batching::batch_contract) {
        if (auto call = through_ours(load)) return *std::move(call);
    }
    std::vector<Call> calls;
    calls.reserve(load.size());
    for (const auto& each : load) calls.push_back(each->call);
    return multicall3::try_each(calls);
}

bool is_shared(const Address& to) {
    return to == multicall3::kAddress || to == batch_contract::kAddress;
}

/// Each part's own limit holds the 21,000 of a transaction of its own: more than a batch needs for
/// it.
std::uint64_t gas_of(const Load& load) {
    std::uint64_t gas = 0;
    for (const auto& each : load) gas += each->gas_limit;
    return gas;
}

Queue::Queue(Env env, Loop& loop, const Network& network, QueueConfig config)
    : env_(env),
      loop_(loop),
      config_(config),
      changed_(loop),
      queued_gauge_(env.metrics.gauge("farthing_settlement_transactions_queued",
                                      "Calls waiting for a transaction",
                                      {{"network", network.id}})),
      batch_size_(env.metrics.histogram("farthing_settlement_batch_size",
                                        "Calls in one transaction", {1, 2, 5, 10, 20, 50, 100},
                                        {{"network", network.id}})) {}

SubmissionPtr Queue::submit(Call call, std::uint64_t gas_limit,
                            std::optional<scheme::PaymentKey> payment, bool shareable) {
    auto submission = std::make_shared<Submission>(loop_);
    submission->call = std::move(call);
    submission->gas_limit = gas_limit;
    submission->payment = std::move(payment);
    submission->shareable = shareable;
    if (shareable) submission->packed = batch_contract::read(submission->call);
    submission->queued_at = env_.clock.steady_now();
    waiting_.push_back(submission);
    count();
    changed_.notify();
    return submission;
}

Load Queue::take(bool idle) {
    drop_withdrawn(waiting_);
    if (waiting_.empty()) return {};
    const auto first = waiting_.front();
    Load load{first};
    if (may_share(*first)) {
        auto gas = first->gas_limit;
        bool full = config_.batch_max <= 1;
        for (auto each = waiting_.begin() + 1; each != waiting_.end() && !full; ++each) {
            if (!may_share(**each)) continue;
            full = gas + (*each)->gas_limit > config_.batch_gas_max;
            if (full) break;
            gas += (*each)->gas_limit;
            load.push_back(*each);
            full = load.size() >= config_.batch_max;
        }
        const auto age = env_.clock.steady_now() - first->queued_at;
        if (!idle && !full && age < config_.batch_wait) return {};
    }
    // Both are in the same order.
    auto taken = load.begin();
    std::erase_if(waiting_, [&](const auto& each) {
        const bool is_next = taken != load.end() && each == *taken;
        if (is_next) ++taken;
        return is_next;
    });
    count();
    batch_size_.observe(static_cast<double>(load.size()));
    return load;
}

bool Queue::may_share(const Submission& submission) const {
    if (!submission.shareable || batching_ == Batching::none) return false;
    return batching_ == Batching::multicall3 || submission.packed;
}

std::optional<SteadyTime> Queue::ripe_at() const {
    if (waiting_.empty()) return std::nullopt;
    const auto at = waiting_.front()->queued_at + config_.batch_wait;
    if (at <= env_.clock.steady_now()) return std::nullopt;
    return at;
}

void Queue::give_back(const Load& load) {
    waiting_.insert(waiting_.begin(), load.begin(), load.end());
    count();
    changed_.notify();
}

void Queue::give_back_alone(const Load& load) {
    for (const auto& each : load) each->shareable = false;
    give_back(load);
}

Task<> Queue::wait() { co_await changed_.wait(); }

void Queue::count() { queued_gauge_.set(static_cast<double>(waiting_.size())); }

}  // namespace farthing::settlement
