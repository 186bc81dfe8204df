// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/spending.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "farthing/base/hex.hpp"
#include "farthing/wallet/alerts.hpp"
#include "farthing/wallet/approval.hpp"
#include "farthing/wallet/questions.hpp"

namespace farthing::wallet {
namespace {

using ledger::Entry;
using ledger::Seq;
using ledger::Transaction;

constexpr std::uint64_t kSecond = 1'000;
/// So many entries are read again at the most when a ledger is opened.
constexpr Seq kCheckpointEvery = 1'000;
/// The newest ones of a vendor that are looked at.
constexpr std::size_t kApprovalsMax = 100;

ledger::Verdict verdict_of(policy::Verdict verdict) {
    switch (verdict) {
        case policy::Verdict::allow:
            return ledger::Verdict::allow;
        case policy::Verdict::ask:
            return ledger::Verdict::ask;
        case policy::Verdict::refuse:
            break;
    }
    return ledger::Verdict::refuse;
}

/// An approval is for whoever asked: the program with that token, and the card, or none.
bool is_asked_by(const Entry& asked, const Wish& wish) {
    const auto* decision = std::get_if<ledger::Decision>(&asked.event);
    return decision != nullptr && decision->card == wish.card && decision->agent == wish.agent;
}

/// What a decision of the ledger reserves, valued by the pact that is in force now; what that does
/// not know counts as it was valued then.
Result<policy::Reservation> reservation_of(const policy::Rules& rules, const Entry& entry) {
    const auto& decision = std::get<ledger::Decision>(entry.event);
    FARTHING_TRY(const auto asset, parse_address(decision.asset));
    FARTHING_TRY(const auto pay_to, parse_address(decision.pay_to));
    FARTHING_TRY(const auto place, policy::read_place(decision.url));
    policy::Reservation out{.id = std::to_string(entry.seq),
                            .time = entry.time / kSecond,
                            .vendor = decision.vendor,
                            .category = decision.category,
                            .task = decision.task,
                            .resource = policy::resource_of(decision.method, decision.tool, place),
                            .network = {decision.network},
                            .asset = asset,
                            .symbol = {},
                            .pay_to = pay_to,
                            .amount = decision.amount,
                            .units = {},
                            .dollars = decision.value};
    const auto token = rules.find_token(out.network, asset);
    const auto worth = token ? policy::worth_of(decision.amount, *token) : std::nullopt;
    if (worth) {
        out.symbol = token->symbol;
        out.units = worth->units;
        out.dollars = worth->dollars;
    }
    return out;
}

}  // namespace

/// What the entries up to `head` come to.
struct Spending::State {
    policy::Rules rules;
    Address agent;
    Address op;
    policy::Budget budget{rules.meters()};
    CardBook cards{};
    Questions questions{};
    ledger::Head head{};
    Seq checkpointed = 0;
    bool in_force = false;  ///< the ledger knows this pact
    bool revoked = false;

    Result<> catch_up(Transaction& transaction);
    Result<Decided> decide(Transaction& transaction, const Wish& said, const Sign& sign);
    /// Of all that was caught up with.
    Result<policy::Decision> judge(Transaction& transaction, const Wish& wish);
    [[nodiscard]] Wish as_the_card_says(Wish wish) const;

