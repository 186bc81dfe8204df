// SPDX-License-Identifier: Apache-2.0
#include "farthing/io/task_group.hpp"

#include <doctest/doctest.h>

#include <boost/asio/this_coro.hpp>
#include <stdexcept>
#include <vector>

#include "farthing/io/clock.hpp"

using namespace std::chrono_literals;
namespace asio = boost::asio;
using farthing::Errc;
using farthing::Loop;
using farthing::Result;
using farthing::SystemClock;
using farthing::Task;
using farthing::TaskGroup;

namespace {

constexpr auto kNever = std::chrono::hours(24);

/// Notes its end, by value or by being unwound.
struct Mark {
    std::vector<int>& ends;
    int id;
    ~Mark() { ends.push_back(id); }
};

Task<> sleep_marked(std::chrono::milliseconds time, std::vector<int>& ends, int id) {
    const Mark mark{ends, id};
    SystemClock clock;
    co_await clock.sleep(time);
}

Task<Result<int>> answer_after(std::chrono::milliseconds time) {
    SystemClock clock;
    co_await clock.sleep(time);
    co_return 42;
}

Task<> throw_after(std::chrono::milliseconds time) {
    SystemClock clock;
    co_await clock.sleep(time);
    throw std::runtime_error("broken");
}

}  // namespace

TEST_CASE("task_group: join waits for every child") {
    Loop loop;
    std::vector<int> ends;
    TaskGroup group(loop);
    group.spawn(sleep_marked(3ms, ends, 2));
    group.spawn(sleep_marked(1ms, ends, 1));
    CHECK(group.size() == 2);
    farthing::run_blocking(loop, group.join());
    CHECK(ends == std::vector<int>{1, 2});
    CHECK(group.size() == 0);
}

TEST_CASE("task_group: join of an empty group ends at once") {
    Loop loop;
    TaskGroup group(loop);
    farthing::run_blocking(loop, group.join());
    CHECK(group.size() == 0);
}

TEST_CASE("task_group: a child may start another one") {
    Loop loop;
    std::vector<int> ends;
    TaskGroup group(loop);
    const auto parent = [&]() -> Task<> {
        SystemClock clock;
        co_await clock.sleep(1ms);
        group.spawn(sleep_marked(1ms, ends, 7));
    };
    group.spawn(parent());
    farthing::run_blocking(loop, group.join());
    CHECK(ends == std::vector<int>{7});
}

TEST_CASE("task_group: cancelled children end and are waited for") {
    Loop loop;
    std::vector<int> ends;
    TaskGroup group(loop);
    group.spawn(sleep_marked(kNever, ends, 1));
    group.spawn(sleep_marked(kNever, ends, 2));
    group.cancel();
    farthing::run_blocking(loop, group.join());
    CHECK(ends == std::vector<int>{1, 2});
}

TEST_CASE("task_group: a cancelled join ends its children before it ends itself") {
    Loop loop;
    std::vector<int> ends;
    const auto parent = [&]() -> Task<Result<int>> {
        const Mark mark{ends, 0};
        TaskGroup group(loop);
        group.spawn(sleep_marked(kNever, ends, 1));
        co_await group.join();
        co_return 1;
    };
    const auto result = farthing::run_blocking(loop, farthing::with_deadline(parent(), 2ms));
    REQUIRE(!result);
    CHECK(result.error().code == Errc::timed_out);
    CHECK(ends == std::vector<int>{1, 0});
}

TEST_CASE("task_group: join throws what a child threw, after the others have ended") {
    Loop loop;
    std::vector<int> ends;
    TaskGroup group(loop);
    group.spawn(throw_after(1ms));
    group.spawn(sleep_marked(5ms, ends, 1));
    CHECK_THROWS_WITH(farthing::run_blocking(loop, group.join()), "broken");
    CHECK(ends == std::vector<int>{1});
}

TEST_CASE("deadline: a task in time gives its value, a late one is cancelled") {
    Loop loop;
    const auto in_time =
        farthing::run_blocking(loop, farthing::with_deadline(answer_after(1ms), kNever));
    REQUIRE(in_time);
    CHECK(*in_time == 42);
    const auto late =
        farthing::run_blocking(loop, farthing::with_deadline(answer_after(kNever), 2ms));
    REQUIRE(!late);
    CHECK(late.error().code == Errc::timed_out);
    CHECK(late.error().detail == "after 2 ms");
}

TEST_CASE("deadline: a task that ends without waiting") {
    Loop loop;
    const auto at_once = []() -> Task<Result<int>> { co_return 5; };
    CHECK(*farthing::run_blocking(loop, farthing::with_deadline(at_once(), 1ms)) == 5);
}

TEST_CASE("deadline: a value reached in spite of the cancellation is kept") {
    Loop loop;
    const auto stubborn = []() -> Task<Result<int>> {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        SystemClock clock;
        co_await clock.sleep(20ms);
        co_return 9;
    };
    const auto result = farthing::run_blocking(loop, farthing::with_deadline(stubborn(), 1ms));
    REQUIRE(result);
    CHECK(*result == 9);
}

TEST_CASE("deadline: an exception passes through") {
    Loop loop;
    const auto broken = []() -> Task<Result<int>> {
        co_await throw_after(1ms);
        co_return 1;
    };
    const auto run = [&] {
        const auto result = farthing::run_blocking(loop, farthing::with_deadline(broken(), kNever));
        return result.has_value();
    };
    CHECK_THROWS_WITH(static_cast<void>(run()), "broken");
}

TEST_CASE("deadline: an outer deadline reaches through an inner one") {
    Loop loop;
    std::vector<int> ends;
    const auto inner = [&]() -> Task<Result<int>> {
        const Mark mark{ends, 1};
        auto result = co_await farthing::with_deadline(answer_after(kNever), kNever);
        co_return result;
    };
    const auto result = farthing::run_blocking(loop, farthing::with_deadline(inner(), 2ms));
    REQUIRE(!result);
    CHECK(result.error().code == Errc::timed_out);
    CHECK(ends == std::vector<int>{1});
}

TEST_CASE("task_group: a loop that ends before its tasks destroys them cleanly") {
    std::vector<int> ends;
    {
        Loop loop;
        TaskGroup group(loop);
        group.spawn(sleep_marked(kNever, ends, 1));
        const auto nested = [&]() -> Task<> {
            const auto result = co_await farthing::with_deadline(answer_after(kNever), kNever);
            CHECK(!result);
        };
        group.spawn(nested());
        loop.poll();
    }
    CHECK(ends == std::vector<int>{1});
}

TEST_CASE("run_blocking: leaves the loop's other tasks for the next run") {
    Loop loop;
    std::vector<int> ends;
    TaskGroup group(loop);
    group.spawn(sleep_marked(10ms, ends, 1));
    CHECK(*farthing::run_blocking(loop, answer_after(1ms)) == 42);
    CHECK(ends.empty());
    farthing::run_blocking(loop, group.join());
    CHECK(ends == std::vector<int>{1});
}
