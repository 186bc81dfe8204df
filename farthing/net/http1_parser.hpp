// SPDX-License-Identifier: Apache-2.0
// One HTTP/1.1 message from bytes, as they come: llhttp in strict mode, with our limits on top.
// No sockets. Private to net. Source: RFC 9112.
#pragma once

#include <llhttp.h>

#include <cstdint>
#include <utility>

#include "farthing/net/http.hpp"

namespace farthing::net {

struct ParserLimits {
    std::size_t head_bytes_max = 96 << 10;
    std::size_t headers_max = 128;
    std::size_t target_bytes_max = 16 << 10;
    std::string no_tunnel = {};  ///< the words for CONNECT, as 405; empty: 501
};

/// Why a message was refused, and what a server answers to it.
struct ParseFault {
    int status = 0;  ///< 0: none
    std::string reason;
};

/// The start line and the header section.
struct MessageHead {
    std::string method;
    std::string target;
    std::optional<Url> absolute;  ///< set by check_request
    int status = 0;
    int version_major = 1;
    int version_minor = 1;
    Headers headers;
    bool has_body = false;  ///< a body may follow
    bool chunked = false;
    bool keep_alive = true;
    std::optional<std::uint64_t> content_length;
};

class Http1Parser {
  public:
    enum class Mode : std::uint8_t { request, response };
    /// What the request was decides whether its response has a body.
    enum class Body : std::uint8_t { by_headers, none };

    explicit Http1Parser(ParserLimits limits) : limits_(limits) {}
    Http1Parser(const Http1Parser&) = delete;
    Http1Parser& operator=(const Http1Parser&) = delete;

    /// Forgets the last message and expects another one.
    void start(Mode mode, Body body = Body::by_headers);
    /// Takes bytes and says how many: it stops at the end of the head when a body follows, at the
    /// end of the message, and at a fault.
    std::size_t feed(std::string_view bytes);
    /// The peer sends no more. True when that ends the message properly.
    [[nodiscard]] bool end();

    [[nodiscard]] bool started() const { return head_bytes_ > 0; }
    [[nodiscard]] bool head_done() const { return head_done_; }
    [[nodiscard]] bool message_done() const { return message_done_; }
    [[nodiscard]] bool failed() const { return fault_.status != 0; }
    [[nodiscard]] const ParseFault& fault() const { return fault_; }
    [[nodiscard]] MessageHead& head() { return head_; }
    /// Body bytes fed since the last call.
    [[nodiscard]] std::string take_body() { return std::exchange(body_, {}); }
    [[nodiscard]] bool has_piece() const { return !body_.empty(); }
    /// Whether the body ends where the peer closes.
    [[nodiscard]] bool until_close() const { return until_close_; }

    /// llhttp's callbacks.
    struct Callbacks;

  private:
    int refuse(int status, std::string reason);
    int on_field(std::string_view part);
    int on_value(std::string_view part);
    int on_target(std::string_view part);
    int on_field_done();
    int on_head();
    void check_lines(std::string_view bytes);
    void check_start_line(std::string_view bytes);
    void note_error(llhttp_errno_t code);

    ParserLimits limits_;
    llhttp_t parser_{};
    MessageHead head_;
    ParseFault fault_;
    std::string name_;
    std::string value_;
    std::string body_;
    std::size_t head_bytes_ = 0;
    std::uint64_t body_bytes_ = 0;
    std::uint64_t framing_bytes_ = 0;
    Body expects_ = Body::by_headers;
    enum class StartLine : std::uint8_t { expected, inside, done };
    StartLine start_line_ = StartLine::expected;
    std::size_t spaces_ = 0;
    char last_ = 0;  ///< the byte before the ones fed next, within the head
    bool head_done_ = false;
    bool message_done_ = false;
    bool until_close_ = false;
};

}  // namespace farthing::net
