// SPDX-License-Identifier: Apache-2.0
#include "app/question.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "app/pact_words.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/ledger/payments.hpp"
#include "farthing/scheme/price.hpp"

namespace farthing::app {
namespace {

using ledger::Entry;
using ledger::Transaction;

/// A program or card has at most twenty open, so that those that wait are among these.
constexpr std::size_t kLookedAtMax = 1'000;
constexpr std::size_t kAnsweredShownMax = 50;
constexpr std::size_t kPage = 1'000;
constexpr std::string_view kWaiting = "waiting";
constexpr std::string_view kAddressChanged = "pay_to_change";

/// Every condition that asked; of one that more conditions asked about than an entry holds, the one
/// that decided.
std::vector<std::string> conditions_of(const ledger::Decision& decision) {
    return decision.asked.value_or(std::vector{decision.condition});
}

/// The payment that an answer to `asked` was used for: whichever answer, there is one payment.
Result<std::optional<ledger::Seq>> payment_by(Transaction& transaction, const Entry& asked) {
    const ledger::Filter allowed{.kind = "decision",
                                 .vendor = std::get<ledger::Decision>(asked.event).vendor,
                                 .verdict = ledger::Verdict::allow};
    for (auto after = asked.seq;;) {
        FARTHING_TRY(const auto page, transaction.read(allowed, after, kPage));
        for (const auto& each : page) {
            const auto& approval = std::get<ledger::Decision>(each.event).approval;
            if (!approval) continue;
            FARTHING_TRY(const auto answer, transaction.find(*approval));
            if (answer && ledger::decision_of(answer->event) == asked.seq) return each.seq;
        }
        if (page.size() < kPage) return std::nullopt;
        after = page.back().seq;
    }
}

Result<std::optional<std::string>> address_before(Transaction& transaction, const Entry& asked) {
    const auto& decision = std::get<ledger::Decision>(asked.event);
    const auto conditions = conditions_of(decision);
    if (std::ranges::find(conditions, kAddressChanged) == conditions.end()) return std::nullopt;
    std::optional<std::string> before;
    const ledger::Filter pins{.kind = "pin", .vendor = decision.vendor};
    FARTHING_CHECK(transaction.for_each(pins, 0, [&](const Entry& each) -> Result<> {
        if (each.seq < asked.seq) before = std::get<ledger::Pin>(each.event).pay_to;
        return {};
    }));
    return before;
}

/// In units of a token that we know, else in atomic ones.
std::string amount_text(const ledger::Decision& decision) {
    static const auto assets = AssetTable::built_in();
    const auto address = parse_address(decision.asset);
    const auto* known = address ? assets.find(Network{decision.network}, *address) : nullptr;
    if (known != nullptr) {
        return fmt::format("{} {}", to_units(decision.amount, known->decimals), known->symbol);
    }
    return fmt::format("{} atomic units of {}", decision.amount.to_decimal(), decision.asset);
}

}  // namespace

Result<Question> look_at(Transaction& transaction, Entry asked) {
    Question out{.asked = std::move(asked),
                 .state = std::string(kWaiting),
                 .used_by = {},
                 .paid_before = {}};
    bool approved = false;
    FARTHING_TRY(const auto about, transaction.about(out.asked.seq));
    for (const auto& each : about) {
        const auto* said = std::get_if<ledger::Approval>(&each.event);
        if (said == nullptr) continue;
        out.state = ledger::to_text(said->answer);
        approved = approved || said->answer == ledger::Approved::approved;
    }
    if (approved) {
        FARTHING_TRY(out.used_by, payment_by(transaction, out.asked));
    }
    if (out.used_by) out.state = "used";
    FARTHING_TRY(out.paid_before, address_before(transaction, out.asked));
    return out;
}

Result<std::vector<Question>> newest_questions(Transaction& transaction) {
    const ledger::Filter asking{.kind = "decision", .verdict = ledger::Verdict::ask};
    FARTHING_TRY(auto asked, transaction.newest(asking, kLookedAtMax));
    std::vector<Question> waiting;
    std::vector<Question> answered;
    for (auto each = asked.rbegin(); each != asked.rend(); ++each) {
        FARTHING_TRY(auto question, look_at(transaction, std::move(*each)));
        if (question.state == kWaiting) {
            waiting.push_back(std::move(question));
        } else if (answered.size() < kAnsweredShownMax) {
            answered.push_back(std::move(question));
        }
    }
    std::ranges::reverse(waiting);
    std::ranges::reverse(answered);
    std::ranges::move(answered, std::back_inserter(waiting));
    return waiting;
}

Result<std::string> waiting_text(Transaction& transaction) {
    FARTHING_TRY(const auto questions, newest_questions(transaction));
    std::vector<ledger::Seq> waiting;
    for (const auto& each : questions) {
        if (each.state == kWaiting) waiting.push_back(each.asked.seq);
    }
    if (waiting.empty()) return std::string("none waits now");
    return fmt::format("waiting now: {}", fmt::join(waiting, ", "));
}

json::Object to_json(const Question& question) {
    const auto& decision = question.decision();
    json::Array asked;
    for (const auto& each : conditions_of(decision)) asked.emplace_back(each);
    json::Object line{{"id", question.asked.seq},
                      {"time", ledger::time_text(question.asked.time)},
                      {"answer", question.state},
                      {"condition", decision.condition},
                      {"asked", std::move(asked)},
                      {"why", decision.why},
                      {"dollars", ledger::dollars(decision.value)},
                      {"amount", decision.amount.to_decimal()},
                      {"asset", decision.asset},
                      {"network", decision.network},
                      {"method", decision.method},
                      {"url", decision.url},
                      {"tool", decision.tool},
                      {"vendor", decision.vendor},
                      {"payTo", decision.pay_to},
                      {"task", decision.task},
                      {"reason", decision.reason},
                      {"agent", decision.agent},
                      {"card", decision.card}};
    if (question.paid_before) line.emplace("paidBefore", *question.paid_before);
    if (question.used_by) line.emplace("payment", *question.used_by);
    return line;
}

std::string to_text(const Question& question) {
    const auto& decision = question.decision();
    auto out = fmt::format("{:>6}  {}  {}", question.asked.seq,
                           ledger::time_text(question.asked.time), question.state);
    if (question.used_by) out += fmt::format(", by payment {}", *question.used_by);
    const auto line = [&](std::string_view name, std::string_view text) {
        if (!text.empty()) out += fmt::format("\n        {:<9}{}", name, legible(text));
    };
    line("buys", decision.method + " " + decision.url);
    line("pays", fmt::format("{} ({}) on {}", amount_text(decision),
                             ledger::dollars(decision.value), in_words(Network{decision.network})));
    line("to", decision.pay_to);
    if (question.paid_before) {
        line("", fmt::format("pays another address than before ({})", *question.paid_before));
    }
    line("grants", fmt::format("{}", fmt::join(conditions_of(decision), ", ")));
    // Words of a model come last: they may be long, and drawn to look like the lines above.
    line("why", decision.why);
    line("agent", decision.agent);
    line("card", decision.card);
    line("task", decision.task);
    line("tool", decision.tool);
    line("reason", decision.reason);
    return out + "\n";
}

}  // namespace farthing::app
