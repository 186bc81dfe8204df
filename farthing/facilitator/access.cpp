// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/access.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/printable.hpp"
#include "farthing/crypto/kdf.hpp"
#include "farthing/facilitator/api_key.hpp"
#include "farthing/scheme/scheme.hpp"

namespace farthing::facilitator {
namespace {

constexpr std::size_t kShownMax = 64;

struct Row {
    Denial why;
    std::string_view label;
    Errc code;
    std::string_view member;
};

constexpr std::array kRows{
    Row{Denial::no_key, "no_key", Errc::api_key_invalid, ""},
    Row{Denial::bad_key, "bad_key", Errc::api_key_invalid, ""},
    Row{Denial::expired_key, "expired_key", Errc::api_key_invalid, ""},
    Row{Denial::network, "network", Errc::not_allowed, "network"},
    Row{Denial::pay_to, "pay_to", Errc::not_allowed, "payTo"},
    Row{Denial::asset, "asset", Errc::not_allowed, "asset"},
    Row{Denial::client_rate, "client_rate", Errc::rate_limited, ""},
    Row{Denial::key_rate, "key_rate", Errc::rate_limited, ""},
    Row{Denial::payer_rate, "payer_rate", Errc::rate_limited, ""},
};
static_assert(kRows.size() == static_cast<std::size_t>(Denial::count_));
static_assert([] {
    for (std::size_t i = 0; i < kRows.size(); ++i) {
        if (static_cast<std::size_t>(kRows[i].why) != i) return false;
    }
    return true;
}());

const Row& row(Denial why) { return kRows[static_cast<std::size_t>(why)]; }

std::unexpected<Denied> denied(Denial why, std::string message) {
    return std::unexpected(Denied{why, std::move(message)});
}

/// Who counts as one client. Anybody with IPv6 has at least 2^64 addresses.
std::string client_name(const std::string& ip) {
    namespace asio_ip = boost::asio::ip;
    boost::system::error_code error;
    const auto address = asio_ip::make_address(ip, error);
    if (error || address.is_v4()) return ip;
    const auto wide = address.to_v6();
    if (wide.is_v4_mapped()) return asio_ip::make_address_v4(asio_ip::v4_mapped, wide).to_string();
    auto bits = wide.to_bytes();
    std::fill(bits.begin() + 8, bits.end(), std::uint8_t{0});
    return asio_ip::address_v6(bits).to_string();
}

/// The keys that a request presents, as they stand in its headers.
std::vector<std::string_view> presented(const net::Headers& headers) {
    constexpr std::string_view kBearer = "Bearer ";
    auto out = headers.all("X-API-Key");
    for (const auto value : headers.all("Authorization")) {
        // Another scheme is somebody else's, such as a proxy's.
        if (net::equal_no_case(value.substr(0, kBearer.size()), kBearer))
            out.push_back(value.substr(kBearer.size()));
    }
    return out;
}

bool is_in(const std::vector<Address>& list, std::string_view text) {
    if (list.empty()) return true;
    const auto address = parse_address(text);
    return address && std::ranges::find(list, *address) != list.end();
}

std::optional<Address> payer_in(const v2::Payment& payment) {
    for (const auto* scheme : scheme::all_schemes()) {
        const auto payer = scheme->payer_of(payment.payload.payload);
        if (!payer) continue;
        if (const auto address = parse_address(*payer)) return *address;
    }
    return std::nullopt;
}

std::optional<RateLimit> limit_of(const std::optional<RateConfig>& config, std::size_t entries) {
    if (!config) return std::nullopt;
    return std::make_optional<RateLimit>(*config, entries);
}

std::optional<Denied> over(std::optional<RateLimit>& limit, Denial why, std::string_view who,
                           SteadyTime now, std::string_view of) {
    if (!limit) return std::nullopt;
    const auto wait = limit->take(who, now);
    if (!wait) return std::nullopt;
    return Denied{why, fmt::format("too many requests {}: try again in {} s", of, wait->count()),
                  *wait};
}

}  // namespace

std::string_view label_of(Denial why) { return row(why).label; }
Errc code_of(Denial why) { return row(why).code; }
std::string_view member_of(Denial why) { return row(why).member; }

Access::Access(Env env, AccessConfig config)
    : env_(env),
      config_(std::move(config)),
      clients_(limit_of(config_.rate_limits.client, config_.rate_limits.entries_max)),
      payers_(limit_of(config_.rate_limits.payer, config_.rate_limits.entries_max)) {
    for (const auto& proxy : config_.trusted_proxies) {
        invariant(trusted_.add(proxy).has_value(), "a valid configuration has valid proxies");
    }
    for (const auto& key : config_.api_key) {
        keys_.push_back(limit_of(key.rate_limit ? key.rate_limit : config_.rate_limits.key, 1));
    }
    for (const auto& each : kRows) {
        denied_[static_cast<std::size_t>(each.why)] = &env.metrics.counter(
            "farthing_facilitator_refused_total", "Requests that were not served, by reason",
            {{"reason", std::string(each.label)}});
    }
}

void Access::count(Denial why) { denied_[static_cast<std::size_t>(why)]->add(); }

std::expected<Access::Pass, Denied> Access::admit(const net::Headers& headers,
                                                  std::string_view peer_ip) {
    auto pass = admitted(headers, peer_ip);
    if (!pass) count(pass.error().why);
    return pass;
}

std::expected<Access::Pass, Denied> Access::admitted(const net::Headers& headers,
                                                     std::string_view peer_ip) {
    const auto now = env_.clock.steady_now();
    if (clients_) {
        const auto client = client_name(net::client_ip(headers, peer_ip, trusted_));
        auto wait = over(clients_, Denial::client_rate, client, now, "from this address");
        if (wait) return std::unexpected(*std::move(wait));
    }
    auto pass = identify(headers);
    if (!pass || pass->name.empty()) return pass;
    auto wait = over(keys_[pass->key], Denial::key_rate, "", now, "with this API key");
    if (wait) return std::unexpected(*std::move(wait));
    return pass;
}

std::expected<Access::Pass, Denied> Access::identify(const net::Headers& headers) const {
    if (config_.api_key.empty()) return Pass{};
    const auto given = presented(headers);
    if (given.empty()) {
        return denied(Denial::no_key,
                      "an API key is needed: Authorization: Bearer KEY, or X-API-Key: KEY");
    }
    if (given.size() > 1) return denied(Denial::bad_key, "more than one API key was given");
    const auto hash = hash_api_key(given.front());
    if (!hash) return denied(Denial::bad_key, "this is no API key of ours");
    // Every hash is compared, and each in the same time: how long it takes tells nothing.
    std::size_t found = config_.api_key.size();
    for (std::size_t i = 0; i < config_.api_key.size(); ++i) {
        if (equal_constant_time(config_.api_key[i].hash, *hash)) found = i;
    }
    if (found == config_.api_key.size())
        return denied(Denial::bad_key, "this is no API key of ours");
    const auto& key = config_.api_key[found];
    if (key.expires && env_.clock.now() >= key.expires->at)
        return denied(Denial::expired_key, "this API key expired at " + to_text(*key.expires));
    return Pass{found, key.name};
}

std::optional<Denied> Access::judge(const Pass& pass, const v2::Payment& payment) {
    auto out = judged(pass, payment);
    if (out) count(out->why);
    return out;
}

std::optional<Denied> Access::judged(const Pass& pass, const v2::Payment& payment) {
    const auto& wanted = payment.requirements;
    const auto refuse = [&](Denial why, std::string_view value) {
        return Denied{why, fmt::format("{} is not served here: {}", member_of(why),
                                       printable(value, kShownMax))};
    };
    if (!is_in(config_.allow.pay_to, wanted.pay_to)) return refuse(Denial::pay_to, wanted.pay_to);
    if (!is_in(config_.allow.asset, wanted.asset)) return refuse(Denial::asset, wanted.asset);
    if (!pass.name.empty()) {
        const auto& key = config_.api_key[pass.key];
        const bool on_network = key.network.empty() ||
                                std::ranges::find(key.network, wanted.network) != key.network.end();
        if (!on_network) return refuse(Denial::network, wanted.network.id);
        if (!is_in(key.pay_to, wanted.pay_to)) return refuse(Denial::pay_to, wanted.pay_to);
        if (!is_in(key.asset, wanted.asset)) return refuse(Denial::asset, wanted.asset);
    }
    if (!payers_) return std::nullopt;
    // Whoever names no payer has no payment, and is refused before it costs anything.
    const auto payer = payer_in(payment);
    if (!payer) return std::nullopt;
    return over(payers_, Denial::payer_rate, pass.name + " " + payer->to_lower(),
                env_.clock.steady_now(), "for this payer");
}

}  // namespace farthing::facilitator
