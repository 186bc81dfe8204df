// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/exchange.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/net/http1_syntax.hpp"

namespace farthing::net {
namespace {

constexpr std::size_t kReadBytes = 16 << 10;
/// A body up to this size goes out with its head in one write.
constexpr std::size_t kJoinBytesMax = 64 << 10;
/// Interim responses (1xx) before the real one.
constexpr int kInterimMax = 8;

std::chrono::milliseconds shortest(const ClientConfig& config) {
    return std::min({config.connect_timeout, config.response_timeout, config.read_timeout,
                     config.idle_timeout});
}

/// Repeating it asks for the same thing. RFC 9110 section 9.2.2.
bool is_idempotent(std::string_view method) {
    return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
           method == "OPTIONS";
}

bool has_body_by_nature(std::string_view method) {
    return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

ClientCore::ClientCore(Loop& loop, ClientConfig with)
    : config(std::move(with)),
      deadlines(loop, shortest(config)),
      connector{loop, deadlines, config.connect_timeout, config.ca_file, nullptr},
      pool(std::make_shared<Pool>(loop, deadlines, config.idle_per_origin_max,
                                  config.idle_timeout)) {}

Result<Outgoing> make_outgoing(const Url& url, Request request, BodySource source,
                               std::optional<std::uint64_t> length) {
    if (!is_token(request.method) || request.method == "CONNECT") {
        return fail(Errc::invalid_argument, "a method that cannot be sent");
    }
    if (!is_target(url.target) || !url.target.starts_with('/') || !is_authority(url.authority())) {
        return fail(Errc::invalid_argument, "a URL that cannot be sent");
    }
    Outgoing out;
    out.origin = url.origin();
    out.is_head = request.method == "HEAD";
    out.idempotent = request.repeatable && is_idempotent(request.method);
    out.body = std::move(request.body);
    out.source = std::move(source);
    out.length = length;
    out.head = fmt::format("{} {} HTTP/1.1\r\n", request.method, url.target);
    if (!request.headers.has("Host")) append_field(out.head, "Host", url.authority());
    FARTHING_CHECK(append_fields(out.head, request.headers));
    if (!out.source && (!out.body.empty() || has_body_by_nature(request.method))) {
        append_field(out.head, "Content-Length", std::to_string(out.body.size()));
    } else if (out.source && length) {
        append_field(out.head, "Content-Length", std::to_string(*length));
    } else if (out.source) {
        append_field(out.head, "Transfer-Encoding", "chunked");
    }
    out.head.append("\r\n");
    return out;
}

Exchange::Exchange(std::shared_ptr<ClientCore> core, std::unique_ptr<Stream> stream)
    : core_(std::move(core)),
      stream_(std::move(stream)),
      parser_(ParserLimits{.head_bytes_max = core_->config.header_bytes_max, .headers_max = 256}),
      before_(stream_->bytes_written()) {}

std::optional<std::uint64_t> Exchange::content_length() const { return content_length_; }

Task<Result<>> Exchange::start(Outgoing& out) {
    origin_ = out.origin;
    auto sent = co_await send(out);
    sent_whole_ = sent.has_value();
    // A peer that refuses a body closes after its answer: the answer may be there to read.
    const bool may_have_answered =
        !sent && !source_failed_ && sent.error().code == Errc::closed && written();
    if (!sent && !may_have_answered) co_return sent;
    auto head = co_await read_head(out.is_head);
    if (!head && !sent) co_return sent;
    co_return head;
}

Task<Result<>> Exchange::send(Outgoing& out) {
    const auto timeout = core_->config.read_timeout;
    if (!out.source && out.body.size() <= kJoinBytesMax) {
        const auto whole = out.head + out.body;
        co_return co_await stream_->write(whole, timeout);
    }
    FARTHING_CO_CHECK(co_await stream_->write(out.head, timeout));
    if (out.source) co_return co_await send_pieces(out);
    co_return co_await stream_->write(out.body, timeout);
}

Task<Result<>> Exchange::send_pieces(Outgoing& out) {
    const auto timeout = core_->config.read_timeout;
    std::uint64_t total = 0;
    std::string framed;
    while (true) {
        source_used_ = true;
        source_failed_ = true;  // until the piece is there and fits
        FARTHING_CO_TRY(auto piece, co_await out.source());
        total += piece.size();
        const bool last = piece.empty();
        if (out.length && (total > *out.length || (last && total < *out.length))) {
            auto failed = fail(
                Errc::invalid_argument,
                fmt::format("the body has {} bytes where {} were announced", total, *out.length));
            co_return failed;
        }
        source_failed_ = false;
        framed.clear();
        if (!out.length) append_chunk_size(framed, piece.size());
        framed.append(piece);
        if (!out.length) framed.append("\r\n");
        FARTHING_CO_CHECK(co_await stream_->write(framed, timeout));
        if (last) co_return Result<>{};
    }
}

Task<Result<>> Exchange::fill(SteadyTime deadline) {
    if (in_.empty()) in_.resize(kReadBytes);
    FARTHING_CO_TRY(const auto size, co_await stream_->read_some(in_, deadline));
    used_ = 0;
    filled_ = size;
    if (size > 0) {
        answer_begun_ = true;
        co_return Result<>{};
    }
    eof_ = true;
    auto ended = fail(Errc::closed, "the peer closed the connection");
    co_return ended;
}

Result<> Exchange::feed() {
    used_ += parser_.feed(std::string_view(in_).substr(used_, filled_ - used_));
    if (!parser_.failed()) return {};
    const bool large = parser_.fault().status == 431;
    return fail(large ? Errc::too_large : Errc::protocol_violation, parser_.fault().reason);
}

Task<Result<>> Exchange::read_head(bool head_request) {
    const auto deadline = socket_time() + core_->config.response_timeout;
    const auto body = head_request ? Http1Parser::Body::none : Http1Parser::Body::by_headers;
    for (int interim = 0; interim <= kInterimMax; ++interim) {
        parser_.start(Http1Parser::Mode::response, body);
        while (!parser_.head_done()) {
            if (used_ == filled_) FARTHING_CO_CHECK(co_await fill(deadline));
            FARTHING_CO_CHECK(feed());
        }
        auto& head = parser_.head();
        if (head.version_major != 1 || head.status == 101 || head.status < 100) {
            auto failed =
                fail(Errc::protocol_violation,
                     fmt::format("unexpected HTTP/{} status {}", head.version_major, head.status));
            co_return failed;
        }
        if (head.status / 100 == 1) continue;
        head_.status = head.status;
        head_.headers = std::move(head.headers);
        content_length_ = head.content_length;
        keep_alive_ = head.keep_alive && sent_whole_;
        if (parser_.message_done()) finish();
        co_return Result<>{};
    }
    auto failed = fail(Errc::protocol_violation, "too many interim responses");
    co_return failed;
}

Task<Result<std::string>> Exchange::read() {
    if (failed_) co_return fail(*failed_);
    while (stream_ && !parser_.has_piece()) {
        if (used_ == filled_) {
            const auto deadline = socket_time() + core_->config.read_timeout;
            auto filled = co_await fill(deadline);
            if (!filled) {
                const bool complete = eof_ && parser_.until_close() && parser_.end();
                if (!complete) co_return break_off(std::move(filled).error());
                finish();
                break;
            }
        }
        auto fed = feed();
        if (!fed) co_return break_off(std::move(fed).error());
        if (parser_.message_done()) finish();
    }
    co_return parser_.take_body();
}

/// The connection serves the next request, if it can.
void Exchange::finish() {
    auto stream = std::move(stream_);
    if (keep_alive_ && used_ == filled_) core_->pool->keep(origin_, std::move(stream));
    in_ = std::string();
}

std::unexpected<Error> Exchange::break_off(Error error) {
    stream_.reset();
    failed_ = Error{error.code, "the response body broke off: " + error.detail};
    return fail(*failed_);
}

}  // namespace farthing::net
