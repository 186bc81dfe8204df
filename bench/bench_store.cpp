// SPDX-License-Identifier: Apache-2.0
// What a store does: payments that are begun, broadcast, ended and told, so many at once, each of
// the four writes durable before the next; intents that are only begun; and how long the questions
// of a start take. Before that, so many payments that have ended long ago are put into it. As JSON.
#include <fmt/format.h>
#include <soci/soci.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "farthing/io/task_group.hpp"
#include "farthing/store/sql_intents.hpp"

namespace farthing::bench {
namespace {

struct Options {
    std::string store;
    std::uint64_t rows = 0;
    std::uint64_t at_once = 64;
    std::uint64_t seconds = 5;
};

const Network kNetwork = evm_network(84532);

/// Settled and told, in one statement.
Result<> fill(store::Database& database, std::uint64_t rows) {
    return database.run_now([rows](soci::session& session) -> Result<> {
        session << fmt::format(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
            "INSERT INTO intents (network, token, payer, nonce, print, payment, state, owner, "
            "told, "
            "txn, reason, detail, begun_at, ended_at) SELECT 'eip155:84532', "
            "'0x{:040}', '0x{:040}', '0x{:045}' || CAST(1000000000000000000 + i AS TEXT), "
            "'0x{:064}', '{}', 'settled', 'before', 1, '0x{:064}', '', '', 1700000000 + i, "
            "1700000000 + i FROM n",
            rows, 0, 0, 0, 0, std::string(1'200, 'x'), 0);
        return {};
    });
}

struct Bench {
    SystemClock clock;
    SystemRandom random;
    Metrics metrics;
    Loop loop;
    std::uint64_t done = 0;

    [[nodiscard]] double since(SteadyTime began) const {
        return std::chrono::duration<double>(clock.steady_now() - began).count();
    }
    store::Intent intent() {
        store::Intent out;
        out.key = {kNetwork, {}, {}, random.bytes32()};
        out.print = random.bytes32();
        out.payment = std::string(1'200, 'x');
        out.begun_at = 1'800'000'000;
        return out;
    }
    Task<> pay(store::IntentStore& intents, SteadyTime until) {
        while (clock.steady_now() < until) {
            const auto mine = intent();
            auto begun = co_await intents.begin(mine);
            invariant(begun && !*begun, "a payment is begun");
            const std::vector keys{mine.key};
            store::Broadcast broadcast;
            broadcast.hash = random.bytes32();
            broadcast.raw = Bytes(450, 0x5a);
            auto sent = co_await intents.add_broadcast(keys, broadcast);
            invariant(sent.has_value(), "it is broadcast");
            store::Ending ending;
            ending.state = store::Intent::State::settled;
            ending.transaction = broadcast.hash;
            auto ended = co_await intents.end(mine.key, std::move(ending));
            invariant(ended.has_value(), "it is ended");
            std::string nobody;
            auto told = co_await intents.tell(mine.key, std::move(nobody));
            invariant(told && *told, "it is told");
            ++done;
        }
    }
    template <class T>
    double milliseconds(Task<Result<T>> task) {
        loop.restart();
        const auto began = clock.steady_now();
        const auto result = run_blocking(loop, std::move(task));
        invariant(result.has_value(), "the store answers");
        return since(began) * 1'000;
    }
};

Task<> join(TaskGroup& tasks) { co_await tasks.join(); }

Result<> measure(const Options& options) {
    Bench bench;
    const auto log = make_stderr_log(Level::error);
    FARTHING_TRY(const auto database,
                 store::Database::open({bench.clock, bench.random, *log, bench.metrics}, bench.loop,
                                       options.store));
    if (options.rows > 0) FARTHING_CHECK(fill(*database, options.rows));
    store::SqlIntents intents(*database, "bench");
    const auto adopt = bench.milliseconds(intents.adopt(kNetwork));
    const auto unheard = bench.milliseconds(intents.unheard(kNetwork));
    const auto begin = bench.milliseconds(intents.begin(bench.intent()));
    bench.loop.restart();
    const auto began = bench.clock.steady_now();
    {
        TaskGroup payments(bench.loop);
        for (std::uint64_t i = 0; i < options.at_once; ++i) {
            payments.spawn(bench.pay(intents, began + std::chrono::seconds(options.seconds)));
        }
        run_blocking(bench.loop, join(payments));
    }
    std::printf(
        "{\"rows\":%llu,\"at_once\":%llu,\"per_second\":%.0f,\"adopt_ms\":%.2f,\"unheard_ms\":%.2f,"
        "\"begin_ms\":%.2f}\n",
        static_cast<unsigned long long>(options.rows),
        static_cast<unsigned long long>(options.at_once),
        static_cast<double>(bench.done) / bench.since(began), adopt, unheard, begin);
    return {};
}

}  // namespace
}  // namespace farthing::bench

int main(int argc, char** argv) {
    farthing::bench::Options options;
    CLI::App app("What a store does in a second.");
    app.add_option("STORE", options.store, "a new SQLite file, or postgresql://… (empty)")
        ->required();
    app.add_option("--rows", options.rows, "payments that have ended before");
    app.add_option("--at-once", options.at_once, "payments under way at any time");
    app.add_option("--seconds", options.seconds, "for so long");
    CLI11_PARSE(app, argc, argv);
    const auto done = farthing::bench::measure(options);
    if (done) return 0;
    std::fprintf(stderr, "%s\n", farthing::to_string(done.error()).c_str());
    return farthing::exit_code(done.error());
}
