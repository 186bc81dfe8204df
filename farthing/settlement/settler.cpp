// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/settler.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/hex.hpp"

namespace farthing::settlement {
namespace {

Outcome failed(Error error) { return {Outcome::State::failed, std::nullopt, std::move(error)}; }

Outcome rival() {
    return failed({Errc::exact_nonce_already_used, "another payment with this nonce is in hand"});
}

}  // namespace

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

Settler::Settler(Env env, Loop& loop, chain::Chain& chain, Examiner& examiner, Lane& lane,
                 SettlerConfig config)
    : env_(env),
      loop_(loop),
      examiner_(examiner),
      config_(config),
      carrier_(env, loop, chain, examiner, lane,
               {.gas_limit_max = config.gas_limit_max,
                .deployment_gas_max = 4 * std::min(config.gas_limit_max, std::uint64_t{1} << 60)}),
      told_(config.remembered_max),
      jobs_(loop),
      settled_total_(
          env.metrics.counter("farthing_settlement_payments_total", "Payments by outcome",
                              {{"network", chain.network().id}, {"outcome", "settled"}})),
      failed_total_(env.metrics.counter("farthing_settlement_payments_total", "Payments by outcome",
                                        {{"network", chain.network().id}, {"outcome", "failed"}})),
      in_hand_gauge_(env.metrics.gauge("farthing_settlement_payments_in_hand",
                                       "Payments whose outcome is not known yet",
                                       {{"network", chain.network().id}})),
      seconds_(env.metrics.histogram("farthing_settlement_seconds", "From request to outcome",
                                     {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 180},
                                     {{"network", chain.network().id}})) {}

Standing Settler::standing(const scheme::Opened& payment) const {
    auto print = told_.untold_print(payment.key());
    if (const auto found = in_hand_.find(payment.key());
        found != in_hand_.end() && found->second->errand->is_sent()) {
        print = found->second->print;
    }
    if (!print) return Standing::fresh;
    return *print == payment.print() ? Standing::sent : Standing::rival;
}

std::expected<Settler::JobPtr, Outcome> Settler::enter(
    const std::shared_ptr<const scheme::Opened>& payment, const std::string& asker) {
    const auto& key = payment->key();
    // The key is not enough: a payment of one cent must not answer for one of a thousand dollars
    // that was signed with the same nonce.
    const auto print = payment->print();
    if (auto outcome = told_.tell(key, print, asker)) return std::unexpected(*std::move(outcome));
    if (told_.untold_print(key)) return std::unexpected(rival());
    if (const auto found = in_hand_.find(key); found != in_hand_.end()) {
        if (found->second->print != print) return std::unexpected(rival());
        return found->second;
    }
    if (in_hand_.size() >= config_.payments_max) {
        return std::unexpected(failed({Errc::overloaded, "too many payments in hand"}));
    }
    auto job = std::make_shared<Job>(loop_, payment);
    in_hand_.emplace(key, job);
    in_hand_gauge_.set(static_cast<double>(in_hand_.size()));
    return job;
}

Task<Outcome> Settler::settle(std::shared_ptr<const scheme::Opened> payment,
                              std::chrono::milliseconds patience, std::string asker) {
    const auto entered = enter(payment, asker);
    if (!entered) co_return entered.error();
    const auto& job = *entered;
    const Waiter waiter(job);
    if (!std::exchange(job->started, true)) jobs_.spawn(work(job));
    const auto deadline = env_.clock.steady_now() + patience;
    while (!job->outcome && env_.clock.steady_now() < deadline) {
        co_await job->done.wait_until(env_.clock, deadline);
    }
    if (job->outcome) {
        told_.hear(payment->key(), job->print, asker);
        co_return *job->outcome;
    }
    // Nothing has left this process and nobody else waits: then it shall not leave it any more.
    if (waiter.is_alone() && !job->errand->is_sent()) {
        job->errand->given_up = true;
        if (job->errand->submission) job->errand->submission->withdrawn = true;
        finish(job, failed({Errc::timed_out, "not sent in time"}));
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
    const auto began = env_.clock.steady_now();
    auto outcome = co_await carrier_.carry(job->errand);
    if (job->outcome) co_return;  // given up meanwhile
    seconds_.observe(std::chrono::duration<double>(env_.clock.steady_now() - began).count());
    finish(job, std::move(outcome));
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
    examiner_.forget(key);
    job->outcome = std::move(outcome);
    in_hand_.erase(key);
    in_hand_gauge_.set(static_cast<double>(in_hand_.size()));
    if (settled) told_.remember(payment.key(), job->print, *job->outcome);
    job->done.notify();
}

}  // namespace farthing::settlement
