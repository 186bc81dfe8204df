// SPDX-License-Identifier: Apache-2.0
// limits_left, payments, request_approval: what the wallet knows by itself.
#include <fmt/format.h>

#include "farthing/base/hex.hpp"
#include "farthing/mcp/outcome.hpp"
#include "farthing/mcp/wallet_tools.hpp"
#include "farthing/wallet/advice.hpp"

namespace farthing::mcp {
namespace {

constexpr std::uint32_t kPaymentsMax = 50;
constexpr std::uint32_t kWaitSecondsMax = 600;
constexpr std::chrono::milliseconds kPoll{250};
constexpr std::size_t kWordMax = 200;

struct LimitsArgs {
    std::string vendor;
    std::string task;
    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        return std::tuple{
            field("vendor", &LimitsArgs::vendor,
                  "host or host:port: also the limits that a payment to it would meet"),
            field("task", &LimitsArgs::task, "also those that a payment for this task would meet")};
    }
};

struct PaymentsArgs {
    std::uint32_t limit = 10;
    std::string vendor;
    std::string task;
    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        using T = PaymentsArgs;
        return std::tuple{field("limit", &T::limit, "how many, the newest first; at most 50"),
                          field("vendor", &T::vendor, "only this one: host or host:port"),
                          field("task", &T::task, "only this one")};
    }
};

struct ApprovalArgs {
    std::uint64_t id = 0;
    std::uint32_t wait_seconds = 0;
    static constexpr std::array<std::string_view, 1> required{"id"};
    static constexpr auto fields() {
        return std::tuple{
            field("id", &ApprovalArgs::id, "of the approval, as the refused call names it"),
            field("wait_seconds", &ApprovalArgs::wait_seconds,
                  "how long to wait for the answer, at most 600; many hosts give up a call after "
                  "60 seconds")};
    }
};

struct PaymentLine {
    std::uint64_t id = 0;
    std::string time, state, price, vendor, url;
    std::optional<std::string> tool, task, reason, transaction, why;
    std::optional<bool> delivered;
    static constexpr auto fields() {
        using T = PaymentLine;
        return std::tuple{
            field("id", &T::id),
            field("time", &T::time),
            field("state", &T::state,
                  "settled: paid; reserved: signed or about to be, and counted as spent; released: "
                  "never paid; asked: waits for the operator; refused"),
            field("price", &T::price),
            field("vendor", &T::vendor),
            field("url", &T::url),
            field("tool", &T::tool),
            field("task", &T::task),
            field("reason", &T::reason),
            field("transaction", &T::transaction),
            field("delivered", &T::delivered),
            field("why", &T::why, "why it was not allowed")};
    }
};

struct PaymentsNote {
    std::vector<PaymentLine> payments;
    static constexpr auto fields() {
        return std::tuple{field("payments", &PaymentsNote::payments)};
    }
};

struct LimitLine {
    std::string condition, limit, used, left;
    std::optional<std::string> resets;
    static constexpr auto fields() {
        using T = LimitLine;
        return std::tuple{field("condition", &T::condition), field("limit", &T::limit),
                          field("used", &T::used), field("left", &T::left),
                          field("resets", &T::resets)};
    }
};

struct LimitsNote {
    std::vector<LimitLine> limits;
    static constexpr auto fields() { return std::tuple{field("limits", &LimitsNote::limits)}; }
};

struct ApprovalLine {
    std::uint64_t id = 0;
    std::string answer, what, command, next;
    static constexpr auto fields() {
        using T = ApprovalLine;
        return std::tuple{field("id", &T::id),
                          field("answer", &T::answer, "approved, denied, expired or waiting"),
                          field("what", &T::what, "what the operator is asked"),
                          field("command", &T::command, "by which the operator approves"),
                          field("next", &T::next)};
    }
};

/// Our own rows for a model that has no eye for JSON, each a line of it.
template <class Row>
std::string lines_of(const std::vector<Row>& rows) {
    std::string out;
    for (const auto& each : rows) {
        out += (out.empty() ? "" : "\n") + json::encode_text(each);
    }
    return out;
}

Task<ToolResult> limits_left(Desk& desk, LimitsArgs args, Call&) {
    const auto limits = co_await desk.account.limits(std::move(args.vendor), std::move(args.task));
    if (!limits) co_return failed_call(limits.error());
    LimitsNote note;
    for (const auto& each : *limits) {
        LimitLine line{phrase(each.condition, kWordMax), each.limit, each.used, each.left, {}};
        if (each.resets) line.resets = policy::to_text(*each.resets);
        note.limits.push_back(std::move(line));
    }
    ToolResult out;
    out.structured = json::encode(note);
    out.text = note.limits.empty() ? "The pact has no limit on sums or counts that meets this."
                                   : lines_of(note.limits);
    co_return out;
}

std::optional<std::string> unless_empty(std::string_view text) {
    if (text.empty()) return std::nullopt;
    return phrase(text, kWordMax);
}

