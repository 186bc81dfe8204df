// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 client on Asio, llhttp and OpenSSL, with a keep-alive pool per origin. One loop.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "farthing/io/env.hpp"
#include "farthing/net/http.hpp"

namespace farthing::net {

struct ClientConfig {
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds response_timeout{
        30'000};  ///< from the last byte sent to the end of the headers
    std::chrono::milliseconds read_timeout{30'000};  ///< between two reads of a body
    std::size_t header_bytes_max = 128 << 10;
    std::size_t body_bytes_max = 64 << 20;  ///< for fetch
    std::size_t idle_per_origin_max = 64;
    std::chrono::milliseconds idle_timeout{30'000};
    std::string ca_file;  ///< PEM; empty: the system's
};

/// Whether the peer can have acted on a request that failed.
enum class Sent : std::uint8_t {
    no,     ///< nothing left this machine, or the connection was refused: safe to try again
    maybe,  ///< bytes went out: the peer may have acted
};

struct RequestError {
    Error error;  ///< connection_failed, timed_out, closed, protocol_violation, too_large
    Sent sent = Sent::no;
};

/// A response whose body is still arriving.
class ResponseStream {
  public:
    virtual ~ResponseStream() = default;
    [[nodiscard]] virtual const Response& head() const = 0;  ///< status and headers; body empty
    [[nodiscard]] virtual std::optional<std::uint64_t> content_length() const = 0;
    /// The next piece, empty at the end. A body that breaks off before its end is an error
    /// (closed), never an end.
    virtual Task<Result<std::string>> read() = 0;
};

/// A request body in pieces: called until it returns an empty piece.
using BodySource = std::function<Task<Result<std::string>>()>;

class Client {
  public:
    static std::unique_ptr<Client> make(Env env, Loop& loop, ClientConfig config);
    virtual ~Client() = default;

    /// Sends and reads the whole answer. A request on a kept connection that the peer closed before
    /// any answer byte is repeated once on a fresh one when the method is idempotent (GET, HEAD,
    /// PUT, DELETE, OPTIONS) and the request repeatable, or nothing was sent. Redirects are not
    /// followed.
    virtual Task<std::expected<Response, RequestError>> fetch(Url url, Request request) = 0;
    /// The same with a deadline for the whole exchange.
    virtual Task<std::expected<Response, RequestError>> fetch(
        Url url, Request request, std::chrono::milliseconds deadline) = 0;
    /// Head first, body as it comes. `body` (optional) streams the request's; with `length` or
    /// chunked.
    virtual Task<std::expected<std::unique_ptr<ResponseStream>, RequestError>> open(
        Url url, Request request, BodySource body, std::optional<std::uint64_t> length) = 0;
};

}  // namespace farthing::net
