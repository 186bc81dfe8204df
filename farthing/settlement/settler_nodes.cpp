// SPDX-License-Identifier: Apache-2.0
// Payments that another process has begun: before a restart, or on another node of the same store.
#include "farthing/base/hex.hpp"
#include "farthing/settlement/settler.hpp"

namespace farthing::settlement {
namespace {

constexpr std::chrono::milliseconds kLookAgain{200};
constexpr std::chrono::milliseconds kTieAgain{1'000};

Errc code_of(std::string_view wire) {
    for (int i = 0; i < static_cast<int>(Errc::count_); ++i) {
        if (wire_code(static_cast<Errc>(i)) == wire) return static_cast<Errc>(i);
    }
    return Errc::unexpected_settle_error;
}

/// What another node wrote down.
Outcome outcome_of(const store::Intent& intent) {
    if (intent.state == store::Intent::State::settled) {
        return {Outcome::State::settled, intent.transaction, {}};
    }
    return {Outcome::State::failed, intent.transaction, {code_of(intent.reason), intent.detail}};
}

}  // namespace

Task<Result<>> Settler::recover(Reopen reopen) {
    reopen_ = std::move(reopen);
    // Without a key, which is shared out among nodes, another one may be better placed.
    if (lanes_.has_key()) {
        auto adopted = co_await adopt();
        if (!adopted) co_return adopted;
    }
    auto unheard = co_await intents_.unheard(network_);
    if (!unheard) co_return fail(std::move(unheard).error());
    for (const auto& each : *unheard) {
        told_->remember(each.key, each.print, {Outcome::State::settled, each.transaction, {}});
    }
    auto recalled = co_await recall();
    co_return recalled;
}

Task<Result<>> Settler::adopt() {
    auto left = co_await intents_.adopt(network_);
    if (!left) co_return fail(std::move(left).error());
    for (const auto& intent : *left) take_up(intent);
    if (!left->empty()) env_.log.info("intents_adopted", {{"count", left->size()}});
    co_return Result<>{};
}

void Settler::loosen() {
    loose_ends_ = true;
    loose_end_.notify();
}

void Settler::recall_soon() {
    recall_due_ = true;
    loose_end_.notify();
}

Task<> Settler::run_tying() {
    for (;;) {
        while (!loose_ends_ && !recall_due_) co_await loose_end_.wait();
        co_await env_.clock.sleep(kTieAgain);
        if (loose_ends_) co_await tie_up();
        if (!std::exchange(recall_due_, false)) continue;
        const auto recalled = co_await recall();
        if (recalled) continue;
        recall_due_ = true;
        env_.log.error("settled_not_recalled", {{"reason", recalled.error().detail}});
    }
}

/// Open in the store and in nobody's hand, it would keep every other node waiting for ever.
Task<> Settler::tie_up() {
    loose_ends_ = false;
    auto mine = co_await intents_.mine(network_);
    if (!mine) {
        loose_ends_ = true;
        co_return;
    }
    std::erase_if(*mine, [this](const auto& each) { return in_hand_.contains(each.key); });
    for (const auto& each : *mine) {
        // It may have ended while it was read.
        auto there = co_await intents_.find(each.key);
        if (!there) loose_ends_ = true;
        const bool open = there && *there && (*there)->state == store::Intent::State::open &&
                          (*there)->owner == config_.node;
        if (open) take_up(**there);
    }
}

void Settler::take_up(const store::Intent& intent) {
    // Who follows it sees that it is ours now.
    if (in_hand_.contains(intent.key)) return;
    // Nothing of it has left the process that began it, and nobody waits for it any more; when it
    // is asked for again it begins anew.
    if (intent.broadcasts.empty() && !intent.handed_over) {
        jobs_.spawn(write_interrupted(intent.key, intent.print));
        return;
    }
    auto payment = reopen_(intent.payment);
    if (!payment) {
        env_.log.error("intent_unreadable", {{"network", intent.key.network.id},
                                             {"nonce", to_hex(intent.key.nonce)},
                                             {"reason", to_string(payment.error())}});
        return;
    }
    auto job = add_job(*payment);
    job->started = true;
    job->print = intent.print;
    job->record = intent.payment;
    job->errand->elsewhere = true;
    jobs_.spawn(work_on(job, intent));
}

Task<> Settler::work_on(JobPtr job, store::Intent intent) {
    auto outcome = co_await carry_on(job, std::move(intent));
    co_await conclude(job, std::move(outcome));
}

/// What is this node's now, from where the one before left it.
Task<Outcome> Settler::carry_on(JobPtr job, store::Intent intent) {
    job->errand->elsewhere = false;
    job->errand->earlier.clear();
    Outcome outcome;
    if (intent.broadcasts.empty()) {
        outcome = co_await carrier_.carry(job->errand);
    } else {
        outcome = co_await carrier_.carry_on(job->errand, std::move(intent.broadcasts));
    }
    outcome = co_await deepen(job, std::move(outcome));
    co_return outcome;
}

/// To whoever has a key. Of which nobody knows whether it was handed over is not told as failed:
/// another node may send it.
Task<Result<>> Settler::hand_over(JobPtr job) {
    const auto key = job->errand->payment->key();
    // From the moment on that it may be another one's, nobody here may say that it was not sent.
    job->errand->elsewhere = true;
    auto handed = co_await intents_.hand_over(key);
    const bool is_unknown = !handed && handed.error().code == Errc::write_unknown;
    if (!is_unknown) {
        job->errand->elsewhere = handed.has_value();
        co_return handed;
    }
    while (!handed && handed.error().code != Errc::intent_not_ours) {
        co_await env_.clock.sleep(kTieAgain);
        handed = co_await intents_.hand_over(key);
    }
    // Not ours: it was handed over, and perhaps taken by another node meanwhile.
    co_return Result<>{};
}

/// Another node has it: until that one has said what became of it, or is no more.
Task<Outcome> Settler::follow(JobPtr job) {
    const auto key = job->errand->payment->key();
    job->errand->elsewhere = true;
    for (;;) {
        auto there = co_await intents_.find(key);
        if (there && !*there) co_return rival();
        if (there) {
            auto& intent = **there;
            if (intent.print != job->print) co_return rival();
            if (intent.state != store::Intent::State::open) co_return outcome_of(intent);
            if (intent.owner == config_.node) {
                auto outcome = co_await carry_on(job, std::move(intent));
                co_return outcome;
            }
            job->errand->earlier.clear();
            for (const auto& each : intent.broadcasts) job->errand->earlier.push_back(each.hash);
        }
        co_await env_.clock.sleep(kLookAgain);
    }
}

/// What has failed here may have been taken over and settled by another node meanwhile: its nonce
/// is used, by this very payment.
Task<Outcome> Settler::as_recorded(JobPtr job, Outcome failure) {
    auto there = co_await intents_.find(job->errand->payment->key());
    if (!there || !*there || (*there)->print != job->print) co_return failure;
    const bool settled = (*there)->state == store::Intent::State::settled;
    co_return settled ? outcome_of(**there) : failure;
}

Task<Result<bool>> Settler::is_open_elsewhere(std::shared_ptr<const scheme::Opened> payment) {
    auto there = co_await intents_.find(payment->key());
    if (!there) co_return fail(std::move(there).error());
    if (!*there || (*there)->print != payment->print()) co_return false;
    const auto& intent = **there;
    co_return intent.is_unheard() || intent.state == store::Intent::State::open;
}

Task<> Settler::write_interrupted(scheme::PaymentKey key, Bytes32 print) {
    store::Ending ending;
    ending.reason = wire_code(Errc::timed_out);
    ending.detail = "interrupted before it was sent";
    ending.at = now();
    // Who asks for it at this moment begins it anew.
    ending.if_unsent = true;
    ending.print = print;
    const auto written = co_await intents_.end(std::move(key), std::move(ending));
    if (!written) loosen();
}

}  // namespace farthing::settlement
