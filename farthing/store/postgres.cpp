// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL database, which several nodes share.
#include <fmt/format.h>
#include <soci/postgresql/soci-postgresql.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "farthing/store/engine.hpp"
#include "farthing/store/migrations.hpp"
#include "farthing/store/schema.hpp"

namespace farthing::store {
namespace {

/// The server's own limit on a statement.
constexpr std::chrono::seconds kStatementTimeout{10};
/// Any number, the same in every version of this program.
constexpr long long kMigrationLock = 0x6661727468696e67;

/// Where the address says nothing else.
constexpr std::array<std::pair<const char*, const char*>, 7> kDefaults{{
    {"connect_timeout", "5"},
    {"application_name", "farthing"},
    {"target_session_attrs", "read-write"},
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "20000"},
}};

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        out += plain ? std::string(1, c)
                     : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    return out;
}

/// Ends the connection of a server that does not answer: only then does the library's call return.
class Watchdog {
  public:
    explicit Watchdog(std::chrono::milliseconds patience)
        : patience_(patience), thread_([this] { watch(); }) {}
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    ~Watchdog() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

    void begin(int socket) {
        {
            const std::lock_guard lock(mutex_);
            socket_ = socket;
            ++turn_;
        }
        changed_.notify_one();
    }
    /// From now on the descriptor may be another file's.
    void end() {
        const std::lock_guard lock(mutex_);
        socket_ = -1;
    }

  private:
    void watch() {
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            changed_.wait(lock, [this] { return stopping_ || socket_ >= 0; });
            const auto turn = turn_;
            const bool ended =
                changed_.wait_for(lock, patience_, [&] { return stopping_ || turn_ != turn; });
            if (!ended && socket_ >= 0) ::shutdown(std::exchange(socket_, -1), SHUT_RDWR);
        }
    }

    std::chrono::milliseconds patience_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int socket_ = -1;
    std::uint64_t turn_ = 0;
    bool stopping_ = false;
    std::thread thread_;
};

class Postgres final : public Engine {
  public:
    Postgres(std::string address, std::string name, std::chrono::milliseconds patience)
        : address_(std::move(address)), name_(std::move(name)), watchdog_(patience) {}

    Result<> open(Access access) override {
        access_ = access;
        return connected([this] { return access_ == Access::serve ? migrate_alone() : look(); });
    }
    Result<> reopen() override {
        return connected([this] { return look(); });
    }
    Fault fault_of(const std::exception& error) override {
        if (is_lost()) return {Fault::Kind::lost, io_error(error)};
        const auto* known = dynamic_cast<const soci::postgresql_soci_error*>(&error);
        const auto state = known == nullptr ? std::string() : known->sqlstate();
        const bool again = state == "40001" || state == "40P01";
        return {again ? Fault::Kind::again : Fault::Kind::failed, io_error(error)};
    }
    /// In one exchange. While it is sent, the library takes in what the server answers.
    std::vector<bool> run(std::span<const Step* const> steps) override {
        auto* connection = backend()->conn_;
        std::vector<const char*> names;
        names.reserve(steps.size());
        for (const auto* step : steps) names.push_back(prepared(step->sql));
        check(PQenterPipelineMode(connection) == 1);
        for (std::size_t i = 0; i < steps.size(); ++i) {
            std::vector<const char*> values;
            values.reserve(steps[i]->values.size());
            for (const auto& value : steps[i]->values) values.push_back(value.c_str());
            check(PQsendQueryPrepared(connection, names[i], static_cast<int>(values.size()),
                                      values.data(), nullptr, nullptr, 0) == 1);
        }
        check(PQpipelineSync(connection) == 1);
        std::vector<bool> rows;
        rows.reserve(steps.size());
        std::optional<soci::postgresql_soci_error> error;
        for (std::size_t i = 0; i < steps.size(); ++i) {
            const auto answer = next_answer();
            const auto status = PQresultStatus(answer.get());
            if (status == PGRES_FATAL_ERROR && !error) error = error_of(answer.get());
            check(error || status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK);
            rows.push_back(PQntuples(answer.get()) > 0);
            check(next_answer() == nullptr);
        }
        check(PQresultStatus(next_answer().get()) == PGRES_PIPELINE_SYNC);
        check(PQexitPipelineMode(connection) == 1);
        if (error) throw std::move(*error);
        return rows;
    }
    /// The server keeps its own pages; what we put into them is read by who asks.
    Result<> check() override {
        session << "SELECT 1";
        return {};
    }
    void take_time() override {
        session << "SET statement_timeout = 0";
        session << "SET enable_seqscan = 'on'";
    }
    void shrink() override {
        for (const auto* table : {"intents", "broadcasts", "carried", "leases"})
            session << fmt::format("VACUUM (ANALYZE) {}", table);
    }
    std::string now() const override {
        return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
    }
    std::string row_lock() const override { return " FOR UPDATE"; }

  protected:
    void expect_answer(bool expected) override {
        if (expected && backend() != nullptr) {
            watchdog_.begin(PQsocket(backend()->conn_));
        } else {
            watchdog_.end();
        }
    }

