// SPDX-License-Identifier: Apache-2.0
// Proxies whose word about a client counts. From anybody else a Forwarded header is a lie.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "farthing/net/http.hpp"

namespace farthing::net {

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

/// Who asks, as far as is proved: the peer, or behind trusted proxies the last address in
/// X-Forwarded-For that is not one of theirs. Each proxy appends who it was asked by; what stands
/// before the first stranger is that stranger's invention.
[[nodiscard]] std::string client_ip(const Headers& headers, std::string_view peer_ip,
                                    const TrustedProxies& trusted);

}  // namespace farthing::net