  private:
    [[nodiscard]] std::optional<policy::Decision> refused_by_card(const Wish& wish,
                                                                  ledger::UnixMillis now) const;
    [[nodiscard]] policy::Decision refused_by(policy::Finding finding) const;
    [[nodiscard]] policy::Decision too_many_questions() const;
    Result<> reload(Transaction& transaction);
    Result<> reload_questions(Transaction& transaction);
    bool restore(const json::Value& checkpoint);
    Result<> apply(Transaction& transaction, const Entry& entry);
    Result<> settle(Transaction& transaction, const Entry& entry, Seq decision);
    Result<Entry> write(Transaction& transaction, ledger::Event event);
    Result<std::vector<policy::Approval>> approvals(Transaction& transaction,
                                                    const std::string& vendor, const Wish& wish);
    [[nodiscard]] ledger::Decision entry_for(const Wish& wish,
                                             const policy::Decision& decision) const;
    Result<> write_pin(Transaction& transaction, const ledger::Decision& decision,
                       const policy::Reservation& wanted, std::optional<Address> before);
    Result<> write_alerts(Transaction& transaction, std::vector<ledger::Alert> alerts,
                          policy::Verdict verdict);
    Result<> write_checkpoint(Transaction& transaction);
};

/// What other processes wrote, and what is left when a transaction of ours failed after all.
Result<> Spending::State::catch_up(Transaction& transaction) {
    FARTHING_TRY(const auto good, transaction.continues(head));
    if (!good || head.seq == 0) FARTHING_CHECK(reload(transaction));
    return transaction.since(head.seq,
                             [&](const Entry& entry) { return apply(transaction, entry); });
}

Result<> Spending::State::reload(Transaction& transaction) {
    budget = policy::Budget(rules.meters());
    cards = {};
    questions = {};
    head = {};
    checkpointed = 0;
    in_force = revoked = false;
    FARTHING_TRY(const auto found, transaction.last_checkpoint());
    if (!found) return {};
    const auto value = json::parse(found->text, policy::Budget::kCheckpointLimits);
    // One of another pact counted something else: everything is read again.
    if (!value || !restore(*value)) return {};
    head = found->at;
    checkpointed = head.seq;
    return reload_questions(transaction);
}

/// Those that still stand are few, and no part of a checkpoint.
Result<> Spending::State::reload_questions(Transaction& transaction) {
    FARTHING_TRY(const auto now, transaction.now());
    const auto from = now - std::min(now, Questions::kStands);
    FARTHING_TRY(
        auto entries,
        transaction.newest({.kind = "decision", .verdict = ledger::Verdict::ask, .from = from},
                           Questions::kRememberedMax));
    FARTHING_TRY(const auto answers,
                 transaction.newest({.kind = "approval", .from = from}, Questions::kRememberedMax));
    entries.insert(entries.end(), answers.begin(), answers.end());
    std::ranges::sort(entries, {}, &Entry::seq);
    for (const auto& each : entries) {
        if (each.seq <= head.seq) questions.apply(each);
    }
    return {};
}

bool Spending::State::restore(const json::Value& checkpoint) {
    const auto* object = checkpoint.if_object();
    if (object == nullptr) return false;
    const auto* pact = object->if_contains("pact");
    const auto* known = object->if_contains("inForce");
    const auto* gone = object->if_contains("revoked");
    const auto* counted = object->if_contains("budget");
    const auto* held = object->if_contains("cards");
    if (pact == nullptr || known == nullptr || gone == nullptr || counted == nullptr ||
        held == nullptr) {
        return false;
    }
    if (*pact != json::Value(to_hex(rules.hash())) || !known->is_bool() || !gone->is_bool()) {
        return false;
    }
    auto restored = policy::Budget::restore(rules.meters(), *counted);
    auto book = CardBook::restore(*held);
    if (!restored || !book) return false;
    cards = std::move(*book);
    budget = std::move(*restored);
    in_force = known->as_bool();
    revoked = gone->as_bool();
    return true;
}

Result<> Spending::State::apply(Transaction& transaction, const Entry& entry) {
    if (const auto* decision = std::get_if<ledger::Decision>(&entry.event)) {
        if (decision->verdict == ledger::Verdict::allow) {
            FARTHING_TRY(auto wanted, reservation_of(rules, entry));
            FARTHING_CHECK(budget.reserve(std::move(wanted)));
        }
    } else if (const auto* settled = std::get_if<ledger::Settled>(&entry.event)) {
        FARTHING_CHECK(settle(transaction, entry, settled->decision));
    } else if (const auto* released = std::get_if<ledger::Released>(&entry.event)) {
        const auto id = std::to_string(released->decision);
        if (budget.open(id) != nullptr) FARTHING_CHECK(budget.release(id));
    } else if (const auto* change = std::get_if<ledger::PactChange>(&entry.event)) {
        if (change->pact == rules.hash()) {
            in_force = true;
            revoked = revoked || change->change == ledger::Change::revoked;
        }
    }
    FARTHING_CHECK(cards.apply(transaction, entry));
    questions.apply(entry);
    head = ledger::head_at(entry);
    return {};
}

/// One that was released counts from the moment at which the chain proved that to be wrong.
Result<> Spending::State::settle(Transaction& transaction, const Entry& entry, Seq decision) {
    const auto id = std::to_string(decision);
    if (budget.open(id) == nullptr) {
        FARTHING_TRY(auto decided, transaction.find(decision));
        if (!decided || !std::holds_alternative<ledger::Decision>(decided->event)) {
            return fail(Errc::ledger_altered,
                        fmt::format("entry {}: settles what is no decision", entry.seq));
        }
        decided->time = entry.time;
        FARTHING_TRY(auto wanted, reservation_of(rules, *decided));
        FARTHING_CHECK(budget.reserve(std::move(wanted)));
    }
    return budget.settle(id);
}

Result<Entry> Spending::State::write(Transaction& transaction, ledger::Event event) {
    FARTHING_TRY(auto entry, transaction.append(std::move(event)));
    FARTHING_CHECK(apply(transaction, entry));
    return entry;
}

/// Signed by the operator, for decisions of which no answer was used yet: a copy of an answer is
/// not another one. Of two answers to one decision the later counts.
Result<std::vector<policy::Approval>> Spending::State::approvals(Transaction& transaction,
                                                                 const std::string& vendor,
                                                                 const Wish& wish) {
    const ledger::Filter answers{.kind = "approval", .vendor = vendor};
    FARTHING_TRY(const auto newest, transaction.newest(answers, kApprovalsMax));
    std::map<Seq, policy::Approval> found;  // by the decision that asked
    std::set<Seq> answered;
    for (auto each = newest.rbegin(); each != newest.rend(); ++each) {
        const auto decision = ledger::decision_of(each->event);
        if (!decision || !answered.insert(*decision).second) continue;
        FARTHING_TRY(const auto asked, transaction.find(*decision));
        if (!asked || !is_asked_by(*asked, wish)) continue;
        auto granted = granted_by(*each, *asked, agent, op);
        if (granted) found.emplace(*decision, *std::move(granted));
    }
    std::vector<policy::Approval> out;
    if (found.empty()) return out;
    const ledger::Filter allowed{
        .kind = "decision", .vendor = vendor, .verdict = ledger::Verdict::allow};
    const auto forget_used = [&](const Entry& entry) -> Result<> {
        const auto* decision = std::get_if<ledger::Decision>(&entry.event);
        if (decision == nullptr || !decision->approval) return {};
        FARTHING_TRY(const auto answer, transaction.find(*decision->approval));
        const auto asked = answer ? ledger::decision_of(answer->event) : std::nullopt;
        if (asked) found.erase(*asked);
        return {};
    };
    FARTHING_CHECK(transaction.for_each(allowed, found.begin()->first, forget_used));
    for (auto& [asked, each] : found) out.push_back(std::move(each));
    return out;
}

ledger::Decision Spending::State::entry_for(const Wish& wish,
                                            const policy::Decision& decision) const {
    const auto& request = wish.request;
    const auto place = policy::read_place(request.url);
    ledger::Decision out;
    out.verdict = verdict_of(decision.verdict);
    out.condition = decision.condition;
    out.why = decision.text;
    out.method = request.method;
    out.url = request.url;
    out.tool = request.tool;
    out.vendor = place ? place->vendor : "";
    out.host = place ? place->host : "";
    out.network = request.network.id;
    out.asset = request.asset.to_checksum();
    out.payer = agent.to_checksum();
    out.pay_to = request.pay_to.to_checksum();
    out.amount = request.amount;
    out.pact = decision.pact;
    out.task = request.task;
    out.reason = wish.reason;
    out.agent = wish.agent;
    out.card = wish.card;
    const auto token = rules.find_token(request.network, request.asset);
    const auto worth = token ? policy::worth_of(request.amount, *token) : std::nullopt;
    if (worth) out.value = worth->dollars.value_or(U256{});
    if (decision.reservation) out.category = decision.reservation->category;
    if (decision.approval) {
        const auto seq = u256_from_decimal(*decision.approval);
        if (seq) out.approval = seq->to_u64();
    }
    if (const auto wanted = policy::approval_for(decision, {})) out.asked = wanted->conditions;
    return out;
}

Result<> Spending::State::write_pin(Transaction& transaction, const ledger::Decision& decision,
                                    const policy::Reservation& wanted,
                                    std::optional<Address> before) {
    ledger::Pin pin;
    pin.vendor = decision.vendor;
    pin.host = decision.host;
    pin.network = decision.network;
    pin.asset = decision.asset;
    pin.pay_to = wanted.pay_to.to_checksum();
    pin.before = before ? before->to_checksum() : "";
    FARTHING_CHECK(write(transaction, std::move(pin)));
    return {};
}

Result<> Spending::State::write_alerts(Transaction& transaction, std::vector<ledger::Alert> alerts,
                                       policy::Verdict verdict) {
    FARTHING_TRY(alerts, without_repeats(transaction, std::move(alerts)));
    if (verdict == policy::Verdict::refuse) {
        FARTHING_TRY(auto burst, refusal_burst(transaction));
        if (burst) alerts.push_back(*std::move(burst));
    }
    for (auto& each : alerts) FARTHING_CHECK(write(transaction, std::move(each)));
    return {};
}

Result<> Spending::State::write_checkpoint(Transaction& transaction) {
    if (head.seq - checkpointed < kCheckpointEvery) return {};
    const json::Object text{{"pact", to_hex(rules.hash())},
                            {"inForce", in_force},
                            {"revoked", revoked},
                            {"budget", budget.checkpoint()},
                            {"cards", cards.checkpoint(head.time)}};
    FARTHING_CHECK(transaction.put_checkpoint(json::to_text(text)));
    checkpointed = head.seq;
    return {};
}

/// A card says what it is spent for, whatever its holder says.
Wish Spending::State::as_the_card_says(Wish wish) const {
    if (wish.card.empty()) return wish;
    const auto* card = cards.find(wish.card);
    wish.request.task = card != nullptr ? card->task : "";
    wish.request.tool.clear();
    return wish;
}

/// Why the card that it is spent by does not pay for it.
std::optional<policy::Decision> Spending::State::refused_by_card(const Wish& wish,
                                                                 ledger::UnixMillis now) const {
    if (wish.card.empty()) return std::nullopt;
    const auto place = policy::read_place(wish.request.url);
    const auto token = rules.find_token(wish.request.network, wish.request.asset);
    const auto worth = token ? policy::worth_of(wish.request.amount, *token) : std::nullopt;
    auto finding = cards.refusal(wish.card, place ? place->vendor : "",
                                 worth ? worth->dollars : std::nullopt, now);
    if (!finding) return std::nullopt;
    return refused_by(*std::move(finding));
}

policy::Decision Spending::State::refused_by(policy::Finding finding) const {
    policy::Decision out;
    out.condition = finding.condition;
    out.code = finding.code;
    out.text = fmt::format("{}: {}", finding.reason, finding.suggestion);
    out.pact = rules.hash();
    out.findings.push_back(std::move(finding));
    return out;
}

policy::Decision Spending::State::too_many_questions() const {
    return refused_by({.verdict = policy::Verdict::refuse,
                       .code = "too_many_questions",
                       .condition = "approval",
                       .reason = fmt::format("{} questions wait for the operator already",
                                             Questions::kWaitingMax),
                       .suggestion = "wait for answers before asking for more"});
}

Result<policy::Decision> Spending::State::judge(Transaction& transaction, const Wish& wish) {
    FARTHING_TRY(const auto now, transaction.now());
    policy::Revocations revocations;
    if (revoked) revocations.hashes.push_back(rules.hash());
    policy::Facts facts;
    facts.now = now / kSecond;
    facts.agent = agent;
    facts.revoked = &revocations;
    auto decision = policy::decide(rules, budget, wish.request, facts);
    if (decision.verdict == policy::Verdict::ask && decision.reservation) {
        FARTHING_TRY(const auto granted,
                     approvals(transaction, decision.reservation->vendor, wish));
        facts.approvals = granted;
        if (!granted.empty()) decision = policy::decide(rules, budget, wish.request, facts);
    }
    if (decision.verdict != policy::Verdict::refuse) {
        if (auto refused = refused_by_card(wish, now)) decision = *std::move(refused);
    }
    return decision;
}

Result<Decided> Spending::State::decide(Transaction& transaction, const Wish& said,
                                        const Sign& sign) {
    FARTHING_CHECK(catch_up(transaction));
    const auto wish = as_the_card_says(said);
    if (!in_force) {
        ledger::PactChange change;
        change.pact = rules.hash();
        change.by = op.to_checksum();
        FARTHING_CHECK(write(transaction, std::move(change)));
    }
    FARTHING_TRY(const auto now, transaction.now());
    FARTHING_TRY(auto decision, judge(transaction, wish));
    std::optional<Address> before;
    Circumstances known;
    bool pins = decision.verdict == policy::Verdict::allow && decision.reservation.has_value();
    if (pins) {
        const auto* vendor = budget.vendor(decision.reservation->vendor);
        known.first = vendor == nullptr || vendor->payments == 0;
        if (vendor != nullptr) {
            const auto& pinned = vendor->pay_to;
            pins = std::ranges::find(pinned, decision.reservation->pay_to) == pinned.end();
            if (!pinned.empty()) before = pinned.back();
        }
        if (pins && before) known.pay_to_was = before->to_checksum();
    }
    auto record = entry_for(wish, decision);
    if (decision.verdict == policy::Verdict::ask) {
        // The same question is one question, and its answer is for all who repeat it.
        if (const auto asked = questions.standing(record, now)) {
            return Decided{std::move(decision), *asked};
        }
        if (questions.waiting(record, now) >= Questions::kWaitingMax) {
            decision = too_many_questions();
            record = entry_for(wish, decision);
        }
    }
    FARTHING_TRY(const auto entry, write(transaction, record));
    if (pins) FARTHING_CHECK(write_pin(transaction, record, *decision.reservation, before));
    known.named = std::ranges::any_of(rules.pact().vendor, [&](const policy::Vendor& each) {
        return each.host && each.host->matches(record.vendor);
    });
    FARTHING_CHECK(
        write_alerts(transaction, alerts_of(decision, record, entry.seq, known), decision.verdict));
    if (sign && decision.verdict == policy::Verdict::allow) {
        auto note = sign();
        note.decision = entry.seq;
        FARTHING_CHECK(write(transaction, std::move(note)));
    }
    FARTHING_CHECK(write_checkpoint(transaction));
    return Decided{std::move(decision), entry.seq};
}

Spending::Spending(ledger::Ledger& ledger, policy::Rules rules, const Address& agent,
                   const Address& op)
    : ledger_(ledger), state_(std::make_shared<State>(std::move(rules), agent, op)) {}

Task<Result<Decided>> Spending::decide(Wish wish, Sign sign) {
    auto work = [state = state_, wish = std::move(wish), sign = std::move(sign)](
                    Transaction& transaction) { return state->decide(transaction, wish, sign); };
    co_return co_await ledger_.transact(std::move(work));
}

Task<Result<policy::Decision>> Spending::forecast(Wish wish) {
    auto work = [state = state_,
                 wish = std::move(wish)](Transaction& transaction) -> Result<policy::Decision> {
        FARTHING_CHECK(state->catch_up(transaction));
        return state->judge(transaction, state->as_the_card_says(wish));
    };
    co_return co_await ledger_.transact(std::move(work));
}

Task<Result<>> Spending::record(ledger::Event event) {
    auto work = [event = std::move(event)](Transaction& transaction) -> Result<> {
        FARTHING_CHECK(transaction.append(event));
        return {};
    };
    co_return co_await ledger_.transact(std::move(work));
}

Task<Result<std::optional<Card>>> Spending::card(std::string id) {
    auto work = [state = state_,
                 id = std::move(id)](Transaction& transaction) -> Result<std::optional<Card>> {
        FARTHING_CHECK(state->catch_up(transaction));
        const auto* found = state->cards.find(id);
        return found == nullptr ? std::nullopt : std::optional(*found);
    };
    co_return co_await ledger_.transact(std::move(work));
}

Task<Result<std::vector<policy::Standing>>> Spending::standings(std::string vendor,
                                                                std::string task) {
    auto work = [state = state_, vendor = std::move(vendor), task = std::move(task)](
                    Transaction& transaction) -> Result<std::vector<policy::Standing>> {
        FARTHING_CHECK(state->catch_up(transaction));
        FARTHING_TRY(const auto now, transaction.now());
        return policy::standings(state->rules, state->budget, now / kSecond, vendor, task);
    };
    co_return co_await ledger_.transact(std::move(work));
}

}  // namespace farthing::wallet
