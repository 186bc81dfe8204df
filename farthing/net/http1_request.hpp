// SPDX-License-Identifier: Apache-2.0
// What a server checks in a request's head before anybody acts on it. Pure. Private to net.
// Source: RFC 9112 sections 3.2, 6.1, 6.3; RFC 9110 section 10.1.1.
#pragma once

#include "farthing/net/http1_parser.hpp"

namespace farthing::net {

/// The fault, if any: version, Host, transfer coding, target, expectation. A target in absolute
/// form becomes origin form, and its authority becomes Host.
[[nodiscard]] std::optional<ParseFault> check_request(MessageHead& head);
/// Whether the client waits for `100 Continue` before it sends the body.
[[nodiscard]] bool expects_continue(const MessageHead& head);

}  // namespace farthing::net
