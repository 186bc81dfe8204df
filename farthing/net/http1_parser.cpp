// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/http1_parser.hpp"

#include <utility>

namespace farthing::net {
namespace {

/// Chunk sizes, extensions and trailers beside the data: an honest peer stays far below, an endless
/// chunk extension does not.
constexpr std::uint64_t kFramingBytesMax = 64 << 10;
constexpr std::uint64_t kFramingBytesPerByte = 8;

}  // namespace

struct Http1Parser::Callbacks {
    static Http1Parser& self(llhttp_t* parser) { return *static_cast<Http1Parser*>(parser->data); }

    static int on_url(llhttp_t* parser, const char* at, std::size_t size) {
        return self(parser).on_target({at, size});
    }
    static int on_header_field(llhttp_t* parser, const char* at, std::size_t size) {
        return self(parser).on_field({at, size});
    }
    static int on_header_value(llhttp_t* parser, const char* at, std::size_t size) {
        return self(parser).on_value({at, size});
    }
    static int on_header_value_complete(llhttp_t* parser) { return self(parser).on_field_done(); }
    static int on_headers_complete(llhttp_t* parser) { return self(parser).on_head(); }
    static int on_body(llhttp_t* parser, const char* at, std::size_t size) {
        self(parser).body_.append(at, size);
        return 0;
    }
    static int on_message_complete(llhttp_t* parser) {
        self(parser).message_done_ = true;
        return HPE_PAUSED;
    }

    static const llhttp_settings_t* settings() {
        static const llhttp_settings_t all = [] {
            llhttp_settings_t made;
            llhttp_settings_init(&made);
            made.on_url = on_url;
            made.on_header_field = on_header_field;
            made.on_header_value = on_header_value;
            made.on_header_value_complete = on_header_value_complete;
            made.on_headers_complete = on_headers_complete;
            made.on_body = on_body;
            made.on_message_complete = on_message_complete;
            return made;
        }();
        return &all;
    }
};

void Http1Parser::start(Mode mode, Body body) {
    llhttp_init(&parser_, mode == Mode::request ? HTTP_REQUEST : HTTP_RESPONSE,
                Callbacks::settings());
    parser_.data = this;
    head_ = MessageHead{};
    fault_ = ParseFault{};
    name_.clear();
    value_.clear();
    body_.clear();
    head_bytes_ = 0;
    body_bytes_ = 0;
    framing_bytes_ = 0;
    expects_ = body;
    last_ = 0;
    start_line_ = mode == Mode::request ? StartLine::expected : StartLine::done;
    spaces_ = 0;
    head_done_ = false;
    message_done_ = false;
    until_close_ = false;
}

std::size_t Http1Parser::feed(std::string_view bytes) {
    if (failed() || message_done_) return 0;
    if (llhttp_get_errno(&parser_) == HPE_PAUSED) llhttp_resume(&parser_);
    const bool in_head = !head_done_;
    const auto body_before = body_.size();
    const auto code = llhttp_execute(&parser_, bytes.data(), bytes.size());
    std::size_t used = bytes.size();
    if (code != HPE_OK) {
        used = static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - bytes.data());
        if (code != HPE_PAUSED) note_error(code);
    }
    if (in_head) {
        head_bytes_ += used;
        check_lines(bytes.substr(0, used));
        if (head_bytes_ > limits_.head_bytes_max) refuse(431, "the headers are too large");
        return used;
    }
    body_bytes_ += body_.size() - body_before;
    framing_bytes_ += used - (body_.size() - body_before);
    if (framing_bytes_ > kFramingBytesMax + kFramingBytesPerByte * body_bytes_) {
        refuse(400, "too much framing around the body");
    }
    return used;
}

bool Http1Parser::end() {
    if (failed()) return false;
    if (message_done_) return true;
    if (!head_done_) return false;
    if (llhttp_get_errno(&parser_) == HPE_PAUSED) llhttp_resume(&parser_);
    // The end of a body that runs until the peer closes is told by the callback.
    static_cast<void>(llhttp_finish(&parser_));
    return message_done_;
}

/// The first fault stays. The return value stops llhttp.
int Http1Parser::refuse(int status, std::string reason) {
    if (!failed()) fault_ = ParseFault{status, std::move(reason)};
    return HPE_USER;
}

int Http1Parser::on_target(std::string_view part) {
    if (head_.target.size() + part.size() > limits_.target_bytes_max) {
        return refuse(414, "the request target is too long");
    }
    head_.target.append(part);
    return 0;
}

