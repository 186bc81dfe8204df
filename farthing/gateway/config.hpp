// SPDX-License-Identifier: Apache-2.0
// What a gateway is told: `farthing gateway --config FILE`. The comment at a member is its manual.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "farthing/facilitator/config.hpp"
#include "farthing/scheme/price.hpp"

namespace farthing::gateway {

/// One way to pay a route: an entry of the 402's `accepts`.
struct AcceptConfig {
    std::string scheme = "exact";        ///< how it is paid
    std::optional<std::string> network;  ///< `eip155:8453` or `base`; default: the route's
    std::optional<scheme::Price> price;  ///< `"$0.001"`, `"0.01 USDC"` or `{ amount, asset }`
    std::optional<std::string> pay_to;   ///< who is paid
    std::optional<std::chrono::milliseconds> max_timeout;  ///< whole seconds; how long a payer's
                                                           ///< signature is to be valid
    json::Object extra;  ///< further members of the offer's `extra`

    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        using T = AcceptConfig;
        return std::tuple{field("scheme", &T::scheme),
                          field("network", &T::network),
                          field("price", &T::price),
                          field("pay_to", &T::pay_to),
                          field("max_timeout", &T::max_timeout),
                          field("extra", &T::extra)};
    }
};

/// A path with a price. What no route matches is free.
struct RouteConfig {
    std::string match;                ///< `"GET /weather"`, `"/any-method/*"`
    std::optional<std::string> name;  ///< in logs and metrics; default: `match`
    bool free = false;                ///< an exception from the routes below
    /// When it is paid: `after` the origin has answered, and its answer waits for that; `before` it
    /// is asked; or `deferred`: its answer goes out at once, on credit
    std::string settle = "after";
    std::optional<std::string> origin;        ///< instead of the gateway's
    std::optional<std::string> resource;      ///< what the 402 calls it; default: the URL asked for
    std::string description;                  ///< told to the payer
    std::string mime_type;                    ///< of what is sold
    std::optional<std::string> service_name;  ///< 1 to 32 printable ASCII characters
    std::optional<std::vector<std::string>> tags;  ///< at most 5, as short as service_name
    std::optional<std::string> icon_url;           ///< at most 2048 characters
    // For a route with one way to pay, instead of [[route.accepts]]; and defaults for its entries.
    std::optional<scheme::Price> price;  ///< as in [[route.accepts]]
    std::optional<std::string> network;  ///< likewise, and default for its entries
    std::optional<std::string> pay_to;   ///< likewise
    std::optional<std::chrono::milliseconds> max_timeout;  ///< likewise; default 300 s
    std::vector<AcceptConfig> accepts;                     ///< in the order the payer sees

    static constexpr std::array<std::string_view, 1> required{"match"};
    static constexpr auto fields() {
        using T = RouteConfig;
        return std::tuple{field("match", &T::match),
                          field("name", &T::name),
                          field("free", &T::free),
                          field("settle", &T::settle),
                          field("origin", &T::origin),
                          field("resource", &T::resource),
                          field("description", &T::description),
                          field("mime_type", &T::mime_type),
                          field("service_name", &T::service_name),
                          field("tags", &T::tags),
                          field("icon_url", &T::icon_url),
                          field("price", &T::price),
                          field("network", &T::network),
                          field("pay_to", &T::pay_to),
                          field("max_timeout", &T::max_timeout),
                          field("accepts", &T::accepts)};
    }
};

/// A header for a remote facilitator, such as Authorization.
struct HeaderConfig {
    std::string name;    ///< such as Authorization
    SecretSource value;  ///< never in the file itself

    static constexpr std::array<std::string_view, 2> required{"name", "value"};
    static constexpr auto fields() {
        return std::tuple{field("name", &HeaderConfig::name), field("value", &HeaderConfig::value)};
    }
};

