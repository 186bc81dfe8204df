// SPDX-License-Identifier: Apache-2.0
// The path of a request, in one spelling. Source: protocol.md section 5.7, RFC 3986 section 6.2.2.
//
// An origin may decode a path in ways we do not: twice, with `\` as a separator, without `;x=1`. If
// it could read a paid path where we read a free one, the goods would be free. So a path is read
// once, here, and what goes to the origin is built from that reading:
//
//   dot segments, plain or %2e    resolved, before matching; above the root refused
//   `//`                          one `/` (`//host/paid` is a URL with an authority to some)
//   %XX of an unreserved letter   the letter; other %XX stay, in upper case
//   trailing `/`                  kept for the origin, no difference for matching
//   a broken %, control characters, bytes that are not UTF-8, `#`
//                                 refused
//
// Ambiguous is a path with a second reading; the stricter of the two counts:
//
//   %2F; `\` or %5C               split there
//   `;` or %3B                    the segment ends there
//   `:$`                          the segment ends at its `:` (`/paid::$DATA` on NTFS)
//   %3F, %23                      the path ends there: decoded first, it is a query or a fragment
//   %25XX                         decoded once more
//   a segment that ends in `.` or a space
//                                 trimmed
//
// Two of these kinds in one path, or a dot segment that only the second reading has, are refused.
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
