// SPDX-License-Identifier: Apache-2.0
// What a proxy passes on. Pure. Source: RFC 9110 section 7.6.
#pragma once

#include "farthing/net/http.hpp"

namespace farthing::net {

/// Without the fields for one connection only: the standard ones and those that Connection names.
/// Also without what only net sets (Content-Length, Host, Expect).
[[nodiscard]] Headers without_hop_by_hop(const Headers& from);

/// A field's name in lower case, `_` as `-`: as CGI-like servers read it.
[[nodiscard]] std::string folded(std::string_view name);

}  // namespace farthing::net
