// SPDX-License-Identifier: Apache-2.0
// How deep in the chain a settlement must be, and what happens when the chain takes it back.
#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <map>
#include <set>

#include "farthing/base/hex.hpp"
#include "farthing/settlement/settler.hpp"

namespace farthing::settlement {
namespace {

constexpr std::chrono::milliseconds kLookAgain{1'000};
/// One look that does not find it may have asked a node that is behind.
constexpr int kMissesMax = 2;
constexpr std::size_t kAskedAtOnce = 100;
/// Between two blocks, on a slow chain.
constexpr scheme::UnixSeconds kBlockSecondsMax = 15;

/// Takes as many out as are asked for at once.
template <class T>
std::vector<T> take_some(std::set<T>& from) {
    std::vector<T> out;
    while (!from.empty() && out.size() < kAskedAtOnce) {
        out.push_back(from.extract(from.begin()).value());
    }
    return out;
}

}  // namespace

Task<Outcome> Settler::deepen(JobPtr job, Outcome outcome) {
    const auto& payment = *job->errand->payment;
    const auto depth = config_.depth_of ? config_.depth_of(payment) : Depth{};
    // A transfer that reverted may go well in another block.
    while (outcome.block_number > 0 && !depth.is_shallow()) {
        const auto deep = co_await is_deep(outcome, depth);
        if (deep.value_or(false)) break;
        if (!deep) {
            co_await env_.clock.sleep(kLookAgain);
            continue;
        }
        reorganised_total_.add();
        env_.log.warn("settlement_reorganised", {{"network", network_.id},
                                                 {"nonce", to_hex(payment.key().nonce)},
                                                 {"txn", to_hex(*outcome.transaction)}});
        outcome = co_await carry_again(job);
    }
    co_return outcome;
}

/// False when its transaction is no longer where it was; nothing as long as it is not deep enough,
/// or the chain does not say.
Task<std::optional<bool>> Settler::is_deep(Outcome outcome, Depth depth) {
    auto head = co_await chain_.head(depth.at);
    if (!head) co_return std::nullopt;
    const bool deep =
        head->number >= outcome.block_number && head->number - outcome.block_number >= depth.blocks;
    std::vector<Bytes32> hashes(1, *outcome.transaction);
    auto receipts = co_await chain_.receipts(std::move(hashes));
    if (!receipts) co_return std::nullopt;
    const auto& receipt = receipts->front();
    if (!receipt || receipt->block_hash != outcome.block_hash) {
        // A node that is behind does not have it yet. The one that has a later block does.
        if (receipt) co_return false;
        auto latest = co_await chain_.head();
        const bool behind = !latest || latest->number < outcome.block_number;
        if (behind) co_return std::nullopt;
        co_return false;
    }
    if (!deep) co_return std::nullopt;
    co_return true;
}

Task<Outcome> Settler::carry_again(JobPtr job) {
    for (;;) {
        auto there = co_await intents_.find(job->errand->payment->key());
        if (there && *there && !(*there)->broadcasts.empty()) {
            job->errand->elsewhere = false;
            job->errand->earlier.clear();
            auto outcome = co_await carrier_.carry_on(job->errand, (*there)->broadcasts);
            co_return outcome;
        }
        if (there) {
            // Sent by somebody else alone: then it is ours to send.
            job->errand->elsewhere = false;
            auto outcome = co_await carrier_.carry(job->errand);
            co_return outcome;
        }
        co_await env_.clock.sleep(kLookAgain);
    }
}

Task<> Settler::run() {
    using namespace asio::experimental::awaitable_operators;
    co_await (run_looking() && run_tying());
}

Task<> Settler::run_looking() {
    for (;;) {
        if (recent_.empty()) {
            co_await recent_changed_.wait();
            continue;
        }
        co_await env_.clock.sleep(config_.settled_look);
        co_await look_again();
    }
}

Task<Result<>> Settler::recall() {
    const auto window =
        static_cast<scheme::UnixSeconds>(config_.reorganised_within) * kBlockSecondsMax;
    auto settled = co_await intents_.settled_since(network_, now() - std::min(now(), window));
    if (!settled) co_return fail(std::move(settled).error());
    std::set<scheme::PaymentKey> known;
    for (const auto& each : recent_) known.insert(each.payment->key());
    for (auto& each : *settled) {
        if (!each.transaction || known.contains(each.key)) continue;
        auto payment = reopen_(each.payment);
        // Where it was is not on record: the first look finds it, or that it is gone.
        if (payment) recent_.push_back({*payment, std::move(each.payment), *each.transaction});
    }
    recent_changed_.notify();
    co_return Result<>{};
}

/// In another block the same transaction may do something else.
bool Settler::moved_to(Recent& recent, const chain::Receipt& receipt) {
    if (!prove(*recent.payment, receipt)) return false;
    recent.block_number = receipt.block_number;
    recent.block_hash = receipt.block_hash;
    return true;
}

/// The hashes of the blocks with what has settled lately, as the chain has them now; those that it
/// did not tell are left out.
Task<Settler::BlockHashes> Settler::blocks_of_recent() {
    std::set<std::uint64_t> numbers;
    for (const auto& each : recent_) {
        // What another process has settled: its receipt says where.
        if (each.block_number > 0) numbers.insert(each.block_number);
    }
    BlockHashes out;
    while (!numbers.empty()) {
        const auto some = take_some(numbers);
        const auto blocks = co_await chain_.blocks(some);
        if (!blocks) co_return out;
        for (std::size_t i = 0; i < some.size(); ++i) {
            const auto& block = (*blocks)[i];
            out.emplace(some[i], block ? std::optional(block->hash) : std::nullopt);
        }
    }
    co_return out;
}

/// The same of receipts.
Task<Settler::Receipts> Settler::receipts_of(std::set<Bytes32> hashes) {
    Receipts out;
    while (!hashes.empty()) {
        const auto some = take_some(hashes);
        auto receipts = co_await chain_.receipts(some);
        if (!receipts) co_return out;
        for (std::size_t i = 0; i < some.size(); ++i) {
            out.emplace(some[i], std::move((*receipts)[i]));
        }
    }
    co_return out;
}

/// A block that is still there has all that it had: only what was in the others is asked for one
/// by one. Everything is looked at in one look, or it would grow with the payments.
Task<> Settler::look_again() {
    const auto count = recent_.size();
    auto head = co_await chain_.head();
    if (!head) co_return;
    const auto blocks = co_await blocks_of_recent();
    const auto is_in_place = [&](const Recent& each) {
        const auto found = blocks.find(each.block_number);
        return found != blocks.end() && found->second == each.block_hash;
    };
    std::set<Bytes32> moved;
    for (std::size_t i = 0; i < count; ++i) {
        const auto& each = recent_[i];
        const bool is_known = each.block_number == 0 || blocks.contains(each.block_number);
        if (is_known && !is_in_place(each)) moved.insert(each.transaction);
    }
    const auto receipts = co_await receipts_of(std::move(moved));
    std::deque<Recent> kept;
    for (std::size_t i = 0; i < recent_.size(); ++i) {
        auto& each = recent_[i];
        const bool in_place = is_in_place(each);
        const auto receipt = receipts.find(each.transaction);
        // What has settled meanwhile, and what the chain said nothing about.
        if (i >= count || (!in_place && receipt == receipts.end())) {
            kept.push_back(std::move(each));
            continue;
        }
        const bool is_there = in_place || (receipt->second && moved_to(each, *receipt->second));
        each.missed = is_there ? 0 : each.missed + 1;
        const bool is_deep = head->number >= each.block_number + config_.reorganised_within;
        if (each.missed >= kMissesMax) {
            jobs_.spawn(settle_again(std::move(each)));
        } else if (!is_deep || !is_there) {
            kept.push_back(std::move(each));
        }
    }
    recent_ = std::move(kept);
}

/// It was told as settled, and the chain has taken it back: sent again until it is there.
Task<> Settler::settle_again(Recent gone) {
    const auto key = gone.payment->key();
    reorganised_total_.add();
    env_.log.error("settlement_reorganised", {{"network", network_.id},
                                              {"nonce", to_hex(key.nonce)},
                                              {"txn", to_hex(gone.transaction)}});
    for (;;) {
        // Who asks for it again and again shall not keep it from being sent.
        if (const auto busy = in_hand_.find(key); busy != in_hand_.end()) {
            const auto job = busy->second;
            const auto look = env_.clock.steady_now() + kLookAgain;
            if (!job->outcome) co_await job->done.wait_until(env_.clock, look);
            continue;
        }
        const auto reopened = co_await intents_.reopen(key, gone.transaction);
        if (reopened) break;
        // Another node was quicker.
        if (reopened.error().code == Errc::intent_not_ours) co_return;
        // Not answered, it may be open all the same, in nobody's hand.
        loosen();
        co_await env_.clock.sleep(kLookAgain);
    }
    if (in_hand_.contains(key)) {
        // Who asked for it at this moment may carry it on, or be gone before it sees that.
        loosen();
        co_return;
    }
    auto job = add_job(gone.payment);
    job->started = true;
    job->record = std::move(gone.record);
    job->errand->elsewhere = true;
    told_->forget(key);
    auto outcome = co_await carry_again(job);
    outcome = co_await deepen(job, std::move(outcome));
    co_await conclude(job, std::move(outcome));
}

}  // namespace farthing::settlement
