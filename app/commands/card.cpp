// SPDX-License-Identifier: Apache-2.0
// `farthing card`: what an untrusted program may spend, and nothing more.
#include "farthing/wallet/card.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "app/commands/commands.hpp"
#include "app/wallet_folder.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/crypto/sha256.hpp"
#include "farthing/ledger/payments.hpp"
#include "farthing/scheme/price.hpp"
#include "farthing/wallet/tokens.hpp"

namespace farthing::app {
namespace {

constexpr std::uint64_t kMillis = 1'000;
constexpr unsigned kValueDecimals = 18;
constexpr std::size_t kIdDigits = 16;

struct Options {
    std::string wallet;
    std::string max;
    std::string vendor;
    std::string task;
    std::string expires = "1h";
    std::uint64_t uses = 1;
    std::string id;
};

bool on_terminal() { return isatty(STDOUT_FILENO) == 1; }

Result<U256> read_value(const std::string& text) {
    const auto money = scheme::parse_money(text);
    if (!money) return fail(Errc::invalid_argument, "--max: " + money.error().detail);
    if (!money->symbol.empty()) {
        return fail(Errc::invalid_argument, "--max: a card is in dollars, such as 0.05");
    }
    FARTHING_TRY(const auto value, scheme::to_atomic(*money, kValueDecimals));
    if (value == U256{}) return fail(Errc::invalid_argument, "--max: expected more than nothing");
    return value;
}

Result<ledger::CardChange> draft(const Options& options, World& world) {
    ledger::CardChange out;
    FARTHING_TRY(out.value, read_value(options.max));
    const auto vendor = policy::parse_host_pattern(options.vendor);
    if (!vendor) return fail(Errc::invalid_argument, "--vendor: " + vendor.error().detail);
    const auto span = policy::parse_span(options.expires);
    if (!span) return fail(Errc::invalid_argument, "--expires: " + span.error().detail);
    if (options.uses == 0) return fail(Errc::invalid_argument, "--uses: expected 1 or more");
    const auto now = static_cast<std::uint64_t>(world.clock.now().time_since_epoch().count());
    out.card = to_hex_digits(world.random.bytes32()).substr(0, kIdDigits);
    out.vendor = vendor->text;
    out.task = options.task;
    out.uses = options.uses;
    out.expires = (now + span->seconds) * kMillis;
    return out;
}

Result<> make(const Options& options, ledger::Ledger& ledger, World& world) {
    FARTHING_TRY(auto card, draft(options, world));
    const auto token = wallet::make_token({wallet::TokenName::Kind::card, card.card}, world.random);
    card.token = sha256(token.reveal());
    FARTHING_CHECK(ledger.transact_now(
        [&](ledger::Transaction& transaction) { return transaction.append(card); }));
    if (on_terminal()) {
        fmt::print(
            "{}\n\nThis is the card; it is shown once. It pays {} at most {} to {}, until {}.\n",
            token.reveal(), card.uses == 1 ? "once" : fmt::format("{} times", card.uses),
            ledger::dollars(card.value), card.vendor, ledger::time_text(card.expires));
    } else {
        const json::Object line{{"card", card.card},
                                {"token", token.reveal()},
                                {"expires", ledger::time_text(card.expires)}};
        fmt::print("{}\n", json::to_text(line));
    }
    return {};
}

std::string_view state_of(const wallet::Card& card, ledger::UnixMillis now) {
    if (card.revoked) return "revoked";
    if (card.expires <= now) return "expired";
    return card.used >= card.uses ? "used" : "good";
}

void print(const wallet::Card& card, ledger::UnixMillis now) {
    const auto state = state_of(card, now);
    if (on_terminal()) {
        fmt::print("{}  {:<7}  {} of {} uses, {} of {}, {} until {}{}\n", legible(card.id), state,
                   card.used, card.uses, ledger::dollars(card.spent), ledger::dollars(card.value),
                   legible(card.vendor), ledger::time_text(card.expires),
                   card.task.empty() ? "" : ", for " + legible(card.task));
        return;
    }
    const json::Object line{{"card", card.id},
                            {"state", state},
                            {"used", card.used},
                            {"uses", card.uses},
                            {"spent", ledger::dollars(card.spent)},
                            {"max", ledger::dollars(card.value)},
                            {"vendor", card.vendor},
                            {"task", card.task},
                            {"expires", ledger::time_text(card.expires)}};
    fmt::print("{}\n", json::to_text(line));
}

Result<> list(const Options&, ledger::Ledger& ledger, World&) {
    return ledger.transact_now([](ledger::Transaction& transaction) -> Result<> {
        FARTHING_TRY(const auto book, wallet::read_cards(transaction));
        FARTHING_TRY(const auto now, transaction.now());
        for (const auto& [id, card] : book.all()) print(card, now);
        return {};
    });
}

/// Needs no key: who may write here may always stop the agent.
Result<> revoke(const Options& options, ledger::Ledger& ledger, World&) {
    FARTHING_CHECK(ledger.transact_now([&](ledger::Transaction& transaction) -> Result<> {
        FARTHING_TRY(const auto book, wallet::read_cards(transaction));
        const auto* card = book.find(options.id);
        if (card == nullptr) {
            return fail(Errc::invalid_argument, fmt::format("there is no card {}", options.id));
        }
        ledger::CardChange change;
        change.change = ledger::Change::revoked;
        change.card = card->id;
        change.token = card->token;
        change.value = card->value;
        change.vendor = card->vendor;
        change.task = card->task;
        change.uses = card->uses;
        change.expires = card->expires;
        FARTHING_CHECK(transaction.append(std::move(change)));
        return {};
    }));
    if (on_terminal()) {
        fmt::print("{} counts no longer\n", options.id);
    } else {
        fmt::print("{}\n", json::to_text(json::Object{{"card", options.id}, {"revoked", true}}));
    }
    return {};
}

using Work = Result<> (*)(const Options&, ledger::Ledger&, World&);

int run_work(const Options& options, Work work, store::Access access) {
    World world(Level::error);
    const auto folder = wallet_folder(options.wallet);
    if (const auto there = folder.load_operator(); !there) return report(there.error());
    const auto ledger = open_ledger(world, folder, access);
    if (!ledger) return report(ledger.error());
    const auto done = work(options, **ledger, world);
    return done ? 0 : report(done.error());
}

}  // namespace

void add_card(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command =
        app.add_subcommand("card", "what an untrusted program may spend, and nothing more");
    command->require_subcommand(1);
    const auto add = [&](const char* name, const char* help, Work work, store::Access access) {
        auto* each = command->add_subcommand(name, help);
        add_wallet_option(*each, options->wallet);
        each->callback([options, &run, work, access] {
            run = [options, work, access] { return run_work(*options, work, access); };
        });
        return each;
    };
    auto* fresh = add("new", "make one, whose token is shown once", make, store::Access::serve);
    fresh->add_option("--max", options->max, "dollars, of all its uses together")->required();
    fresh->add_option("--vendor", options->vendor, "host, host:port or *.host: nobody else is paid")
        ->required();
    fresh->add_option("--uses", options->uses, "so many payments")->capture_default_str();
    fresh->add_option("--expires", options->expires, "within this time")->capture_default_str();
    fresh->add_option("--task", options->task, "what it is spent for, whatever its holder says");
    add("list", "all of them, and what is left", list, store::Access::read);
    add("revoke", "it counts no longer, at once", revoke, store::Access::serve)
        ->add_option("card", options->id, "as `farthing card list` says it")
        ->required();
}

}  // namespace farthing::app