int Http1Parser::on_field(std::string_view part) {
    if (head_done_) return 0;  // a trailer: nobody acts on it, so nobody can be misled by it
    name_.append(part);
    return name_.size() > limits_.head_bytes_max ? refuse(431, "the headers are too large") : 0;
}

int Http1Parser::on_value(std::string_view part) {
    if (head_done_) return 0;
    value_.append(part);
    return value_.size() > limits_.head_bytes_max ? refuse(431, "the headers are too large") : 0;
}

int Http1Parser::on_field_done() {
    if (head_done_) return 0;
    if (name_.empty()) return refuse(400, "a header without a name");
    if (head_.headers.size() >= limits_.headers_max) return refuse(431, "too many headers");
    value_.resize(value_.find_last_not_of(" \t") + 1);
    head_.headers.add(std::exchange(name_, {}), std::exchange(value_, {}));
    return 0;
}

int Http1Parser::on_head() {
    head_done_ = true;
    head_.version_major = parser_.http_major;
    head_.version_minor = parser_.http_minor;
    head_.status = parser_.status_code;
    head_.keep_alive = llhttp_should_keep_alive(&parser_) != 0;
    if ((parser_.flags & F_CONTENT_LENGTH) != 0) head_.content_length = parser_.content_length;
    head_.chunked = (parser_.flags & F_CHUNKED) != 0;
    const bool response = parser_.type == HTTP_RESPONSE;
    // Another protocol is never spoken here: what follows is a body by the ordinary rules, not
    // bytes that nobody has looked at.
    parser_.upgrade = 0;
    const int status = response ? head_.status : 0;
    const bool no_body =
        response && (expects_ == Body::none || status / 100 == 1 || status == 204 || status == 304);
    if (no_body) {
        parser_.flags |= F_SKIPBODY;
        head_.keep_alive = llhttp_should_keep_alive(&parser_) != 0;
    } else {
        until_close_ = llhttp_message_needs_eof(&parser_) != 0;
        head_.has_body = until_close_ || (parser_.flags & F_TRANSFER_ENCODING) != 0 ||
                         head_.content_length.value_or(0) > 0;
    }
    if (!response) {
        // Tunnels, and the methods of other protocols that llhttp also knows.
        if (parser_.method == HTTP_CONNECT && !limits_.no_tunnel.empty()) {
            return refuse(405, limits_.no_tunnel);
        }
        if (parser_.method == HTTP_CONNECT || parser_.method >= HTTP_SOURCE) {
            return refuse(501, "this method is not for this server");
        }
        head_.method = llhttp_method_name(static_cast<llhttp_method_t>(parser_.method));
    }
    return head_.has_body ? HPE_PAUSED : 0;
}

/// Bare line feeds and folded lines: llhttp takes some of them, other servers read them
/// differently, and a request that two servers read differently smuggles another one.
void Http1Parser::check_lines(std::string_view bytes) {
    if (bytes.empty()) return;
    if (start_line_ != StartLine::done) check_start_line(bytes);
    const auto folds = [](char c) { return c == ' ' || c == '\t'; };
    if (last_ == '\n' && folds(bytes.front())) refuse(400, "a folded header line");
    for (auto at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
        const char before = at == 0 ? last_ : bytes[at - 1];
        if (before != '\r') refuse(400, "a line that ends without CR");
        if (at + 1 < bytes.size() && folds(bytes[at + 1])) refuse(400, "a folded header line");
    }
    last_ = bytes.back();
}

/// `method SP target SP version` with exactly these two spaces.
void Http1Parser::check_start_line(std::string_view bytes) {
    for (const char c : bytes) {
        if (c == '\r' || c == '\n') {
            if (start_line_ == StartLine::expected) continue;  // empty lines before it
            start_line_ = StartLine::done;
            if (spaces_ != 2) refuse(400, "the request line has spaces that do not belong there");
            return;
        }
        start_line_ = StartLine::inside;
        if (c == ' ') ++spaces_;
    }
}

void Http1Parser::note_error(llhttp_errno_t code) {
    switch (code) {
        case HPE_INVALID_VERSION:
        case HPE_PAUSED_H2_UPGRADE:
            refuse(505, "expected HTTP/1.1");
            break;
        case HPE_INVALID_METHOD:
            refuse(501, "unknown method");
            break;
        default: {
            const char* reason = llhttp_get_error_reason(&parser_);
            refuse(400, reason != nullptr ? reason : llhttp_errno_name(code));
        }
    }
}

}  // namespace farthing::net
