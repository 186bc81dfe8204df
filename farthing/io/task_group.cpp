// SPDX-License-Identifier: Apache-2.0
#include "farthing/io/task_group.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <list>

namespace farthing {
namespace {

constexpr auto kEnd = asio::cancellation_type::terminal;

bool is_cancellation(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& thrown) {
        return thrown.code() == asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

[[noreturn]] void throw_cancelled() {
    throw boost::system::system_error(asio::error::operation_aborted);
}

/// Waits for `timer` whatever it ends with: expiry, cancel() or cancellation of the task.
Task<> wait_any(Timer& timer) { co_await timer.async_wait(asio::as_tuple(use_task)); }

/// Starts `child`; `on_end(exception or null)` runs when it has ended. The state stays alive until
/// then.
template <class OnEnd>
void start(const Executor& executor, Task<> child, asio::cancellation_signal& signal,
           OnEnd on_end) {
    asio::co_spawn(executor, std::move(child),
                   asio::bind_cancellation_slot(signal.slot(), std::move(on_end)));
}

/// One child that somebody waits for on `wake`.
struct Child {
    explicit Child(const Executor& executor) : wake(executor) {}

    asio::cancellation_signal cancel;
    Timer wake;
    std::exception_ptr error;
    bool ended = false;
};

}  // namespace

struct TaskGroup::State {
    explicit State(Loop& on) : loop(on), changed(on, Timer::time_point::max()) {}

    Loop& loop;
    Timer changed;
    std::list<asio::cancellation_signal> children;
    std::exception_ptr error;
};

TaskGroup::TaskGroup(Loop& loop) : state_(std::make_shared<State>(loop)) {}

TaskGroup::~TaskGroup() = default;

std::size_t TaskGroup::size() const { return state_->children.size(); }

void TaskGroup::spawn(Task<> child) {
    const auto signal = state_->children.emplace(state_->children.end());
    auto on_end = [state = state_, signal](const std::exception_ptr& error) {
        if (error && !state->error && !is_cancellation(error)) state->error = error;
        state->children.erase(signal);
        state->changed.cancel();
    };
    start(state_->loop.get_executor(), std::move(child), *signal, std::move(on_end));
}

void TaskGroup::cancel() {
    // From the loop, not from here: a child may be the caller, and its end removes it from the
    // list.
    asio::post(state_->loop, [state = state_] {
        for (auto each = state->children.begin(); each != state->children.end();) {
            auto& signal = *each++;
            signal.emit(kEnd);
        }
    });
}

Task<> TaskGroup::join() {
    const auto state = state_;
    bool cancelled = false;
    while (!state->children.empty()) {
        co_await wait_any(state->changed);
        const auto own = co_await asio::this_coro::cancellation_state;
        if (own.cancelled() == asio::cancellation_type::none) continue;
        // The children end first: from here on nothing interrupts the wait for them.
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        cancelled = true;
        cancel();
    }
    if (cancelled) {
        co_await asio::this_coro::reset_cancellation_state();
        throw_cancelled();
    }
    if (state->error) std::rethrow_exception(std::exchange(state->error, nullptr));
}

namespace detail {

Task<> run_within(Task<> task, std::chrono::milliseconds limit) {
    const auto executor = co_await asio::this_coro::executor;
    const auto child = std::make_shared<Child>(executor);
    auto on_end = [child](const std::exception_ptr& error) {
        child->error = error;
        child->ended = true;
        child->wake.cancel();
    };
    child->wake.expires_after(limit);
    start(executor, std::move(task), child->cancel, std::move(on_end));
    bool cancelled = false;
    bool late = false;
    while (!child->ended) {
        co_await wait_any(child->wake);
        if (child->ended) break;
        const auto own = co_await asio::this_coro::cancellation_state;
        if (own.cancelled() != asio::cancellation_type::none) {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            cancelled = true;
        } else {
            late = true;
        }
        child->wake.expires_at(Timer::time_point::max());
        child->cancel.emit(kEnd);
    }
    if (cancelled) {
        co_await asio::this_coro::reset_cancellation_state();
        throw_cancelled();
    }
    if (!child->error) co_return;
    if (late && is_cancellation(child->error)) co_return;
    std::rethrow_exception(child->error);
}

void run_to_end(Loop& loop, Task<> task) {
    const auto child = std::make_shared<Child>(loop.get_executor());
    auto on_end = [child](const std::exception_ptr& error) {
        child->error = error;
        child->ended = true;
    };
    start(loop.get_executor(), std::move(task), child->cancel, std::move(on_end));
    if (loop.stopped()) loop.restart();
    while (!child->ended && loop.run_one() > 0) {
    }
    invariant(child->ended, "a task that is run to its end has something left to wait for");
    if (child->error) std::rethrow_exception(child->error);
}

}  // namespace detail
}  // namespace farthing
