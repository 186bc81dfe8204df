// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/database.hpp"

#include <fmt/format.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <boost/asio/post.hpp>
#include <filesystem>

#include "farthing/store/file_lock.hpp"
#include "farthing/store/migrations.hpp"

namespace farthing::store {
namespace {

constexpr std::size_t kJobsPerTransaction = 512;

/// Statements of a migration; lines that begin with -- are comments.
std::vector<std::string> statements_of(std::string_view sql) {
    std::vector<std::string> out;
    std::string current;
    while (!sql.empty()) {
        const auto end = sql.find('\n');
        const auto line = sql.substr(0, end);
        sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 1);
        if (line.starts_with("--")) continue;
        current.append(line).push_back('\n');
        if (line.ends_with(';')) out.push_back(std::exchange(current, {}));
    }
    return out;
}

int read_version(soci::session& session) {
    session << "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)";
    int rows = 0;
    session << "SELECT COUNT(*) FROM schema_version", soci::into(rows);
    if (rows == 0) session << "INSERT INTO schema_version (version) VALUES (0)";
    int version = 0;
    session << "SELECT version FROM schema_version", soci::into(version);
    return version;
}

Result<> migrate(soci::session& session) {
    soci::transaction transaction(session);
    const int found = read_version(session);
    const int known = schema_version();
    if (found > known) {
        return fail(Errc::invalid_config,
                    fmt::format("the store has version {}, this program knows {}: use the program "
                                "that made it, or a newer one",
                                found, known));
    }
    for (int version = found; version < known; ++version) {
        for (const auto& statement : statements_of(migrations()[static_cast<std::size_t>(version)]))
            session << statement;
    }
    if (found < known) session << "UPDATE schema_version SET version = :v", soci::use(known);
    transaction.commit();
    return {};
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out + "\"";
}

Error io_error(const char* what) {
    std::string text = what;
    while (!text.empty() && (text.back() == '\n' || text.back() == '.')) text.pop_back();
    return {Errc::io_failed, "store: " + text};
}

}  // namespace

int schema_version() { return static_cast<int>(migrations().size()); }

struct Database::Connection {
    FileLock lock;
    soci::session session;
};

struct Database::Job {
    Job(Loop& loop, Work its) : work(std::move(its)), ended(loop) {}
    Work work;
    Result<> result;
    bool done = false;
    Signal ended;
};

Result<std::unique_ptr<Database>> Database::open(Env env, Loop& loop, const std::string& path,
                                                 Access access) {
    auto connection = std::make_unique<Connection>();
    auto& session = connection->session;
    if (access == Access::serve) {
        FARTHING_CHECK(connection->lock.take(path + ".lock"));
    } else if (!std::filesystem::is_regular_file(path)) {
        return fail(Errc::invalid_argument, path + ": no such file");
    }
    try {
        session.open(soci::sqlite3, "timeout=10 db=" + quoted(path));
        // A commit is on the disk when it returns, also when the machine loses its power.
        session << "PRAGMA journal_mode = WAL";
        session << "PRAGMA synchronous = FULL";
        if (access == Access::serve) {
            FARTHING_CHECK(migrate(session));
            // The file is ours: whoever had it before is gone, however long its leases.
            session << "DELETE FROM leases";
        } else if (const int found = read_version(session); found != schema_version()) {
            return fail(Errc::invalid_config,
                        fmt::format("{}: the store has version {}, this program reads {}", path,
                                    found, schema_version()));
        }
    } catch (const std::exception& error) {
        auto failure = io_error(error.what());
        failure.detail = path + ": " + failure.detail;
        return fail(std::move(failure));
    }
    return std::unique_ptr<Database>(new Database(env, loop, std::move(connection)));
}

Database::Database(Env env, Loop& loop, std::unique_ptr<Connection> connection)
    : env_(env), loop_(loop), connection_(std::move(connection)), thread_([this] { serve(); }) {}

/// Steady, for no lease outlives the process.
std::string Database::now() const {
    const auto now = env_.clock.steady_now().time_since_epoch();
    return fmt::format("{}", std::chrono::floor<std::chrono::milliseconds>(now).count());
}

Database::~Database() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

Task<Result<>> Database::run(Work work) {
    const auto job = std::make_shared<Job>(loop_, std::move(work));
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(job);
    }
    changed_.notify_one();
    while (!job->done) co_await job->ended.wait();
    co_return job->result;
}

/// Until told to stop; what was given before that is still done.
void Database::serve() {
    for (;;) {
        std::deque<std::shared_ptr<Job>> jobs;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            while (!waiting_.empty() && jobs.size() < kJobsPerTransaction) {
                jobs.push_back(std::move(waiting_.front()));
                waiting_.pop_front();
            }
        }
        work_off(jobs);
        asio::post(loop_, [jobs = std::move(jobs)] {
            for (const auto& job : jobs) {
                job->done = true;
                job->ended.notify();
            }
        });
    }
}

void Database::work_off(std::deque<std::shared_ptr<Job>>& jobs) {
    auto& session = connection_->session;
    try {
        soci::transaction transaction(session);
        for (const auto& job : jobs) {
            session << "SAVEPOINT job";
            try {
                job->result = job->work(session);
            } catch (const std::exception& error) {
                job->result = fail(io_error(error.what()));
            }
            if (!job->result) session << "ROLLBACK TO SAVEPOINT job";
            session << "RELEASE SAVEPOINT job";
        }
        transaction.commit();
    } catch (const std::exception& error) {
        const auto failure = io_error(error.what());
        env_.log.error("store_failed", {{"reason", failure.detail}, {"writes", jobs.size()}});
        for (const auto& job : jobs) job->result = fail(failure);
    }
}

Result<> Database::run_now(const Work& work) {
    try {
        soci::transaction transaction(connection_->session);
        FARTHING_CHECK(work(connection_->session));
        transaction.commit();
        return {};
    } catch (const std::exception& error) {
        return fail(io_error(error.what()));
    }
}

Result<> Database::run_bare(const Work& work) {
    try {
        return work(connection_->session);
    } catch (const std::exception& error) {
        return fail(io_error(error.what()));
    }
}

Result<> check_integrity(Database& database) {
    return database.run_bare([](soci::session& session) -> Result<> {
        std::string said;
        session << "PRAGMA integrity_check(1)", soci::into(said);
        if (said != "ok") return fail(Errc::io_failed, "store: " + said);
        return {};
    });
}

Result<> shrink(Database& database) {
    return database.run_bare([](soci::session& session) -> Result<> {
        session << "VACUUM";
        return {};
    });
}

}  // namespace farthing::store
