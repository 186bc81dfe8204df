// SPDX-License-Identifier: Apache-2.0
// The request's body, as the handler asks for it.
#include <fmt/format.h>

#include <algorithm>

#include "farthing/net/http1_connection.hpp"

namespace farthing::net {

Task<Result<std::string>> Connection::read() {
    if (body_error_) co_return fail(*body_error_);
    while (!parser_.has_piece() && !parser_.message_done()) {
        if (used_ == filled_) {
            if (awaits_continue_ && phase_ == Phase::none) {
                awaits_continue_ = false;
                out_ = "HTTP/1.1 100 Continue\r\n\r\n";
                auto sent = co_await write();
                if (!sent) co_return body_failed(std::move(sent).error());
            }
            auto filled = co_await fill(socket_time() + shared_.limits.body_timeout);
            if (!filled) co_return body_failed(std::move(filled).error());
        }
        awaits_continue_ = false;
        used_ += parser_.feed(std::string_view(in_).substr(used_, filled_ - used_));
        if (parser_.failed()) {
            co_return body_failed(Error{Errc::protocol_violation, parser_.fault().reason});
        }
    }
    auto piece = parser_.take_body();
    body_bytes_ += piece.size();
    co_return piece;
}

Task<Result<std::string>> Connection::read_all(std::size_t bytes_max) {
    const auto limit = std::min(bytes_max, shared_.limits.body_bytes_max);
    Error large{Errc::too_large, fmt::format("a request body over {} bytes", limit)};
    // Known before anything is read: a client that waits for 100 does not send it at all.
    if (request_.content_length.value_or(0) > limit) co_return body_failed(std::move(large));
    std::string whole;
    while (true) {
        FARTHING_CO_TRY(auto piece, co_await read());
        if (piece.empty()) co_return whole;
        if (piece.size() > limit - whole.size()) co_return body_failed(std::move(large));
        if (whole.empty()) {
            whole = std::move(piece);
        } else {
            whole.append(piece);
        }
    }
}

/// A body that failed stays failed, and the connection cannot find its next request.
std::unexpected<Error> Connection::body_failed(Error error) {
    body_error_ = std::move(error);
    request_keeps_ = false;
    keep_ = false;
    return fail(*body_error_);
}

}  // namespace farthing::net