/// `url` for one somewhere else, or `network` entries for the embedded one: exactly one of them.
struct FacilitatorConfig {
    std::optional<std::string> url;                   ///< of a remote one
    std::chrono::milliseconds timeout{90'000};        ///< of one call to a remote one
    std::vector<HeaderConfig> header;                 ///< sent with each call to a remote one
    std::vector<facilitator::NetworkConfig> network;  ///< makes it the embedded one
    std::string store;  ///< of the embedded one, see the facilitator's; default: the gateway's
    std::optional<facilitator::ScreeningConfig> screening;  ///< by the embedded one
    /// How long a payer waits for the settlement before the answer is "pending, ask again".
    std::chrono::milliseconds settle_patience{30'000};

    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        using T = FacilitatorConfig;
        return std::tuple{field("url", &T::url),
                          field("timeout", &T::timeout),
                          field("header", &T::header),
                          field("network", &T::network),
                          field("store", &T::store),
                          field("screening", &T::screening),
                          field("settle_patience", &T::settle_patience)};
    }
    [[nodiscard]] Result<> validate() const;
};

struct LimitsConfig {
    std::uint64_t request_body_bytes_max = 8 << 20;    ///< of a paid request: it is buffered
    std::uint64_t response_body_bytes_max = 64 << 20;  ///< of a paid response: it is buffered
    /// Of clients at once; beyond, one that idles makes room, and when none does, the next waits.
    /// At most about a third of the file descriptors the process may have.
    std::uint64_t connections_max = 4096;
    std::chrono::milliseconds origin_connect_timeout{5'000};    ///< then 502
    std::chrono::milliseconds origin_response_timeout{60'000};  ///< to the end of its headers
    std::chrono::milliseconds origin_read_timeout{30'000};      ///< between two pieces of its body
    /// Answers that wait for their payment to settle or for their client to come back; beyond, the
    /// oldest is dropped: the origin is asked again when its payment settles, and one that was
    /// settled already is lost.
    std::uint64_t kept_bytes_max = 64 << 20;
    std::chrono::milliseconds kept_for{15 * 60'000};   ///< an answer whose payment is pending
    std::chrono::milliseconds shutdown_grace{30'000};  ///< for requests in hand when told to stop

    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        using T = LimitsConfig;
        return std::tuple{field("request_body_bytes_max", &T::request_body_bytes_max),
                          field("response_body_bytes_max", &T::response_body_bytes_max),
                          field("connections_max", &T::connections_max),
                          field("origin_connect_timeout", &T::origin_connect_timeout),
                          field("origin_response_timeout", &T::origin_response_timeout),
                          field("origin_read_timeout", &T::origin_read_timeout),
                          field("kept_bytes_max", &T::kept_bytes_max),
                          field("kept_for", &T::kept_for),
                          field("shutdown_grace", &T::shutdown_grace)};
    }
    [[nodiscard]] Result<> validate() const;
};

/// How much is served before it is paid, on routes with `settle = "deferred"`. Beyond a limit such
/// a route settles as with `after`. Each token counts as one dollar, and each gateway for itself.
struct DeferredConfig {
    std::chrono::milliseconds settle_window{10'000};  ///< then it is settled
    std::string per_payer = "$1";                     ///< open debts of one payer
    std::string per_pay_to = "$10";                   ///< open debts to one who is paid
    std::string total = "$100";                       ///< all open debts

    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        using T = DeferredConfig;
        return std::tuple{field("settle_window", &T::settle_window),
                          field("per_payer", &T::per_payer), field("per_pay_to", &T::per_pay_to),
                          field("total", &T::total)};
    }
    [[nodiscard]] Result<> validate() const;
};

struct CorsConfig {
    /// Web origins whose pages may pay and read: `"https://app.example"`, or `"*"` alone. The
    /// gateway then answers preflights of paid routes.
    std::vector<std::string> allow_origins;
    std::vector<std::string> allow_headers;  ///< beside Content-Type and the payment headers

    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        return std::tuple{field("allow_origins", &CorsConfig::allow_origins),
                          field("allow_headers", &CorsConfig::allow_headers)};
    }
};

struct Config {
    std::string listen = "127.0.0.1:8402";    ///< address and port; port 0 picks a free one
    std::optional<std::string> admin_listen;  ///< /healthz, /readyz and /metrics; off by default
    std::string origin;                       ///< where requests go: `http://127.0.0.1:3000`
    /// The URL clients know us by, without a path; default: what Host (or a trusted proxy) says.
    std::optional<std::string> public_url;
    std::vector<std::string> trusted_proxies;  ///< `10.0.0.0/8`: whose Forwarded headers count
    std::optional<std::string> network;        ///< default for routes
    std::optional<std::string> pay_to;         ///< default for routes
    FacilitatorConfig facilitator;             ///< who verifies and settles
    /// Where payments in hand and the answers kept for them outlive the process, and are shared
    /// with other gateways: `memory` (not at all), the path of an SQLite file, or
    /// `postgresql://…`; default: that of the embedded facilitator, or a file beside this one
    std::string store;
    LimitsConfig limits;             ///< sizes, times and counts
    DeferredConfig deferred;         ///< how much is served before it is paid
    CorsConfig cors;                 ///< web pages that may pay and read
    std::vector<Asset> asset;        ///< added to the built-in table
    std::vector<RouteConfig> route;  ///< what costs what; the first that matches counts

    static constexpr std::array<std::string_view, 3> required{"origin", "facilitator", "route"};
    static constexpr auto fields() {
        using T = Config;
        return std::tuple{field("listen", &T::listen),
                          field("admin_listen", &T::admin_listen),
                          field("origin", &T::origin),
                          field("public_url", &T::public_url),
                          field("trusted_proxies", &T::trusted_proxies),
                          field("network", &T::network),
                          field("pay_to", &T::pay_to),
                          field("facilitator", &T::facilitator),
                          field("store", &T::store),
                          field("limits", &T::limits),
                          field("deferred", &T::deferred),
                          field("cors", &T::cors),
                          field("asset", &T::asset),
                          field("route", &T::route)};
    }
    /// Errors: invalid_config with the field and what to do.
    [[nodiscard]] Result<> validate() const;
};

}  // namespace farthing::gateway
