// SPDX-License-Identifier: Apache-2.0
// What may stand in an HTTP/1.1 message, and how a head is written. Private to net.
// Source: RFC 9110 section 5, RFC 9112.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "farthing/net/http.hpp"

namespace farthing::net {

/// A method or a field name: RFC 9110 section 5.6.2.
[[nodiscard]] bool is_token(std::string_view text);
/// No control character except tab: with a line break in it, a value would become a header, or a
/// second message.
[[nodiscard]] bool is_field_value(std::string_view text);
/// Printable ASCII without space: what may follow the method on the request line.
[[nodiscard]] bool is_target(std::string_view text);
/// host[:port] with a registered name, an IPv4 address or a bracketed IPv6 address; no user info.
[[nodiscard]] bool is_authority(std::string_view text);

/// "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string http_date(std::chrono::sys_seconds time);

/// Fields that only net sets: how long the message is and whether the connection stays.
[[nodiscard]] bool is_framing_field(std::string_view name);

void append_field(std::string& out, std::string_view name, std::string_view value);
/// Every field but the framing ones. Errors: invalid_argument naming the field.
[[nodiscard]] Result<> append_fields(std::string& out, const Headers& headers);
void append_status_line(std::string& out, int status);
/// `<hex size>CRLF`.
void append_chunk_size(std::string& out, std::size_t size);

}  // namespace farthing::net
