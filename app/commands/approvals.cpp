// SPDX-License-Identifier: Apache-2.0
// `farthing approvals`: the operator answers what the pact asks about.
#include <fmt/format.h>
#include <unistd.h>

#include "app/commands/commands.hpp"
#include "app/wallet_folder.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/ledger/payments.hpp"
#include "farthing/wallet/approval.hpp"

namespace farthing::app {
namespace {

using ledger::Entry;
using ledger::Transaction;

constexpr std::size_t kShownMax = 50;
constexpr std::uint64_t kMillis = 1'000;

struct Options {
    std::string wallet;
    OperatorKey key;
    std::uint64_t id = 0;
    std::string expires = "1h";
    std::string note;
};

bool on_terminal() { return isatty(STDOUT_FILENO) == 1; }

/// `waiting`, or what was answered last.
Result<std::string> answer_to(Transaction& transaction, const Entry& asked) {
    std::string answer = "waiting";
    FARTHING_TRY(const auto about, transaction.about(asked.seq));
    for (const auto& each : about) {
        if (const auto* said = std::get_if<ledger::Approval>(&each.event)) {
            answer = ledger::to_text(said->answer);
        }
    }
    return answer;
}

void print(const Entry& asked, const std::string& answer) {
    const auto& decision = std::get<ledger::Decision>(asked.event);
    if (on_terminal()) {
        fmt::print("{:>6}  {}  {:<9} {} {} {}\n        {}\n", asked.seq,
                   ledger::time_text(asked.time), answer, ledger::dollars(decision.value),
                   decision.method, legible(decision.url), legible(decision.why));
        if (!decision.reason.empty()) fmt::print("        reason: {}\n", legible(decision.reason));
        return;
    }
    const json::Object line{
        {"id", asked.seq},           {"time", ledger::time_text(asked.time)},
        {"answer", answer},          {"condition", decision.condition},
        {"why", decision.why},       {"dollars", ledger::dollars(decision.value)},
        {"method", decision.method}, {"url", decision.url},
        {"payTo", decision.pay_to},  {"task", decision.task},
        {"reason", decision.reason}};
    fmt::print("{}\n", json::to_text(line));
}

Result<> list(const Options&, const wallet::Folder&, ledger::Ledger& ledger, World&) {
    return ledger.transact_now([](Transaction& transaction) -> Result<> {
        const ledger::Filter asking{.kind = "decision", .verdict = ledger::Verdict::ask};
        FARTHING_TRY(const auto asked, transaction.newest(asking, kShownMax));
        for (const auto& each : asked) {
            FARTHING_TRY(const auto answer, answer_to(transaction, each));
            print(each, answer);
        }
        return {};
    });
}

void say_done(const Options& options, std::string_view answer) {
    if (on_terminal()) {
        fmt::print("{} {}\n", answer, options.id);
    } else {
        fmt::print("{}\n", json::to_text(json::Object{{"id", options.id}, {"answer", answer}}));
    }
}

Result<> approve(const Options& options, const wallet::Folder& folder, ledger::Ledger& ledger,
                 World& world) {
    const auto span = policy::parse_span(options.expires);
    if (!span) return fail(Errc::invalid_argument, "--expires: " + span.error().detail);
    FARTHING_TRY(const auto op, folder.load_operator());
    FARTHING_TRY(const auto agent, folder.load_agent());
    FARTHING_TRY(const auto key, load_operator_key(options.key));
    if (address_of(key) != op) {
        return fail(Errc::not_allowed,
                    fmt::format("this is the key of {}; the operator of this wallet is {}",
                                address_of(key).to_checksum(), op.to_checksum()));
    }
    const auto now = static_cast<std::uint64_t>(world.clock.now().time_since_epoch().count());
    FARTHING_CHECK(ledger.transact_now([&](Transaction& transaction) -> Result<> {
        FARTHING_TRY(const auto asked, transaction.find(options.id));
        if (!asked) {
            return fail(Errc::invalid_argument, fmt::format("there is no entry {}", options.id));
        }
        const auto expires = (now + span->seconds) * kMillis;
        FARTHING_TRY(auto approval, wallet::approve(*asked, agent, expires, key));
        approval.note = options.note;
        FARTHING_CHECK(transaction.append(std::move(approval)));
        return {};
    }));
    say_done(options, "approved");
    return {};
}

/// Needs no key: who may write here may always stop the agent.
Result<> deny(const Options& options, const wallet::Folder&, ledger::Ledger& ledger, World&) {
    ledger::Approval denial;
    denial.decision = options.id;
    denial.answer = ledger::Approved::denied;
    denial.note = options.note;
    FARTHING_CHECK(
        ledger.transact_now([&](Transaction& transaction) { return transaction.append(denial); }));
    say_done(options, "denied");
    return {};
}

using Work = Result<> (*)(const Options&, const wallet::Folder&, ledger::Ledger&, World&);

int run_work(const Options& options, Work work, store::Access access) {
    World world(Level::error);
    const auto folder = wallet_folder(options.wallet);
    const auto ledger = ledger::Ledger::open(world.env(), world.loop, folder.path, access);
    if (!ledger) return report(ledger.error());
    const auto done = work(options, folder, **ledger, world);
    return done ? 0 : report(done.error());
}

}  // namespace

void add_approvals(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand("approvals", "what the pact asks the operator about");
    command->require_subcommand(1);
    const auto add = [&](const char* name, const char* help, Work work, store::Access access) {
        auto* each = command->add_subcommand(name, help);
        add_wallet_option(*each, options->wallet);
        each->callback([options, &run, work, access] {
            run = [options, work, access] { return run_work(*options, work, access); };
        });
        return each;
    };
    const auto add_answer = [&](CLI::App* each) {
        each->add_option("id", options->id, "as `farthing approvals list` and `pay` say it")
            ->required();
        each->add_option("--note", options->note, "why, for the ledger");
        return each;
    };
    add("list", "the newest ones, with their answers", list, store::Access::read);
    auto* yes = add_answer(add("approve", "let this payment through, once, when it is tried again",
                               approve, store::Access::serve));
    yes->add_option("--expires", options->expires, "within this time")->capture_default_str();
    add_operator_options(*yes, options->key);
    add_answer(add("deny", "do not; also after it was approved", deny, store::Access::serve));
}

}  // namespace farthing::app
