// SPDX-License-Identifier: Apache-2.0
// Settler: one payment becomes one transaction and one truth, however often and from however many
// sides it is asked for.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "farthing/io/task_group.hpp"
#include "farthing/settlement/carrier.hpp"
#include "farthing/settlement/told.hpp"
#include "farthing/store/intents.hpp"

namespace farthing::settlement {

/// How deep something is in the chain.
struct Depth {
    std::uint64_t blocks = 0;  ///< on top of its own
    chain::HeadAt at = chain::HeadAt::latest;

    [[nodiscard]] bool is_shallow() const { return blocks == 0 && at == chain::HeadAt::latest; }
};

struct SettlerConfig {
    std::uint64_t gas_limit_max =
        500'000;  ///< a token contract that wants more is refused: the gas is ours
    std::set<Address> known_tokens;  ///< see CarrierConfig
    std::string node;                ///< id of this node in the store
    /// How deep in the chain a payment must be before it counts as settled. None: being included
    /// is enough.
    std::function<Depth(const scheme::Opened&)> depth_of;
    /// For so many blocks what was settled is looked for again: a reorganisation may take it away.
    std::uint64_t reorganised_within = 32;
    std::chrono::milliseconds settled_look{5'000};  ///< between those looks
    std::size_t payments_max = 10'000;              ///< in hand at once; beyond, `overloaded`
    /// Settled payments whose outcome is kept, for who has not heard it or lost it.
    std::size_t remembered_max = 50'000;
};

/// How a payment stands with the settler, before it is asked to settle it.
enum class Standing : std::uint8_t {
    fresh,  ///< nothing was sent with its nonce
    sent,   ///< it is on its way, or settled and nobody has heard of it
    rival,  ///< another payment with its nonce is: at most one of them can happen
};

/// One chain. One executor.
class Settler {
  public:
    Settler(Env env, Loop& loop, chain::Chain& chain, Examiner& examiner, Lanes& lanes,
            store::IntentStore& intents, SettlerConfig config);

    /// How a payment is opened again from its record. Errors: it cannot be.
    using Reopen =
        std::function<Result<std::shared_ptr<const scheme::Opened>>(const std::string& record)>;
    /// Takes up what the process before left: once, before the first `settle`. What was broadcast
    /// is watched to its end, what was not is over, and what settled unheard waits for who asks.
    /// Errors: io_failed.
    Task<Result<>> recover(Reopen reopen);
    /// The same for what a node that is no more has left, or one without a key has handed over: now
    /// and then. Errors: io_failed.
    Task<Result<>> adopt();
    /// Looks, from now on, after what was settled lately by whoever is no more, too. Errors:
    /// io_failed.
    Task<Result<>> recall();
    /// The same when there is time for it: until it is done it is tried again.
    void recall_soon();
    /// Whether it is on its way, or settled and unheard, on whichever node. Errors: io_failed.
    Task<Result<bool>> is_open_elsewhere(std::shared_ptr<const scheme::Opened> payment);

    /// Waits for the outcome, at most `patience`. The same payment in hand already is joined: all
    /// who ask at once hear the same. Another one with the same nonce is refused. A success that
    /// was reached while nobody waited is told once to the next who asks, and one that was told to
    /// an `asker` with a name again to that one. For everybody else the payment is judged afresh,
    /// and the chain says that its nonce is used. `record` is kept for `recover`.
    Task<Outcome> settle(std::shared_ptr<const scheme::Opened> payment,
                         std::chrono::milliseconds patience, std::string asker = {},
                         std::string record = {});
    /// The success that was told last did not reach who asked.
    void unheard(const scheme::Opened& payment);
    [[nodiscard]] Standing standing(const scheme::Opened& payment) const;
    /// Whether `settle` would wait for what is in hand or tell what became of it, rather than
    /// begin.
    [[nodiscard]] bool holds(const scheme::Opened& payment, const std::string& asker) const;
    /// Looks whether what has settled stays in the chain, and after what the store did not take,
    /// until cancelled.
    Task<> run();
    /// Until all payments in hand have ended.
    Task<> drain();
    [[nodiscard]] std::size_t in_hand() const { return in_hand_.size(); }
    [[nodiscard]] std::size_t untold() const { return told_->untold(); }

