// SPDX-License-Identifier: Apache-2.0
// What a store does: payments that are begun, broadcast, ended and told, so many at once, each of
// the four writes durable before the next; intents that are only begun; and how long the questions
// of a start take. Before that, so many payments that have ended long ago are put into it. As JSON.
#include <fmt/format.h>
#include <soci/soci.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "farthing/base/hex.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/store/engine.hpp"
#include "farthing/store/sql_intents.hpp"
#include "farthing/store/upkeep.hpp"

namespace farthing::bench {
namespace {

struct Options {
    std::string store;
    std::uint64_t rows = 0;
    std::uint64_t open = 0;
    std::uint64_t body = 1'200;
    std::uint64_t at_once = 64;
    std::uint64_t seconds = 5;
    bool compact = false;
};

const Network kNetwork = evm_network(84532);
constexpr const char* kToken = "0x036cbd53842c5426634e7929541ec2318f3dcf7e";
/// When the payments that are there at first ended, the first of them.
constexpr std::uint64_t kLongAgo = 1'700'000'000;
constexpr std::uint64_t kPaymentsPerTransaction = 10;

/// Payments of 1,000 payers, settled and told, ten to a transaction; the last `open` of them are
/// open and a dead node's. Their nonces are scattered as real ones are, and put in in the order of
/// the key, which is quick.
class Past {
  public:
    Past(bool is_postgres, const Options& options) : postgres_(is_postgres), options_(options) {}

