// SPDX-License-Identifier: Apache-2.0
// What a ledger does in a second: decisions that are read up to, made and appended, so many callers
// at once, each durable. Then how fast what is there is verified. As JSON.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>

#include "farthing/io/task_group.hpp"
#include "farthing/ledger/ledger.hpp"

namespace farthing::bench {
namespace {

struct Options {
    std::string folder;
    std::uint64_t rows = 0;
    std::uint64_t at_once = 64;
    std::uint64_t seconds = 5;
};

ledger::Decision decision() {
    ledger::Decision out;
    out.verdict = ledger::Verdict::allow;
    out.condition = "per_day_max";
    out.method = "GET";
    out.url = "https://api.example/v1/weather?city=Berlin";
    out.vendor = out.host = "api.example";
    out.network = "eip155:84532";
    out.asset = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
    out.payer = "0x857b06519E91e3A54538791bDbb0E22373e36b66";
    out.pay_to = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
    out.amount = U256(10'000);
    out.value = U256(10'000'000'000'000'000);
    out.task = "weather report";
    out.reason = "needed for the morning mail";
    return out;
}

/// Of the whole process.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Bench {
    SystemClock clock;
    SystemRandom random;
    Metrics metrics;
    Loop loop;
    std::uint64_t done = 0;

    [[nodiscard]] double since(SteadyTime began) const {
        return std::chrono::duration<double>(clock.steady_now() - began).count();
    }
    /// As a wallet does: what others wrote since the last look is read first.
    Task<> decide(ledger::Ledger& ledger, std::shared_ptr<ledger::Head> seen, SteadyTime until) {
        auto work = [seen](ledger::Transaction& transaction) -> Result<ledger::Entry> {
            FARTHING_TRY(const auto good, transaction.continues(*seen));
            invariant(good, "nothing is undone");
            FARTHING_CHECK(
                transaction.since(seen->seq, [&](const ledger::Entry& entry) -> Result<> {
                    *seen = head_at(entry);
                    return {};
                }));
            FARTHING_TRY(auto entry, transaction.append(decision()));
            *seen = head_at(entry);
            return entry;
        };
        while (clock.steady_now() < until) {
            auto entry = co_await ledger.transact(work);
            invariant(entry.has_value(), "it is written");
            ++done;
        }
    }
};

Task<> join(TaskGroup& tasks) { co_await tasks.join(); }

Result<> measure(const Options& options) {
    Bench bench;
    const auto log = make_stderr_log(Level::error);
    FARTHING_TRY(const auto ledger,
                 ledger::Ledger::open({bench.clock, bench.random, *log, bench.metrics}, bench.loop,
                                      options.folder));
    if (options.rows > 0) {
        FARTHING_CHECK(ledger->transact_now([&](ledger::Transaction& transaction) -> Result<> {
            for (std::uint64_t i = 0; i < options.rows; ++i) {
                FARTHING_CHECK(transaction.append(decision()));
            }
            return {};
        }));
    }
    const auto seen = std::make_shared<ledger::Head>();
    FARTHING_TRY(*seen, ledger->transact_now([](auto& transaction) { return transaction.last(); }));
    const auto cpu = cpu_seconds();
    const auto began = bench.clock.steady_now();
    {
        TaskGroup callers(bench.loop);
        for (std::uint64_t i = 0; i < options.at_once; ++i) {
            callers.spawn(
                bench.decide(*ledger, seen, began + std::chrono::seconds(options.seconds)));
        }
        run_blocking(bench.loop, join(callers));
    }
    const auto seconds = bench.since(began);
    const auto each_us = (cpu_seconds() - cpu) * 1e6 / static_cast<double>(bench.done);
    const auto verify_began = bench.clock.steady_now();
    FARTHING_TRY(const auto head,
                 ledger->transact_now([](auto& transaction) { return transaction.verify(); }));
    std::printf(
        "{\"rows\":%llu,\"at_once\":%llu,\"per_second\":%.0f,\"cpu_us\":%.1f,\"verify_per_second\":"
        "%.0f}\n",
        static_cast<unsigned long long>(options.rows),
        static_cast<unsigned long long>(options.at_once), static_cast<double>(bench.done) / seconds,
        each_us, static_cast<double>(head.seq) / bench.since(verify_began));
    return {};
}

}  // namespace
}  // namespace farthing::bench

int main(int argc, char** argv) {
    farthing::bench::Options options;
    CLI::App app("What a ledger does in a second.");
    app.add_option("FOLDER", options.folder, "where a new ledger.db is made")->required();
    app.add_option("--rows", options.rows, "entries that are there before");
    app.add_option("--at-once", options.at_once, "callers that wait at any time");
    app.add_option("--seconds", options.seconds, "for so long");
    CLI11_PARSE(app, argc, argv);
    const auto done = farthing::bench::measure(options);
    if (done) return 0;
    std::fprintf(stderr, "%s\n", farthing::to_string(done.error()).c_str());
    return farthing::exit_code(done.error());
}