PaymentLine line_of(const ledger::Payment& payment) {
    const auto& decision = payment.decision();
    PaymentLine out;
    out.id = payment.entry.seq;
    out.time = ledger::time_text(payment.entry.time);
    out.state = ledger::to_text(payment.state);
    out.price = ledger::dollars(decision.value);
    out.vendor = phrase(decision.vendor, kWordMax);
    out.url = phrase(decision.url, kWordMax);
    out.tool = unless_empty(decision.tool);
    out.task = unless_empty(decision.task);
    out.reason = unless_empty(decision.reason);
    if (payment.settled) {
        out.delivered = payment.settled->delivered;
        if (payment.settled->transaction) out.transaction = to_hex(*payment.settled->transaction);
    }
    if (decision.verdict != ledger::Verdict::allow) out.why = phrase(decision.why);
    return out;
}

Task<ToolResult> payments(Desk& desk, PaymentsArgs args, Call& call) {
    ledger::Filter filter;
    filter.vendor = std::move(args.vendor);
    filter.task = std::move(args.task);
    const auto limit = std::min(args.limit, kPaymentsMax);
    std::optional<std::string> agent;
    if (!call.agent().empty()) agent = call.agent();
    const auto found = co_await desk.account.payments(std::move(filter), limit, std::move(agent));
    if (!found) co_return failed_call(found.error());
    PaymentsNote note;
    for (const auto& each : *found) note.payments.push_back(line_of(each));
    ToolResult out;
    out.structured = json::encode(note);
    out.text = note.payments.empty() ? "No payments yet." : lines_of(note.payments);
    co_return out;
}

/// The decision with this number, if it asks; one of another agent is none.
Task<Result<ledger::Decision>> asked(Desk& desk, ledger::Seq id, std::string agent) {
    auto work = [id](ledger::Transaction& transaction) { return transaction.find(id); };
    FARTHING_CO_TRY(const auto entry, co_await desk.ledger.transact(std::move(work)));
    const auto* decision = entry ? std::get_if<ledger::Decision>(&entry->event) : nullptr;
    const bool is_theirs = decision != nullptr && (agent.empty() || decision->agent == agent);
    if (!is_theirs || decision->verdict != ledger::Verdict::ask) {
        co_return fail(Errc::invalid_field, ".id: nothing with this number waits for an approval");
    }
    co_return *decision;
}

void tell_answer(ApprovalLine& line, wallet::Answered answered) {
    switch (answered) {
        case wallet::Answered::approved:
            line.answer = "approved";
            line.next =
                "Make the refused call again now, with the same arguments: the approval is for "
                "one payment of that price, and expires.";
            break;
        case wallet::Answered::denied:
            line.answer = "denied";
            line.next = "The operator said no. Do without it, and do not ask for it again.";
            break;
        case wallet::Answered::expired:
            line.answer = "expired";
            line.next = "Make the refused call again if it is still wanted: it asks anew.";
            break;
        case wallet::Answered::not_yet:
            line.answer = "waiting";
            line.next =
                "Tell the operator, who approves with the command, or denies. Go on with "
                "something else and look again later, or call this with wait_seconds.";
            break;
    }
}

Task<ToolResult> request_approval(Desk& desk, ApprovalArgs args, Call& call) {
    if (args.wait_seconds > kWaitSecondsMax) {
        const Error error{Errc::invalid_field, ".wait_seconds: at most 600"};
        co_return refuse_call(error);
    }
    const auto decision = co_await asked(desk, args.id, call.agent());
    if (!decision && decision.error().code == Errc::invalid_field) {
        co_return refuse_call(decision.error());
    }
    if (!decision) co_return failed_call(decision.error());
    const auto until = desk.env.clock.steady_now() + std::chrono::seconds(args.wait_seconds);
    auto answered = co_await desk.account.answer_to(args.id);
    while (answered && *answered == wallet::Answered::not_yet &&
           desk.env.clock.steady_now() < until) {
        if (!co_await call.pause(kPoll)) break;
        answered = co_await desk.account.answer_to(args.id);
    }
    if (!answered) co_return failed_call(answered.error());
    ApprovalLine line;
    line.id = args.id;
    line.what = fmt::format(
        "{} to {} for {}", ledger::dollars(decision->value), phrase(decision->vendor, kWordMax),
        phrase(decision->tool.empty() ? decision->url : decision->tool, kWordMax));
    line.command = wallet::approval_command(args.id, desk.wallet);
    tell_answer(line, *answered);
    ToolResult out;
    out.structured = json::encode(line);
    out.text = fmt::format("Approval {} ({}): {}. {}", line.id, line.what, line.answer, line.next);
    if (*answered == wallet::Answered::not_yet) out.text += " The command: " + line.command;
    co_return out;
}

}  // namespace

std::vector<Tool> make_book_tools(Desk& desk) {
    auto limits = make_tool<LimitsNote>(
        desk, "limits_left", "What may still be spent",
        "Every limit of the pact, what is used and left of it, and when it starts anew.",
        limits_left);
    auto paid = make_tool<PaymentsNote>(
        desk, "payments", "Payments so far",
        "The newest decisions of this wallet and what became of each: here you see whether a "
        "payment whose outcome was unknown has settled.",
        payments);
    auto approval = make_tool<ApprovalLine>(
        desk, "request_approval", "Ask the operator",
        "Looks whether the operator has answered what a refused call asked for, and waits for it "
        "if you want. Only the operator can approve, outside of this conversation.",
        request_approval);
    std::vector<Tool> out{std::move(limits), std::move(paid), std::move(approval)};
    for (auto& each : out) {
        each.hints.read_only = true;
        each.hints.idempotent = true;
        each.hints.open_world = false;
    }
    return out;
}

}  // namespace farthing::mcp
