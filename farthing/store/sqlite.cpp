// SPDX-License-Identifier: Apache-2.0
// An SQLite file, which belongs to one process unless it is shared.
#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <filesystem>
#include <unordered_map>

#include "farthing/store/engine.hpp"
#include "farthing/store/file_lock.hpp"
#include "farthing/store/schema.hpp"

namespace farthing::store {
namespace {

/// What the log beside the file holds when nobody reads for long, and more.
constexpr int kLogMax = 16 << 20;

constexpr int kWalTries = 500;
constexpr int kWalPauseMs = 10;

std::string in_quotes(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out + "\"";
}

using Handle = sqlite_api::sqlite3*;

/// A statement that is kept, to be run many times.
class Prepared {
  public:
    Prepared(Handle database, const std::string& sql) : database_(database) {
        using namespace sqlite_api;
        check(sqlite3_prepare_v3(database, sql.c_str(), static_cast<int>(sql.size()) + 1,
                                 SQLITE_PREPARE_PERSISTENT, &statement_, nullptr));
    }
    ~Prepared() { sqlite_api::sqlite3_finalize(statement_); }
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;

    /// To its end. True when it gave a row.
    bool run(const std::vector<std::string>& values) {
        using namespace sqlite_api;
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto name = ":" + std::to_string(i + 1);
            check(sqlite3_bind_text(statement_,
                                    sqlite3_bind_parameter_index(statement_, name.c_str()),
                                    values[i].data(), static_cast<int>(values[i].size()), nullptr));
        }
        bool row = false;
        int code = SQLITE_ROW;
        while ((code = sqlite3_step(statement_)) == SQLITE_ROW) row = true;
        sqlite3_reset(statement_);
        sqlite3_clear_bindings(statement_);
        if (code != SQLITE_DONE) check(code);
        return row;
    }

  private:
    void check(int code) const {
        if (code != SQLITE_OK) throw soci::soci_error(sqlite_api::sqlite3_errmsg(database_));
    }
    Handle database_;
    sqlite_api::sqlite3_stmt* statement_ = nullptr;
};

class Sqlite final : public Engine {
  public:
    Sqlite(Env env, SqliteFile file) : env_(env), file_(std::move(file)) {}

    Result<> open(Access access) override {
        shares_ = file_.shared && access == Access::serve;
        if (access == Access::read && !std::filesystem::is_regular_file(file_.path)) {
            return fail(Errc::invalid_argument, file_.path + ": no such file");
        }
        if (access == Access::serve && !file_.shared) {
            FARTHING_CHECK(lock_.take(file_.path + ".lock"));
        }
        Result<> done;
        try {
            done = connect(access);
        } catch (const std::exception& error) {
            done = fail(io_error(error, file_.name));
        }
        if (!done) return fail(done.error().code, file_.path + ": " + done.error().detail);
        return {};
    }
    /// A file is not lost while it is open.
    Result<> reopen() override { return {}; }
    /// Who first reads and then finds that it may not write has decided on what is no longer so.
    void begin() override {
        if (shares_) {
            session << "BEGIN IMMEDIATE";
        } else {
            session.begin();
        }
    }
    Fault fault_of(const std::exception& error) override {
        return {Fault::Kind::failed, io_error(error, file_.name)};
    }
    std::vector<bool> run(std::span<const Step* const> steps) override {
        std::vector<bool> rows;
        rows.reserve(steps.size());
        for (const auto* step : steps) {
            auto& prepared = prepared_[step->sql];
            if (!prepared) prepared = std::make_unique<Prepared>(handle(), step->sql);
            rows.push_back(prepared->run(step->values));
        }
        return rows;
    }
    Result<> check() override {
        std::string said;
        session << "PRAGMA integrity_check(1)", soci::into(said);
        if (said != "ok") return fail(Errc::io_failed, fmt::format("{}: {}", file_.name, said));
        return {};
    }
    void take_time() override {}
    void shrink() override { session << "VACUUM"; }
    /// Steady, for no lease outlives the process.
    std::string now() const override {
        const auto now = env_.clock.steady_now().time_since_epoch();
        return fmt::format("{}", std::chrono::floor<std::chrono::milliseconds>(now).count());
    }
    std::string row_lock() const override { return {}; }

  private:
    Result<> connect(Access access) {
        const bool fresh = !std::filesystem::exists(file_.path);
        session.open(soci::sqlite3, "timeout=10 db=" + in_quotes(file_.path));
        if (fresh && file_.shared) {
            // Nobody else's business; what SQLite makes beside it gets the same mode.
            using enum std::filesystem::perms;
            std::filesystem::permissions(file_.path, owner_read | owner_write);
        }
        // A commit is on the disk when it returns, also when the machine loses its power.
        use_wal();
        session << "PRAGMA synchronous = FULL";
        // Whoever reads for long keeps the log from being used again from its beginning; it is cut
        // once it is.
        session << fmt::format("PRAGMA journal_size_limit = {}", kLogMax);
        if (access == Access::read) {
            return check_version(session, file_.migrations, file_.name);
        }
        begin();
        auto done = migrate(session, file_.migrations, file_.name);
        if (done && !file_.at_start.empty()) session << std::string(file_.at_start);
        if (done) {
            session.commit();
        } else {
            session.rollback();
        }
        return done;
    }

    /// Two that make a file at once get into each other's way here, and SQLite does not wait.
    void use_wal() {
        for (int tries = 1;; ++tries) {
            try {
                session << "PRAGMA journal_mode = WAL";
                return;
            } catch (const soci::sqlite3_soci_error& error) {
                const int why = error.result();
                const bool is_busy = why == SQLITE_BUSY || why == SQLITE_LOCKED;
                if (!is_busy || !file_.shared || tries >= kWalTries) throw;
            }
            sqlite_api::sqlite3_sleep(kWalPauseMs);
        }
    }

    Handle handle() {
        return static_cast<soci::sqlite3_session_backend*>(session.get_backend())->conn_;
    }

    Env env_;
    SqliteFile file_;
    bool shares_ = false;
    FileLock lock_;
    std::unordered_map<std::string, std::unique_ptr<Prepared>> prepared_;
};

}  // namespace

std::unique_ptr<Engine> sqlite_engine(Env env, SqliteFile file) {
    return std::make_unique<Sqlite>(env, std::move(file));
}

}  // namespace farthing::store
