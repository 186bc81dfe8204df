// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 server on Asio and llhttp: one acceptor and any number of connections on one loop.
// Handlers are coroutines from a request to a responder; only this file's implementation knows
// sockets and keep-alive.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "farthing/io/env.hpp"
#include "farthing/net/http.hpp"

namespace farthing::net {

struct ServerLimits {
    std::size_t header_bytes_max =
        96 << 10;  ///< request line and all headers: room for a 64 KiB payment; beyond: 431
    std::size_t headers_max = 128;
    std::size_t target_bytes_max = 16 << 10;  ///< beyond: 414
    std::size_t body_bytes_max = 1 << 20;     ///< for read_all; beyond: 413
    std::size_t connections_max = 4096;       ///< beyond: the one that idles longest makes room;
                                              ///< when none does, the new one waits in the backlog
    std::string no_tunnel;                    ///< the words for CONNECT, as 405; empty: 501
    std::chrono::milliseconds header_timeout{
        10'000};  ///< from the first byte of a request to the end of its headers: 408
    std::chrono::milliseconds body_timeout{30'000};   ///< between two reads of a body
    std::chrono::milliseconds idle_timeout{60'000};   ///< keep-alive without a request
    std::chrono::milliseconds write_timeout{30'000};  ///< one write that makes no progress
};

/// The request's body as it arrives.
class BodyReader {
  public:
    virtual ~BodyReader() = default;
    /// The next piece, empty at the end. Errors: closed, timed_out, protocol_violation.
    virtual Task<Result<std::string>> read() = 0;
    /// Everything, at most `bytes_max`. Errors: too_large and those of read.
    virtual Task<Result<std::string>> read_all(std::size_t bytes_max) = 0;
};

struct ServerRequest {
    std::string method;
    std::string target;           ///< origin form ("/path?query"), or "*" for OPTIONS
    std::optional<Url> absolute;  ///< the whole target when it was a URL, as proxies are asked
    Headers headers;
    std::string peer_ip;    ///< textual address of the TCP peer; empty on a Unix socket
    bool has_body = false;  ///< a Content-Length above 0, or chunked
    std::optional<std::uint64_t> content_length;
    BodyReader* body = nullptr;  ///< valid until the handler ends
};

/// Sends the answer: either all at once, or head then pieces. Exactly one head per request.
class Responder {
  public:
    virtual ~Responder() = default;
    /// Content-Length is set here. HEAD requests get the headers only. Errors: closed (also when
    /// the client had closed its side before: the answer goes out, and nobody may be there),
    /// timed_out.
    virtual Task<Result<>> send(Response response) = 0;
    /// `length` when it is known, else chunked (or until close for HTTP/1.0).
    virtual Task<Result<>> send_head(Response head, std::optional<std::uint64_t> length) = 0;
    virtual Task<Result<>> send_piece(std::string piece) = 0;
    virtual Task<Result<>> finish() = 0;
    /// A whole response, already serialised ("HTTP/1.1 402 …\r\n…\r\n\r\nbody") with its
    /// Content-Length, without Date and Connection, which are added: the hot path of static
    /// answers. HEAD requests get the headers only.
    virtual Task<Result<>> send_raw(std::shared_ptr<const std::string> bytes) = 0;
    [[nodiscard]] virtual bool started() const = 0;
    /// Whether the client has closed its side of the connection by now: most likely it has gone,
    /// and work that only it wanted can be left.
    [[nodiscard]] virtual bool client_gone() { return false; }
    /// After this answer the connection is closed (a body that broke off midway must not look
    /// complete).
    virtual void abort() = 0;
};

/// `request` and `responder` live until the handler's task ends. A handler that ends without an
/// answer gives a 500.
using Handler = std::function<Task<>(ServerRequest& request, Responder& responder)>;

/// Whether `listen` can take this address. Errors: invalid_argument.
[[nodiscard]] Result<> check_listen_address(const std::string& address);

class Server {
  public:
    /// `address` is `ip:port`, port 0 picks a free one. Errors: invalid_argument, io_failed
    /// ("127.0.0.1:80: address already in use").
    static Result<std::unique_ptr<Server>> listen(Env env, Loop& loop, const std::string& address,
                                                  ServerLimits limits, Handler handler);
    /// On a Unix socket that only its owner may use (mode 0600). What a process that died left
    /// there is replaced; the file goes when the server does. Errors: invalid_argument (too long,
    /// or something else is there), io_failed ("…: somebody listens there already").
    static Result<std::unique_ptr<Server>> listen_unix(Env env, Loop& loop, const std::string& path,
                                                       ServerLimits limits, Handler handler);
    virtual ~Server() = default;
    /// Accepts until `stop`; then open connections finish the request in hand (idle ones are closed
    /// at once) for up to `grace`.
    virtual Task<> run() = 0;
    virtual void stop(std::chrono::milliseconds grace) = 0;
    [[nodiscard]] virtual std::string url() const = 0;  ///< "http://127.0.0.1:8402", "unix:/path"
};

}  // namespace farthing::net
