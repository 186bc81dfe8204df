// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/database.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "farthing/base/printable.hpp"
#include "farthing/store/engine.hpp"
#include "farthing/store/migrations.hpp"

namespace farthing::store {
namespace {

constexpr std::size_t kJobsPerTransaction = 512;
/// Of a group that gets into the way of others; after that each of its jobs is alone.
constexpr int kTries = 7;
/// Before the second try, and twice as long before each further one: the others shall get through.
constexpr std::chrono::milliseconds kYield{5};
constexpr std::chrono::milliseconds kPauseMin{100};
constexpr std::chrono::milliseconds kPauseMax{5'000};
constexpr std::size_t kReasonMax = 500;

/// Undone unless it is committed.
class Transaction {
  public:
    explicit Transaction(Engine& engine) : session_(engine.session) { engine.begin(); }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction() {
        if (committed_) return;
        try {
            session_.rollback();
        } catch (const std::exception&) {  // NOLINT: the database has undone it already
        }
    }
    void commit() {
        session_.commit();
        committed_ = true;
    }

  private:
    soci::session& session_;
    bool committed_ = false;
};

}  // namespace

Error io_error(const std::exception& error, std::string_view what) {
    const auto* known = dynamic_cast<const soci::soci_error*>(&error);
    std::string text = known == nullptr ? error.what() : known->get_error_message();
    while (!text.empty() && (text.back() == '\n' || text.back() == '.')) text.pop_back();
    for (char& c : text) {
        if (c == '\n' || c == '\t') c = ' ';
    }
    return {Errc::io_failed, fmt::format("{}: {}", what, legible(text, kReasonMax))};
}

struct Database::Job {
    Job(Loop& loop, std::vector<Step> its_steps, Work its)
        : steps(std::move(its_steps)), work(std::move(its)), ended(loop) {}
    std::vector<Step> steps;
    Work work;
    bool enough = false;  ///< the steps were
    Result<> result;
    bool done = false;
    Signal ended;
};

Result<std::unique_ptr<Database>> Database::open(Env env, Loop& loop, const std::string& where,
                                                 Access access) {
    std::unique_ptr<Engine> engine;
    if (is_postgres(where)) {
        FARTHING_TRY(engine, postgres_engine(where));
    } else {
        // The file is ours: whoever had it before is gone, however long its leases.
        SqliteFile file{where, migrations(), "store", false, "DELETE FROM leases"};
        engine = sqlite_engine(env, std::move(file));
    }
    return open(env, loop, std::move(engine), access);
}

Result<std::unique_ptr<Database>> Database::open(Env env, Loop& loop,
                                                 std::unique_ptr<Engine> engine, Access access) {
    FARTHING_CHECK(engine->open(access));
    return std::unique_ptr<Database>(new Database(env, loop, std::move(engine)));
}

Database::Database(Env env, Loop& loop, std::unique_ptr<Engine> engine)
    : env_(env), loop_(loop), engine_(std::move(engine)), thread_([this] { serve(); }) {}

Database::~Database() { stop(); }

void Database::stop() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

std::string Database::now() const { return engine_->now(); }

std::string Database::row_lock() const { return engine_->row_lock(); }

Task<Result<>> Database::run(Work work) {
    const auto job = std::make_shared<Job>(loop_, std::vector<Step>(), std::move(work));
    co_await finish(job);
    co_return job->result;
}

Task<Result<bool>> Database::run(std::vector<Step> steps, Work work) {
    const auto job = std::make_shared<Job>(loop_, std::move(steps), std::move(work));
    co_await finish(job);
    if (!job->result) co_return fail(job->result.error());
    co_return job->enough;
}

Task<> Database::finish(std::shared_ptr<Job> job) {
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(job);
    }
    changed_.notify_one();
    while (!job->done) co_await job->ended.wait();
}

/// Until told to stop; what was given before that is still done.
void Database::serve() {
    while (auto jobs = take()) {
        if (lost_ && socket_time() >= next_try_) reconnect();
        if (jobs->empty()) continue;
        if (lost_) {
            for (const auto& job : *jobs) job->result = fail(*lost_);
        } else {
            work_off(*jobs);
        }
        asio::post(loop_, [jobs = *std::move(jobs)] {
            for (const auto& job : jobs) {
                job->done = true;
                job->ended.notify();
            }
        });
    }
}

/// The next group; an empty one when it is time to connect again.
std::optional<Database::Jobs> Database::take() {
    Jobs jobs;
    std::unique_lock lock(mutex_);
    const auto wanted = [this] { return stopping_ || !waiting_.empty(); };
    if (lost_) {
        changed_.wait_until(lock, next_try_, wanted);
    } else {
        changed_.wait(lock, wanted);
    }
    if (stopping_ && waiting_.empty()) return std::nullopt;
    while (!waiting_.empty() && jobs.size() < kJobsPerTransaction) {
        jobs.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
    }
    return jobs;
}

void Database::reconnect() {
    if (auto done = engine_->reopen(); !done) {
        lost_ = std::move(done).error();
        next_try_ = socket_time() + pause_;
        pause_ = std::min(2 * pause_, kPauseMax);
        return;
    }
    lost_.reset();
    env_.log.info("store_back", {});
}

void Database::work_off(Jobs& jobs) {
    std::optional<Fault> fault;
    bool careful = false;
    for (int i = 0; i < kTries; ++i) {
        fault = transact(jobs, careful);
        if (!fault) return;
        const bool failed = fault->kind == Fault::Kind::failed;
        if (fault->kind == Fault::Kind::lost || (failed && careful)) break;
        careful = careful || failed;
        if (failed) continue;
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, kYield * (1 << i), [this] { return stopping_; });
    }
    if (fault->kind == Fault::Kind::again && jobs.size() > 1) {
        for (const auto& job : jobs) {
            Jobs alone{job};
            work_off(alone);
        }
        return;
    }
    env_.log.error("store_failed", {{"reason", fault->error.detail}, {"writes", jobs.size()}});
    for (const auto& job : jobs) job->result = fail(fault->error);
    if (fault->kind == Fault::Kind::lost && !lost_) {
        lost_ = Error{Errc::io_failed, fault->error.detail};
        pause_ = kPauseMin;
        next_try_ = socket_time();
    }
}

