// SPDX-License-Identifier: Apache-2.0
// Database: one connection on a thread of its own. What arrives while a transaction is being made
// durable goes together into the next one, so that many writers share one sync of the disk.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "farthing/io/env.hpp"
#include "farthing/io/signal.hpp"
#include "farthing/store/access.hpp"
#include "farthing/store/step.hpp"

namespace soci {
class session;
}

namespace farthing::store {

class Engine;
struct Fault;

/// Tasks of one loop.
class Database {
  public:
    /// `where` is an SQLite file, which then belongs to this process alone, or the address of a
    /// PostgreSQL database (postgresql://…), which many share. Errors: io_failed (cannot be opened,
    /// another process has it), invalid_config (made by a newer program, no good address).
    static Result<std::unique_ptr<Database>> open(Env env, Loop& loop, const std::string& where,
                                                  Access access = Access::serve);
    /// The same for an engine that is not open yet.
    static Result<std::unique_ptr<Database>> open(Env env, Loop& loop,
                                                  std::unique_ptr<Engine> engine, Access access);
    ~Database();
    /// What was given is still done, and nothing is taken any more.
    void stop();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    using Work = std::function<Result<>(soci::session&)>;
    /// Runs on the connection's thread within a transaction; its effects are durable when this
    /// returns. A work that fails, by its result or by an exception of the library, leaves nothing
    /// behind and does not touch its neighbours'. It may be run several times, of which the last
    /// counts. Once begun it is finished, even if the waiting task is cancelled. A connection that
    /// is lost is made anew; until then works fail, and of those under way it is not known whether
    /// they happened.
    Task<Result<>> run(Work work);
    /// The same in fewer exchanges with the database: `steps` go with those of the neighbours, and
    /// when each that tells gave a row, that was all. Otherwise `work` runs after them: it finds
    /// what they did, and does the whole. True when the steps were enough.
    Task<Result<bool>> run(std::vector<Step> steps, Work work);
    /// The same without a loop, for command lines.
    Result<> run_now(const Work& work);

    /// Whether it is whole. Without a loop, like those below. Errors: io_failed with what is not.
    Result<> check();
    /// Gives the space of what was removed back.
    Result<> shrink();

    /// SQL for the present in milliseconds, by the clock that leases go by.
    [[nodiscard]] std::string now() const;
    /// What follows a SELECT whose rows will be written.
    [[nodiscard]] std::string row_lock() const;

  private:
    struct Job;
    using Jobs = std::vector<std::shared_ptr<Job>>;
    Database(Env env, Loop& loop, std::unique_ptr<Engine> engine);
    void serve();
    std::optional<Jobs> take();
    void reconnect();
    Task<> finish(std::shared_ptr<Job> job);
    void work_off(Jobs& jobs);
    void take_steps(std::span<const std::shared_ptr<Job>> jobs);
    std::optional<Fault> transact(Jobs& jobs, bool careful);
    Result<> bare(const std::function<Result<>()>& work);

    Env env_;
    Loop& loop_;
    std::unique_ptr<Engine> engine_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::shared_ptr<Job>> waiting_;
    bool stopping_ = false;
    // Of the thread.
    std::optional<Error> lost_;
    std::chrono::milliseconds pause_{};
    SteadyTime next_try_;
    std::thread thread_;
};

}  // namespace farthing::store
