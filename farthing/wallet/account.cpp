// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/account.hpp"

#include <algorithm>

#include "farthing/crypto/sha256.hpp"

namespace farthing::wallet {
namespace {

/// Between two looks at the ledger for the operator's answer.
constexpr std::chrono::milliseconds kAnswerPoll{250};

/// Of the newest decisions, when one agent's are looked for.
constexpr std::size_t kLookedThrough = 1'000;

bool is_of(const ledger::Entry& entry, const std::optional<std::string>& agent) {
    return !agent || std::get<ledger::Decision>(entry.event).agent == *agent;
}

/// The same for the same request of the same caller.
Bytes32 name_of(const Order& order) {
    std::string text;
    const auto url = order.url.to_string();
    for (const auto* part : {&order.errand.agent, &order.errand.card, &order.errand.tool,
                             &order.request.method, &url, &order.request.body}) {
        text += std::to_string(part->size()) + ":" + *part;
    }
    return sha256(text);
}

bool asks(const Fetched& fetched) {
    return !fetched.answer && fetched.answer.error().code == Errc::not_allowed && fetched.decided &&
           fetched.decided->decision.verdict == policy::Verdict::ask;
}

Result<Answered> read_answer(ledger::Transaction& transaction, ledger::Seq decision) {
    FARTHING_TRY(const auto about, transaction.about(decision));
    FARTHING_TRY(const auto now, transaction.now());
    auto out = Answered::not_yet;
    for (const auto& each : about) {
        const auto* said = std::get_if<ledger::Approval>(&each.event);
        if (said == nullptr) continue;
        const bool over = said->expires != 0 && said->expires <= now;
        if (said->answer == ledger::Approved::denied) {
            out = Answered::denied;
        } else {
            out = over || said->answer == ledger::Approved::expired ? Answered::expired
                                                                    : Answered::approved;
        }
    }
    return out;
}

/// Bought and heard of, or nothing that can be used has left: the same request may buy again.
bool is_over(const Fetched& fetched, bool sent) {
    if (!sent) return true;
    if (!fetched.answer || !fetched.answer->payment) return false;
    const auto receipt = fetched.answer->payment->receipt;
    const bool is_success = fetched.answer->response.status < 400;
    return receipt == Payment::Receipt::verified ||
           (receipt == Payment::Receipt::missing && is_success);
}

}  // namespace

/// Remembers what is signed: an error says too little of it.
class Account::Witness final : public Observer {
  public:
    Witness(OpenRequests& open, const Bytes32& name) : open_(open), name_(name) {}
    void signing(const Payment& payment, const Bytes32&) override {
        payment_ = payment;
        open_.begin(name_, payment);
    }
    void transaction_named(const Bytes32& hash) override {
        if (payment_) payment_->transaction = hash;
    }
    [[nodiscard]] const std::optional<Payment>& payment() const { return payment_; }

