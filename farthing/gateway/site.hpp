// SPDX-License-Identifier: Apache-2.0
// Site: a configuration compiled for serving: routes with their offers, and everything of a request
// that the file decides. Immutable; a reload makes a new one and requests in hand keep theirs.
#pragma once

#include <memory>

#include "farthing/gateway/client_view.hpp"
#include "farthing/gateway/config.hpp"
#include "farthing/gateway/routes.hpp"
#include "farthing/net/http.hpp"
#include "farthing/wire/v2.hpp"

namespace farthing::gateway {

/// When a payment is settled.
enum class SettleWhen : std::uint8_t {
    after,     ///< the origin has answered, and its answer is held back
    before,    ///< the origin is asked
    deferred,  ///< its answer has gone out, on credit
};

/// One way to pay: what the 402 says, and the same parsed.
struct Offer {
    v2::PaymentRequirements requirements;
    std::uint32_t decimals = 0;  ///< of the asset
    json::Value as_json;
    std::optional<json::Object> as_v1;  ///< without `resource`; nothing for a network that version
                                        ///< 1 has no name for
};

struct Route {
    std::string name;
    bool is_free = false;
    SettleWhen settle = SettleWhen::after;
    std::optional<net::Url> origin;       ///< instead of the site's
    std::optional<std::string> resource;  ///< instead of the URL asked for
    v2::ResourceInfo info;                ///< with an empty `url`
    std::vector<Offer> offers;            ///< empty when free
};

struct Site {
    net::Url origin;
    std::optional<net::Url> public_url;
    TrustedProxies trusted;
    CorsConfig cors;
    RouteTable table;
    std::vector<Route> routes;          ///< by the table's index
    std::vector<std::string> warnings;  ///< what is allowed and probably not meant

    [[nodiscard]] const net::Url& origin_of(const Route* route) const {
        return route != nullptr && route->origin ? *route->origin : origin;
    }
};

/// Errors: invalid_config with the field and what to do.
[[nodiscard]] Result<std::shared_ptr<const Site>> make_site(const Config& config);

/// `host`, where a URL names a server and nothing more. Errors: invalid_config.
[[nodiscard]] Result<net::Url> parse_server_url(std::string_view text, std::string_view field);

}  // namespace farthing::gateway
