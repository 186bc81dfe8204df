// SPDX-License-Identifier: Apache-2.0
// `farthing ledger`: what a wallet decided and paid.
#include "farthing/ledger/ledger.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "app/commands/commands.hpp"
#include "app/wallet_folder.hpp"
#include "app/world.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/evm/assets.hpp"
#include "farthing/ledger/payments.hpp"

namespace farthing::app {
namespace {

using ledger::Entry;
using ledger::Filter;
using ledger::Sums;
using ledger::Transaction;

constexpr std::size_t kShownByDefault = 50;
constexpr unsigned kBarWidth = 24;
constexpr std::size_t kNameShownMax = 48;

struct Options {
    std::string wallet;
    std::string vendor, task, payer, kind, verdict, from, to;
    bool reserved = false;
    bool head = false;
    std::size_t last = kShownByDefault;
    std::uint64_t after = 0;
    std::string expected;
    std::string format = "jsonl";
    std::string by = "vendor";
};

bool on_terminal() { return isatty(STDOUT_FILENO) == 1; }

Result<Filter> filter_of(const Options& options) {
    constexpr ledger::UnixMillis kDay = 86'400'000;
    Filter out{.kind = options.kind,
               .vendor = options.vendor,
               .task = options.task,
               .payer = options.payer,
               .reserved = options.reserved};
    const auto& verdicts = ledger::Names<ledger::Verdict>::all;
    const auto verdict = std::ranges::find(verdicts, options.verdict);
    if (verdict != verdicts.end()) {
        out.verdict = static_cast<ledger::Verdict>(verdict - verdicts.begin());
    }
    if (!options.from.empty()) {
        FARTHING_TRY(out.from, ledger::parse_day(options.from));
    }
    if (!options.to.empty()) {
        FARTHING_TRY(const auto day, ledger::parse_day(options.to));
        out.until = day + kDay;
    }
    return out;
}

/// What an event says, in a line for people.
std::string describe(const ledger::Event& event) {
    std::string out;
    const auto add = [&](std::string_view name, const std::string& text) {
        if (!text.empty()) out += fmt::format("  {}={}", name, text);
    };
    if (const auto* decision = std::get_if<ledger::Decision>(&event)) {
        add("verdict", std::string(to_text(decision->verdict)));
        add("condition", decision->condition);
        add("value", ledger::dollars(decision->value));
        add("vendor", decision->vendor);
        add("url", decision->url);
        add("tool", decision->tool);
        add("task", decision->task);
        add("reason", decision->reason);
        return out;
    }
    const auto fields = std::visit([](const auto& each) { return json::encode(each); }, event);
    for (const auto& [name, value] : fields.as_object()) {
        const auto* const text = value.if_string();
        add({name.data(), name.size()},
            text == nullptr ? json::to_text(value) : std::string(text->data(), text->size()));
    }
    return out;
}

void print(const Entry& entry) {
    if (on_terminal()) {
        fmt::print("{:>6}  {}  {:<8}{}\n", entry.seq, ledger::time_text(entry.time),
                   ledger::kind_of(entry.event), legible(describe(entry.event)));
    } else {
        fmt::print("{}\n", ledger::to_json_line(entry));
    }
}

void print(const ledger::Head& head, std::string_view word) {
    if (on_terminal()) {
        fmt::print("{}: {} entries, head {}\n", word, head.seq, to_hex(head.hash));
    } else {
        const json::Object line{{"entries", head.seq}, {"head", to_hex(head.hash)}};
        fmt::print("{}\n", json::to_text(line));
    }
}

Result<> show(Transaction& transaction, const Options& options) {
    if (options.head) {
        FARTHING_TRY(const auto head, transaction.last());
        print(head, "ledger");
        return {};
    }
    FARTHING_TRY(const auto filter, filter_of(options));
    std::vector<Entry> entries;
    if (options.after > 0) {
        FARTHING_TRY(entries, transaction.read(filter, options.after, options.last));
    } else {
        FARTHING_TRY(entries, transaction.newest(filter, options.last));
    }
    for (const auto& each : entries) print(each);
    return {};
}

/// That the head somebody wrote down is still there: what was cut off at the end leaves a good
/// chain behind.
Result<> find_head(Transaction& transaction, const std::string& expected) {
    const auto parsed = bytes32_from_hex(expected);
    if (!parsed) return fail(Errc::invalid_argument, "--head: " + parsed.error().detail);
    const auto& hash = *parsed;
    bool found = hash == Bytes32{};
    FARTHING_CHECK(transaction.since(0, [&](const Entry& entry) -> Result<> {
        found = found || entry.hash == hash;
        return {};
    }));
    if (found) return {};
    return fail(Errc::ledger_altered,
                fmt::format("no entry has the hash {}: the end was cut off", expected));
}

Result<> verify(Transaction& transaction, const Options& options) {
    FARTHING_TRY(const auto head, transaction.verify());
    if (!options.expected.empty()) FARTHING_CHECK(find_head(transaction, options.expected));
    print(head, "good");
    return {};
}

Result<> export_all(Transaction& transaction, const Options& options) {
    FARTHING_TRY(const auto filter, filter_of(options));
    if (options.format == "csv") {
        fmt::print("{}", ledger::csv_header());
        return ledger::for_each_payment(transaction, filter, [](const auto& payment) -> Result<> {
            fmt::print("{}", ledger::to_csv(payment));
            return {};
        });
    }
    return transaction.for_each(filter, 0, [](const Entry& entry) -> Result<> {
        fmt::print("{}\n", ledger::to_json_line(entry));
        return {};
    });
}

/// In units where the asset is known, else in atomic ones.
json::Array amounts(const Sums& sums) {
    const auto assets = AssetTable::built_in();
    json::Array out;
    for (const auto& [where, amount] : sums.spent) {
        const auto& [network, asset] = where;
        json::Object each{{"network", network}, {"asset", asset}, {"amount", amount.to_decimal()}};
        const auto address = parse_address(asset);
        const auto* known = address ? assets.find(Network{network}, *address) : nullptr;
        if (known != nullptr) {
            each.emplace("units", to_units(amount, known->decimals));
            each.emplace("symbol", known->symbol);
        }
        out.push_back(std::move(each));
    }
    return out;
}

std::string amounts_text(const Sums& sums) {
    std::string out;
    for (const auto& value : amounts(sums)) {
        const auto& each = value.as_object();
        const auto text = [&](const char* name) { return std::string(each.at(name).as_string()); };
        out += each.contains("units") ? fmt::format("  {} {}", text("units"), text("symbol"))
                                      : fmt::format("  {} of {}", text("amount"), text("asset"));
    }
    return out;
}

Result<> report(Transaction& transaction, const Options& options) {
    FARTHING_TRY(const auto filter, filter_of(options));
    const auto by = options.by == "day"    ? ledger::By::day
                    : options.by == "task" ? ledger::By::task
                                           : ledger::By::vendor;
    FARTHING_TRY(const auto groups, ledger::report_by(transaction, filter, by));
    U256 most;
    for (const auto& [name, sums] : groups) most = std::max(most, sums.spent_value);
    for (const auto& [name, sums] : groups) {
        if (!on_terminal()) {
            const json::Object line{{options.by, name},
                                    {"spentDollars", to_units(sums.spent_value, 18)},
                                    {"reservedDollars", to_units(sums.reserved_value, 18)},
                                    {"spent", amounts(sums)},
                                    {"settled", sums.settled},
                                    {"reserved", sums.reserved},
                                    {"released", sums.released},
                                    {"asked", sums.asked},
                                    {"refused", sums.refused}};
            fmt::print("{}\n", json::to_text(line));
            continue;
        }
        const auto shown = name.empty() ? std::string("(none)") : legible(name, kNameShownMax);
        fmt::print("{:<24} {:>12}  {}\n", shown, ledger::dollars(sums.spent_value),
                   ledger::bar(sums.spent_value, most, kBarWidth));
        fmt::print("    {} paid, {} under way ({}), {} released, {} asked, {} refused{}\n",
                   sums.settled, sums.reserved, ledger::dollars(sums.reserved_value), sums.released,
                   sums.asked, sums.refused, legible(amounts_text(sums)));
    }
    return {};
}

using Work = Result<> (*)(Transaction&, const Options&);

int with_ledger(const Options& options, Work work) {
    World world(Level::warn);
    auto opened = open_ledger(world, wallet_folder(options.wallet), store::Access::read);
    if (!opened) return app::report(opened.error());
    const auto done = (*opened)->transact_now(
        [&](Transaction& transaction) { return work(transaction, options); });
    if (!done) return app::report(done.error());
    // An export that did not fit on the disk is none.
    if (std::fflush(stdout) != 0) return app::report({Errc::io_failed, "the output was cut off"});
    return 0;
}

void add_filter(CLI::App& command, Options& options) {
    command.add_option("--vendor", options.vendor, "of this vendor");
    command.add_option("--task", options.task, "of this task");
    command.add_option("--payer", options.payer, "of this account");
    command.add_option("--verdict", options.verdict, "so decided")
        ->check(CLI::IsMember(std::vector<std::string>{"allow", "ask", "refuse"}));
    command.add_option("--from", options.from, "from this day on (2026-11-21, UTC)");
    command.add_option("--to", options.to, "until this day, which is included");
    command.add_flag("--reserved", options.reserved, "decisions neither settled nor released");
}

}  // namespace

void add_ledger(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand("ledger", "what a wallet decided and paid");
    command->require_subcommand(1);
    const auto add = [&](const char* name, const char* help, Work work) {
        auto* each = command->add_subcommand(name, help);
        add_wallet_option(*each, options->wallet);
        each->callback([options, &run, work] {
            run = [options, work] { return with_ledger(*options, work); };
        });
        return each;
    };
    const std::vector<std::string> kinds(ledger::kinds().begin(), ledger::kinds().end());
    auto* shown = add("show", "the newest entries; JSON Lines when this is no terminal", show);
    add_filter(*shown, *options);
    shown->add_option("--kind", options->kind, "of this kind")->check(CLI::IsMember(kinds));
    shown->add_option("--last", options->last, "so many (50)")->check(CLI::Range(1, 1'000'000));
    shown->add_option("--after", options->after, "those that follow this entry");
    shown->add_flag("--head", options->head,
                    "only how many there are, and the hash of the last: write it down for verify");
    add("verify", "read everything and say whether it is as it was written", verify)
        ->add_option("--head", options->expected,
                     "a head that was written down: it has to be there still");
    auto* exported = add("export", "everything, oldest first, to stdout", export_all);
    add_filter(*exported, *options);
    exported->add_option("--kind", options->kind, "of this kind (jsonl)")
        ->check(CLI::IsMember(kinds));
    exported
        ->add_option("--format", options->format,
                     "jsonl: entries as they are; csv: decisions and what became of them (jsonl)")
        ->check(CLI::IsMember(std::vector<std::string>{"jsonl", "csv"}));
    auto* reported = add("report", "sums of what was paid, with a bar chart on a terminal", report);
    add_filter(*reported, *options);
    reported->add_option("--by", options->by, "vendor, task or day (vendor)")
        ->check(CLI::IsMember(std::vector<std::string>{"vendor", "task", "day"}));
}

}  // namespace farthing::app
