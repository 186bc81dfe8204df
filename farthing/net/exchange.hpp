// SPDX-License-Identifier: Apache-2.0
// One request and its response on one connection. Private to net.
#pragma once

#include "farthing/net/client.hpp"
#include "farthing/net/http1_parser.hpp"
#include "farthing/net/pool.hpp"

namespace farthing::net {

/// What all exchanges of a client share; lives as long as the last of them.
struct ClientCore {
    ClientCore(Loop& loop, ClientConfig with);

    ClientConfig config;
    Deadlines deadlines;
    Connector connector;
    std::shared_ptr<Pool> pool;
};

/// A request made ready: everything checked, nothing sent.
struct Outgoing {
    std::string origin;
    std::string head;
    std::string body;   ///< when there is no source
    BodySource source;  ///< else pieces, `length` bytes in all or chunked
    std::optional<std::uint64_t> length;
    bool is_head = false;
    bool idempotent = false;
};

/// Errors: invalid_argument (a line break in a header or the target, a method that is no token).
[[nodiscard]] Result<Outgoing> make_outgoing(const Url& url, Request request, BodySource source,
                                             std::optional<std::uint64_t> length);

class Exchange final : public ResponseStream {
  public:
    Exchange(std::shared_ptr<ClientCore> core, std::unique_ptr<Stream> stream);

    /// Sends the request and reads the response's head. Errors: closed, timed_out,
    /// protocol_violation, those of the body's source.
    Task<Result<>> start(Outgoing& out);
    /// Whether the peer has answered anything, and whether it can have read anything.
    [[nodiscard]] bool answer_begun() const { return answer_begun_; }
    /// Whether a piece of the body was asked for: it cannot be asked for again.
    [[nodiscard]] bool source_used() const { return source_used_; }
    [[nodiscard]] bool written() const { return stream_ && stream_->bytes_written() > before_; }

    [[nodiscard]] const Response& head() const override { return head_; }
    [[nodiscard]] std::optional<std::uint64_t> content_length() const override;
    Task<Result<std::string>> read() override;

  private:
    Task<Result<>> send(Outgoing& out);
    Task<Result<>> send_pieces(Outgoing& out);
    Task<Result<>> read_head(bool head_request);
    Task<Result<>> fill(SteadyTime deadline);
    Result<> feed();
    void finish();
    std::unexpected<Error> break_off(Error error);

    std::shared_ptr<ClientCore> core_;
    std::unique_ptr<Stream> stream_;
    std::string origin_;
    Http1Parser parser_;
    std::string in_;
    std::size_t used_ = 0;
    std::size_t filled_ = 0;
    Response head_;
    std::optional<std::uint64_t> content_length_;
    std::optional<Error> failed_;
    std::uint64_t before_;
    bool answer_begun_ = false;
    bool sent_whole_ = false;
    bool source_used_ = false;
    bool source_failed_ = false;
    bool eof_ = false;
    bool keep_alive_ = false;
};

}  // namespace farthing::net
