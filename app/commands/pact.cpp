// SPDX-License-Identifier: Apache-2.0
// `farthing pact`: what the operator lets the agent spend.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "app/commands/commands.hpp"
#include "app/network_option.hpp"
#include "app/pact_words.hpp"
#include "app/wallet_folder.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/base/printable.hpp"

namespace farthing::app {
namespace {

constexpr std::uint64_t kSecondsPerDay = 86'400;

struct Options {
    std::string wallet;
    OperatorKey key;
    std::string limit = "$0.05";
    std::string per = "day";
    std::string ask_over;
    std::string per_request = "$0.01";
    std::vector<std::string> networks;
    std::vector<std::string> vendors;
    unsigned days = 30;
    std::string note;
};

bool on_terminal() { return isatty(STDOUT_FILENO) == 1; }

/// Whole or not at all.
Result<> write_file(const std::string& file, const std::string& text) {
    const auto fresh = file + ".new";
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    std::error_code code;
    if (out) std::filesystem::rename(fresh, file, code);
    if (!out || code) return fail(Errc::io_failed, file + ": cannot be written");
    return {};
}

/// Of `json::to_text`, which is a TOML string as well.
std::string toml_text(std::string_view text) { return json::to_text(json::Value(text)); }

Result<policy::Amount> read_amount(std::string_view option, const std::string& text) {
    auto amount = policy::parse_amount(text);
    if (amount) return amount;
    return fail(Errc::invalid_argument, fmt::format("{}: {}", option, amount.error().detail));
}

/// Limits over time are in dollars here, so that they bound every token and can be compared.
Result<U256> read_dollars(std::string_view option, const std::string& text) {
    FARTHING_TRY(const auto amount, read_amount(option, text));
    if (amount.unit.empty()) return amount.value;
    return fail(Errc::invalid_argument,
                fmt::format("{} has to be in dollars, such as '$0.05'", option));
}

/// A slip of the pen, said before there is a pact: one that pays nothing, or never asks.
Result<> check_amounts(const Options& options) {
    FARTHING_TRY(const auto limit, read_dollars("--limit", options.limit));
    if (limit == U256{}) return fail(Errc::invalid_argument, "--limit: nothing could be paid");
    FARTHING_TRY(const auto each, read_amount("--per-request", options.per_request));
    if (each.value == U256{}) {
        return fail(Errc::invalid_argument, "--per-request: nothing could be paid");
    }
    if (options.ask_over.empty()) return {};
    FARTHING_TRY(const auto soft, read_dollars("--ask-over", options.ask_over));
    if (soft < limit) return {};
    return fail(Errc::invalid_argument,
                fmt::format("--ask-over: has to be less than --limit ({}), or nobody is asked",
                            options.limit));
}

Result<std::string> draft(const Options& options, const Address& agent, std::uint64_t now) {
    std::vector<std::string> networks;
    for (const auto& each : options.networks) {
        FARTHING_TRY(const auto network, read_network(each, "--network"));
        networks.push_back(toml_text(network.id));
    }
    auto text = fmt::format(
        "# What this agent may spend: docs/pacts.md has every condition. Changed, it has to be "
        "signed again.\nversion = 1\nagent = {}\nexpires = {}\nnetworks = [{}]\nper_request = "
        "{}\n",
        toml_text(agent.to_checksum()),
        toml_text(policy::to_text(policy::Instant{now + options.days * kSecondsPerDay})),
        fmt::join(networks, ", "), toml_text(options.per_request));
    for (const auto& each : options.vendors)
        text += "\n[[vendor]]\nhost = " + toml_text(each) + "\n";
    text += fmt::format("\n[[limit]]\namount = {}\nper = {}\n", toml_text(options.limit),
                        toml_text(options.per));
    if (!options.ask_over.empty()) {
        text += fmt::format("\n[[limit]]\nname = \"soft\"\namount = {}\nper = {}\nover = \"ask\"\n",
                            toml_text(options.ask_over), toml_text(options.per));
    }
    return text;
}

Result<> make_new(const Options& options, const wallet::Folder& folder, World& world) {
    FARTHING_CHECK(check_amounts(options));
    FARTHING_TRY(const auto agent, folder.load_agent());
    const auto now = static_cast<std::uint64_t>(world.clock.now().time_since_epoch().count());
    FARTHING_TRY(const auto text, draft(options, agent, now));
    const auto file = folder.pact_file();
    std::error_code code;
    if (std::filesystem::exists(file, code)) {
        return fail(Errc::invalid_argument,
                    file +
                        ": exists already: edit it, then `farthing pact sign`, or choose another "
                        "--wallet");
    }
    FARTHING_CHECK(write_file(file, text));
    // The options were somebody's words: what came of them has to be a pact.
    const auto document = folder.load_document();
    if (!document) {
        std::filesystem::remove(file, code);
        return fail(Errc::invalid_argument, document.error().detail);
    }
    if (on_terminal()) {
        fmt::print("{}\n\nNext: change it as you like, then `farthing pact sign --wallet {}`.\n",
                   file, folder.path.string());
    } else {
        fmt::print("{}\n", json::to_text(json::Object{{"file", file}}));
    }
    return {};
}

void print(const policy::Document& document, const std::optional<Address>& op, bool good) {
    const auto& pact = document.pact;
    const auto hash = to_hex(policy::pact_hash(pact));
    const auto words = in_words(pact);
    const auto signer = document.seal ? document.seal->signer.to_checksum() : std::string("nobody");
    if (on_terminal()) {
        if (!pact.id.empty() || !pact.name.empty()) {
            fmt::print("pact      {} {}\n", legible(pact.id), legible(pact.name));
        }
        fmt::print("agent     {}\nsigned by {}\nexpires   {}\nhash      {}\n",
                   pact.agent.to_checksum(), signer, policy::to_text(pact.expires), hash);
        for (const auto& each : words) fmt::print("  - {}\n", legible(each));
        if (good) fmt::print("good: the operator signed exactly this\n");
        return;
    }
    json::Array conditions;
    for (const auto& each : words) conditions.emplace_back(each);
    json::Object line{{"agent", pact.agent.to_checksum()},
                      {"signer", signer},
                      {"expires", policy::to_text(pact.expires)},
                      {"hash", hash},
                      {"conditions", std::move(conditions)}};
    if (op) line.emplace("operator", op->to_checksum());
    if (good) line.emplace("good", true);
    fmt::print("{}\n", json::to_text(line));
}

Result<bool> is_revoked(World& world, const wallet::Folder& folder, const Bytes32& hash) {
    std::error_code code;
    if (!std::filesystem::exists(folder.path / ledger::kFileName, code)) return false;
    FARTHING_TRY(const auto ledger,
                 ledger::Ledger::open(world.env(), world.loop, folder.path, store::Access::read));
    return ledger->transact_now([&](ledger::Transaction& transaction) -> Result<bool> {
        bool revoked = false;
        const ledger::Filter changes{.kind = "pact"};
        FARTHING_CHECK(transaction.for_each(changes, 0, [&](const auto& entry) -> Result<> {
            const auto& change = std::get<ledger::PactChange>(entry.event);
            revoked = revoked || (change.pact == hash && change.change == ledger::Change::revoked);
            return {};
        }));
        return revoked;
    });
}

Result<> sign(const Options& options, const wallet::Folder& folder, World& world) {
    FARTHING_TRY(const auto op, folder.load_operator());
    FARTHING_TRY(auto document, folder.load_document());
    FARTHING_TRY(const auto agent, folder.load_agent());
    if (document.pact.agent != agent) {
        return fail(Errc::invalid_argument,
                    fmt::format("{} is for {}, and this wallet is {}", folder.pact_file(),
                                document.pact.agent.to_checksum(), agent.to_checksum()));
    }
    FARTHING_TRY(const auto revoked, is_revoked(world, folder, policy::pact_hash(document.pact)));
    if (revoked) {
        return fail(Errc::not_allowed,
                    fmt::format("{} is revoked, for ever: move it away, then `farthing pact new` "
                                "(a pact with any other condition may be signed)",
                                folder.pact_file()));
    }
    FARTHING_TRY(const auto key, load_operator_key(options.key));
    if (address_of(key) != op) {
        return fail(Errc::not_allowed,
                    fmt::format("this is the key of {}; the operator of this wallet is {}",
                                address_of(key).to_checksum(), op.to_checksum()));
    }
    document.seal = policy::sign(document.pact, key);
    FARTHING_CHECK(
        write_file(folder.seal_file(), json::to_text(json::encode(*document.seal)) + "\n"));
    FARTHING_CHECK(folder.load_rules(op, agent));
    print(document, op, true);
    return {};
}

Result<> check(const Options&, const wallet::Folder& folder, World& world) {
    FARTHING_TRY(const auto op, folder.load_operator());
    FARTHING_TRY(const auto agent, folder.load_agent());
    FARTHING_TRY(const auto rules, load_rules(folder, op, agent));
    const auto now = static_cast<std::uint64_t>(world.clock.now().time_since_epoch().count());
    if (now >= rules.pact().expires.seconds) {
        return fail(Errc::not_allowed,
                    "the pact ended at " + policy::to_text(rules.pact().expires));
    }
    FARTHING_TRY(const auto revoked, is_revoked(world, folder, rules.hash()));
    if (revoked) return fail(Errc::not_allowed, "the pact is revoked");
    FARTHING_TRY(const auto document, folder.load_document());
    print(document, op, true);
    return {};
}

Result<> show(const Options&, const wallet::Folder& folder, World&) {
    FARTHING_TRY(const auto document, folder.load_document());
    print(document, std::nullopt, false);
    return {};
}

/// Needs no key: who may write here may always stop the agent.
Result<> revoke(const Options& options, const wallet::Folder& folder, World& world) {
    FARTHING_TRY(const auto document, folder.load_document());
    ledger::PactChange change;
    change.change = ledger::Change::revoked;
    change.pact = policy::pact_hash(document.pact);
    change.note = options.note;
    FARTHING_TRY(const auto ledger, ledger::Ledger::open(world.env(), world.loop, folder.path));
    FARTHING_CHECK(ledger->transact_now(
        [&](ledger::Transaction& transaction) { return transaction.append(change); }));
    if (on_terminal()) {
        fmt::print("revoked: nothing is paid by {} any more\n", to_hex(change.pact));
    } else {
        fmt::print("{}\n", json::to_text(json::Object{{"revoked", to_hex(change.pact)}}));
    }
    return {};
}

using Work = Result<> (*)(const Options&, const wallet::Folder&, World&);

int run_work(const Options& options, Work work) {
    World world(Level::error);
    const auto done = work(options, wallet_folder(options.wallet), world);
    return done ? 0 : report(done.error());
}

void add_draft_options(CLI::App& command, Options& options) {
    command.add_option("--limit", options.limit, "at most so many dollars: '$0.05'")
        ->capture_default_str();
    command.add_option("--per", options.per, "day, week, month, pact, or a duration: 1h")
        ->capture_default_str();
    command.add_option(
        "--ask-over", options.ask_over,
        "the operator is asked about what is beyond so many dollars, within the limit");
    command.add_option("--per-request", options.per_request, "at most so much for one payment")
        ->capture_default_str();
    command.add_option("--network", options.networks, "on this network (base); may be repeated")
        ->required()
        ->take_all()
        ->allow_extra_args(false);
    command
        .add_option("--vendor", options.vendors,
                    "approve this host, with its port if it has one of its own; may be repeated "
                    "(default: each new vendor is asked about)")
        ->take_all()
        ->allow_extra_args(false);
    command.add_option("--days", options.days, "for so many days")
        ->check(CLI::Range(1, 3650))
        ->capture_default_str();
}

}  // namespace

void add_pact(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand("pact", "what the agent may spend, signed by its operator");
    command->require_subcommand(1);
    const auto add = [&](const char* name, const char* help, Work work) {
        auto* each = command->add_subcommand(name, help);
        add_wallet_option(*each, options->wallet);
        each->callback(
            [options, &run, work] { run = [options, work] { return run_work(*options, work); }; });
        return each;
    };
    add_draft_options(*add("new", "write a small pact to begin with: pact.toml", make_new),
                      *options);
    add_operator_options(*add("sign", "sign pact.toml with the operator's key: pact.sig", sign),
                         options->key);
    add("check", "whether the wallet would pay by its pact, and what that says in words", check);
    add("show", "what the pact says in words, signed or not", show);
    add("revoke", "the pact counts no longer, for ever", revoke)
        ->add_option("--note", options->note, "why, for the ledger");
}

}  // namespace farthing::app
