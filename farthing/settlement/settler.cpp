// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/settler.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/hex.hpp"

namespace farthing::settlement {
namespace {

constexpr std::chrono::milliseconds kWriteAgain{1'000};
constexpr std::chrono::milliseconds kLookAgain{50};
/// Another node judges a payment with the same nonce: so long, at most, is waited for it.
constexpr std::chrono::milliseconds kJudgedWithin{5'000};

Outcome failed(Error error) { return {Outcome::State::failed, std::nullopt, std::move(error)}; }

}  // namespace

Outcome Settler::rival() {
    return failed({Errc::exact_nonce_already_used, "another payment with this nonce is in hand"});
}

/// Somebody who waits for a job, however that ends.
class Settler::Waiter {
  public:
    explicit Waiter(JobPtr job) : job_(std::move(job)) { ++job_->waiting; }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() { --job_->waiting; }

    [[nodiscard]] bool is_alone() const { return job_->waiting == 1; }

  private:
    JobPtr job_;
};

Settler::Settler(Env env, Loop& loop, chain::Chain& chain, Examiner& examiner, Lanes& lanes,
                 store::IntentStore& intents, SettlerConfig config)
    : env_(env),
      loop_(loop),
      examiner_(examiner),
      lanes_(lanes),
      intents_(intents),
      chain_(chain),
      network_(chain.network()),
      config_(config),
      carrier_(env, loop, chain, examiner, lanes,
               {.gas_limit_max = config.gas_limit_max,
                .deployment_gas_max = 4 * std::min(config.gas_limit_max, std::uint64_t{1} << 60),
                .known_tokens = config.known_tokens}),
      told_(std::make_shared<Told>(config.remembered_max)),
      jobs_(loop),
      recent_changed_(loop),
      loose_end_(loop),
      settled_total_(
          env.metrics.counter("farthing_settlement_payments_total", "Payments by outcome",
                              {{"network", chain.network().id}, {"outcome", "settled"}})),
      failed_total_(env.metrics.counter("farthing_settlement_payments_total", "Payments by outcome",
                                        {{"network", chain.network().id}, {"outcome", "failed"}})),
      reorganised_total_(env.metrics.counter("farthing_settlement_reorganised_total",
                                             "Settled payments that a reorganisation took away",
                                             {{"network", chain.network().id}})),
      in_hand_gauge_(env.metrics.gauge("farthing_settlement_payments_in_hand",
                                       "Payments whose outcome is not known yet",
                                       {{"network", chain.network().id}})),
      seconds_(env.metrics.histogram("farthing_settlement_seconds", "From request to outcome",
                                     {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 180},
                                     {{"network", chain.network().id}})) {}

Standing Settler::standing(const scheme::Opened& payment) const {
    auto print = told_->untold_print(payment.key());
    if (const auto found = in_hand_.find(payment.key());
        found != in_hand_.end() && found->second->errand->is_sent()) {
        print = found->second->print;
    }
    if (!print) return Standing::fresh;
    return *print == payment.print() ? Standing::sent : Standing::rival;
}

bool Settler::holds(const scheme::Opened& payment, const std::string& asker) const {
    const auto print = payment.print();
    if (told_->outcome_for(payment.key(), print, asker)) return true;
    const auto found = in_hand_.find(payment.key());
    return found != in_hand_.end() && found->second->print == print;
}

std::expected<Settler::JobPtr, Outcome> Settler::enter(
    const std::shared_ptr<const scheme::Opened>& payment) {
    const auto& key = payment->key();
    // The key is not enough: a payment of one cent must not answer for one of a thousand dollars
    // that was signed with the same nonce.
    const auto print = payment->print();
    if (told_->untold_print(key)) return std::unexpected(rival());
    if (const auto found = in_hand_.find(key); found != in_hand_.end()) {
        if (found->second->print != print) return std::unexpected(rival());
        return found->second;
    }
    if (in_hand_.size() >= config_.payments_max) {
        return std::unexpected(failed({Errc::overloaded, "too many payments in hand"}));
    }
    return add_job(payment);
}

Settler::JobPtr Settler::add_job(const std::shared_ptr<const scheme::Opened>& payment) {
    auto job = std::make_shared<Job>(loop_, payment);
    job->began = env_.clock.steady_now();
    in_hand_.emplace(payment->key(), job);
    in_hand_gauge_.set(static_cast<double>(in_hand_.size()));
    return job;
}

/// Anybody can name a payer and a nonce: a payment that turns out to be signed by nobody must not
/// stand in the way of the one that is.
Task<> Settler::wait_for_judgement(std::shared_ptr<const scheme::Opened> payment,
                                   SteadyTime deadline) {
    while (env_.clock.steady_now() < deadline) {
        const auto found = in_hand_.find(payment->key());
        if (found == in_hand_.end() || found->second->print == payment->print()) co_return;
        const auto job = found->second;
        if (job->errand->judged || job->errand->is_sent()) co_return;
        const auto look = std::min(deadline, env_.clock.steady_now() + kLookAgain);
        co_await job->done.wait_until(env_.clock, look);
    }
}

Task<Outcome> Settler::settle(std::shared_ptr<const scheme::Opened> payment,
                              std::chrono::milliseconds patience, std::string asker,
                              std::string record) {
    const auto deadline = env_.clock.steady_now() + patience;
    auto known = told_->outcome_for(payment->key(), payment->print(), asker);
    if (known && !in_hand_.contains(payment->key())) {
        JobPtr none;
        auto heard = co_await tell(payment, *std::move(known), std::move(asker), std::move(none));
        co_return heard;
    }
    co_await wait_for_judgement(payment, deadline);
    const auto entered = enter(payment);
    if (!entered) co_return entered.error();
    const auto& job = *entered;
    if (!job->started) {
        job->record = std::move(record);
        job->asker = asker;
    }
    const Waiter waiter(job);
    if (!std::exchange(job->started, true)) jobs_.spawn(work(job));
    while (!job->outcome && env_.clock.steady_now() < deadline) {
        co_await job->done.wait_until(env_.clock, deadline);
    }
    if (job->outcome) {
        auto heard = co_await tell(payment, *job->outcome, std::move(asker), job);
        co_return heard;
    }
    // Nothing has left this process and nobody else waits: then it shall not leave it any more.
    if (waiter.is_alone() && !job->errand->is_sent()) {
        job->errand->given_up = true;
        if (job->errand->submission) job->errand->submission->withdrawn = true;
        finish(job, failed({Errc::timed_out, "not sent in time"}));
        jobs_.spawn(write_given_up(job));
        co_return *job->outcome;
    }
    auto outcome = pending(*job);
    env_.log.warn("payment_pending",
                  {{"network", payment->key().network.id},
                   {"payer", payment->key().payer.to_checksum()},
                   {"nonce", to_hex(payment->key().nonce)},
                   {"txn", outcome.transaction ? to_hex(*outcome.transaction) : ""},
                   {"reason", outcome.error.detail}});
    co_return outcome;
}

Outcome Settler::pending(const Job& job) {
    Outcome outcome;
    outcome.transaction = job.errand->last_hash();
    outcome.error = {Errc::settlement_pending, outcome.transaction ? "broadcast, not confirmed yet"
                                                                   : "in hand, not broadcast yet"};
    return outcome;
}

Task<> Settler::drain() { co_await jobs_.join(); }

Task<> Settler::work(JobPtr job) {
    auto known = co_await begin(job);
    if (job->outcome) co_return;  // given up meanwhile
    if (known) {
        // No intent is this job's: there is nothing to write. What is said of another payment, or
        // once more, is no news.
        const bool is_news = kind_of(known->error.code) == Kind::unavailable;
        is_news ? finish(job, *std::move(known)) : end(job, *std::move(known));
        co_return;
    }
    std::optional<Outcome> outcome;
    auto& errand = *job->errand;
    if (!errand.elsewhere && !lanes_.has_key()) {
        const auto handed = co_await hand_over(job);
        if (job->outcome) co_return;
        if (!handed) outcome = failed(handed.error());
    }
    if (!outcome && errand.elsewhere) outcome = co_await follow(job);
    if (!outcome) {
        outcome = co_await carrier_.carry(job->errand);
        if (job->outcome) co_return;
        outcome = co_await deepen(job, *std::move(outcome));
    }
    if (job->outcome) co_return;
    co_await conclude(job, *std::move(outcome));
}

scheme::UnixSeconds Settler::now() const {
    return static_cast<scheme::UnixSeconds>(env_.clock.now().time_since_epoch().count());
}

store::Intent Settler::intent_of(const Job& job) const {
    store::Intent intent;
    intent.key = job.errand->payment->key();
    intent.print = job.print;
    intent.payment = job.record;
    intent.begun_at = now();
    return intent;
}

Task<std::optional<Outcome>> Settler::begin(JobPtr job) {
    const auto give_up = env_.clock.steady_now() + kJudgedWithin;
    auto there = co_await intents_.begin(intent_of(*job));
    while (there && *there && (*there)->print != job->print && !(*there)->stands() &&
           env_.clock.steady_now() < give_up) {
        co_await env_.clock.sleep(kLookAgain);
        there = co_await intents_.begin(intent_of(*job));
    }
    if (!there) {
        loosen();
        co_return failed(there.error());
    }
    if (!*there) co_return std::nullopt;
    const auto& intent = **there;
    if (intent.print != job->print) co_return rival();
    if (intent.state == store::Intent::State::open) {
        // Another node is at it; or nobody is any more, and then it will be ours.
        job->errand->elsewhere = true;
        co_return std::nullopt;
    }
    const bool may_hear = !intent.told || (!intent.told_to.empty() && intent.told_to == job->asker);
    if (intent.state != store::Intent::State::settled || !may_hear) co_return rival();
    co_return Outcome{Outcome::State::settled, intent.transaction, {}};
}

/// A success that is not written down would be told again after a crash, and a failure would be
/// looked for again, which does no harm. What another node has meanwhile, that one says the truth
/// about.
Task<> Settler::conclude(JobPtr job, Outcome outcome) {
    for (;;) {
        if (outcome.error.code == Errc::intent_not_ours) outcome = co_await follow(job);
        auto written = co_await write_end(job, outcome);
        if (written) break;
        // A failure that others cannot read, of what they can send, would be none.
        const bool is_sent = outcome.state == Outcome::State::settled || job->errand->is_sent();
        if (written.error().code == Errc::intent_not_ours) {
            outcome.error = written.error();
        } else if (is_sent) {
            co_await env_.clock.sleep(kWriteAgain);
        } else {
            break;
        }
    }
    if (outcome.state == Outcome::State::failed) {
        outcome = co_await as_recorded(job, std::move(outcome));
    }
    if (job->outcome) co_return;  // given up meanwhile
    seconds_.observe(std::chrono::duration<double>(env_.clock.steady_now() - job->began).count());
    finish(job, std::move(outcome));
}

Task<Result<>> Settler::write_end(JobPtr job, Outcome outcome) {
    store::Ending ending;
    ending.state = outcome.state == Outcome::State::settled ? store::Intent::State::settled
                                                            : store::Intent::State::failed;
    ending.transaction = outcome.transaction;
    if (ending.state == store::Intent::State::failed) {
        ending.reason = wire_code(outcome.error.code);
        ending.detail = outcome.error.detail;
    }
    ending.at = now();
    ending.print = job->print;
    auto written = co_await intents_.end(job->errand->payment->key(), std::move(ending));
    if (!written) {
        env_.log.error("outcome_not_recorded",
                       {{"nonce", to_hex(job->errand->payment->key().nonce)},
                        {"reason", written.error().detail}});
        loosen();
    }
    co_return written;
}

Task<> Settler::write_given_up(JobPtr job) {
    // It was never sent: when this is not written, `tie_up` finds out the same.
    [[maybe_unused]] auto written = co_await write_end(job, *job->outcome);
}

/// Somebody hears of a settlement: until it is written down that they did, they have not.
class Settler::Telling {
  public:
    Telling(std::shared_ptr<Told> told, const scheme::Opened& payment)
        : told_(std::move(told)), key_(payment.key()), print_(payment.print()) {}
    Telling(const Telling&) = delete;
    Telling& operator=(const Telling&) = delete;
    ~Telling() {
        if (done_) {
            told_->heard(key_, print_);
        } else {
            told_->miss(key_, print_);
        }
    }
    void succeed() { done_ = true; }

  private:
    std::shared_ptr<Told> told_;
    scheme::PaymentKey key_;
    Bytes32 print_;
    bool done_ = false;
};

/// All who asked at once and have no name hear the same; of those with a name one does, and again
/// when it asks again.
Task<Outcome> Settler::tell(std::shared_ptr<const scheme::Opened> payment, Outcome outcome,
                            std::string asker, JobPtr job) {
    if (outcome.state != Outcome::State::settled) co_return outcome;
    if (told_->has_heard(payment->key(), payment->print(), asker)) co_return outcome;
    told_->hear(payment->key(), payment->print(), {});
    Telling telling(told_, *payment);
    auto granted = co_await intents_.tell(payment->key(), asker);
    if (!granted) {
        outcome.state = Outcome::State::unknown;
        outcome.error = {Errc::settlement_pending, "settled; it cannot be recorded now"};
        co_return outcome;
    }
    telling.succeed();
    if (*granted && job && asker.empty()) job->told_to_all = true;
    if (!*granted && !(job && job->told_to_all && asker.empty())) co_return rival();
    told_->hear(payment->key(), payment->print(), asker);
    co_return outcome;
}

void Settler::unheard(const scheme::Opened& payment) {
    told_->untell(payment.key(), payment.print());
    jobs_.spawn(write_unheard(payment.key()));
}

Task<> Settler::write_unheard(scheme::PaymentKey key) {
    const auto written = co_await intents_.untell(key);
    env_.log.warn("settlement_unheard", {{"network", key.network.id},
                                         {"nonce", to_hex(key.nonce)},
                                         {"recorded", written.has_value()}});
}

void Settler::finish(const JobPtr& job, Outcome outcome) {
    const auto& payment = *job->errand->payment;
    const auto& key = payment.key();
    const bool settled = outcome.state == Outcome::State::settled;
    (settled ? settled_total_ : failed_total_).add();
    env_.log.info(settled ? "payment_settled" : "payment_failed",
                  {{"network", key.network.id},
                   {"payer", key.payer.to_checksum()},
                   {"nonce", to_hex(key.nonce)},
                   {"amount", payment.amount().to_decimal()},
                   {"txn", outcome.transaction ? to_hex(*outcome.transaction) : ""},
                   {"reason", settled ? "" : to_string(outcome.error)}});
    end(job, std::move(outcome));
}

void Settler::end(const JobPtr& job, Outcome outcome) {
    const auto& key = job->errand->payment->key();
    const bool settled = outcome.state == Outcome::State::settled;
    // What was never judged has no place to give back, least of all another one's.
    if (job->errand->judged) {
        examiner_.forget(key);
        jobs_.spawn(examiner_.let_go(key));
    }
    job->outcome = std::move(outcome);
    in_hand_.erase(key);
    in_hand_gauge_.set(static_cast<double>(in_hand_.size()));
    if (settled && job->outcome->block_number > 0) {
        recent_.push_back({job->errand->payment, job->record, *job->outcome->transaction,
                           job->outcome->block_number, job->outcome->block_hash});
        recent_changed_.notify();
    }
    if (settled) told_->remember(key, job->print, *job->outcome);
    job->done.notify();
}

}  // namespace farthing::settlement