    void fill(soci::session& session) const {
        session << "DROP INDEX carried_hash";
        session << fmt::format(
            "INSERT INTO intents (network, token, payer, nonce, print, payment, state, owner, "
            "told, txn, reason, detail, begun_at, ended_at) SELECT '{}', '{}', payer, nonce, "
            "nonce, '{}', CASE WHEN is_open = 1 THEN 'open' ELSE 'settled' END, 'before', 1 - "
            "is_open, CASE WHEN is_open = 1 THEN '' ELSE txn END, '', '', {} + i, {} + i FROM ({}) "
            "AS past ORDER BY payer, nonce",
            kNetwork.id, kToken, std::string(options_.body, 'x'), kLongAgo, kLongAgo, numbers());
        session << fmt::format(
            "INSERT INTO carried (network, token, payer, nonce, hash, place, position) SELECT "
            "'{}', '{}', payer, nonce, txn, 0, 0 FROM ({}) AS past ORDER BY payer, nonce",
            kNetwork.id, kToken, numbers());
        session << fmt::format(
            "INSERT INTO broadcasts (hash, signer, account_nonce, gas_limit, raw) SELECT DISTINCT "
            "txn, '{}', 1, 1000000, '{}' FROM ({}) AS past ORDER BY txn",
            kToken, "0x" + std::string(2'000, '0'), numbers());
        session << "CREATE INDEX carried_hash ON carried (hash)";
        session << "ANALYZE";
    }
    /// Of one payment that is there.
    [[nodiscard]] static scheme::PaymentKey key(std::uint64_t i) {
        const auto text = [](std::uint64_t number, std::size_t length) {
            auto out = fmt::format("0x{:08x}", scattered(number));
            return out.append(length - 8, '0');
        };
        return {kNetwork, *parse_address(kToken), *parse_address(text(i % 1'000, 40)),
                *bytes32_from_hex(text(i, 64))};
    }

  private:
    static std::uint64_t scattered(std::uint64_t i) { return i * 2'654'435'761 % (1ULL << 32U); }
    [[nodiscard]] std::string text(std::string_view number, int zeros) const {
        const auto scattered = fmt::format("({} * 2654435761 % 4294967296)", number);
        const auto hex = postgres_ ? fmt::format("lpad(to_hex({}), 8, '0')", scattered)
                                   : fmt::format("printf('%08x', {})", scattered);
        return fmt::format("'0x' || {} || '{:0{}}'", hex, 0, zeros);
    }
    [[nodiscard]] std::string numbers() const {
        const auto from =
            postgres_ ? fmt::format("generate_series(CAST(1 AS BIGINT), {}) AS n(i)", options_.rows)
                      : fmt::format(
                            "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
                            "n WHERE i < {}) SELECT i FROM n) AS n",
                            options_.rows);
        return fmt::format(
            "SELECT i, {} AS payer, {} AS nonce, {} AS txn, CASE WHEN i > {} THEN 1 ELSE 0 END AS "
            "is_open FROM {}",
            text("(i % 1000)", 32), text("i", 56),
            text(fmt::format("(i / {})", kPaymentsPerTransaction), 56),
            options_.rows - std::min(options_.rows, options_.open), from);
    }

    bool postgres_;
    const Options& options_;
};

/// Of this process, both kinds, in seconds.
double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// What so many at once did in the time.
struct Load {
    double per_second = 0;
    double cpu_us = 0;
    double p50_ms = 0;
    double p99_ms = 0;
};

Task<> join(TaskGroup& tasks) { co_await tasks.join(); }

class Bench {
  public:
    explicit Bench(const Options& options) : options_(options) {}

    Result<> measure();

  private:
    [[nodiscard]] double since(SteadyTime began) const {
        return std::chrono::duration<double>(clock_.steady_now() - began).count();
    }
    store::Intent intent() {
        store::Intent out;
        out.key = Past::key(0);
        out.key.nonce = random_.bytes32();
        out.print = random_.bytes32();
        out.payment = std::string(options_.body, 'x');
        out.begun_at = 1'800'000'000;
        return out;
    }
    static Task<> begin(store::IntentStore& intents, store::Intent mine) {
        auto begun = co_await intents.begin(std::move(mine));
        invariant(begun && !*begun, "a payment is begun");
    }
    Task<> pay(store::IntentStore& intents) {
        const auto mine = intent();
        co_await begin(intents, mine);
        const std::vector keys{mine.key};
        store::Broadcast broadcast;
        broadcast.hash = random_.bytes32();
        broadcast.raw = Bytes(450, 0x5a);
        auto sent = co_await intents.add_broadcast(keys, broadcast);
        invariant(sent.has_value(), "it is broadcast");
        store::Ending ending;
        ending.state = store::Intent::State::settled;
        ending.transaction = broadcast.hash;
        ending.at = mine.begun_at;
        auto ended = co_await intents.end(mine.key, std::move(ending));
        invariant(ended.has_value(), "it is ended");
        std::string nobody;
        auto told = co_await intents.tell(mine.key, std::move(nobody));
        invariant(told && *told, "it is told");
    }
    Task<> begin_new(store::IntentStore& intents) { co_await begin(intents, intent()); }
    /// Among those that are there from before.
    Task<> find_old(store::IntentStore& intents) {
        const auto number = 1 + random_.bytes32().data[0] * (options_.rows - 1) / 255;
        auto found = co_await intents.find(Past::key(number));
        invariant(found && *found && !(*found)->broadcasts.empty(), "an old payment is found");
    }
    using Kind = Task<> (Bench::*)(store::IntentStore&);
    Task<> repeat(store::IntentStore& intents, Kind kind, SteadyTime until) {
        while (clock_.steady_now() < until) {
            const auto began = clock_.steady_now();
            co_await (this->*kind)(intents);
            took_.push_back(since(began) * 1'000);
        }
    }
    Load load(store::IntentStore& intents, Kind kind, std::uint64_t at_once,
              std::chrono::milliseconds time) {
        loop_.restart();
        took_.clear();
        const auto began = clock_.steady_now();
        const auto cpu = cpu_seconds();
        TaskGroup tasks(loop_);
        for (std::uint64_t i = 0; i < at_once; ++i) {
            tasks.spawn(repeat(intents, kind, began + time));
        }
        run_blocking(loop_, join(tasks));
        std::ranges::sort(took_);
        const auto count = static_cast<double>(took_.size());
        return {count / since(began), (cpu_seconds() - cpu) * 1e6 / count, took_[took_.size() / 2],
                took_[took_.size() * 99 / 100]};
    }
    template <class T>
    double milliseconds(Task<Result<T>> task) {
        loop_.restart();
        const auto began = clock_.steady_now();
        const auto result = run_blocking(loop_, std::move(task));
        invariant(result.has_value(), "the store answers");
        return since(began) * 1'000;
    }

    const Options& options_;
    SystemClock clock_;
    SystemRandom random_;
    Metrics metrics_;
    Loop loop_;
    std::vector<double> took_;
};

std::string to_json(const char* name, const Load& load) {
    return fmt::format(
        R"("{}":{{"perSecond":{:.0f},"cpu_us":{:.1f},"p50_ms":{:.2f},"p99_ms":{:.2f}}})", name,
        load.per_second, load.cpu_us, load.p50_ms, load.p99_ms);
}

Result<> Bench::measure() {
    const auto log = make_stderr_log(Level::error);
    FARTHING_TRY(const auto database,
                 store::Database::open({clock_, random_, *log, metrics_}, loop_, options_.store));
    const auto filling = clock_.steady_now();
    if (options_.rows > 0) {
        FARTHING_CHECK(database->run_now([&](soci::session& session) -> Result<> {
            if (store::is_postgres(options_.store)) session << "SET LOCAL statement_timeout = 0";
            Past(store::is_postgres(options_.store), options_).fill(session);
            return {};
        }));
    }
    std::string out = fmt::format(R"({{"rows":{},"at_once":{},"fill_s":{:.1f})", options_.rows,
                                  options_.at_once, since(filling));
    store::SqlIntents intents(*database, "bench");
    out += fmt::format(R"(,"adopt_ms":{:.2f})", milliseconds(intents.adopt(kNetwork)));
    out += fmt::format(R"(,"unheard_ms":{:.2f})", milliseconds(intents.unheard(kNetwork)));
    const auto time = std::chrono::seconds(options_.seconds);
    out += "," + to_json("begun", load(intents, &Bench::begin_new, options_.at_once, time));
    out += "," + to_json("paid", load(intents, &Bench::pay, options_.at_once, time));
    if (options_.rows > 0) {
        out += "," + to_json("found", load(intents, &Bench::find_old, options_.at_once,
                                           std::chrono::seconds(1)));
    }
    if (options_.compact) {
        const auto began = clock_.steady_now();
        FARTHING_TRY(const auto count,
                     store::forget_ended(*database, kLongAgo + options_.rows + 1));
        out += fmt::format(R"(,"forgotten":{},"forget_s":{:.1f})", count, since(began));
        const auto shrinking = clock_.steady_now();
        FARTHING_CHECK(database->shrink());
        out += fmt::format(R"(,"shrink_s":{:.1f})", since(shrinking));
    }
    std::printf("%s}\n", out.c_str());
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
    app.add_option("--open", options.open, "and how many of them have not, a dead node's");
    app.add_option("--body", options.body, "bytes of a payment as it is kept");
    app.add_option("--at-once", options.at_once, "under way at any time");
    app.add_option("--seconds", options.seconds, "for so long");
    app.add_flag("--compact", options.compact, "at last remove what had ended before");
    CLI11_PARSE(app, argc, argv);
    const auto done = farthing::bench::Bench(options).measure();
    if (done) return 0;
    std::fprintf(stderr, "%s\n", farthing::to_string(done.error()).c_str());
    return farthing::exit_code(done.error());
}
