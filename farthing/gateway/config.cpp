// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/config.hpp"

#include <fmt/format.h>

#include "farthing/gateway/site.hpp"
#include "farthing/net/server.hpp"

namespace farthing::gateway {
namespace {

std::unexpected<Error> bad(std::string_view field, std::string_view what) {
    return fail(Errc::invalid_config, fmt::format("{}: {}", field, what));
}

Result<> check_listen(const std::string& address, std::string_view field) {
    const auto valid = net::check_listen_address(address);
    if (!valid) return bad(field, valid.error().detail);
    return {};
}

}  // namespace

Result<> FacilitatorConfig::validate() const {
    if (url.has_value() == !network.empty())
        return bad("facilitator",
                   "expected either url, of one somewhere else, or "
                   "[[facilitator.network]] entries for the embedded one");
    if (url) {
        if (const auto parsed = net::parse_url(*url); !parsed)
            return bad("facilitator.url", parsed.error().detail);
    }
    if (timeout.count() <= 0) return bad("facilitator.timeout", "expected more than 0");
    if (settle_patience.count() <= 0)
        return bad("facilitator.settle_patience", "expected more than 0");
    for (std::size_t i = 0; i < header.size(); ++i) {
        if (const auto valid = header[i].value.validate(); !valid)
            return bad(fmt::format("facilitator.header[{}].value", i), valid.error().detail);
    }
    if (screening) {
        if (url) return bad("facilitator.screening", "the facilitator at url has its own");
        if (const auto valid = screening->validate(); !valid)
            return fail(Errc::invalid_config, "facilitator.screening." + valid.error().detail);
    }
    if (const auto valid = facilitator::check_networks(network); !valid)
        return fail(Errc::invalid_config, "facilitator." + valid.error().detail);
    return {};
}

Result<> LimitsConfig::validate() const {
    constexpr std::uint64_t kBytesMax = 4ULL << 30;
    const auto check = [](std::string_view field, std::uint64_t value, std::uint64_t most) {
        if (value > 0 && value <= most) return Result<>{};
        return Result<>(
            bad(fmt::format("limits.{}", field), fmt::format("expected 1 to {}", most)));
    };
    FARTHING_CHECK(check("request_body_bytes_max", request_body_bytes_max, kBytesMax));
    FARTHING_CHECK(check("response_body_bytes_max", response_body_bytes_max, kBytesMax));
    FARTHING_CHECK(check("kept_bytes_max", kept_bytes_max, kBytesMax));
    FARTHING_CHECK(check("connections_max", connections_max, 1 << 20));
    for (const auto each :
         {origin_connect_timeout, origin_response_timeout, origin_read_timeout, kept_for}) {
        if (each.count() <= 0) return bad("limits", "expected timeouts of more than 0");
    }
    return {};
}

Result<> DeferredConfig::validate() const {
    constexpr std::chrono::minutes kWindowMax{5};
    if (settle_window.count() <= 0 || settle_window > kWindowMax)
        return bad("deferred.settle_window", "expected more than 0 and at most \"5m\"");
    const auto check = [](std::string_view field, const std::string& text) -> Result<> {
        const auto money = scheme::parse_money(text);
        if (money && money->symbol.empty()) return {};
        return bad(fmt::format("deferred.{}", field), "expected dollars, such as \"$1\"");
    };
    FARTHING_CHECK(check("per_payer", per_payer));
    FARTHING_CHECK(check("per_pay_to", per_pay_to));
    FARTHING_CHECK(check("total", total));
    return {};
}

Result<> Config::validate() const {
    FARTHING_CHECK(check_listen(listen, "listen"));
    if (admin_listen) FARTHING_CHECK(check_listen(*admin_listen, "admin_listen"));
    FARTHING_CHECK(facilitator.validate());
    FARTHING_CHECK(limits.validate());
    FARTHING_CHECK(deferred.validate());
    for (std::size_t i = 0; i < route.size(); ++i) {
        if (route[i].settle != "deferred") continue;
        const auto where = fmt::format("route[{}].settle", i);
        if (store == "memory")
            return bad(where,
                       "\"deferred\" needs a store that outlives the process, not \"memory\"");
    }
    FARTHING_CHECK(make_site(*this));
    return {};
}

}  // namespace farthing::gateway
