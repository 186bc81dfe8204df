// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/stream.hpp"

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <vector>

#include "farthing/io/signal.hpp"
#include "farthing/io/task_group.hpp"

namespace farthing::net {
namespace {

using Endpoint = asio::ip::tcp::endpoint;
using Resolver = asio::ip::basic_resolver<asio::ip::tcp, Executor>;

class PlainStream final : public Stream {
  public:
    PlainStream(Deadlines& deadlines, Socket socket)
        : socket_(std::move(socket)),
          reading_(deadlines, [this] { cancel(); }),
          writing_(deadlines, [this] { cancel(); }) {}

    Task<Result<std::size_t>> read_some(std::span<char> into, SteadyTime deadline) override {
        boost::system::error_code code;
        reading_.arm_at(deadline);
        const auto buffer = asio::buffer(into.data(), into.size());
        const auto size =
            co_await socket_.async_read_some(buffer, asio::redirect_error(use_task, code));
        reading_.disarm();
        if (code && code != asio::error::eof) {
            auto failed = detail::io_error(code, reading_, "reading");
            co_return failed;
        }
        co_return code ? 0 : size;
    }

    Task<Result<>> write(std::string_view bytes, std::chrono::milliseconds timeout) override {
        boost::system::error_code code;
        while (!bytes.empty()) {
            writing_.arm(timeout);
            const auto buffer = asio::buffer(bytes.data(), bytes.size());
            const auto size =
                co_await socket_.async_write_some(buffer, asio::redirect_error(use_task, code));
            writing_.disarm();
            written_ += size;
            bytes.remove_prefix(size);
            if (code) {
                auto failed = detail::io_error(code, writing_, "writing");
                co_return failed;
            }
        }
        co_return Result<>{};
    }

    [[nodiscard]] bool quiet() override { return detail::is_quiet(socket_); }
    [[nodiscard]] std::uint64_t bytes_written() const override { return written_; }

  private:
    void cancel() {
        boost::system::error_code ignored;
        socket_.cancel(ignored);
    }

    Socket socket_;
    Deadlines::Watch reading_;
    Deadlines::Watch writing_;
    std::uint64_t written_ = 0;
};

/// What a resolver's answer needs to find: the waiting task may be gone by then, because the
/// system's resolver cannot be interrupted.
struct Resolving {
    explicit Resolving(Loop& loop) : resolver(loop), done(loop) {}

