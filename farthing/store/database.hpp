// SPDX-License-Identifier: Apache-2.0
// Database: one SQLite file, one connection on a thread of its own. What arrives while a
// transaction is being made durable goes together into the next one, so that many writers share one
// sync of the disk.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "farthing/io/env.hpp"
#include "farthing/io/signal.hpp"

namespace soci {
class session;
}

namespace farthing::store {

/// Who may open what.
enum class Access : std::uint8_t {
    serve,  ///< migrated to our version; the file belongs to this process alone
    read,   ///< as it is, beside whoever serves from it
};

/// Tasks of one loop.
class Database {
  public:
    /// `path` is an SQLite file. Errors: io_failed (cannot be opened, another process has it),
    /// invalid_config (made by a newer program).
    static Result<std::unique_ptr<Database>> open(Env env, Loop& loop, const std::string& path,
                                                  Access access = Access::serve);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    using Work = std::function<Result<>(soci::session&)>;
    /// Runs on the connection's thread within a transaction; its effects are durable when this
    /// returns. A work that fails, by its result or by an exception of the library, leaves nothing
    /// behind and does not touch its neighbours'. Once begun it is finished, even if the waiting
    /// task is cancelled.
    Task<Result<>> run(Work work);
    /// The same without a loop, for command lines.
    Result<> run_now(const Work& work);
    /// Without a transaction around it.
    Result<> run_bare(const Work& work);

    /// SQL for the present in milliseconds, by the clock that leases go by.
    [[nodiscard]] std::string now() const;
    /// What follows a SELECT whose rows will be written.
    [[nodiscard]] std::string row_lock() const { return {}; }

  private:
    struct Job;
    struct Connection;
    Database(Env env, Loop& loop, std::unique_ptr<Connection> connection);
    void serve();
    void work_off(std::deque<std::shared_ptr<Job>>& jobs);

    Env env_;
    Loop& loop_;
    std::unique_ptr<Connection> connection_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::shared_ptr<Job>> waiting_;
    bool stopping_ = false;
    std::thread thread_;
};

/// Whether the file is whole. Errors: io_failed with what is not.
[[nodiscard]] Result<> check_integrity(Database& database);
/// Gives the space of what was removed back.
[[nodiscard]] Result<> shrink(Database& database);
/// The newest version this program knows.
[[nodiscard]] int schema_version();

}  // namespace farthing::store
