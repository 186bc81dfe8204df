// SPDX-License-Identifier: Apache-2.0
// Who asked, and under which URL: what the client sees of us. Forwarded and X-Forwarded-* count
// only from proxies on our list; from anybody else they are lies. Source: RFC 7239.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "farthing/net/trusted_proxies.hpp"

namespace farthing::gateway {

using net::TrustedProxies;

struct ClientView {
    std::string scheme;    ///< "http" or "https"
    std::string host;      ///< authority as the client wrote it; not yet checked
    bool trusted = false;  ///< the peer is a trusted proxy

    /// scheme://host and the target as it came.
    [[nodiscard]] std::string url(std::string_view target) const {
        return scheme + "://" + host + std::string(target);
    }
};

/// `public_url` counts instead of Host, and of what a proxy says, when there is one. Errors:
/// invalid_header (no Host, or several).
[[nodiscard]] Result<ClientView> view_client(const net::Headers& headers, std::string_view peer_ip,
                                             const std::optional<net::Url>& public_url,
                                             const TrustedProxies& trusted);

/// Only letters that a host[:port] is made of: what a proxy says goes into URLs and headers.
/// Errors: invalid_header.
[[nodiscard]] Result<> check_host(std::string_view host);

/// The value of `name` in the first element of a Forwarded field, unquoted.
[[nodiscard]] std::optional<std::string> forwarded_parameter(std::string_view forwarded,
                                                             std::string_view name);

}  // namespace farthing::gateway
