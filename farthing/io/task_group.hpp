// SPDX-License-Identifier: Apache-2.0
// TaskGroup, deadlines and run_blocking: the only ways a task is started without being awaited on
// the spot. Every child has a parent that waits for it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "farthing/base/result.hpp"
#include "farthing/io/task.hpp"

namespace farthing {

/// A changing number of children on one loop. Await `join` before the group ends.
class TaskGroup {
  public:
    explicit TaskGroup(Loop& loop);
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup();

    /// Starts `child` on the loop.
    void spawn(Task<> child);
    /// Asks every child to end: what it awaits next ends with operation_aborted.
    void cancel();
    /// Ends when every child has ended. Throws the first exception a child ended with, other than
    /// the one of its own cancellation. Cancelled itself, it cancels the children and still waits
    /// for them.
    Task<> join();
    [[nodiscard]] std::size_t size() const;

    struct State;

  private:
    std::shared_ptr<State> state_;
};

namespace detail {

/// Runs `child`; cancels it after `limit` and waits for its end. Its exception is thrown here,
/// unless it is the end of that cancellation.
Task<> run_within(Task<> child, std::chrono::milliseconds limit);

template <class T>
Task<> keep(Task<T> task, std::optional<T>& out) {
    out.emplace(co_await std::move(task));
}

void run_to_end(Loop& loop, Task<> task);

}  // namespace detail

/// The task's value, or nothing when it had to be cancelled because `limit` had passed. A task that
/// ends with a value although it was cancelled gives that value: what happened is never hidden.
template <class T>
Task<std::optional<T>> finish_within(Task<T> task, std::chrono::milliseconds limit) {
    std::optional<T> out;
    auto child = detail::keep(std::move(task), out);
    co_await detail::run_within(std::move(child), limit);
    co_return out;
}

/// The same as a Result. Errors: those of the task, timed_out.
template <class T>
Task<Result<T>> with_deadline(Task<Result<T>> task, std::chrono::milliseconds limit) {
    auto out = co_await finish_within(std::move(task), limit);
    if (out) co_return *std::move(out);
    auto late = fail(Errc::timed_out, "after " + std::to_string(limit.count()) + " ms");
    co_return late;
}

/// Runs the loop until the task has ended: for command lines and tests. Other tasks of the loop go
/// on as long as that takes. Throws what the task throws.
template <class T>
T run_blocking(Loop& loop, Task<T> task) {
    if constexpr (std::is_void_v<T>) {
        detail::run_to_end(loop, std::move(task));
    } else {
        std::optional<T> out;
        detail::run_to_end(loop, detail::keep(std::move(task), out));
        return *std::move(out);
    }
}

}  // namespace farthing