  private:
    template <class Then>
    Result<> connected(Then then) {
        try {
            if (backend() != nullptr) session.close();
            prepared_.clear();
            in_order_ = true;
            session.open(soci::postgresql, address_);
            prepare();
            auto done = then();
            if (done) return {};
            session.close();
            return fail(done.error().code, name_ + ": " + done.error().detail);
        } catch (const std::exception& error) {
            return fail(Errc::io_failed, name_ + ": " + io_error(error).detail);
        }
    }

    /// Whatever the server, the database or the role have set.
    void prepare() {
        const Guard guard(*this);
        session << fmt::format("SET statement_timeout = '{}s'", kStatementTimeout.count());
        session << "SET lock_timeout = 0";
        session << "SET idle_in_transaction_session_timeout = '60s'";
        session << "SET client_min_messages = 'error'";
        session << "SET synchronous_commit = 'on'";
        // Whatever it thinks of the size of a table that grows. What has no index is few rows, and
        // looks so dear then that it would be compiled first.
        session << "SET enable_seqscan = 'off'";
        session << "SET jit = 'off'";
        session << fmt::format("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {}, {}",
                               access_ == Access::serve ? "READ COMMITTED" : "REPEATABLE READ",
                               access_ == Access::serve ? "READ WRITE" : "READ ONLY");
    }

    /// Of many nodes that start at once, one migrates and the others wait for it.
    Result<> migrate_alone() {
        soci::transaction transaction(session);
        session << "SET LOCAL statement_timeout = 0";
        session << fmt::format("SELECT pg_advisory_xact_lock({})", kMigrationLock);
        FARTHING_CHECK(migrate(session, migrations()));
        transaction.commit();
        return {};
    }

    Result<> look() {
        const Guard guard(*this);
        return check_version(session, migrations());
    }

    using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;
    Answer next_answer() { return {PQgetResult(backend()->conn_), PQclear}; }
    static soci::postgresql_soci_error error_of(const PGresult* answer) {
        const auto* state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
        return {PQresultErrorMessage(answer), state == nullptr ? "     " : state};
    }
    /// What must hold of a connection that is in order; one that is not is given up.
    void check(bool good) {
        if (good) return;
        const std::string why = PQerrorMessage(backend()->conn_);
        ::shutdown(PQsocket(backend()->conn_), SHUT_RDWR);
        in_order_ = false;
        throw soci::soci_error(why.empty() ? "the server's answer is out of order" : why);
    }
    /// The name that a statement has on this connection.
    const char* prepared(const std::string& sql) {
        const auto found = prepared_.find(sql);
        if (found != prepared_.end()) return found->second.c_str();
        std::string numbered = sql;
        std::ranges::replace(numbered, ':', '$');
        const auto name = fmt::format("step{}", prepared_.size());
        const Answer answer(PQprepare(backend()->conn_, name.c_str(), numbered.c_str(), 0, nullptr),
                            PQclear);
        if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK) throw error_of(answer.get());
        return prepared_.emplace(sql, name).first->second.c_str();
    }

    soci::postgresql_session_backend* backend() {
        return static_cast<soci::postgresql_session_backend*>(session.get_backend());
    }
    bool is_lost() {
        return backend() == nullptr || !in_order_ || PQstatus(backend()->conn_) != CONNECTION_OK;
    }

    std::string address_;
    std::string name_;
    Access access_ = Access::serve;
    bool in_order_ = true;
    std::unordered_map<std::string, std::string> prepared_;
    Watchdog watchdog_;
};

}  // namespace

bool is_postgres(std::string_view where) {
    return where.starts_with("postgresql://") || where.starts_with("postgres://");
}

Result<std::unique_ptr<Engine>> postgres_engine(std::string_view address,
                                                std::chrono::milliseconds patience) {
    // Never shown: it may hold what somebody took for the place of a password.
    char* why = nullptr;
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
        PQconninfoParse(std::string(address).c_str(), &why), PQconninfoFree);
    if (why != nullptr) PQfreemem(why);
    if (!options) {
        return fail(Errc::invalid_config,
                    "store: expected an address like postgresql://user@host/database");
    }
    // Rebuilt, because the library on the way cuts an address at white space.
    std::string rebuilt = "postgresql:///?";
    std::string host, database;
    const auto add = [&rebuilt](std::string_view key, std::string_view value) {
        if (!rebuilt.ends_with('?')) rebuilt += '&';
        rebuilt += fmt::format("{}={}", key, percent_encoded(value));
    };
    std::vector<std::string_view> given;
    for (const auto* each = options.get(); each->keyword != nullptr; ++each) {
        if (each->val == nullptr) continue;
        const std::string_view key = each->keyword;
        if (key == "password") {
            return fail(Errc::invalid_config,
                        "store: a password in an address is seen by whoever sees the address: put "
                        "it into a file that PGPASSFILE names, or into PGPASSWORD");
        }
        if (key == "host") host = each->val;
        if (key == "dbname") database = each->val;
        given.push_back(key);
        add(key, each->val);
    }
    for (const auto& [key, value] : kDefaults) {
        if (std::ranges::find(given, key) == given.end()) add(key, value);
    }
    return std::make_unique<Postgres>(std::move(rebuilt),
                                      fmt::format("postgresql {} {}", host, database), patience);
}

}  // namespace farthing::store
