// SPDX-License-Identifier: Apache-2.0
#include "farthing/io/clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>

namespace farthing {

SteadyTime socket_time() { return std::chrono::steady_clock::now(); }

Task<> wait_on(Timer& timer) {
    co_await timer.async_wait(asio::as_tuple(use_task));
    const auto own = co_await asio::this_coro::cancellation_state;
    if (own.cancelled() != asio::cancellation_type::none) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
}

Task<> Clock::sleep(std::chrono::milliseconds duration) {
    Timer timer(co_await asio::this_coro::executor);
    co_await wait(timer, steady_now() + duration);
}

UnixTime SystemClock::now() const {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::steady_now() const { return std::chrono::steady_clock::now(); }

Task<> SystemClock::wait(Timer& timer, SteadyTime deadline) {
    timer.expires_at(deadline);
    co_await wait_on(timer);
}

}  // namespace farthing
