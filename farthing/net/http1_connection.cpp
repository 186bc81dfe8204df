// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/http1_connection.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include "farthing/net/http1_request.hpp"
#include "farthing/net/http1_syntax.hpp"

namespace farthing::net {
namespace {

/// The read buffer: small while a connection is idle, larger where a body fills it.
constexpr std::size_t kReadBytes = 4 << 10;
constexpr std::size_t kReadBytesMax = 64 << 10;
/// Before a connection is closed on a peer that still sends, so much is taken, for so long: a
/// close with unread bytes is a reset, and a reset can overtake the answer.
constexpr std::size_t kLingerBytesMax = 256 << 10;
constexpr std::chrono::milliseconds kLingerTime{1'000};

ParserLimits parser_limits(const ServerLimits& limits) {
    return {.head_bytes_max = limits.header_bytes_max,
            .headers_max = limits.headers_max,
            .target_bytes_max = limits.target_bytes_max,
            .no_tunnel = limits.no_tunnel};
}

std::chrono::milliseconds shortest(const ServerLimits& limits) {
    return std::min(
        {limits.header_timeout, limits.body_timeout, limits.idle_timeout, limits.write_timeout});
}

std::string ip_of(const Socket& socket) {
    boost::system::error_code gone;
    const auto peer = socket.remote_endpoint(gone);
    const int family = peer.data()->sa_family;
    // A Unix socket's peer has no address.
    if (gone || (family != AF_INET && family != AF_INET6)) return {};
    const auto address = peer.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
    }
    return address.to_string();
}

}  // namespace

ServerShared::ServerShared(Env with, Loop& loop, ServerLimits bounds, Handler serve)
    : env(with), limits(bounds), handler(std::move(serve)), deadlines(loop, shortest(bounds)) {}

std::string_view ServerShared::date_line() {
    const auto now = env.clock.now();
    if (now != date_time_ || date_.empty()) {
        date_time_ = now;
        date_ = "Date: " + http_date(now) + "\r\n";
    }
    return date_;
}

Connection::Connection(ServerShared& shared, Socket socket)
    : shared_(shared),
      socket_(std::move(socket)),
      parser_(parser_limits(shared.limits)),
      reading_(shared.deadlines,
               [this] {
                   boost::system::error_code ignored;
                   socket_.cancel(ignored);
               }),
      writing_(shared.deadlines,
               [this] {
                   boost::system::error_code ignored;
                   socket_.cancel(ignored);
               }),
      peer_ip_(ip_of(socket_)) {
    boost::system::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
}

void Connection::close_if_idle() {
    if (!idle_) return;
    leaving_ = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
}

bool Connection::can_leave() const {
    boost::system::error_code code;
    return idle_ && !leaving_ && socket_.available(code) == 0;
}

void Connection::set_idle(bool idle) {
    if (idle == idle_) return;
    idle_ = idle;
    if (!idle) {
        idle_place_.splice(idle_place_.end(), shared_.idle, idle_node_);
        return;
    }
    shared_.idle.splice(shared_.idle.end(), idle_place_, idle_node_);
    if (shared_.on_idle) shared_.on_idle();
}

void Connection::cut() {
    cut_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
}

Task<> Connection::run() {
    while (keep_ && !cut_) {
        const auto next = co_await read_head();
        if (next == Next::close) break;
        if (next == Next::refuse) {
            co_await refuse(fault_.status, fault_.reason);
            co_await linger();
            break;
        }
        co_await handle();
    }
    boost::system::error_code ignored;
    socket_.close(ignored);
}

/// More bytes into the empty buffer. Errors: closed, timed_out.
Task<Result<>> Connection::fill(SteadyTime deadline) {
    if (filled_ == in_.size()) {
        in_.resize(std::clamp(2 * in_.size(), kReadBytes, kReadBytesMax));
    }
    used_ = 0;
    filled_ = 0;
    while (true) {
        boost::system::error_code code;
        reading_.arm_at(deadline);
        const auto buffer = asio::buffer(in_.data(), in_.size());
        filled_ = co_await socket_.async_read_some(buffer, asio::redirect_error(use_task, code));
        const bool late = reading_.expired();
        reading_.disarm();
        if (!code) co_return Result<>{};
        if (code == asio::error::operation_aborted && !late && !cut_) {
            if (idle_ && leaving_) break;
            const auto own = co_await asio::this_coro::cancellation_state;
            if (own.cancelled() != asio::cancellation_type::none) {
                throw boost::system::system_error(code);
            }
            continue;  // it was the deadline of a write on the same socket
        }
        if (late) {
            auto failed = fail(Errc::timed_out, "the client sends nothing");
            co_return failed;
        }
        break;
    }
    peer_ended_ = true;
    auto failed = fail(Errc::closed, "the client closed the connection");
    co_return failed;
}

Task<Connection::Next> Connection::read_head() {
    parser_.start(Http1Parser::Mode::request);
    fault_ = {};
    is_head_ = false;
    is_old_ = false;
    if (used_ == filled_ && in_.size() > kReadBytes) {
        in_ = std::string();
        used_ = filled_ = 0;
    }
    auto deadline = socket_time() + shared_.limits.idle_timeout;
    bool begun = used_ < filled_;
    if (begun) deadline = socket_time() + shared_.limits.header_timeout;
    while (true) {
        if (used_ == filled_) {
            if (!begun && shared_.stopping) co_return Next::close;
            set_idle(!begun);
            const auto filled = co_await fill(deadline);
            set_idle(false);
            if (!filled) {
                if (!begun || filled.error().code != Errc::timed_out) co_return Next::close;
                fault_ = {408, "the request's headers took too long"};
                co_return Next::refuse;
            }
            if (!begun) deadline = socket_time() + shared_.limits.header_timeout;
            begun = true;
        }
        used_ += parser_.feed(std::string_view(in_).substr(used_, filled_ - used_));
        if (parser_.failed()) {
            fault_ = parser_.fault();
            co_return Next::refuse;
        }
        if (!parser_.head_done()) continue;
        auto fault = check_request(parser_.head());
        if (!fault) co_return Next::request;
        fault_ = *std::move(fault);
        co_return Next::refuse;
    }
}

void Connection::begin_request() {
    auto& head = parser_.head();
    is_head_ = head.method == "HEAD";
    is_old_ = head.version_minor == 0;
    awaits_continue_ = expects_continue(head);
    request_keeps_ = head.keep_alive;
    body_bytes_ = 0;
    body_error_.reset();
    request_.method = std::move(head.method);
    request_.target = std::move(head.target);
    request_.absolute = std::move(head.absolute);
    request_.headers = std::move(head.headers);
    request_.peer_ip = peer_ip_;
    request_.has_body = head.has_body;
    request_.content_length = head.content_length;
    request_.body = this;
    phase_ = Phase::none;
    framing_ = Framing::none;
    left_ = 0;
    deserted_ = false;
}

Task<> Connection::handle() {
    begin_request();
    co_await call_handler();
    if (phase_ == Phase::none) co_await answer_for_handler();
    if (phase_ != Phase::done) {
        abort();
        co_return;
    }
    const bool body_left = !parser_.message_done();
    if (keep_ && body_left) keep_ = co_await drain();
    if (!keep_ && body_left) co_await linger();
}

Task<> Connection::call_handler() {
    std::exception_ptr thrown;
    try {
        co_await shared_.handler(request_, static_cast<Responder&>(*this));
    } catch (...) {
        thrown = std::current_exception();
    }
    if (!thrown) co_return;
    const auto own = co_await asio::this_coro::cancellation_state;
    if (own.cancelled() != asio::cancellation_type::none) std::rethrow_exception(thrown);
    std::string what = "not a standard exception";
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
    }
    shared_.env.log.error("http_handler_threw", {{"what", what}});
}

