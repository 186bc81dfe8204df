// SPDX-License-Identifier: Apache-2.0
// Queue: calls that wait for a transaction. A call that comes alone to an idle lane goes at once;
// those that come while others fly gather, and go together through a contract that calls them one
// by one.
#pragma once

#include <deque>

#include "farthing/io/env.hpp"
#include "farthing/settlement/submission.hpp"

namespace farthing::settlement {

struct QueueConfig {
    std::size_t batch_max = 50;  ///< payments in one transaction; 1: each goes alone
    /// How long payments gather while another transaction is under way.
    std::chrono::milliseconds batch_wait{100};
    std::uint64_t batch_gas_max = 8'000'000;  ///< of one transaction
};

/// Through what several calls go in one transaction.
enum class Batching : std::uint8_t {
    none,            ///< each goes alone
    multicall3,      ///< everywhere, and one call may use the gas of all
    batch_contract,  ///< ours, where it is deployed: a limit of gas for each call
};

/// What goes into one transaction: one call as it is, or several through a contract.
using Load = std::vector<SubmissionPtr>;

/// One chain, any number of lanes, one executor.
class Queue {
  public:
    Queue(Env env, Loop& loop, const Network& network, QueueConfig config);

    /// The submission tells how it goes on.
    SubmissionPtr submit(Call call, std::uint64_t gas_limit,
                         std::optional<scheme::PaymentKey> payment = {}, bool shareable = false);
    /// What goes next, or nothing yet. A lane is idle when none of its transactions is under way.
    [[nodiscard]] Load take(bool idle);
    /// When `take` is worth asking again although nothing has changed.
    [[nodiscard]] std::optional<SteadyTime> ripe_at() const;
    /// Nothing of it was sent: others may take it.
    void give_back(const Load& load);
    /// The same, and each goes alone from now on.
    void give_back_alone(const Load& load);
    /// What is there. Until that is known everything goes alone.
    void set_batching(Batching batching) { batching_ = batching; }
    [[nodiscard]] Batching batching() const { return batching_; }

    /// Returns when something changed, or at the deadline.
    Task<> wait();
    Task<> wait_until(SteadyTime deadline) { return changed_.wait_until(env_.clock, deadline); }
    /// To be said when a lane is readier than it was.
    void notify() { changed_.notify(); }
    [[nodiscard]] std::size_t size() const { return waiting_.size(); }

  private:
    [[nodiscard]] bool may_share(const Submission& submission) const;
    void count();

    Env env_;
    Loop& loop_;
    QueueConfig config_;
    Batching batching_ = Batching::none;
    std::deque<SubmissionPtr> waiting_;
    Signal changed_;
    Gauge& queued_gauge_;
    Histogram& batch_size_;
};

/// Ends a submission.
void finish(Submission& submission, Submission::State state);
void refuse(Submission& submission, Errc code, std::string detail);

/// Refuses those that their owner has withdrawn, and takes them out. Nothing of them is in a pool.
template <class Submissions>
void drop_withdrawn(Submissions& from) {
    std::erase_if(from, [](const auto& each) {
        if (!each->withdrawn) return false;
        refuse(*each, Errc::timed_out, "withdrawn before it was sent");
        return true;
    });
}

/// The call that carries a load, and its gas.
[[nodiscard]] Call call_of(const Load& load, Batching batching);
[[nodiscard]] std::uint64_t gas_of(const Load& load);
/// Whether a transaction to this address carries several calls.
[[nodiscard]] bool is_shared(const Address& to);

}  // namespace farthing::settlement