/// In the order of their values, which begin with the key: two nodes that write the same rows at
/// once shall not wait for each other in a circle.
void Database::take_steps(std::span<const std::shared_ptr<Job>> jobs) {
    std::vector<std::pair<const Step*, Job*>> order;
    for (const auto& job : jobs) {
        job->enough = !job->steps.empty();
        for (const auto& step : job->steps) order.emplace_back(&step, job.get());
    }
    if (order.empty()) return;
    std::ranges::sort(order, {}, [](const auto& each) -> const std::vector<std::string>& {
        return each.first->values;
    });
    std::vector<const Step*> steps;
    steps.reserve(order.size());
    for (const auto& each : order) steps.push_back(each.first);
    const auto rows = engine_->run(steps);
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (steps[i]->tells && !rows[i]) order[i].second->enough = false;
    }
}

/// One transaction. All is well most of the time: only when it is not, it is run again carefully,
/// so that a job that fails is undone alone.
std::optional<Fault> Database::transact(Jobs& jobs, bool careful) {
    auto& session = engine_->session;
    const Engine::Guard guard(*engine_);
    bool committing = false;
    try {
        Transaction transaction(*engine_);
        if (!careful) take_steps(jobs);
        for (const auto& job : jobs) {
            if (careful) session << "SAVEPOINT job";
            try {
                if (careful) take_steps({&job, 1});
                job->result = job->enough ? Result<>() : job->work(session);
            } catch (const std::exception& error) {
                auto fault = engine_->fault_of(error);
                if (!careful || fault.kind != Fault::Kind::failed) return fault;
                job->result = fail(std::move(fault.error));
            }
            if (!careful && !job->result) {
                if (jobs.size() == 1) return std::nullopt;
                return Fault{Fault::Kind::failed, job->result.error()};
            }
            if (!job->result) session << "ROLLBACK TO SAVEPOINT job";
            if (careful) session << "RELEASE SAVEPOINT job";
        }
        committing = true;
        transaction.commit();
        return std::nullopt;
    } catch (const std::exception& error) {
        auto fault = engine_->fault_of(error);
        const bool is_unknown = committing && fault.kind == Fault::Kind::lost;
        if (is_unknown) fault.error.code = Errc::write_unknown;
        return fault;
    }
}

Result<> Database::bare(const std::function<Result<>()>& work) {
    try {
        engine_->take_time();
        return work();
    } catch (const std::exception& error) {
        return fail(engine_->fault_of(error).error);
    }
}

Result<> Database::run_now(const Work& work) {
    return bare([&]() -> Result<> {
        Transaction transaction(*engine_);
        FARTHING_CHECK(work(engine_->session));
        transaction.commit();
        return {};
    });
}

Result<> Database::check() {
    return bare([this] { return engine_->check(); });
}

Result<> Database::shrink() {
    return bare([this]() -> Result<> {
        engine_->shrink();
        return {};
    });
}

}  // namespace farthing::store
