// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <list>

#include "farthing/io/signal.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/net/http1_connection.hpp"
#include "farthing/net/unix_place.hpp"

namespace farthing::net {
namespace {

using Endpoint = asio::ip::tcp::endpoint;

/// After a failed accept (no file descriptors left), before the next one.
constexpr std::chrono::milliseconds kAcceptPause{100};

Result<Endpoint> parse_endpoint(const std::string& address) {
    const auto bad = [&] {
        return fail(Errc::invalid_argument,
                    address + ": expected ip:port, as 127.0.0.1:8402 or [::1]:8402");
    };
    const auto colon = address.rfind(':');
    if (colon == std::string::npos) return bad();
    auto host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string::npos) {
        return bad();
    }
    boost::system::error_code wrong;
    const auto ip = asio::ip::make_address(host, wrong);
    if (wrong) return bad();
    std::uint16_t port = 0;
    const auto* end = address.data() + address.size();
    const auto parsed = std::from_chars(address.data() + colon + 1, end, port);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return bad();
    return Endpoint(ip, port);
}

std::string lower_first(std::string text) {
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z')
        text[0] = static_cast<char>(text[0] | 32);
    return text;
}

std::string url_of(const Acceptor& acceptor) {
    const auto endpoint = acceptor.local_endpoint();
    const auto ip = endpoint.address();
    const auto text = ip.is_v6() ? "[" + ip.to_string() + "]" : ip.to_string();
    return fmt::format("http://{}:{}", text, endpoint.port());
}

bool is_cancelled(const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
}

class Http1Server final : public Server {
  public:
    /// `place` is empty for TCP.
    Http1Server(Env env, Loop& loop, Acceptor acceptor, UnixPlace place, ServerLimits limits,
                Handler handler)
        : shared_(env, loop, limits, std::move(handler)),
          place_(std::move(place)),
          acceptor_(std::move(acceptor)),
          group_(loop),
          changed_(loop),
          pause_(loop),
          grace_(shared_.deadlines, [this] { cut_all(); }),
          url_(place_.path().empty() ? url_of(acceptor_) : "unix:" + place_.path()) {
        shared_.on_idle = [this] { changed_.notify(); };
    }

    Task<> run() override;
    void stop(std::chrono::milliseconds grace) override;
    [[nodiscard]] std::string url() const override { return url_; }

  private:
    Task<> accept();
    Task<> make_room();
    Task<> serve(Socket socket);
    void cut_all() {
        for (auto* connection : connections_) connection->cut();
    }

    ServerShared shared_;
    UnixPlace place_;
    Acceptor acceptor_;
    TaskGroup group_;
    std::list<Connection*> connections_;
    Signal changed_;
    Timer pause_;
    Deadlines::Watch grace_;
    std::string url_;
};

Task<> Http1Server::run() {
    bool cancelled = false;
    try {
        co_await accept();
    } catch (const boost::system::system_error& error) {
        if (!is_cancelled(error)) throw;
        cancelled = true;
    }
    if (cancelled) {
        co_await asio::this_coro::reset_cancellation_state();
        stop(std::chrono::milliseconds(0));
        group_.cancel();
    }
    co_await group_.join();
    if (cancelled) throw boost::system::system_error(asio::error::operation_aborted);
}

Task<> Http1Server::accept() {
    while (!shared_.stopping) {
        if (connections_.size() >= shared_.limits.connections_max) {
            co_await make_room();
            continue;
        }
        boost::system::error_code code;
        auto socket = co_await acceptor_.async_accept(asio::redirect_error(use_task, code));
        if (shared_.stopping) break;
        if (!code) {
            group_.spawn(serve(std::move(socket)));
            continue;
        }
        if (code == asio::error::operation_aborted) throw boost::system::system_error(code);
        if (code == asio::error::connection_aborted) continue;
        shared_.env.log.warn("http_accept_failed", {{"reason", code.message()}});
        pause_.expires_after(kAcceptPause);
        co_await pause_.async_wait(asio::redirect_error(use_task, code));
    }
}

/// Once somebody waits: the connection that has been idle for longest closes. Returns when
/// something has changed.
Task<> Http1Server::make_room() {
    boost::system::error_code code;
    co_await acceptor_.async_wait(Acceptor::wait_read, asio::redirect_error(use_task, code));
    if (shared_.stopping) co_return;
    if (code == asio::error::operation_aborted) throw boost::system::system_error(code);
    if (connections_.size() < shared_.limits.connections_max) co_return;
    const auto longest = std::ranges::find_if(shared_.idle, &Connection::can_leave);
    if (longest != shared_.idle.end()) (*longest)->close_if_idle();
    co_await changed_.wait();
}

Task<> Http1Server::serve(Socket socket) {
    Connection connection(shared_, std::move(socket));
    const auto place = connections_.insert(connections_.end(), &connection);
    std::exception_ptr thrown;
    try {
        co_await connection.run();
    } catch (...) {
        thrown = std::current_exception();
    }
    connections_.erase(place);
    connection.set_idle(false);
    changed_.notify();
    if (thrown) std::rethrow_exception(thrown);
}

void Http1Server::stop(std::chrono::milliseconds grace) {
    shared_.stopping = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    changed_.notify();
    for (auto* connection : connections_) connection->close_if_idle();
    if (grace.count() <= 0) {
        cut_all();
    } else {
        grace_.arm(grace);
    }
}

}  // namespace

Result<> check_listen_address(const std::string& address) {
    FARTHING_CHECK(parse_endpoint(address));
    return {};
}

Result<std::unique_ptr<Server>> Server::listen(Env env, Loop& loop, const std::string& address,
                                               ServerLimits limits, Handler handler) {
    FARTHING_TRY(const auto endpoint, parse_endpoint(address));
    Acceptor acceptor(loop);
    boost::system::error_code code;
    acceptor.open(endpoint.protocol(), code);
    if (!code) acceptor.set_option(asio::socket_base::reuse_address(true), code);
    if (!code) acceptor.bind(endpoint, code);
    if (!code) acceptor.listen(asio::socket_base::max_listen_connections, code);
    if (code) {
        return fail(Errc::io_failed, fmt::format("{}: {}", address, lower_first(code.message())));
    }
    std::unique_ptr<Server> server = std::make_unique<Http1Server>(
        env, loop, std::move(acceptor), UnixPlace{}, std::move(limits), std::move(handler));
    return server;
}

Result<std::unique_ptr<Server>> Server::listen_unix(Env env, Loop& loop, const std::string& path,
                                                    ServerLimits limits, Handler handler) {
    FARTHING_TRY(auto place, UnixPlace::take(path));
    FARTHING_TRY(const int descriptor, place.listen());
    // Asio asks a socket for its family only to make one.
    Acceptor acceptor(loop);
    boost::system::error_code code;
    acceptor.assign(asio::ip::tcp::v4(), descriptor, code);
    if (code) return fail(Errc::io_failed, fmt::format("{}: {}", path, code.message()));
    std::unique_ptr<Server> server = std::make_unique<Http1Server>(
        env, loop, std::move(acceptor), std::move(place), std::move(limits), std::move(handler));
    return server;
}

}  // namespace farthing::net
