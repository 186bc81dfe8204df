// SPDX-License-Identifier: Apache-2.0
#include "farthing/io/signal.hpp"

#include <doctest/doctest.h>

#include "farthing/io/task_group.hpp"
#include "farthing/testing/manual_clock.hpp"

namespace farthing {
namespace {

using namespace std::chrono_literals;

struct Waiter {
    int woken = 0;
    bool ready = false;
};

Task<> until_ready(Signal& signal, Waiter& waiter) {
    while (!waiter.ready) {
        co_await signal.wait();
        ++waiter.woken;
    }
}

Task<> until(Signal& signal, Clock& clock, SteadyTime deadline, int& ended) {
    co_await signal.wait_until(clock, deadline);
    ++ended;
}

}  // namespace

TEST_CASE("signal: every waiter wakes at a notification") {
    Loop loop;
    Signal signal(loop);
    Waiter one;
    Waiter two;
    TaskGroup group(loop);
    group.spawn(until_ready(signal, one));
    group.spawn(until_ready(signal, two));
    loop.poll();
    signal.notify();
    loop.restart();
    loop.poll();
    CHECK(one.woken == 1);
    CHECK(two.woken == 1);
    one.ready = two.ready = true;
    signal.notify();
    run_blocking(loop, group.join());
    CHECK(one.woken == 2);
    CHECK(two.woken == 2);
}

TEST_CASE("signal: it has no memory: who waits after a notification waits for the next one") {
    Loop loop;
    Signal signal(loop);
    signal.notify();
    Waiter waiter{.woken = 0, .ready = false};
    TaskGroup group(loop);
    group.spawn(until_ready(signal, waiter));
    loop.poll();
    CHECK(waiter.woken == 0);
    group.cancel();
    run_blocking(loop, group.join());
    CHECK(waiter.woken == 0);
}

TEST_CASE("signal: a deadline is the clock's, and a notification comes before it") {
    Loop loop;
    testing::ManualClock clock;
    Signal signal(loop);
    int ended = 0;
    TaskGroup group(loop);
    const auto deadline = clock.steady_now() + 60s;
    group.spawn(until(signal, clock, deadline, ended));
    group.spawn(until(signal, clock, deadline + 1ms, ended));
    loop.poll();
    clock.advance(59'999ms);
    loop.poll();
    CHECK(ended == 0);
    clock.advance(1ms);
    loop.poll();
    CHECK(ended == 1);
    signal.notify();
    run_blocking(loop, group.join());
    CHECK(ended == 2);
}

TEST_CASE("signal: a deadline in the past ends at once") {
    Loop loop;
    testing::ManualClock clock;
    Signal signal(loop);
    int ended = 0;
    run_blocking(loop, until(signal, clock, clock.steady_now() - 1s, ended));
    CHECK(ended == 1);
    SystemClock system;
    run_blocking(loop, until(signal, system, system.steady_now() - 1s, ended));
    CHECK(ended == 2);
}

TEST_CASE("signal: a waiter that is cancelled ends there, and leaves the others waiting") {
    Loop loop;
    Signal signal(loop);
    Waiter waiter{.woken = 0, .ready = true};
    Waiter stays;
    TaskGroup ends(loop);
    TaskGroup others(loop);
    const auto cancelled = [&]() -> Task<> {
        co_await signal.wait();
        waiter.woken = 99;
    };
    ends.spawn(cancelled());
    others.spawn(until_ready(signal, stays));
    loop.poll();
    ends.cancel();
    run_blocking(loop, ends.join());
    CHECK(waiter.woken == 0);
    CHECK(others.size() == 1);
    stays.ready = true;
    signal.notify();
    run_blocking(loop, others.join());
    CHECK(stays.woken == 1);
}

TEST_CASE("signal: a waiter may outlive the signal and the loop ends it cleanly") {
    Loop loop;
    TaskGroup group(loop);
    Waiter waiter;
    {
        Signal signal(loop);
        group.spawn(until_ready(signal, waiter));
        loop.poll();
    }
    CHECK(group.size() == 1);
}

TEST_CASE("manual clock: sleepers wake in the order of their deadlines, each at its own time") {
    Loop loop;
    testing::ManualClock clock;
    std::vector<std::pair<int, std::int64_t>> woken;
    const auto began = clock.steady_now();
    const auto sleeper = [&](int id, std::chrono::milliseconds duration) -> Task<> {
        co_await clock.sleep(duration);
        const auto since =
            std::chrono::duration_cast<std::chrono::milliseconds>(clock.steady_now() - began);
        woken.emplace_back(id, since.count());
    };
    TaskGroup group(loop);
    group.spawn(sleeper(1, 300ms));
    group.spawn(sleeper(2, 100ms));
    loop.poll();
    clock.advance_in(loop, 250ms);
    CHECK(woken == std::vector<std::pair<int, std::int64_t>>{{2, 100}});
    clock.advance_in(loop, 50ms);
    CHECK(woken.size() == 2);
    CHECK(woken.back() == std::pair<int, std::int64_t>{1, 300});
    CHECK(group.size() == 0);
}

}  // namespace farthing