  private:
    struct Job {
        Job(Loop& loop, std::shared_ptr<const scheme::Opened> payment)
            : errand(std::make_shared<Errand>(payment)), print(payment->print()), done(loop) {}
        std::shared_ptr<Errand> errand;
        Bytes32 print;
        std::string record;
        std::string asker;               ///< the first
        std::optional<Outcome> outcome;  ///< once it has ended
        bool started = false;
        bool told_to_all = false;  ///< one without a name has heard: all who wait with it do
        SteadyTime began;
        int waiting = 0;
        Signal done;
    };
    using JobPtr = std::shared_ptr<Job>;
    /// Settled, and not yet so deep that nothing can take it away.
    struct Recent {
        std::shared_ptr<const scheme::Opened> payment;
        std::string record;
        Bytes32 transaction;
        std::uint64_t block_number = 0;
        Bytes32 block_hash;
        int missed = 0;  ///< looks in a row that did not find it
    };
    class Waiter;
    class Telling;

    /// The job to wait for, or the outcome that there is without one.
    std::expected<JobPtr, Outcome> enter(const std::shared_ptr<const scheme::Opened>& payment);
    void take_up(const store::Intent& intent);
    /// What this node has begun and no longer has in hand, because the store did not take its end.
    Task<> tie_up();
    Task<> run_tying();
    Task<> wait_for_judgement(std::shared_ptr<const scheme::Opened> payment, SteadyTime deadline);
    JobPtr add_job(const std::shared_ptr<const scheme::Opened>& payment);
    Task<> work(JobPtr job);
    /// An outcome that is known before anything is sent; nothing when it is to be sent, or
    /// followed.
    Task<std::optional<Outcome>> begin(JobPtr job);
    Task<> work_on(JobPtr job, store::Intent intent);
    Task<Outcome> carry_on(JobPtr job, store::Intent intent);
    Task<Result<>> hand_over(JobPtr job);
    Task<Outcome> follow(JobPtr job);
    Task<Outcome> as_recorded(JobPtr job, Outcome failure);
    /// A settlement that is deep enough, whatever becomes of the first one.
    Task<Outcome> deepen(JobPtr job, Outcome outcome);
    Task<std::optional<bool>> is_deep(Outcome outcome, Depth depth);
    /// From what the store has of it.
    Task<Outcome> carry_again(JobPtr job);
    Task<> run_looking();
    Task<> look_again();
    using BlockHashes = std::map<std::uint64_t, std::optional<Bytes32>>;
    using Receipts = std::map<Bytes32, std::optional<chain::Receipt>>;
    Task<BlockHashes> blocks_of_recent();
    Task<Receipts> receipts_of(std::set<Bytes32> hashes);
    [[nodiscard]] static bool moved_to(Recent& recent, const chain::Receipt& receipt);
    Task<> settle_again(Recent gone);
    [[nodiscard]] store::Intent intent_of(const Job& job) const;
    /// Durable, then public.
    Task<> conclude(JobPtr job, Outcome outcome);
    Task<Result<>> write_end(JobPtr job, Outcome outcome);
    Task<> write_given_up(JobPtr job);
    Task<> write_unheard(scheme::PaymentKey key);
    Task<> write_interrupted(scheme::PaymentKey key, Bytes32 print);
    void loosen();
    /// To one who asks. Durable before it is heard.
    Task<Outcome> tell(std::shared_ptr<const scheme::Opened> payment, Outcome outcome,
                       std::string asker, JobPtr job);
    /// Counted and logged, and then ended: everybody who waits hears it.
    void finish(const JobPtr& job, Outcome outcome);
    void end(const JobPtr& job, Outcome outcome);
    [[nodiscard]] scheme::UnixSeconds now() const;
    [[nodiscard]] static Outcome pending(const Job& job);
    [[nodiscard]] static Outcome rival();

    Env env_;
    Loop& loop_;
    Examiner& examiner_;
    Lanes& lanes_;
    store::IntentStore& intents_;
    Reopen reopen_;
    chain::Chain& chain_;
    Network network_;
    SettlerConfig config_;
    Carrier carrier_;
    std::map<scheme::PaymentKey, JobPtr> in_hand_;
    std::shared_ptr<Told> told_;
    TaskGroup jobs_;
    std::deque<Recent> recent_;
    Signal recent_changed_;
    bool loose_ends_ = false;  ///< something that has ended may be open in the store
    bool recall_due_ = false;
    Signal loose_end_;
    Counter& settled_total_;
    Counter& failed_total_;
    Counter& reorganised_total_;
    Gauge& in_hand_gauge_;
    Histogram& seconds_;
};

}  // namespace farthing::settlement
