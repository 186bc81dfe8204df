// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: a raw socket on either side of what is tested.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <functional>

#include "farthing/io/env.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/net/http.hpp"

namespace farthing::net::test {

/// Nothing here takes long; this only keeps a broken test from hanging.
inline constexpr std::chrono::seconds kPatience{20};

/// A world with real time and no log.
class QuietLog final : public Log {
  public:
    void write(Level, std::string_view, std::initializer_list<LogField>) override {}
    [[nodiscard]] bool enabled(Level) const override { return false; }
};

struct Bench {
    Loop loop;
    SystemClock clock;
    SystemRandom random;
    QuietLog log;
    Metrics metrics;
    Env env{clock, random, log, metrics};

    /// Runs a test's coroutine to its end.
    template <class T>
    T run(Task<T> task) {
        auto done = run_blocking(loop, finish_within(std::move(task), kPatience));
        invariant(done.has_value(), "a test ends in time");
        return *std::move(done);
    }
    void run(Task<> task) {
        auto counted = [](Task<> inner) -> Task<bool> {
            co_await std::move(inner);
            co_return true;
        };
        run(counted(std::move(task)));
    }
};

/// A socket with text in and text out. Reading past the end gives what there is.
class Wire {
  public:
    explicit Wire(Socket socket) : socket_(std::move(socket)) {}

    Task<> send(std::string text) {
        boost::system::error_code code;
        co_await asio::async_write(socket_, asio::buffer(text),
                                   asio::redirect_error(use_task, code));
    }
    /// Up to and with `marker`; all until the end when it never comes.
    Task<std::string> read_to(std::string marker) {
        while (in_.find(marker) == std::string::npos) {
            if (!co_await more()) co_return std::exchange(in_, {});
        }
        const auto end = in_.find(marker) + marker.size();
        auto text = in_.substr(0, end);
        in_.erase(0, end);
        co_return text;
    }
    Task<std::string> read_bytes(std::size_t size) {
        while (in_.size() < size) {
            if (!co_await more()) break;
        }
        auto text = in_.substr(0, size);
        in_.erase(0, text.size());
        co_return text;
    }
    Task<std::string> read_all() {
        while (co_await more()) {
        }
        co_return std::exchange(in_, {});
    }
    void end_sending() {
        boost::system::error_code ignored;
        socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    }
    void close() { socket_.close(); }
    /// The peer sees a reset.
    void reset() {
        socket_.set_option(asio::socket_base::linger(true, 0));
        socket_.close();
    }
    Socket& socket() { return socket_; }
    /// Why reading ended: asio::error::eof or a reset.
    [[nodiscard]] boost::system::error_code ended() const { return ended_; }

  private:
    Task<bool> more() {
        char bytes[4096];
        boost::system::error_code code;
        const auto size = co_await socket_.async_read_some(asio::buffer(bytes),
                                                           asio::redirect_error(use_task, code));
        if (code == asio::error::operation_aborted) throw boost::system::system_error(code);
        in_.append(bytes, size);
        ended_ = code;
        co_return !code;
    }

    Socket socket_;
    std::string in_;
    boost::system::error_code ended_;
};

/// Accepts on a free loopback port; each connection runs the script. Ends with the test.
class Peer {
  public:
    using Script = std::function<Task<>(Wire& wire, int connection)>;

    Peer(Loop& loop, Script script)
        : acceptor_(loop, {asio::ip::address_v4::loopback(), 0}),
          group_(loop),
          script_(std::move(script)) {
        group_.spawn(accept());
    }
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    [[nodiscard]] std::string origin() const {
        return "http://127.0.0.1:" + std::to_string(port());
    }
    [[nodiscard]] Url url(const std::string& target = "/") const {
        return parse_url(origin() + target).value();
    }
    [[nodiscard]] int connections() const { return connections_; }
    /// Await before the end of the test.
    Task<> stop() {
        acceptor_.close();
        group_.cancel();
        co_await group_.join();
    }

  private:
    Task<> accept() {
        while (true) {
            boost::system::error_code code;
            auto socket = co_await acceptor_.async_accept(asio::redirect_error(use_task, code));
            if (code) co_return;
            group_.spawn(serve(std::move(socket), connections_++));
        }
    }
    Task<> serve(Socket socket, int number) {
        Wire wire(std::move(socket));
        co_await script_(wire, number);
    }

    Acceptor acceptor_;
    TaskGroup group_;
    Script script_;
    int connections_ = 0;
};

inline Task<Wire> dial(Loop& loop, std::uint16_t port) {
    Socket socket(loop);
    const asio::ip::tcp::endpoint peer(asio::ip::address_v4::loopback(), port);
    co_await socket.async_connect(peer, use_task);
    co_return Wire(std::move(socket));
}

}  // namespace farthing::net::test