    Resolver resolver;
    Signal done;
    bool ended = false;
    boost::system::error_code code;
    std::vector<Endpoint> found;
};

Task<Result<std::vector<Endpoint>>> resolve(Loop& loop, Url url) {
    const auto host = detail::bare_host(url);
    boost::system::error_code not_literal;
    const auto address = asio::ip::make_address(host, not_literal);
    if (!not_literal) {
        std::vector<Endpoint> one(1, Endpoint(address, url.port));
        co_return one;
    }
    // RFC 6761: what is below localhost is this machine, and no server of names is asked.
    if (host.ends_with(".localhost") || host.ends_with(".localhost.")) {
        std::vector<Endpoint> both;
        both.emplace_back(asio::ip::address_v4::loopback(), url.port);
        both.emplace_back(asio::ip::address_v6::loopback(), url.port);
        co_return both;
    }
    const auto state = std::make_shared<Resolving>(loop);
    auto on_answer = [state](const boost::system::error_code& code, const auto& results) {
        state->ended = true;
        state->code = code;
        for (const auto& each : results) state->found.push_back(each.endpoint());
        state->done.notify();
    };
    state->resolver.async_resolve(
        host, std::to_string(url.port),
        asio::ip::resolver_base::numeric_service | asio::ip::resolver_base::address_configured,
        std::move(on_answer));
    while (!state->ended) co_await state->done.wait();
    if (state->code || state->found.empty()) {
        auto failed = fail(Errc::connection_failed,
                           fmt::format("{}: {}", url.authority(),
                                       state->code ? state->code.message() : "no address"));
        co_return failed;
    }
    co_return std::move(state->found);
}

/// Tries the addresses one after the other, each with its share of the time.
Task<Result<Socket>> connect_any(Loop& loop, std::vector<Endpoint> endpoints, Url url,
                                 std::chrono::milliseconds timeout) {
    const auto share = timeout / static_cast<long>(endpoints.size());
    auto failed = fail(Errc::connection_failed, url.authority());
    for (const auto& endpoint : endpoints) {
        Socket socket(loop);
        boost::system::error_code code;
        // The attempt runs in a task of its own, so that its deadline ends this attempt only.
        auto attempt = [](Socket& to, Endpoint peer, boost::system::error_code& out) -> Task<bool> {
            co_await to.async_connect(peer, asio::redirect_error(use_task, out));
            co_return true;
        };
        auto task = attempt(socket, endpoint, code);
        const auto ended = co_await finish_within(std::move(task), share);
        if (ended && !code) {
            socket.set_option(asio::ip::tcp::no_delay(true), code);
            co_return socket;
        }
        const bool late = !ended || code == asio::error::operation_aborted;
        const auto why = late ? std::string("no connection in time") : code.message();
        failed = fail(late ? Errc::timed_out : Errc::connection_failed,
                      fmt::format("{}: {}", url.authority(), why));
    }
    co_return failed;
}

/// A name that has local addresses besides is no better than one that has nothing else.
Result<> stay_inside(const Connector& connector, const std::vector<Endpoint>& endpoints,
                     const Url& url) {
    if (!connector.may_be_local) return {};
    for (const auto& each : endpoints) {
        if (is_public(each.address()) || connector.may_be_local(url)) continue;
        return fail(Errc::not_allowed,
                    fmt::format("{} is of a local network ({}), which is closed to this caller",
                                url.authority(), each.address().to_string()));
    }
    return {};
}

Task<Result<std::unique_ptr<Stream>>> connect_now(Connector& connector, Url url) {
    FARTHING_CO_TRY(auto endpoints, co_await resolve(connector.loop, url));
    FARTHING_CO_CHECK(stay_inside(connector, endpoints, url));
    FARTHING_CO_TRY(auto socket, co_await connect_any(connector.loop, std::move(endpoints), url,
                                                      connector.timeout));
    if (url.scheme != "https") {
        co_return detail::make_plain(connector.deadlines, std::move(socket));
    }
    auto stream = co_await detail::make_tls(connector, std::move(socket), std::move(url));
    co_return stream;
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> connect(Connector& connector, Url url) {
    const auto where = url.authority();
    const auto timeout = connector.timeout;
    auto stream = co_await finish_within(connect_now(connector, std::move(url)), timeout);
    if (stream) co_return *std::move(stream);
    auto late =
        fail(Errc::timed_out, fmt::format("{}: no connection in {} ms", where, timeout.count()));
    co_return late;
}

namespace detail {

std::unique_ptr<Stream> make_plain(Deadlines& deadlines, Socket socket) {
    return std::make_unique<PlainStream>(deadlines, std::move(socket));
}

std::unexpected<Error> io_error(const boost::system::error_code& code,
                                const Deadlines::Watch& watch, const char* doing) {
    if (watch.expired()) return fail(Errc::timed_out, std::string("timed out ") + doing);
    // Nobody but the task's own cancellation aborts it: that ends the task, it is no answer.
    if (code == asio::error::operation_aborted) throw boost::system::system_error(code);
    return fail(Errc::closed, fmt::format("{}: {}", doing, code.message()));
}

std::string bare_host(const Url& url) {
    if (!url.host.starts_with('[')) return url.host;
    return url.host.substr(1, url.host.size() - 2);
}

bool is_quiet(Socket& socket) {
    char byte = 0;
    const auto got = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace detail
}  // namespace farthing::net
