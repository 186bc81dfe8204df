// SPDX-License-Identifier: Apache-2.0
// Access: who may ask /verify and /settle, for what, and how often. Everything here comes before
// any cryptography on a payment and any call to a node.
#pragma once

#include <array>
#include <expected>

#include "farthing/facilitator/access_config.hpp"
#include "farthing/facilitator/rate_limit.hpp"
#include "farthing/io/env.hpp"
#include "farthing/net/trusted_proxies.hpp"
#include "farthing/wire/v2.hpp"

namespace farthing::facilitator {

/// Why a request is not served. Also the label of the metric.
enum class Denial : std::uint8_t {
    no_key,
    bad_key,
    expired_key,
    network,
    pay_to,
    asset,
    client_rate,
    key_rate,
    payer_rate,
    count_,
};

struct Denied {
    Denial why;
    std::string message;                  ///< for who asked
    std::chrono::seconds retry_after{0};  ///< of the rates
};

/// `no_key`, `client_rate`, …
[[nodiscard]] std::string_view label_of(Denial why);
/// Errc of what is denied: api_key_invalid (401), not_allowed (403), rate_limited (429).
[[nodiscard]] Errc code_of(Denial why);
/// The member of the payment's requirements that is not allowed, as the wire spells it; empty where
/// it is none of them.
[[nodiscard]] std::string_view member_of(Denial why);

struct AccessConfig {
    std::vector<std::string> trusted_proxies;
    AllowConfig allow;
    std::vector<ApiKeyConfig> api_key;  ///< none: open
    RateLimitsConfig rate_limits;
};

/// One executor.
class Access {
  public:
    /// `config` is valid.
    Access(Env env, AccessConfig config);

    /// Somebody who may ask.
    struct Pass {
        std::size_t key = 0;  ///< its place among the keys
        std::string name;     ///< the key's; empty where the facilitator is open
    };
    /// From what is known before the body is read.
    [[nodiscard]] std::expected<Pass, Denied> admit(const net::Headers& headers,
                                                    std::string_view peer_ip);
    /// From the payment.
    [[nodiscard]] std::optional<Denied> judge(const Pass& pass, const v2::Payment& payment);

  private:
    std::expected<Pass, Denied> identify(const net::Headers& headers) const;
    std::expected<Pass, Denied> admitted(const net::Headers& headers, std::string_view peer_ip);
    std::optional<Denied> judged(const Pass& pass, const v2::Payment& payment);
    void count(Denial why);

    Env env_;
    AccessConfig config_;
    net::TrustedProxies trusted_;
    std::optional<RateLimit> clients_;
    std::optional<RateLimit> payers_;
    std::vector<std::optional<RateLimit>> keys_;
    std::array<Counter*, static_cast<std::size_t>(Denial::count_)> denied_{};
};

}  // namespace farthing::facilitator
