// SPDX-License-Identifier: Apache-2.0
// The path of a request, in one spelling. Source: protocol.md section 5.7, RFC 3986 section 6.2.2.
//
// An origin may decode a path in ways we do not: twice, with `\` as a separator, without `;x=1`. If
// it could read a paid path where we read a free one, the goods would be free. So a path is read
// once, here, and what goes to the origin is built from that reading:
//
//   dot segments, plain or %2e    resolved, before matching; above the root refused
//   `//`                          one `/` (`//host/paid` is a URL with an authority to some
//   origins) %XX of an unreserved letter   the letter; other %XX stay, in upper case trailing `/`
//   kept for the origin, no difference for matching %2F or %2f; `\` or %5C; `;` or %3B; %25XX; a
//   segment that ends in `.` or a space
//                                 ambiguous: there is a second reading (split there; without the
//                                 parameters; decoded once more; trimmed), and the stricter of the
//                                 two counts. Two kinds in one path, or a dot segment that only the
//                                 second reading has, are refused
//   a broken %, control characters, bytes that are not UTF-8, `#`
//                                 refused
//
// Refused means status 400. Letters are compared without case in ASCII only (routes.hpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "farthing/base/result.hpp"

namespace farthing::gateway {

struct RequestPath {
    std::string forward;  ///< for the origin, percent-encoded; begins with '/'
    std::string plain;    ///< decoded, for matching: no trailing '/', '/' and '\' inside a
                          ///< segment stand as %2F and %5C
    std::optional<std::string> other;  ///< the second reading of an ambiguous path
    friend bool operator==(const RequestPath&, const RequestPath&) = default;
};

/// Errors: invalid_argument with what is wrong.
[[nodiscard]] Result<RequestPath> read_path(std::string_view raw);

/// A request target in origin form.
struct RequestTarget {
    RequestPath path;
    std::string forward;   ///< path and query for the origin
    std::string_view raw;  ///< as it came
};

/// The query goes on as it came, but for characters that no URL holds. Errors: invalid_argument.
[[nodiscard]] Result<RequestTarget> read_target(std::string_view target);

}  // namespace farthing::gateway
