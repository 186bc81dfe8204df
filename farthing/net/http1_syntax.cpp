// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/http1_syntax.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace farthing::net {
namespace {

enum : std::uint8_t { kToken = 1, kValue = 2, kTarget = 4, kHost = 8 };

constexpr bool is_alnum(int c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr bool is_one_of(int c, std::string_view set) {
    return c < 0x80 && set.find(static_cast<char>(c)) != std::string_view::npos;
}

constexpr auto kClasses = [] {
    std::array<std::uint8_t, 256> table{};
    for (int c = 0; c < 256; ++c) {
        std::uint8_t mask = 0;
        if (is_alnum(c) || is_one_of(c, "!#$%&'*+-.^_`|~")) mask |= kToken;
        if (c == '\t' || (c >= 0x20 && c != 0x7f)) mask |= kValue;
        if (c > 0x20 && c < 0x7f && !is_one_of(c, "\"<>\\`")) mask |= kTarget;
        if (is_alnum(c) || is_one_of(c, "-._~")) mask |= kHost;
        table[static_cast<std::size_t>(c)] = mask;
    }
    return table;
}();

bool all_are(std::string_view text, std::uint8_t mask) {
    return std::all_of(text.begin(), text.end(), [mask](char c) {
        return (kClasses[static_cast<unsigned char>(c)] & mask) != 0;
    });
}

bool is_port(std::string_view text) {
    if (text.empty() || text.size() > 5) return false;
    std::uint32_t port = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return false;
        port = port * 10 + static_cast<std::uint32_t>(c - '0');
    }
    return port >= 1 && port <= 65535;
}

}  // namespace

bool is_token(std::string_view text) { return !text.empty() && all_are(text, kToken); }

bool is_field_value(std::string_view text) { return all_are(text, kValue); }

bool is_target(std::string_view text) { return !text.empty() && all_are(text, kTarget); }

bool is_authority(std::string_view text) {
    std::string_view host = text;
    std::string_view rest;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return false;
        host = text.substr(1, end - 1);
        rest = text.substr(end + 1);
        const bool valid = std::all_of(host.begin(), host.end(), [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
                   c == ':' || c == '.';
        });
        if (host.size() < 2 || !valid) return false;
    } else {
        const auto colon = text.find(':');
        host = text.substr(0, colon);
        if (colon != std::string_view::npos) rest = text.substr(colon);
        if (host.empty() || host.size() > 255 || !all_are(host, kHost)) return false;
    }
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
}

std::string http_date(std::chrono::sys_seconds time) {
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

bool is_framing_field(std::string_view name) {
    switch (name.size()) {
        case 10:
            return equal_no_case(name, "connection") || equal_no_case(name, "keep-alive");
        case 14:
            return equal_no_case(name, "content-length");
        case 17:
            return equal_no_case(name, "transfer-encoding");
        case 16:
            return equal_no_case(name, "proxy-connection");
        case 7:
            return equal_no_case(name, "upgrade") || equal_no_case(name, "trailer");
        default:
            return false;
    }
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

Result<> append_fields(std::string& out, const Headers& headers) {
    for (const auto& [name, value] : headers) {
        if (!is_token(name)) {
            return fail(Errc::invalid_argument, "a header name that is not a token");
        }
        if (!is_field_value(value)) {
            return fail(Errc::invalid_argument,
                        fmt::format("header {}: a line break or control character", name));
        }
        if (is_framing_field(name)) continue;
        append_field(out, name, value);
    }
    return {};
}

void append_status_line(std::string& out, int status) {
    fmt::format_to(std::back_inserter(out), "HTTP/1.1 {:03} {}\r\n", status, reason_phrase(status));
}

void append_chunk_size(std::string& out, std::size_t size) {
    fmt::format_to(std::back_inserter(out), "{:x}\r\n", size);
}

}  // namespace farthing::net
