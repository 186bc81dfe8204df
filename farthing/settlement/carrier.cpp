// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/carrier.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace farthing::settlement {
namespace {

/// Estimates are exact for the state they saw; another block may need a little more.
constexpr std::uint64_t kGasMarginPercent = 25;
/// After the authorisation's expiry the chain's word is final, with room for clocks that differ and
/// for nodes that are behind.
constexpr scheme::UnixSeconds kExpiryGrace = 60;
constexpr std::chrono::milliseconds kAskAgain{1'000};
/// How often a wallet is looked for after its deployment was mined.
constexpr int kWalletLooksMax = 5;
constexpr scheme::UnixSeconds kWaitMax = 3'600;
/// How far back the execution of an authorisation is looked for, the newest blocks first: nodes
/// limit what one question may span.
constexpr std::uint64_t kBlocksPerRange = 1'000;
constexpr int kLogRangesMax = 10;
constexpr int kSearchesMax = 60;

Outcome failed(Error error, std::optional<Bytes32> transaction = std::nullopt) {
    return {Outcome::State::failed, transaction, std::move(error)};
}

Outcome settled(const chain::Receipt& receipt) {
    return {Outcome::State::settled, receipt.hash, {}, receipt.block_number, receipt.block_hash};
}

/// With the margin; nothing when it is beyond `most`. A node may answer any number.
std::optional<std::uint64_t> gas_limit(std::uint64_t estimate, std::uint64_t most) {
    if (estimate > most) return std::nullopt;
    const auto gas =
        estimate + estimate / 100 * kGasMarginPercent + estimate % 100 * kGasMarginPercent / 100;
    return gas > most ? std::nullopt : std::optional(gas);
}

/// With the block that it failed in, if there was one: in another one it may go well.
Outcome without_effect(const Errand& errand, Error error) {
    auto out = failed(std::move(error), errand.last_hash());
    if (!errand.mined) return out;
    out.transaction = errand.mined->hash;
    out.block_number = errand.mined->block_number;
    out.block_hash = errand.mined->block_hash;
    return out;
}

const Error kGivenUp{Errc::timed_out, "not sent in time"};
const Error kExpired{Errc::exact_valid_before, "it expired before it was mined"};

}  // namespace

Result<> prove(const scheme::Opened& payment, const chain::Receipt& receipt) {
    if (!receipt.success) return fail(Errc::exact_transfer_event_mismatch, "it reverted");
    std::vector<scheme::LogEvent> events;
    events.reserve(receipt.events.size());
    for (const auto& each : receipt.events) {
        events.push_back({each.address, each.topics, each.data});
    }
    return payment.proved_by(events);
}

bool Errand::is_sent() const {
    if (elsewhere || !earlier.empty()) return true;
    return submission != nullptr && submission->state != Submission::State::queued &&
           submission->state != Submission::State::refused;
}

std::optional<Bytes32> Errand::last_hash() const {
    if (submission != nullptr && submission->receipt) return submission->receipt->hash;
    if (submission != nullptr && submission->state == Submission::State::sent &&
        !submission->hashes.empty()) {
        return submission->hashes.back();
    }
    if (!earlier.empty()) return earlier.back();
    return std::nullopt;
}

Carrier::Carrier(Env env, Loop& loop, chain::Chain& chain, Examiner& examiner, Lanes& lanes,
                 CarrierConfig config)
    : env_(env),
      chain_(chain),
      examiner_(examiner),
      lanes_(lanes),
      config_(config),
      exposure_(loop) {}

scheme::UnixSeconds Carrier::now() const {
    return static_cast<scheme::UnixSeconds>(env_.clock.now().time_since_epoch().count());
}

bool Carrier::is_expired(const Errand& errand) const {
    const auto limit = errand.payment->valid_before();
    return now() > limit && now() - limit > kExpiryGrace;
}

Task<Outcome> Carrier::carry(std::shared_ptr<Errand> errand) {
    auto ready = co_await prepare(errand);
    if (!ready) co_return failed(ready.error());
    const auto room = co_await make_room(errand);
    if (!room) co_return failed(room.error());
    auto outcome = co_await send(errand);
    co_return outcome;
}

Task<Outcome> Carrier::carry_on(std::shared_ptr<Errand> errand,
                                std::vector<store::Broadcast> broadcasts) {
    const Exposure::Hold room(exposure_, *errand->payment);
    take_place(*errand);
    const auto last = broadcasts.back();
    std::vector<store::Broadcast> versions;  // of the last transaction: one key, one nonce
    for (auto& each : broadcasts) {
        if (each.signer == last.signer && each.account_nonce == last.account_nonce) {
            versions.push_back(std::move(each));
        } else {
            errand->earlier.push_back(each.hash);
        }
    }
    errand->alone = true;
    errand->submission =
        lanes_.resume(errand->payment->transfer(), errand->payment->key(), versions);
    if (!errand->submission) {
        errand->signed_elsewhere = true;
        for (const auto& each : versions) errand->earlier.push_back(each.hash);
    }
    // From here on nobody takes it for unsent. It is under way, whether others can be told or not.
    [[maybe_unused]] const auto held = co_await examiner_.hold(errand->payment);
    if (errand->submission) {
        auto outcome = co_await watch(errand);
        if (outcome) co_return *std::move(outcome);
        const auto& hashes = errand->submission->hashes;
        errand->earlier.insert(errand->earlier.end(), hashes.begin(), hashes.end());
        errand->submission.reset();
    }
    // Lost, or sent by a key that is not ours any more: it may still have moved the money.
    auto outcome = co_await send(errand);
    co_return outcome;
}

Task<Outcome> Carrier::send(ErrandPtr errand) {
    for (;;) {
        auto gas = co_await gas_for(errand);
        if (errand->given_up) co_return failed(kGivenUp);
        if (gas) {
            errand->submission = lanes_.queue().submit(errand->payment->transfer(), *gas,
                                                       errand->payment->key(), !errand->alone);
            auto outcome = co_await watch(errand);
            if (outcome) co_return *outcome;
            auto& hashes = errand->submission->hashes;
            errand->earlier.insert(errand->earlier.end(), hashes.begin(), hashes.end());
            continue;
        }
        // What a key that is not ours has signed may be mined yet, whatever the chain says now.
        const bool may_move = errand->signed_elsewhere && !is_expired(*errand) &&
                              gas.error().code != Errc::exact_nonce_already_used;
        const bool answered = kind_of(gas.error().code) != Kind::unavailable && !may_move;
        // What was broadcast is lost, so that the authorisation's expiry ends it for good.
        if (answered || !errand->is_sent() || is_expired(*errand)) {
            auto outcome = co_await after_failure(errand, gas.error());
            co_return outcome;
        }
        co_await env_.clock.sleep(kAskAgain);
    }
}

/// Judged, and the payer's wallet is there.
Task<Result<>> Carrier::prepare(ErrandPtr errand) {
    std::optional<Error> last;
    for (int look = 0; look < kWalletLooksMax; ++look) {
        auto judged = co_await examiner_.judge_now(errand->payment);
        if (!judged) co_return fail(std::move(judged).error());
        if (errand->given_up) co_return fail(kGivenUp);
        const bool is_new = !errand->judged;
        take_place(*errand);
        if (is_new) {
            auto held = co_await examiner_.hold(errand->payment);
            if (!held) co_return held;
            if (errand->given_up) co_return fail(kGivenUp);
        }
        // A contract's opinion of the signature costs as much gas as it likes.
        errand->alone = judged->payer_has_code || judged->deployment ||
                        !config_.known_tokens.contains(errand->payment->key().token);
        auto& needed = judged->deployment;
        if (!needed) co_return Result<>{};
        if (look == 0) {
            auto deployed = co_await deploy(errand, *needed);
            if (errand->given_up) co_return fail(kGivenUp);
            if (!deployed && kind_of(deployed.error().code) == Kind::unavailable) {
                co_return deployed;
            }
            // A failure may mean that another payment of the same wallet was quicker.
            last = deployed ? Error{Errc::wallet_deployment_failed,
                                    "the factory put no wallet at the payer's address"}
                            : deployed.error();
            continue;
        }
        co_await env_.clock.sleep(kAskAgain);
    }
    co_return fail(last.value_or(Error{Errc::wallet_deployment_failed, {}}));
}

/// Only for what was judged: a signature that nobody has checked keeps nobody's balance.
void Carrier::take_place(Errand& errand) {
    if (std::exchange(errand.judged, true)) return;
    examiner_.begin(*errand.payment);
}

Task<Result<>> Carrier::deploy(ErrandPtr errand, Call call) {
    auto estimate = co_await chain_.estimate_gas(call, lanes_.address());
    if (!estimate) co_return fail(std::move(estimate).error());
    if (!*estimate) co_return fail(Errc::wallet_deployment_failed, estimate->error().message);
    const auto gas = gas_limit(**estimate, config_.deployment_gas_max);
    if (!gas) {
        co_return fail(Errc::wallet_deployment_failed,
                       fmt::format("the factory wants {} gas, at most {} is paid for", **estimate,
                                   config_.deployment_gas_max));
    }
    if (errand->given_up) co_return fail(kGivenUp);
    const auto submission = lanes_.queue().submit(std::move(call), *gas);
    while (!submission->is_final() && !is_expired(*errand)) {
        const auto until = next_check(*errand);
        co_await submission->changed.wait_until(env_.clock, until);
    }
    submission->forgotten = submission->withdrawn = true;
    if (submission->state == Submission::State::refused) co_return fail(submission->error);
    if (submission->state != Submission::State::mined) {
        co_return fail(Errc::unexpected_settle_error, "the wallet's deployment was not mined");
    }
    if (!submission->receipt->success) {
        co_return fail(Errc::wallet_deployment_failed, "the deployment reverted");
    }
    co_return Result<>{};
}

Task<Result<Exposure::Hold>> Carrier::make_room(ErrandPtr errand) {
    const auto payment = errand->payment;
    for (;;) {
        if (errand->given_up) co_return fail(kGivenUp);
        if (exposure_.of(*payment).is_zero()) break;
        auto balance = co_await examiner_.balance(payment);
        if (!balance) co_return fail(std::move(balance).error());
        const auto needed = exposure_.of(*payment).checked_add(payment->amount());
        if (needed && *needed <= *balance) break;
        // Behind those under way: each of them will have moved the money, or not.
        if (is_expired(*errand)) co_return fail(kExpired);
        const auto again = env_.clock.steady_now() + kAskAgain;
        co_await exposure_.wait_until(env_.clock, again);
    }
    co_return Exposure::Hold(exposure_, *payment);
}

Task<Result<std::uint64_t>> Carrier::gas_for(ErrandPtr errand) {
    const auto payment = errand->payment;
    auto estimate = co_await chain_.estimate_gas(payment->transfer(), lanes_.address());
    if (!estimate) co_return fail(std::move(estimate).error());
    if (!*estimate) {
        auto reason = co_await examiner_.diagnose(payment);
        if (!reason) co_return fail(std::move(reason).error());
        if (reason->detail.empty()) reason->detail = estimate->error().message;
        co_return fail(std::move(*reason));
    }
    const auto gas = gas_limit(**estimate, config_.gas_limit_max);
    if (!gas) {
        co_return fail(Errc::exact_transaction_failed,
                       fmt::format("the transfer wants {} gas, at most {} is paid for", **estimate,
                                   config_.gas_limit_max));
    }
    co_return *gas;
}

/// When to look whether the authorisation has expired meanwhile.
SteadyTime Carrier::next_check(const Errand& errand) const {
    const auto limit = errand.payment->valid_before();
    const auto end = limit > now() ? std::min(limit - now(), kWaitMax) : 0;
    const auto wait = std::chrono::seconds(end + kExpiryGrace + 1);
    return env_.clock.steady_now() + wait;
}

Task<std::optional<Outcome>> Carrier::watch(ErrandPtr errand) {
    const auto submission = errand->submission;
    auto until = next_check(*errand);
    while (!submission->is_final()) {
        co_await submission->changed.wait_until(env_.clock, until);
        if (submission->is_final() || env_.clock.steady_now() < until) continue;
        until = is_expired(*errand) ? env_.clock.steady_now() + kAskAgain : next_check(*errand);
        if (!is_expired(*errand)) continue;
        if (submission->state == Submission::State::queued) {
            submission->withdrawn = true;
            auto unsent = co_await after_failure(errand, kExpired);
            co_return unsent;
        }
        auto outcome = co_await after_expiry(errand);
        if (outcome) {
            submission->forgotten = submission->withdrawn = true;
            co_return outcome;
        }
    }
    switch (submission->state) {
        case Submission::State::mined: {
            auto outcome = co_await after_mined(errand);
            co_return outcome;
        }
        case Submission::State::lost:
            co_return std::nullopt;
        default: {
            if (errand->signed_elsewhere && !is_expired(*errand)) {
                // What a key that is not ours has signed may be mined yet.
                co_await env_.clock.sleep(kAskAgain);
                co_return std::nullopt;
            }
            auto outcome = co_await after_failure(errand, submission->error);
            co_return outcome;
        }
    }
}

Task<std::optional<Outcome>> Carrier::after_mined(ErrandPtr errand) {
    const auto receipt = errand->submission->receipt;
    const auto proof = prove(*errand->payment, *receipt);
    if (proof) co_return settled(*receipt);
    errand->mined = receipt;
    if (errand->submission->shared) {
        // Its own call failed, or all of them did: alone, the chain says why, or it goes well.
        errand->alone = true;
        co_return std::nullopt;
    }
    if (receipt->success) co_return without_effect(*errand, proof.error());
    // It reverted: perhaps because the same authorisation was executed before it.
    auto reason = co_await examiner_.diagnose(errand->payment);
    Error error{Errc::exact_transaction_failed, "the transaction reverted"};
    if (reason && reason->code == Errc::exact_nonce_already_used) {
        error = *std::move(reason);
    } else if (reason && reason->code != Errc::exact_simulation_failed) {
        error.detail = to_string(*reason);
    }
    auto outcome = co_await after_failure(errand, std::move(error));
    co_return outcome;
}

/// It failed; unless something broadcast for it earlier, thought lost, did move the money, or
/// somebody else sent the same authorisation after we had seen it unused.
Task<Outcome> Carrier::after_failure(ErrandPtr errand, Error error) {
    const bool alone =
        errand->earlier.empty() && (!errand->submission || errand->submission->hashes.size() <= 1);
    const bool used = error.code == Errc::exact_nonce_already_used && errand->is_sent();
    for (int look = 0; !alone || used; ++look) {
        auto found = co_await look_back(errand);
        if (found && !*found && used) {
            found = co_await find_execution(errand);
            // A node that never answers this question must not hold the payment for ever.
            if (!found && look >= kSearchesMax && is_expired(*errand)) break;
        }
        if (!found) {
            co_await env_.clock.sleep(kAskAgain);
            continue;
        }
        if (*found) co_return settled(**found);
        break;
    }
    co_return without_effect(*errand, std::move(error));
}

Task<Result<std::optional<chain::Receipt>>> Carrier::look_back(ErrandPtr errand) {
    auto hashes = errand->earlier;
    if (errand->submission) {
        const auto& last = errand->submission->hashes;
        hashes.insert(hashes.end(), last.begin(), last.end());
    }
    auto found = co_await proof_among(errand->payment, std::move(hashes));
    co_return found;
}

Task<Result<std::optional<chain::Receipt>>> Carrier::proof_among(
    std::shared_ptr<const scheme::Opened> payment, std::vector<Bytes32> hashes) {
    auto receipts = co_await chain_.receipts(std::move(hashes));
    if (!receipts) co_return fail(std::move(receipts).error());
    for (auto& each : *receipts) {
        if (each && prove(*payment, *each)) co_return std::move(each);
    }
    co_return std::optional<chain::Receipt>{};
}

Task<Result<std::optional<chain::Receipt>>> Carrier::find_execution(ErrandPtr errand) {
    auto head = co_await chain_.head();
    if (!head) co_return fail(std::move(head).error());
    const auto sought = errand->payment->trace();
    auto to = head->number;
    for (int range = 0; range < kLogRangesMax; ++range) {
        chain::LogFilter filter;
        filter.to_block = to;
        filter.from_block = to - std::min(to, kBlocksPerRange - 1);
        filter.addresses.push_back(sought.address);
        for (const auto& topic : sought.topics) filter.topics.emplace_back(1, topic);
        const auto from = filter.from_block;
        auto logs = co_await chain_.logs(std::move(filter));
        if (!logs) co_return fail(std::move(logs).error());
        std::vector<Bytes32> hashes;
        for (const auto& each : *logs) hashes.push_back(each.transaction);
        if (!hashes.empty()) {
            auto found = co_await proof_among(errand->payment, std::move(hashes));
            if (!found || *found) co_return found;
        }
        if (from == 0) break;
        to = from - 1;
    }
    co_return std::optional<chain::Receipt>{};
}

/// No block can execute the authorisation any more. If its nonce is unused, nothing has happened
/// and nothing can. Nothing while the chain does not say.
Task<std::optional<Outcome>> Carrier::after_expiry(ErrandPtr errand) {
    auto head = co_await chain_.head();
    if (!head || head->timestamp <= errand->payment->valid_before()) co_return std::nullopt;
    auto reason = co_await examiner_.diagnose(errand->payment);
    if (!reason) co_return std::nullopt;
    auto found = co_await look_back(errand);
    if (!found) co_return std::nullopt;
    if (*found) co_return settled(**found);
    if (reason->code == Errc::exact_nonce_already_used) {
        found = co_await find_execution(errand);
        if (!found) co_return std::nullopt;
        if (*found) co_return settled(**found);
        co_return failed({Errc::exact_nonce_already_used, "used by another transaction"},
                         errand->last_hash());
    }
    co_return failed(kExpired, errand->last_hash());
}

}  // namespace farthing::settlement
