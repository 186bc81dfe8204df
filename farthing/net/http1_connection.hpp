// SPDX-License-Identifier: Apache-2.0
// The server's side of one connection: requests one after the other, each to the handler.
// Private to net. One loop.
#pragma once

#include <array>
#include <functional>
#include <list>

#include "farthing/net/deadlines.hpp"
#include "farthing/net/http1_parser.hpp"
#include "farthing/net/server.hpp"

namespace farthing::net {

/// A body that the handler did not read is read to its end up to here, so that the connection can
/// go on.
inline constexpr std::uint64_t kDrainBytesMax = 64 << 10;

class Connection;

/// What all connections of a server share.
struct ServerShared {
    ServerShared(Env with, Loop& loop, ServerLimits bounds, Handler serve);

    /// "Date: …CRLF", made once a second.
    [[nodiscard]] std::string_view date_line();

    Env env;
    ServerLimits limits;
    Handler handler;
    Deadlines deadlines;
    bool stopping = false;
    std::list<Connection*> idle;    ///< those that wait for a request, the longest first
    std::function<void()> on_idle;  ///< called when one more does

  private:
    UnixTime date_time_{};
    std::string date_;
};

class Connection final : private BodyReader, private Responder {
  public:
    Connection(ServerShared& shared, Socket socket);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Serves until either side closes. Its cancellation is passed on to a running handler.
    Task<> run();
    /// Ends the wait for a next request, if it is that which is waited for.
    void close_if_idle();
    /// Whether it waits for a request of which nothing has come.
    [[nodiscard]] bool can_leave() const;
    /// Into the server's list of idle connections, or out of it: at the latest before it ends.
    void set_idle(bool idle);
    /// Closes now. A running handler goes on; what it reads and writes fails with closed.
    void cut();

  private:
    enum class Next : std::uint8_t { request, refuse, close };
    enum class Wrote : std::uint8_t { all, some, failed };
    enum class Phase : std::uint8_t { none, head, done };
    enum class Framing : std::uint8_t { none, length, chunked, until_close };

    // http1_connection.cpp: the life of a connection
    Task<Next> read_head();
    Task<Result<>> fill(SteadyTime deadline);
    Task<> handle();
    Task<> call_handler();
    Task<> answer_for_handler();
    Task<bool> drain();
    Task<> refuse(int status, std::string reason);
    Task<> linger();
    void begin_request();

    // http1_body.cpp: BodyReader
    Task<Result<std::string>> read() override;
    Task<Result<std::string>> read_all(std::size_t bytes_max) override;
    std::unexpected<Error> body_failed(Error error);

    // http1_responder.cpp: Responder
    Task<Result<>> send(Response response) override;
    Task<Result<>> send_head(Response head, std::optional<std::uint64_t> length) override;
    Task<Result<>> send_piece(std::string piece) override;
    Task<Result<>> finish() override;
    Task<Result<>> send_raw(std::shared_ptr<const std::string> bytes) override;
    [[nodiscard]] bool started() const override { return phase_ != Phase::none; }
    [[nodiscard]] bool client_gone() override { return cut_ || client_has_left(); }
    void abort() override;
    Result<> write_head(const Response& head, std::optional<std::uint64_t> length);
    void decide_keep(const Headers& headers);
    void append_connection();
    /// Sends `out_`, `tail` and `end`. `write_now` is the part that does not wait.
    Task<Result<>> write(std::string_view tail = {}, std::string_view end = {});
    Wrote write_now();
    Task<Result<>> write_rest();
    [[nodiscard]] bool client_has_left();
    Result<> ended();
    std::unexpected<Error> write_failed(Error error);

    ServerShared& shared_;
    Socket socket_;
    Http1Parser parser_;
    Deadlines::Watch reading_;
    Deadlines::Watch writing_;
    std::string peer_ip_;

    std::string in_;
    std::size_t used_ = 0;
    std::size_t filled_ = 0;
    std::list<Connection*> idle_place_{this};  ///< its node, while it is not in shared_.idle
    std::list<Connection*>::iterator idle_node_ = idle_place_.begin();
    bool idle_ = false;        ///< waiting for the first byte of a request
    bool leaving_ = false;     ///< told to close; a request that came at that moment is the last
    bool cut_ = false;         ///< closed from outside
    bool peer_ended_ = false;  ///< the peer sends no more
    bool keep_ = true;         ///< another request may follow
    ParseFault fault_;         ///< why the request in hand is refused

    // The request in hand.
    ServerRequest request_;
    bool is_head_ = false;
    bool is_old_ = false;           ///< HTTP/1.0
    bool awaits_continue_ = false;  ///< the client waits for 100 before it sends the body
    bool request_keeps_ = true;
    std::uint64_t body_bytes_ = 0;  ///< of the body, read so far
    std::optional<Error> body_error_;

    // Its response.
    Phase phase_ = Phase::none;
    Framing framing_ = Framing::none;
    std::uint64_t left_ = 0;  ///< bytes that a body of known length still lacks
    bool deserted_ = false;   ///< the client had closed its side before the answer began
    std::string out_;
    std::array<std::string_view, 3> pending_;
    std::optional<Error> write_error_;
};

}  // namespace farthing::net
