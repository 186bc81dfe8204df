// SPDX-License-Identifier: Apache-2.0
// The way to the origin and back: streamed for what is free, whole for what is paid.
#pragma once

#include "farthing/gateway/forward.hpp"
#include "farthing/gateway/path.hpp"
#include "farthing/net/client.hpp"
#include "farthing/net/server.hpp"

namespace farthing::gateway {

/// A request as the origin is to get it.
struct OriginRequest {
    net::Url url;
    net::Request request;  ///< method and headers, already rewritten; a body when it is buffered
};

/// Why there is no answer of the origin: a status for the client, and a sentence without our
/// insides.
struct OriginFailure {
    int status = 502;  ///< 504 when it was too late
    std::string_view message;
    Error cause;  ///< for the log
};

/// Sends `request` and reads all of the answer, at most `body_bytes_max`. Half an answer is a
/// failure.
Task<std::expected<OriginAnswer, OriginFailure>> fetch_whole(net::Client& client,
                                                             OriginRequest request,
                                                             std::uint64_t body_bytes_max);

/// What became of a streamed request.
enum class Streamed : std::uint8_t {
    complete,
    no_answer,    ///< the client got an error of ours
    broken_off,   ///< the origin stopped in the middle; the client's connection is closed
    client_gone,  ///< or its body was no good
};

/// Passes one free request through, bodies both ways piece by piece. `decorate` may change the
/// headers of the answer before they go out.
Task<Streamed> stream_through(net::Client& client, OriginRequest to, net::ServerRequest& request,
                              net::Responder& responder,
                              std::function<void(net::Response&)> decorate, Log& log);

[[nodiscard]] OriginFailure describe_failure(const Error& cause);

}  // namespace farthing::gateway