  private:
    OpenRequests& open_;
    Bytes32 name_;
    std::optional<Payment> payment_;
};

void follow_pact(const policy::Pact& pact, const std::optional<scheme::Money>& limit,
                 PayerConfig& config) {
    constexpr std::uint64_t no_limit_of_ours = 1'000'000'000'000;
    config.rules.max_amount = limit.value_or(scheme::Money{U256(no_limit_of_ours), 0, {}});
    if (config.rules.networks.empty()) config.rules.networks = pact.networks;
    // A pact's own tokens may have other names than the table's.
    if (pact.token.empty()) config.rules.symbols = pact.assets;
    config.rules.lifetime_seconds_max =
        std::min(config.rules.lifetime_seconds_max, pact.lifetime_max.seconds);
}

Result<PayerConfig> Account::config_for(const Order& order) {
    FARTHING_TRY(const auto terms, parts_.mandate.now());
    auto config = parts_.config;
    follow_pact(terms->pact, order.max_amount, config);
    config.redirects = order.redirects;
    if (order.max_time.count() > 0) config.max_time = order.max_time;
    return config;
}

Task<Fetched> Account::attempt(Order order, Sink* sink, Bytes32 name) {
    Fetched out{fail(Errc::internal), {}, {}, {}};
    auto config = config_for(order);
    if (!config) {
        out.answer = fail(std::move(config).error());
        co_return out;
    }
    // Whom it goes to is what the URL says, for that is what the pact is asked about.
    order.request.headers.remove("Host");
    Witness witness(open_, name);
    Foreknown known{name, quotes_.of(name, env_.clock.now()), std::move(order.may_pay)};
    Purse purse(parts_.mandate, std::move(order.errand), std::move(known));
    Payer payer(env_, parts_.client, parts_.signer, parts_.assets, *std::move(config), &witness,
                &purse);
    auto task = sink == nullptr
                    ? payer.request(std::move(order.url), std::move(order.request))
                    : payer.download(std::move(order.url), std::move(order.request), *sink);
    out.answer = co_await std::move(task);
    out.decided = purse.decided();
    out.payment = witness.payment();
    if (out.answer && out.answer->payment) out.payment = out.answer->payment;
    end_open(name, out, purse.has_sent());
    co_return out;
}

void Account::end_open(const Bytes32& request, const Fetched& fetched, bool sent) {
    if (!fetched.payment) return;
    if (is_over(fetched, sent)) {
        open_.end(request, fetched.payment->nonce);
        return;
    }
    Error error{Errc::outcome_unknown,
                "it failed without a receipt; " + how_to_find_out(*fetched.payment)};
    if (!fetched.answer && kind_of(fetched.answer.error().code) == Kind::unknown) {
        error = fetched.answer.error();
    }
    open_.update(request, {std::move(error), fetched.decided, *fetched.payment});
}

/// Once. Until it has worked nothing is paid for: it could be the second time.
Task<Result<>> Account::know_open() {
    if (knows_open_) co_return Result<>{};
    auto loaded = co_await open_.load(parts_.ledger, parts_.assets, env_.clock.now());
    knows_open_ = knows_open_ || loaded.has_value();
    co_return loaded;
}

Task<Fetched> Account::fetch(Order order, Sink* sink) {
    const auto until = env_.clock.steady_now() + order.wait;
    const auto request = name_of(order);
    if (auto known = co_await know_open(); !known) {
        Fetched out{fail(std::move(known).error()), {}, {}, {}};
        co_return out;
    }
    for (;;) {
        const auto now = env_.clock.now();
        if (const auto* const open = order.again ? nullptr : open_.find(request, now)) {
            Fetched out{
                fail(open->error.code,
                     "this request may have been paid for already, and was not sent again: " +
                         open->error.detail),
                open->decided,
                open->payment,
                {}};
            co_return out;
        }
        auto fetched = co_await attempt(order, sink, request);
        if (!asks(fetched)) co_return fetched;
        const bool waits = order.wait.count() > 0;
        const auto last = waits ? until : env_.clock.steady_now();
        auto answered = co_await until_answered(fetched.decided->seq, last);
        if (!answered) {
            fetched.answer = fail(std::move(answered).error());
            co_return fetched;
        }
        // Without a wait there may be an answer all the same: the question was put before.
        if (waits || *answered != Answered::not_yet) fetched.answered = *answered;
        // Approved is not paid yet: the same request meets the same decision again.
        if (*answered != Answered::approved || env_.clock.steady_now() >= until) co_return fetched;
    }
}

Task<Result<Quoted>> Account::quote(Order order) {
    FARTHING_CO_TRY(auto config, config_for(order));
    const auto name = name_of(order);
    order.request.headers.remove("Host");
    Payer payer(env_, parts_.client, parts_.signer, parts_.assets, std::move(config));
    auto quote = co_await payer.quote(std::move(order.url), std::move(order.request));
    if (!quote) co_return fail(std::move(quote).error());
    quotes_.note(name, *quote, env_.clock.now());
    Quoted out{*std::move(quote), {}};
    if (!out.quote.purchase) co_return out;
    FARTHING_CO_TRY(const auto terms, parts_.mandate.now());
    auto wish = wish_of(*out.quote.purchase, order.errand, {});
    auto forecast = co_await terms->spending.forecast(std::move(wish));
    if (!forecast) co_return fail(std::move(forecast).error());
    out.forecast = *std::move(forecast);
    co_return out;
}

Task<Result<std::vector<policy::Standing>>> Account::limits(std::string vendor, std::string task) {
    FARTHING_CO_TRY(const auto terms, parts_.mandate.now());
    co_return co_await terms->spending.standings(std::move(vendor), std::move(task));
}

Task<Result<std::vector<ledger::Payment>>> Account::payments(ledger::Filter filter,
                                                             std::size_t limit,
                                                             std::optional<std::string> agent) {
    filter.kind = "decision";
    auto work = [filter = std::move(filter), limit, agent = std::move(agent)](
                    ledger::Transaction& transaction) -> Result<std::vector<ledger::Payment>> {
        FARTHING_TRY(const auto entries,
                     transaction.newest(filter, agent ? kLookedThrough : limit));
        std::vector<ledger::Payment> out;
        for (auto each = entries.rbegin(); each != entries.rend() && out.size() < limit; ++each) {
            if (!is_of(*each, agent)) continue;
            FARTHING_TRY(auto payment, ledger::payment_of(transaction, *each));
            out.push_back(std::move(payment));
        }
        return out;
    };
    co_return co_await parts_.ledger.transact(std::move(work));
}

Task<Result<std::vector<ledger::Entry>>> Account::waiting(std::size_t limit,
                                                          std::optional<std::string> agent) {
    auto work = [limit, agent = std::move(agent)](
                    ledger::Transaction& transaction) -> Result<std::vector<ledger::Entry>> {
        const ledger::Filter asked{.kind = "decision", .verdict = ledger::Verdict::ask};
        FARTHING_TRY(auto entries, transaction.newest(asked, limit));
        std::vector<ledger::Entry> out;
        for (auto each = entries.rbegin(); each != entries.rend(); ++each) {
            if (!is_of(*each, agent)) continue;
            FARTHING_TRY(const auto answered, read_answer(transaction, each->seq));
            if (answered == Answered::not_yet) out.push_back(std::move(*each));
        }
        return out;
    };
    co_return co_await parts_.ledger.transact(std::move(work));
}

Task<Result<Answered>> Account::answer_to(ledger::Seq decision) {
    auto work = [decision](ledger::Transaction& transaction) {
        return read_answer(transaction, decision);
    };
    co_return co_await parts_.ledger.transact(std::move(work));
}

Task<Result<Answered>> Account::until_answered(ledger::Seq decision, SteadyTime until) {
    for (;;) {
        auto answered = co_await answer_to(decision);
        if (!answered || *answered != Answered::not_yet) co_return answered;
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - env_.clock.steady_now());
        if (left.count() <= 0 || stopping_) co_return answered;
        co_await env_.clock.sleep(std::min(left, kAnswerPoll));
    }
}

}  // namespace farthing::wallet
