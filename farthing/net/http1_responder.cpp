// SPDX-License-Identifier: Apache-2.0
// The answer, as the handler gives it.
#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include "farthing/net/http1_connection.hpp"
#include "farthing/net/http1_syntax.hpp"

namespace farthing::net {
namespace {

/// A buffer larger than this is given back after use.
constexpr std::size_t kKeptBytesMax = 64 << 10;
/// A body up to here goes out in one piece with its head.
constexpr std::size_t kJoinedBytesMax = 4 << 10;

bool has_no_body(int status) { return status == 204 || status == 304; }

bool wants_close(const Headers& headers) {
    for (const auto& [name, value] : headers) {
        if (equal_no_case(name, "connection") && equal_no_case(value, "close")) return true;
    }
    return false;
}

}  // namespace

/// Whether a next request can follow this answer; told to the client in the answer's head.
void Connection::decide_keep(const Headers& headers) {
    keep_ = keep_ && request_keeps_ && !shared_.stopping && !leaving_ && !wants_close(headers);
    if (parser_.message_done()) return;
    // The client still waits for 100, or more is on its way than is worth reading.
    const auto length = request_.content_length.value_or(0);
    if (awaits_continue_ || length > body_bytes_ + kDrainBytesMax) keep_ = false;
}

void Connection::append_connection() {
    if (!keep_) {
        append_field(out_, "Connection", "close");
    } else if (is_old_) {
        append_field(out_, "Connection", "keep-alive");
    }
}

/// The head into `out_`, and how the body will be framed.
Result<> Connection::write_head(const Response& head, std::optional<std::uint64_t> length) {
    if (phase_ != Phase::none) return fail(Errc::internal, "a second answer to one request");
    if (head.status < 200 || head.status > 999) {
        return fail(Errc::internal, fmt::format("status {} cannot be an answer", head.status));
    }
    out_.clear();
    append_status_line(out_, head.status);
    FARTHING_CHECK(append_fields(out_, head.headers));
    decide_keep(head.headers);
    const bool bodyless = has_no_body(head.status);
    framing_ = Framing::none;
    left_ = 0;
    if (length && head.status != 204) append_field(out_, "Content-Length", std::to_string(*length));
    if (!bodyless && !is_head_) {
        if (length) {
            framing_ = Framing::length;
            left_ = *length;
        } else if (is_old_) {
            framing_ = Framing::until_close;
            keep_ = false;
        } else {
            framing_ = Framing::chunked;
            append_field(out_, "Transfer-Encoding", "chunked");
        }
    }
    if (!head.headers.has("Date")) out_.append(shared_.date_line());
    append_connection();
    out_.append("\r\n");
    return {};
}

Task<Result<>> Connection::send(Response response) {
    std::optional<std::uint64_t> length;
    if (!has_no_body(response.status)) length = response.body.size();
    FARTHING_CO_CHECK(write_head(response, length));
    phase_ = Phase::done;
    deserted_ = client_has_left();
    std::string_view body = framing_ == Framing::length ? response.body : std::string_view{};
    // One part takes the shorter way through the kernel, and copying a short body costs less.
    if (body.size() <= kJoinedBytesMax) {
        out_.append(body);
        body = {};
    }
    auto written = co_await write(body);
    if (!written) co_return written;
    co_return ended();
}

Task<Result<>> Connection::send_head(Response head, std::optional<std::uint64_t> length) {
    FARTHING_CO_CHECK(write_head(head, length));
    phase_ = Phase::head;
    deserted_ = client_has_left();
    co_return co_await write();
}

Task<Result<>> Connection::send_piece(std::string piece) {
    if (phase_ != Phase::head) co_return fail(Errc::internal, "a piece outside of an answer");
    if (piece.empty() || framing_ == Framing::none) co_return Result<>{};
    if (framing_ == Framing::length) {
        if (piece.size() > left_) co_return fail(Errc::internal, "more body than announced");
        left_ -= piece.size();
    }
    out_.clear();
    if (framing_ != Framing::chunked) co_return co_await write(piece);
    append_chunk_size(out_, piece.size());
    co_return co_await write(piece, "\r\n");
}

Task<Result<>> Connection::finish() {
    if (phase_ != Phase::head) co_return fail(Errc::internal, "the end of no answer");
    if (left_ > 0) co_return fail(Errc::internal, "less body than announced");
    phase_ = Phase::done;
    if (framing_ != Framing::chunked) co_return ended();
    out_ = "0\r\n\r\n";
    auto written = co_await write();
    if (!written) co_return written;
    co_return ended();
}

/// A client that closed its side before the answer began has most likely gone, and what is written
/// to it is lost without a word: the bytes go out, and the handler hears that nobody may have them.
Result<> Connection::ended() {
    if (deserted_) return write_failed(Error{Errc::closed, "the client closed the connection"});
    return {};
}

bool Connection::client_has_left() {
    if (used_ < filled_) return false;
    char next = 0;
    return ::recv(socket_.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

Task<Result<>> Connection::send_raw(std::shared_ptr<const std::string> bytes) {
    if (phase_ != Phase::none) co_return fail(Errc::internal, "a second answer to one request");
    std::string_view raw = *bytes;
    if (!raw.starts_with("HTTP/1.1 ") || raw.find("\r\n\r\n") == std::string_view::npos) {
        co_return fail(Errc::internal, "not a serialised response");
    }
    if (is_head_) raw = raw.substr(0, raw.find("\r\n\r\n") + 4);
    const auto line_end = raw.find("\r\n") + 2;
    static const Headers none;
    decide_keep(none);
    phase_ = Phase::done;
    out_.assign(raw.substr(0, line_end));
    out_.append(shared_.date_line());
    append_connection();
    out_.append(raw.substr(line_end));
    pending_ = {out_, {}, {}};
    const auto wrote = write_now();
    if (wrote == Wrote::all) co_return Result<>{};
    co_return co_await write_rest();
}

/// In the middle of a body the peer must see that the rest is missing: a chunked one lacks its last
/// chunk, one of known length its last bytes, and one that ends with the connection ends with a
/// reset.
void Connection::abort() {
    keep_ = false;
    request_keeps_ = false;
    if (phase_ != Phase::head) return;
    if (framing_ == Framing::until_close) {
        boost::system::error_code ignored;
        socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    }
    write_error_ = Error{Errc::closed, "the answer was broken off"};
    cut();
}

Task<Result<>> Connection::write(std::string_view tail, std::string_view end) {
    pending_ = {out_, tail, end};
    if (write_now() == Wrote::all) co_return Result<>{};
    co_return co_await write_rest();
}

Connection::Wrote Connection::write_now() {
    if (write_error_) return Wrote::failed;
    while (true) {
        std::array<asio::const_buffer, 3> buffers;
        std::size_t parts = 0;
        for (const auto part : pending_) {
            if (!part.empty()) buffers[parts++] = asio::buffer(part.data(), part.size());
        }
        if (parts == 0) break;
        boost::system::error_code code;
        auto size =
            parts == 1 ? socket_.write_some(buffers[0], code) : socket_.write_some(buffers, code);
        if (code == asio::error::would_block || code == asio::error::try_again) return Wrote::some;
        if (code) {
            static_cast<void>(write_failed(Error{Errc::closed, code.message()}));
            return Wrote::failed;
        }
        for (auto& part : pending_) {
            const auto from_part = std::min(size, part.size());
            part.remove_prefix(from_part);
            size -= from_part;
        }
    }
    if (out_.capacity() > kKeptBytesMax) out_ = std::string();
    return Wrote::all;
}

/// The part that waits until the peer has taken something.
Task<Result<>> Connection::write_rest() {
    while (!write_error_) {
        boost::system::error_code code;
        writing_.arm(shared_.limits.write_timeout);
        co_await socket_.async_wait(Socket::wait_write, asio::redirect_error(use_task, code));
        const bool late = writing_.expired();
        writing_.disarm();
        if (late) {
            co_return write_failed(Error{Errc::timed_out, "the client takes no more"});
        }
        if (code == asio::error::operation_aborted && !cut_) {
            const auto own = co_await asio::this_coro::cancellation_state;
            if (own.cancelled() != asio::cancellation_type::none) {
                throw boost::system::system_error(code);
            }
        } else if (code) {
            co_return write_failed(Error{Errc::closed, code.message()});
        }
        if (write_now() == Wrote::all) co_return Result<>{};
    }
    co_return fail(*write_error_);
}

std::unexpected<Error> Connection::write_failed(Error error) {
    keep_ = false;
    write_error_ = std::move(error);
    return fail(*write_error_);
}

}  // namespace farthing::net
