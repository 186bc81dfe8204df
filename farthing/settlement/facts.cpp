// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/facts.hpp"

#include "farthing/evm/abi.hpp"
#include "farthing/evm/multicall3.hpp"

namespace farthing::settlement {
namespace {

constexpr std::size_t kRememberedMax = 65536;
/// What is being settled is held for others no longer than this, should its end not be written.
constexpr std::chrono::minutes kHoldMax{15};

/// How often a balance that others were paid from meanwhile is asked for.
constexpr int kLooksMax = 3;

constexpr scheme::Facts kPlain{.payer_has_code = false, .asset_has_code = true};

FactsCache::Account account_of(const scheme::Opened& payment) {
    return {payment.key().token, payment.key().payer};
}

std::optional<U256> number_of(const chain::CallResult& result) {
    if (!result) return std::nullopt;
    const auto number = abi::Reader(*result).number(0);
    if (!number) return std::nullopt;
    return *number;
}

bool second_succeeded(const Bytes& answer) {
    const auto results = abi::Reader(answer).array(0, 2);
    if (!results || results->size() != 2) return false;
    return (*results)[1].boolean(0).value_or(false);
}

std::optional<std::string> text_of(const chain::CallResult& result) {
    if (!result) return std::nullopt;
    auto text = abi::Reader(*result).text(0);
    if (!text) return std::nullopt;
    return *std::move(text);
}

}  // namespace

Examiner::Examiner(Env env, Loop& loop, chain::Chain& chain, Address sender, scheme::Policy policy,
                   FactsConfig config, store::ReservationStore* shared)
    : env_(env),
      chain_(chain),
      sender_(sender),
      policy_(std::move(policy)),
      config_(config),
      follower_(env, loop, chain, cache_,
                {.staleness_max = config.staleness_max, .idle_after = config.idle_after}),
      reservations_(env.clock, {.reserve_for = config.reserve_for,
                                .ended_for = std::chrono::minutes(1) + config.staleness_max}),
      shared_(shared) {
    // One look at a payment often follows another: before the chain is asked, after it, and when
    // it is settled.
    if (!policy_.signers) policy_.signers = std::make_shared<scheme::Signers>();
}

Task<Result<>> Examiner::examine(std::shared_ptr<const scheme::Opened> payment) {
    const auto taken = co_await examine_here(payment);
    if (!taken) co_return fail(taken.error());
    if (shared_ == nullptr || taken->is_shared) co_return Result<>{};
    // Two that ask for the same at once both ask the others: neither goes by what is not known yet.
    store::Reserved reserved{payment->key(), payment->amount(),
                             left_of(*payment, config_.reserve_for)};
    auto granted = co_await shared_->reserve(std::move(reserved), taken->room);
    if (granted && *granted) {
        reservations_.share(payment->key());
        co_return Result<>{};
    }
    reservations_.withdraw(payment->key());
    if (!granted) co_return fail(std::move(granted).error());
    co_return fail(Errc::exact_insufficient_balance,
                   "the rest of the balance is reserved at another node");
}

std::chrono::milliseconds Examiner::left_of(const scheme::Opened& payment,
                                            std::chrono::milliseconds most) const {
    const auto limit = payment.valid_before();
    const auto time = static_cast<scheme::UnixSeconds>(now());
    const auto left = limit > time ? limit - time : 0;
    if (left >= static_cast<scheme::UnixSeconds>(most.count()) / 1'000) return most;
    return std::chrono::seconds(left);
}

Task<Result<>> Examiner::hold(std::shared_ptr<const scheme::Opened> payment) {
    if (shared_ == nullptr || payment->amount().is_zero()) co_return Result<>{};
    store::Reserved reserved{payment->key(), payment->amount(), left_of(*payment, kHoldMax)};
    auto held = co_await shared_->hold(std::move(reserved));
    co_return held;
}

Task<> Examiner::let_go(scheme::PaymentKey key) {
    if (shared_ == nullptr) co_return;
    // Not written, it ends by itself. Until then others believe that there is less.
    [[maybe_unused]] const auto done =
        co_await shared_->let_go(std::move(key), config_.staleness_max);
}

Task<Result<Examiner::Taken>> Examiner::examine_here(
    std::shared_ptr<const scheme::Opened> payment) {
    if (cache_.has_tokens()) follower_.want();
    if (auto known = examine_by_cache(*payment)) co_return *std::move(known);
    if (auto known = examine_by_memory(*payment)) co_return *std::move(known);
    for (int looks = 1;; ++looks) {
        const auto mark = reservations_.mark();
        auto verdict = co_await examine_by_chain(payment);
        // Other payments of the payer have ended while the chain was asked: they may or may not be
        // in the balance that it told.
        const bool doubtful = !verdict &&
                              verdict.error().code == Errc::exact_insufficient_balance &&
                              reservations_.mark() != mark;
        if (doubtful && looks < kLooksMax) continue;
        // Signatures of payers without money are cheap: they shall not fill the memory.
        if (!verdict) cache_.drop_if_empty(account_of(*payment));
        co_return verdict;
    }
}

std::optional<Result<Examiner::Taken>> Examiner::examine_by_cache(const scheme::Opened& payment) {
    const auto& key = payment.key();
    if (!follower_.is_believed() || !cache_.is_trusted(key.token, payment.domain_separator())) {
        return std::nullopt;
    }
    const auto* payer = cache_.find(account_of(payment));
    if (payer == nullptr || !payer->balance || !is_young(payer->asked_at, config_.recheck_after)) {
        return std::nullopt;
    }
    if (payment.deployment(kPlain)) return std::nullopt;
    const auto paid = payer->paid.find(payment.recipient());
    if (paid == payer->paid.end() || !is_young(paid->second, config_.recheck_after)) {
        return std::nullopt;
    }
    const bool used = payer->used.contains(key.nonce);
    // Before `valid_after` nothing can have used it, and since then its use would have been seen.
    const bool unused =
        payer->unused.contains(key.nonce) || payment.valid_after() >= payer->followed_from;
    if (!used && !unused) return std::nullopt;
    if (auto good = payment.judge(kPlain, policy_, static_cast<scheme::UnixSeconds>(now()));
        !good) {
        return fail(good.error());
    }
    if (used) return fail(Errc::exact_nonce_already_used);
    // The chain has the last word: money may have come in this very moment.
    if (payment.amount() > payer->balance->balance) return std::nullopt;
    return reservations_.reserve(payment, *payer->balance);
}

std::optional<Result<Examiner::Taken>> Examiner::examine_by_memory(const scheme::Opened& payment) {
    const auto found = good_.find(payment.key());
    if (found == good_.end() || found->second.print != payment.print()) return std::nullopt;
    const auto& good = found->second;
    if (!is_young(good.at, config_.staleness_max)) return std::nullopt;
    // The events have told more since.
    if (good.is_followed && follower_.is_believed()) return std::nullopt;
    auto verdict = payment.judge(good.facts, policy_, static_cast<scheme::UnixSeconds>(now()));
    if (!verdict) return fail(verdict.error());
    return reservations_.reserve(payment, good.balance);
}

Task<Result<Examiner::Taken>> Examiner::examine_by_chain(
    std::shared_ptr<const scheme::Opened> payment) {
    const bool trusted = cache_.is_trusted(payment->key().token, payment->domain_separator());
    std::optional<std::uint64_t> id;
    auto ask = Ask::all;
    if (trusted && follower_.is_believed() &&
        payment->judge(kPlain, policy_, static_cast<scheme::UnixSeconds>(now()))) {
        id = cache_.follow(account_of(*payment));
        const auto* payer = cache_.find(account_of(*payment));
        if (payer != nullptr) {
            const auto paid = payer->paid.find(payment->recipient());
            if (paid != payer->paid.end() && is_young(paid->second, config_.recheck_after)) {
                ask = Ask::all_but_simulation;
            }
        }
    }
    auto seen = co_await look(payment, ask);
    if (!seen) co_return fail(std::move(seen).error());
    FARTHING_CO_CHECK(
        payment->judge(seen->facts, policy_, static_cast<scheme::UnixSeconds>(now())));
    const auto deployment = payment->deployment(seen->facts);
    const bool plain = !seen->facts.payer_has_code && !deployment;
    bool simulated = false;
    // What the simulation would say is known, or it is asked after all.
    const bool enough = ask == Ask::all_but_simulation && plain && seen->nonce_used == false &&
                        seen->balance && seen->balance->balance >= payment->amount();
    if (!enough && seen->simulated && !deployment) {
        if (!*seen->simulated) {
            auto refused = co_await refuse(payment, *std::move(seen->simulated));
            co_return fail(std::move(refused).error());
        }
        simulated = true;
    } else if (!enough) {
        auto good = co_await simulate(payment, deployment);
        if (!good) co_return fail(std::move(good).error());
        simulated = true;
    }
    // A token that does not tell its balances has shown that this payment goes well, alone.
    const auto balance =
        seen->balance.value_or(Reservations::Known{payment->amount(), reservations_.mark()});
    if (trusted && plain) learn(*payment, *seen, id, simulated);
    auto reserved = reservations_.reserve(*payment, balance);
    if (!reserved) co_return reserved;
    if (good_.size() >= kRememberedMax) good_.clear();
    Good good{seen->facts, payment->print(), env_.clock.steady_now(), balance, trusted && plain};
    good_.insert_or_assign(payment->key(), good);
    co_return reserved;
}

void Examiner::learn(const scheme::Opened& payment, const Seen& seen,
                     std::optional<std::uint64_t> id, bool simulated) {
    auto* payer = id ? cache_.find(account_of(payment)) : nullptr;
    // Something has happened to the payer since, or everything was forgotten.
    if (payer == nullptr || payer->id != *id) return;
    payer->balance = seen.balance;
    payer->asked_at = env_.clock.steady_now();
    std::size_t added = 0;
    if (seen.nonce_used == false && !payer->used.contains(payment.key().nonce)) {
        added += payer->unused.insert(payment.key().nonce).second ? 1 : 0;
    }
    if (simulated) {
        added += payer->paid.insert_or_assign(payment.recipient(), env_.clock.steady_now()).second
                     ? 1
                     : 0;
    }
    cache_.count(added);
}

void Examiner::forget(const scheme::PaymentKey& key) {
    good_.erase(key);
    const FactsCache::Account account{key.token, key.payer};
    cache_.forget_balance(account);
    cache_.forget_nonce(account, key.nonce);
    reservations_.end(key);
}

Task<Result<Judged>> Examiner::judge_now(std::shared_ptr<const scheme::Opened> payment) {
    auto seen = co_await look(payment, Ask::code);
    if (!seen) co_return fail(std::move(seen).error());
    const auto& facts = seen->facts;
    FARTHING_CO_CHECK(payment->judge(facts, policy_, static_cast<scheme::UnixSeconds>(now())));
    Judged judged{payment->deployment(facts), facts.payer_has_code};
    if (judged.deployment) {
        // Nothing else has checked this signature yet: without it anybody could make us deploy.
        auto simulated = co_await simulate(payment, judged.deployment);
        if (!simulated) co_return fail(std::move(simulated).error());
    }
    co_return judged;
}

Task<Result<Examiner::Seen>> Examiner::look(std::shared_ptr<const scheme::Opened> payment,
                                            Ask ask) {
    const auto& key = payment->key();
    const auto known = asset_code_seen_.find(key.token);
    const bool asset_known =
        known != asset_code_seen_.end() && is_young(known->second, config_.asset_code_age_max);
    const auto mark = reservations_.mark();
    std::vector<chain::Read> reads;
    reads.push_back(chain::Read::code_of(key.payer));
    reads.push_back(chain::Read::code_of(key.token));
    if (ask != Ask::code) {
        reads.push_back(chain::Read::of(erc20::balance_of(key.token, key.payer)));
        reads.push_back(
            chain::Read::of(eip3009::authorization_state(key.token, key.payer, key.nonce)));
    }
    if (ask == Ask::all) reads.push_back(chain::Read::of(payment->transfer(), sender_));
    if (asset_known) reads.erase(reads.begin() + 1);
    auto answers = co_await chain_.read(std::move(reads));
    if (!answers) co_return fail(std::move(answers).error());
    if (asset_known) answers->insert(answers->begin() + 1, chain::CallResult(Bytes{1}));
    const auto has_code = [&](std::size_t index) {
        const auto& code = (*answers)[index];
        return code.has_value() && !code->empty();
    };
    Seen seen;
    seen.facts.payer_has_code = has_code(0);
    seen.facts.asset_has_code = has_code(1);
    if (seen.facts.asset_has_code && !asset_known) {
        if (asset_code_seen_.size() >= kRememberedMax) asset_code_seen_.clear();
        asset_code_seen_.insert_or_assign(key.token, env_.clock.steady_now());
    }
    if (ask != Ask::code) {
        if (const auto balance = number_of((*answers)[2])) {
            seen.balance = Reservations::Known{*balance, mark};
        }
        if ((*answers)[3]) {
            if (const auto used = abi::Reader(*(*answers)[3]).boolean(0)) seen.nonce_used = *used;
        }
    }
    if (ask == Ask::all) seen.simulated = std::move((*answers)[4]);
    if (seen.facts.payer_has_code) {
        std::vector<chain::Read> question;
        question.push_back(chain::Read::of(payment->signature_question()));
        auto answer = co_await chain_.read(std::move(question));
        if (!answer) co_return fail(std::move(answer).error());
        const auto& said = answer->front();
        seen.facts.contract_accepts = said.has_value() && erc1271::accepts(*said);
    }
    co_return seen;
}

Task<Result<>> Examiner::simulate(std::shared_ptr<const scheme::Opened> payment,
                                  std::optional<Call> deployment) {
    const auto transfer = payment->transfer();
    std::vector<chain::Read> reads;
    // Deployment and transfer in one call, the second's success being the answer. Source:
    // protocol.md 8.2.
    const auto question = deployment ? multicall3::try_each({*deployment, transfer}) : transfer;
    reads.push_back(chain::Read::of(question, sender_));
    auto results = co_await chain_.read(std::move(reads));
    if (!results) co_return fail(std::move(results).error());
    auto& result = results->front();
    if (result && (!deployment || second_succeeded(*result))) co_return Result<>{};
    auto refused = co_await refuse(payment, std::move(result));
    co_return refused;
}

Task<Result<>> Examiner::refuse(std::shared_ptr<const scheme::Opened> payment,
                                chain::CallResult result) {
    auto reason = co_await diagnose(payment);
    if (!reason) co_return fail(std::move(reason).error());
    if (!result && reason->detail.empty()) reason->detail = result.error().message;
    co_return fail(std::move(*reason));
}

Task<Result<U256>> Examiner::balance(std::shared_ptr<const scheme::Opened> payment) {
    const auto& key = payment->key();
    std::vector<chain::Read> reads;
    reads.push_back(chain::Read::of(erc20::balance_of(key.token, key.payer)));
    auto results = co_await chain_.read(std::move(reads));
    if (!results) co_return fail(std::move(results).error());
    const auto& answer = results->front();
    if (answer) {
        if (const auto number = abi::Reader(*answer).number(0)) co_return *number;
    }
    co_return fail(Errc::exact_simulation_failed, "the token does not tell its balances");
}

Task<Result<Error>> Examiner::diagnose(std::shared_ptr<const scheme::Opened> payment) {
    std::vector<chain::Read> reads;
    for (auto& call : payment->diagnosis_calls()) reads.push_back(chain::Read::of(std::move(call)));
    auto results = co_await chain_.read(std::move(reads));
    if (!results) co_return fail(std::move(results).error());
    scheme::Diagnosis diagnosis;
    auto& answers = *results;
    // A scheme with fewer questions leaves the rest unanswered.
    while (answers.size() < 4) answers.emplace_back(std::unexpected(chain::Revert{}));
    if (answers[0]) {
        if (const auto used = abi::Reader(*answers[0]).boolean(0)) diagnosis.nonce_used = *used;
    }
    diagnosis.token_name = text_of(answers[1]);
    diagnosis.token_version = text_of(answers[2]);
    if (answers[3]) {
        if (const auto balance = abi::Reader(*answers[3]).number(0)) diagnosis.balance = *balance;
    }
    co_return payment->diagnose(diagnosis);
}

}  // namespace farthing::settlement
