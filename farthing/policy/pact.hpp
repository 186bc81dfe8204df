// SPDX-License-Identifier: Apache-2.0
// The pact: what an operator lets an agent spend, on what and with whom. One declaration gives
// TOML, JSON and what is signed (signature.hpp). docs/pacts.md has every condition with an example.
//
// What a pact does not name is refused or limited: a network or an asset it does not list, a vendor
// off its list, plain http. The members stand in the order in which conditions are judged and named
// (decide.hpp).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "farthing/evm/address.hpp"
#include "farthing/policy/place.hpp"
#include "farthing/policy/terms.hpp"

namespace farthing::policy {

/// A token that the built-in table does not have, or that is worth something else than a dollar.
struct Token {
    static constexpr std::string_view eip712_name = "Token";
    Network network;
    Address address;
    std::string symbol;
    std::uint32_t decimals = 0;
    /// Of one unit, in dollars. Without one no limit in dollars lets it pass.
    std::optional<Amount> value;

    static constexpr std::array<std::string_view, 4> required{"network", "address", "symbol",
                                                              "decimals"};
    static constexpr auto fields() {
        using T = Token;
        return std::tuple{field("network", &T::network), field("address", &T::address),
                          field("symbol", &T::symbol), field("decimals", &T::decimals),
                          field("value", &T::value)};
    }
    friend bool operator==(const Token&, const Token&) = default;
};

/// Who is never paid: exactly one of the three.
struct Denied {
    static constexpr std::string_view eip712_name = "Denied";
    std::optional<HostPattern> host;
    std::optional<Address> pay_to;
    std::optional<std::string> did;

    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        using T = Denied;
        return std::tuple{field("host", &T::host), field("pay_to", &T::pay_to),
                          field("did", &T::did)};
    }
    friend bool operator==(const Denied&, const Denied&) = default;
};

/// An approved vendor: each member that is there must fit.
struct Vendor {
    static constexpr std::string_view eip712_name = "Vendor";
    std::optional<HostPattern> host;
    std::vector<Address> pay_to;     ///< empty: any, pinned on first use
    std::optional<std::string> did;  ///< as proven, not as claimed
    std::string category;

    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        using T = Vendor;
        return std::tuple{field("host", &T::host), field("pay_to", &T::pay_to),
                          field("did", &T::did), field("category", &T::category)};
    }
    friend bool operator==(const Vendor&, const Vendor&) = default;
};

/// What may be bought: a request fits when each list that is not empty has one that matches.
struct Scope {
    static constexpr std::string_view eip712_name = "Scope";
    std::vector<UrlPattern> urls;
    std::vector<std::string> methods;
    std::vector<std::string> tools;  ///< of MCP, with `*`: then only tool calls fit
    std::vector<std::string> tasks;  ///< ids, with `*`

    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        using T = Scope;
        return std::tuple{field("urls", &T::urls), field("methods", &T::methods),
                          field("tools", &T::tools), field("tasks", &T::tasks)};
    }
    friend bool operator==(const Scope&, const Scope&) = default;
};

/// How much a price may rise, in percent, and what happens beyond.
struct PriceDrift {
    static constexpr std::string_view eip712_name = "PriceDrift";
    std::uint32_t history = 100;  ///< over the median of the last prices of the same resource
    std::uint32_t quote = 0;      ///< over the price this vendor quoted for this request
    Verdict then = Verdict::ask;

    static constexpr std::array<std::string_view, 0> required{};
    static constexpr auto fields() {
        using T = PriceDrift;
        return std::tuple{field("history", &T::history), field("quote", &T::quote),
                          field("then", &T::then)};
    }
    friend bool operator==(const PriceDrift&, const PriceDrift&) = default;
};

/// At most `amount` per period, of everything or of one of: a vendor, a category, a task.
struct Limit {
    static constexpr std::string_view eip712_name = "Limit";
    std::optional<std::string> name;  ///< default: id()
    Amount amount;
    Period per;
    std::optional<std::string> vendor;  ///< a host pattern, or `each`: every vendor by itself
    std::optional<std::string> category;
    std::optional<std::string> task;                     ///< an id, or `each`
    Verdict over = Verdict::refuse;                      ///< or ask
    std::optional<std::vector<std::uint32_t>> alert_at;  ///< percents; default: the pact's

