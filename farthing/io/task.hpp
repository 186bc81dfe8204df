// SPDX-License-Identifier: Apache-2.0
// Task: the one coroutine type. Asio is named here and hardly anywhere else.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace farthing {

namespace asio = boost::asio;

/// One thread's event loop. A class is used from one loop unless its comment says otherwise.
using Loop = asio::io_context;
using Executor = asio::io_context::executor_type;

/// A coroutine on one loop. Runs when awaited; ends when cancelled.
/// An awaiting statement stands alone: name structs, arrays and capturing lambdas on the line
/// before.
template <class T = void>
using Task = asio::awaitable<T, Executor>;

inline constexpr asio::use_awaitable_t<Executor> use_task{};

using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

}  // namespace farthing
