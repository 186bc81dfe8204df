// SPDX-License-Identifier: Apache-2.0
// `farthing approvals`: the operator answers what the pact asks about.
#include <fmt/format.h>
#include <unistd.h>

#include "app/commands/commands.hpp"
#include "app/question.hpp"
#include "app/wallet_folder.hpp"
#include "farthing/wallet/approval.hpp"

namespace farthing::app {
namespace {

using ledger::Transaction;

constexpr std::uint64_t kMillis = 1'000;

struct Options {
    std::string wallet;
    OperatorKey key;
    std::uint64_t id = 0;
    std::string expires = "1h";
    std::string note;
};

bool on_terminal() { return isatty(STDOUT_FILENO) == 1; }

void print(const Question& question) {
    if (on_terminal()) {
        fmt::print("{}", to_text(question));
    } else {
        fmt::print("{}\n", json::to_text(to_json(question)));
    }
}

Result<> list(const Options&, const wallet::Folder&, ledger::Ledger& ledger, World&) {
    return ledger.transact_now([](Transaction& transaction) -> Result<> {
        FARTHING_TRY(const auto questions, newest_questions(transaction));
        for (const auto& each : questions) print(each);
        return {};
    });
}

/// That an id is none to approve, and which are.
std::unexpected<Error> not_to_approve(Transaction& transaction, const std::string& why) {
    const auto waiting = waiting_text(transaction);
    if (!waiting) return fail(waiting.error());
    return fail(Errc::invalid_argument, fmt::format("{}; {}", why, *waiting));
}

Result<Question> grant(const Options& options, Transaction& transaction, const Address& agent,
                       ledger::UnixMillis expires, const PrivateKey& key) {
    FARTHING_TRY(const auto asked, transaction.find(options.id));
    if (!asked) return not_to_approve(transaction, fmt::format("there is no entry {}", options.id));
    FARTHING_TRY(auto approval, wallet::approve(*asked, agent, expires, key));
    // One answer, one payment: a second yes would let nothing through, and look as if it did.
    FARTHING_TRY(const auto before, look_at(transaction, *asked));
    if (before.used_by) {
        return not_to_approve(
            transaction, fmt::format("{} was used by payment {}", options.id, *before.used_by));
    }
    approval.note = options.note;
    FARTHING_CHECK(transaction.append(std::move(approval)));
    return look_at(transaction, *asked);
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
    const auto expires = (now + span->seconds) * kMillis;
    FARTHING_TRY(const auto granted, ledger.transact_now([&](Transaction& transaction) {
        return grant(options, transaction, agent, expires, key);
    }));
    print(granted);
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
    if (on_terminal()) {
        fmt::print("denied {}\n", options.id);
    } else {
        fmt::print("{}\n", json::to_text(json::Object{{"id", options.id}, {"answer", "denied"}}));
    }
    return {};
}

using Work = Result<> (*)(const Options&, const wallet::Folder&, ledger::Ledger&, World&);

int run_work(const Options& options, Work work, store::Access access) {
    World world(Level::error);
    const auto folder = wallet_folder(options.wallet);
    const auto ledger = open_ledger(world, folder, access);
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
    add("list", "those that wait, and the newest of those that were answered", list,
        store::Access::read);
    auto* yes = add_answer(add("approve", "let this payment through, once, when it is tried again",
                               approve, store::Access::serve));
    yes->add_option("--expires", options->expires, "within this time")->capture_default_str();
    add_operator_options(*yes, options->key);
    add_answer(add("deny", "do not; also after it was approved", deny, store::Access::serve));
}

}  // namespace farthing::app