    static constexpr std::array<std::string_view, 2> required{"amount", "per"};
    static constexpr auto fields() {
        using T = Limit;
        return std::tuple{field("name", &T::name),         field("amount", &T::amount),
                          field("per", &T::per),           field("vendor", &T::vendor),
                          field("category", &T::category), field("task", &T::task),
                          field("over", &T::over),         field("alert_at", &T::alert_at)};
    }
    friend bool operator==(const Limit&, const Limit&) = default;
    /// How decisions call it: its name, or `day`, `window:1h`, `vendor:*.example.com:day`,
    /// `each_vendor:week`.
    [[nodiscard]] std::string id() const;
};

/// At most `payments` per period.
struct Rate {
    static constexpr std::string_view eip712_name = "Rate";
    std::optional<std::string> name;
    std::uint32_t payments = 0;
    Period per;
    std::optional<std::string> vendor;  ///< as in Limit
    Verdict over = Verdict::refuse;

    static constexpr std::array<std::string_view, 2> required{"payments", "per"};
    static constexpr auto fields() {
        using T = Rate;
        return std::tuple{field("name", &T::name), field("payments", &T::payments),
                          field("per", &T::per), field("vendor", &T::vendor),
                          field("over", &T::over)};
    }
    friend bool operator==(const Rate&, const Rate&) = default;
    [[nodiscard]] std::string id() const;  ///< its name, or `rate:1m`, `rate:each_vendor:1m`
};

struct Pact {
    static constexpr std::string_view eip712_name = "Pact";
    std::uint32_t version = 1;
    std::string id;    ///< what a revocation may name
    std::string name;  ///< for people
    bool stopped = false;
    Address agent;  ///< whose payments these are: the wallet's address
    std::optional<Instant> not_before;
    Instant expires;
    UtcOffset utc_offset;     ///< of days, weeks and months
    bool plain_http = false;  ///< http:// beyond this machine
    std::vector<Network> networks;
    std::vector<std::string> assets;  ///< symbols; empty: all that are known on the networks
    std::vector<Token> token;
    Span lifetime_max{3600};  ///< of an authorisation
    std::vector<Denied> deny;
    /// Default: refuse when there is a list of vendors, else ask.
    std::optional<Verdict> other_vendors;
    std::vector<Vendor> vendor;
    std::vector<Scope> scope;  ///< empty: everything; else one must fit
    Verdict pay_to_change = Verdict::ask;
    PriceDrift price_drift;
    Amount per_request;
    std::vector<Limit> limit;
    std::vector<Rate> rate;
    std::optional<Amount> ask_above;
    std::optional<Amount> justify_above;
    std::optional<std::uint32_t> trust_min;  ///< 0 to 100
    Verdict trust_unknown = Verdict::refuse;
    std::vector<std::uint32_t> alert_at{80};

    static constexpr std::array<std::string_view, 6> required{"version",  "agent",       "expires",
                                                              "networks", "per_request", "limit"};
    static constexpr auto fields() {
        using T = Pact;
        return std::tuple{field("version", &T::version),
                          field("id", &T::id),
                          field("name", &T::name),
                          field("stopped", &T::stopped),
                          field("agent", &T::agent),
                          field("not_before", &T::not_before),
                          field("expires", &T::expires),
                          field("utc_offset", &T::utc_offset),
                          field("plain_http", &T::plain_http),
                          field("networks", &T::networks),
                          field("assets", &T::assets),
                          field("token", &T::token),
                          field("lifetime_max", &T::lifetime_max),
                          field("deny", &T::deny),
                          field("other_vendors", &T::other_vendors),
                          field("vendor", &T::vendor),
                          field("scope", &T::scope),
                          field("pay_to_change", &T::pay_to_change),
                          field("price_drift", &T::price_drift),
                          field("per_request", &T::per_request),
                          field("limit", &T::limit),
                          field("rate", &T::rate),
                          field("ask_above", &T::ask_above),
                          field("justify_above", &T::justify_above),
                          field("trust_min", &T::trust_min),
                          field("trust_unknown", &T::trust_unknown),
                          field("alert_at", &T::alert_at)};
    }
    friend bool operator==(const Pact&, const Pact&) = default;
    /// What no type says: counts, lengths, names, and that the parts fit together. Errors:
    /// invalid_field with the path of the setting.
    [[nodiscard]] Result<> validate() const;
    [[nodiscard]] Verdict for_other_vendors() const;
};

/// A document as JSON or as TOML that was read into a value: unknown keys refused. Errors:
/// invalid_field, with the path of the setting.
[[nodiscard]] Result<Pact> parse_pact(const json::Value& document);

}  // namespace farthing::policy
