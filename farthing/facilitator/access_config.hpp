// SPDX-License-Identifier: Apache-2.0
// Who may use a facilitator, how often, and whose payments it refuses: the settings.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "farthing/evm/address.hpp"
#include "farthing/evm/network.hpp"
#include "farthing/io/clock.hpp"
#include "farthing/io/config.hpp"

namespace farthing::facilitator {

/// A token bucket: it holds `burst` requests and refills at `rate` in each `per`. Such as
/// `{ rate = 30, per = "1m", burst = 10 }`.
struct RateConfig {
    std::uint64_t rate = 0;                ///< requests in each `per`
    std::chrono::milliseconds per{1'000};  ///< at most a day
    std::uint64_t burst = 0;               ///< requests at once, after a pause

    static constexpr std::uint64_t kTokensMax = 50'000;
    static constexpr std::chrono::hours kPerMax{24};
    static constexpr std::array<std::string_view, 2> required{"rate", "burst"};
    static constexpr auto fields() {
        using T = RateConfig;
        return std::tuple{field("rate", &T::rate), field("per", &T::per),
                          field("burst", &T::burst)};
    }
    [[nodiscard]] Result<> validate() const;
};

/// How often /verify and /settle may be asked, before any cryptography and any call to a node.
/// Beyond: 429 with `Retry-After`. A paid request asks twice. What is not set is not limited.
struct RateLimitsConfig {
    std::optional<RateConfig> client;  ///< of one client address; of one /64 with IPv6
    std::optional<RateConfig> key;     ///< of an API key that has no `rate_limit` of its own
    /// Of one payer, counted for each API key by itself: a seller cannot use up another's.
    std::optional<RateConfig> payer;
    /// Addresses that are remembered, of clients and of payers each; beyond, the one that was
    /// silent longest is forgotten.
    std::uint64_t entries_max = 100'000;

    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        using T = RateLimitsConfig;
        return std::tuple{field("client", &T::client), field("key", &T::key),
                          field("payer", &T::payer), field("entries_max", &T::entries_max)};
    }
    [[nodiscard]] Result<> validate() const;
};

/// What is verified and settled at all, whoever asks. An empty list allows everything.
struct AllowConfig {
    std::vector<Address> pay_to;  ///< who may be paid
    std::vector<Address> asset;   ///< in which tokens

    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        return std::tuple{field("pay_to", &AllowConfig::pay_to),
                          field("asset", &AllowConfig::asset)};
    }
};

/// A day, or a second of it, in UTC: `2027-01-31` (its first second) or `2027-01-31T12:00:00Z`.
struct UtcTime {
    UnixTime at;
    friend bool operator==(const UtcTime&, const UtcTime&) = default;
};

/// Errors: invalid_field.
[[nodiscard]] Result<UtcTime> parse_utc_time(std::string_view text);
[[nodiscard]] std::string to_text(const UtcTime& time);

/// Somebody who may ask for /verify and /settle, with `Authorization: Bearer KEY` or `X-API-Key:
/// KEY`. `farthing apikey new` makes a key and its hash; the key itself stands nowhere. Lists that
/// are empty allow what the facilitator allows.
struct ApiKeyConfig {
    std::string name;              ///< in logs; at most 64 letters, digits, `-`, `_` and `.`
    Bytes32 hash;                  ///< SHA-256 of the key: `0x` and 64 hex digits
    std::vector<Address> pay_to;   ///< who may be paid
    std::vector<Address> asset;    ///< in which tokens
    std::vector<Network> network;  ///< on which chains
    std::optional<RateConfig> rate_limit;  ///< instead of `rate_limits.key`
    std::optional<UtcTime> expires;        ///< `"2027-01-31"` or `"2027-01-31T12:00:00Z"`, in UTC

    static constexpr std::array<std::string_view, 2> required{"name", "hash"};
    static constexpr auto fields() {
        using T = ApiKeyConfig;
        return std::tuple{field("name", &T::name),       field("hash", &T::hash),
                          field("pay_to", &T::pay_to),   field("asset", &T::asset),
                          field("network", &T::network), field("rate_limit", &T::rate_limit),
                          field("expires", &T::expires)};
    }
    [[nodiscard]] Result<> validate() const;
};

inline constexpr std::size_t kApiKeysMax = 1000;

/// Each by itself, and no name and no hash twice. Errors: invalid_config with `api_key[i]` and the
/// field.
[[nodiscard]] Result<> check_api_keys(const std::vector<ApiKeyConfig>& keys);

/// Payers and payees are held against a list, or a service, or both, before anything of a payment
/// is sent: `file` or `url` must be there.
struct ScreeningConfig {
    /// Addresses that are refused, one a line, `#` before a comment. Read again when it changes and
    /// at SIGHUP; one with a fault is not taken over.
    std::optional<std::string> file;
    std::chrono::milliseconds file_check_interval{5'000};  ///< between looks at the file
    /// Asked with POST and `{"network","payer","payTo","asset","amount"}`; answers
    /// `{"allowed": true}` or `{"allowed": false, "reason": "…"}`.
    std::optional<std::string> url;
    std::optional<SecretSource> token;         ///< for the service: `Authorization: Bearer …`
    std::chrono::milliseconds timeout{2'000};  ///< of one call to the service
    /// When the service gives no answer: `"refuse"` (503, nothing is sent) or `"allow"`.
    std::string on_error = "refuse";
    std::chrono::milliseconds cache_for{60'000};  ///< how long an answer counts; `"0s"`: not
    std::uint64_t cache_max = 10'000;             ///< answers that are kept

    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        using T = ScreeningConfig;
        return std::tuple{field("file", &T::file),
                          field("file_check_interval", &T::file_check_interval),
                          field("url", &T::url),
                          field("token", &T::token),
                          field("timeout", &T::timeout),
                          field("on_error", &T::on_error),
                          field("cache_for", &T::cache_for),
                          field("cache_max", &T::cache_max)};
    }
    /// Also that the file is there and good. Errors: invalid_config.
    [[nodiscard]] Result<> validate() const;
};

/// Errors: invalid_config with `trusted_proxies[i]`.
[[nodiscard]] Result<> check_proxies(const std::vector<std::string>& proxies);

}  // namespace farthing::facilitator

template <>
struct farthing::json::Codec<farthing::facilitator::UtcTime> {
    static Result<facilitator::UtcTime> decode(const Value& value, const Path& path);
    static Value encode(const facilitator::UtcTime& time) {
        return Value(facilitator::to_text(time));
    }
};
