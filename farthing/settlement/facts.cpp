// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/facts.hpp"

#include "farthing/crypto/keccak.hpp"
#include "farthing/evm/abi.hpp"
#include "farthing/evm/multicall3.hpp"

namespace farthing::settlement {
namespace {

constexpr std::size_t kRememberedMax = 65536;

Bytes32 digest_of(const Call& call) { return keccak256({ByteView(call.to), ByteView(call.data)}); }

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

Examiner::Examiner(Env env, chain::Chain& chain, Address sender, scheme::Policy policy,
                   FactsConfig config)
    : env_(env), chain_(chain), sender_(sender), policy_(std::move(policy)), config_(config) {}

const Examiner::Good* Examiner::remembered(const scheme::Opened& payment,
                                           const Bytes32& digest) const {
    const auto found = good_.find(payment.key());
    if (found == good_.end() || found->second.digest != digest) return nullptr;
    if (env_.clock.steady_now() - found->second.at > config_.staleness_max) return nullptr;
    return &found->second;
}

Task<Result<>> Examiner::examine(std::shared_ptr<const scheme::Opened> payment) {
    const auto digest = digest_of(payment->transfer());
    if (const auto* good = remembered(*payment, digest)) {
        co_return payment->judge(good->facts, policy_, static_cast<scheme::UnixSeconds>(now()));
    }
    auto facts = co_await ask_facts(payment);
    if (!facts) co_return fail(std::move(facts).error());
    FARTHING_CO_CHECK(payment->judge(*facts, policy_, static_cast<scheme::UnixSeconds>(now())));
    auto simulated = co_await simulate(payment, payment->deployment(*facts));
    if (!simulated) co_return simulated;
    if (good_.size() >= kRememberedMax) good_.clear();
    good_.insert_or_assign(payment->key(), Good{*facts, digest, env_.clock.steady_now()});
    co_return Result<>{};
}

Task<Result<Judged>> Examiner::judge_now(std::shared_ptr<const scheme::Opened> payment) {
    auto facts = co_await ask_facts(payment);
    if (!facts) co_return fail(std::move(facts).error());
    FARTHING_CO_CHECK(payment->judge(*facts, policy_, static_cast<scheme::UnixSeconds>(now())));
    Judged judged{payment->deployment(*facts), facts->payer_has_code};
    if (judged.deployment) {
        // Nothing else has checked this signature yet: without it anybody could make us deploy.
        auto simulated = co_await simulate(payment, judged.deployment);
        if (!simulated) co_return fail(std::move(simulated).error());
    }
    co_return judged;
}

Task<Result<scheme::Facts>> Examiner::ask_facts(std::shared_ptr<const scheme::Opened> payment) {
    const auto& key = payment->key();
    const auto seen = asset_code_seen_.find(key.token);
    const bool asset_known = seen != asset_code_seen_.end() &&
                             env_.clock.steady_now() - seen->second < config_.asset_code_age_max;
    std::vector<chain::Read> reads;
    reads.push_back(chain::Read::code_of(key.payer));
    if (!asset_known) reads.push_back(chain::Read::code_of(key.token));
    auto codes = co_await chain_.read(std::move(reads));
    if (!codes) co_return fail(std::move(codes).error());
    const auto has_code = [&](std::size_t index) {
        const auto& code = (*codes)[index];
        return code.has_value() && !code->empty();
    };
    scheme::Facts facts;
    facts.payer_has_code = has_code(0);
    facts.asset_has_code = asset_known || has_code(1);
    if (facts.asset_has_code && !asset_known) {
        if (asset_code_seen_.size() >= kRememberedMax) asset_code_seen_.clear();
        asset_code_seen_.insert_or_assign(key.token, env_.clock.steady_now());
    }
    if (facts.payer_has_code) {
        std::vector<chain::Read> question;
        question.push_back(chain::Read::of(payment->signature_question()));
        auto answer = co_await chain_.read(std::move(question));
        if (!answer) co_return fail(std::move(answer).error());
        const auto& said = answer->front();
        facts.contract_accepts = said.has_value() && erc1271::accepts(*said);
    }
    co_return facts;
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
    const auto& result = results->front();
    if (result && (!deployment || second_succeeded(*result))) co_return Result<>{};
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
