// SPDX-License-Identifier: Apache-2.0
// Which headers pass the gateway, either way. Pure. Source: RFC 9110 section 7.6, RFC 7239.
#pragma once

#include "farthing/gateway/client_view.hpp"
#include "farthing/net/http.hpp"

namespace farthing::gateway {

/// What the origin is sent. Never: hop-by-hop fields; payments (an origin that logs headers would
/// hold money); fields by which some origins let a request name another path or method than the one
/// we priced (X-HTTP-Method-Override, X-Original-URL, Script-Name …); Forwarded fields of anybody
/// but a trusted proxy; names with anything but letters, digits and hyphens (CGI-like origins
/// cannot tell `A_B` from `A-B`, and take `SCRIPT_NAME` for the server's own word).
/// Added: X-Forwarded-For, -Proto, -Host, Forwarded and X-Request-Id.
[[nodiscard]] net::Headers to_origin(const net::Headers& from, const ClientView& client,
                                     std::string_view peer_ip, std::string_view request_id);

/// What the client is sent of the origin's: everything but hop-by-hop fields and payment headers,
/// so that no origin, and nobody whose text it repeats, can forge an offer or a receipt.
[[nodiscard]] net::Headers from_origin(const net::Headers& from);

/// An origin's whole answer, its headers rewritten for the client. `length` is what the answer to a
/// HEAD says its body would have.
struct OriginAnswer {
    net::Response response;
    std::optional<std::uint64_t> length;
};

}  // namespace farthing::gateway