/// The handler ended without an answer: the fault of the body it was reading, or our own.
Task<> Connection::answer_for_handler() {
    int status = 500;
    const char* reason = "internal error";
    if (body_error_) {
        switch (body_error_->code) {
            case Errc::too_large:
                status = 413;
                reason = "the request body is too large";
                break;
            case Errc::timed_out:
                status = 408;
                reason = "the request body took too long";
                break;
            case Errc::protocol_violation:
                status = 400;
                reason = "the request body is malformed";
                break;
            case Errc::closed:
                keep_ = false;
                co_return;
            default:
                break;
        }
    }
    co_await refuse(status, reason);
}

Task<> Connection::refuse(int status, std::string reason) {
    shared_.env.log.debug("http_refused", {{"status", status}, {"reason", reason}});
    phase_ = Phase::none;
    request_keeps_ = false;
    Response response;
    response.status = status;
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    response.body = std::move(reason);
    response.body.push_back('\n');
    const auto sent = co_await send(std::move(response));
    keep_ = keep_ && sent.has_value();
}

/// Whether the rest of the request's body is gone and the next request can come.
Task<bool> Connection::drain() {
    const auto limit = body_bytes_ + kDrainBytesMax;
    while (body_bytes_ <= limit) {
        const auto piece = co_await read();
        if (!piece) co_return false;
        if (piece->empty()) co_return true;
    }
    co_return false;
}

Task<> Connection::linger() {
    if (peer_ended_ || cut_) co_return;
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    const auto deadline = socket_time() + kLingerTime;
    std::size_t taken = 0;
    while (taken < kLingerBytesMax) {
        const auto filled = co_await fill(deadline);
        if (!filled) co_return;
        taken += filled_;
    }
}

}  // namespace farthing::net
