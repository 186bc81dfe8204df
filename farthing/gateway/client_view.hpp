// SPDX-License-Identifier: Apache-2.0
// Who asked, and under which URL: what the client sees of us. Forwarded and X-Forwarded-* count
// only from proxies on our list; from anybody else they are lies. Source: RFC 7239.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "farthing/net/http.hpp"

namespace farthing::gateway {

/// Networks as `10.0.0.0/8`, `::1/128` or a single address.
class TrustedProxies {
  public:
    /// Errors: invalid_argument.
    Result<> add(std::string_view cidr);
    /// Whether `ip`, the text of an address, is in one of them.
    [[nodiscard]] bool contains(std::string_view ip) const;

  private:
    using Bits = boost::asio::ip::address_v6::bytes_type;
    struct Range {
        Bits bits;  ///< IPv4 addresses as ::ffff:a.b.c.d
        unsigned length;
    };
    static std::optional<Bits> parse(std::string_view ip, bool& is_v4);

    std::vector<Range> ranges_;
};

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
