// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/pact.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <set>

#include "farthing/evm/assets.hpp"

namespace farthing::policy {
namespace {

constexpr std::size_t kListMax = 1000;  ///< vendors, denied, patterns
constexpr std::size_t kLimitsMax = 100;
constexpr std::size_t kShortListMax = 64;
constexpr std::size_t kIdMax = 64;
constexpr std::size_t kNameMax = 200;
constexpr std::size_t kPercentMax = 1'000'000;
constexpr std::string_view kEach = "each";

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::unexpected<Error> bad(std::string_view path, std::string_view what) {
    return fail(Errc::invalid_field, fmt::format("{}: {}", path, what));
}

Result<> check_count(std::string_view path, std::size_t count, std::size_t most) {
    if (count > most) return bad(path, fmt::format("expected at most {}", most));
    return {};
}

/// Text that ends up in decisions, ledgers and terminals.
Result<> check_id(const std::string& path, std::string_view text) {
    const auto fits = [](char c) { return is_alnum(c) || std::string_view("-_.:/*@").contains(c); };
    if (text.empty() || text.size() > kIdMax || !std::ranges::all_of(text, fits)) {
        return bad(path, "expected 1 to 64 letters, digits and - _ . : / * @");
    }
    return {};
}

Result<> check_did(const std::string& path, std::string_view text) {
    const auto printable = [](char c) { return c > ' ' && c < 0x7f; };
    if (!text.starts_with("did:") || text.size() > kNameMax ||
        !std::ranges::all_of(text, printable)) {
        return bad(path, "expected a DID such as \"did:web:example.com\"");
    }
    return {};
}

Result<> check_alerts(const std::string& path, const std::vector<std::uint32_t>& percents) {
    FARTHING_CHECK(check_count(path, percents.size(), 10));
    std::uint32_t before = 0;
    for (const auto each : percents) {
        if (each <= before || each > 100)
            return bad(path, "expected percents from 1 to 100, each above the one before");
        before = each;
    }
    return {};
}

/// A vendor member of a limit: `each` or a host pattern in its one spelling.
Result<> check_vendor(const std::string& path, const std::optional<std::string>& vendor) {
    if (!vendor || *vendor == kEach) return {};
    const auto pattern = parse_host_pattern(*vendor);
    if (!pattern) return bad(path, pattern.error().detail);
    if (pattern->text != *vendor)
        return bad(path, fmt::format("write it as \"{}\"", pattern->text));
    return {};
}

std::string scoped(std::string_view what, const std::optional<std::string>& which,
                   std::string_view rest) {
    if (*which == kEach) return fmt::format("each_{}:{}", what, rest);
    return fmt::format("{}:{}:{}", what, *which, rest);
}

std::string period_id(const Period& period) {
    const auto text = to_text(period);
    return period.kind == Period::Kind::window ? "window:" + text : text;
}

/// Names that decisions use for conditions which are there once.
constexpr std::array<std::string_view, 22> kReserved{
    "stopped",     "revoked",   "agent",         "not_before", "expires",       "url",
    "plain_http",  "idn",       "networks",      "assets",     "amount",        "lifetime_max",
    "deny",        "vendors",   "vendor_pay_to", "scope",      "pay_to_change", "price_drift",
    "per_request", "ask_above", "justify_above", "trust_min"};

class Checker {
  public:
    explicit Checker(const Pact& pact) : pact_(pact) {}

    Result<> check() {
        FARTHING_CHECK(check_head());
        FARTHING_CHECK(check_assets());
        FARTHING_CHECK(check_parties());
        FARTHING_CHECK(check_scopes());
        FARTHING_CHECK(check_prices());
        FARTHING_CHECK(check_limits());
        return check_rates();
    }

  private:
    Result<> check_head() const {
        if (pact_.version != 1) return bad(".version", "expected 1");
        if (!pact_.id.empty()) FARTHING_CHECK(check_id(".id", pact_.id));
        if (pact_.name.size() > kNameMax) return bad(".name", "expected at most 200 bytes");
        const auto control = [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        };
        if (std::ranges::any_of(pact_.name, control)) return bad(".name", "control character");
        if (pact_.agent.is_zero()) return bad(".agent", "expected the wallet's address");
        if (pact_.not_before && *pact_.not_before >= pact_.expires)
            return bad(".expires", "expected a time after not_before");
        return {};
    }

    Result<> check_assets() const {
        if (pact_.networks.empty()) return bad(".networks", "expected at least one network");
        FARTHING_CHECK(check_count(".networks", pact_.networks.size(), kShortListMax));
        FARTHING_CHECK(check_count(".assets", pact_.assets.size(), kShortListMax));
        FARTHING_CHECK(check_count(".token", pact_.token.size(), kShortListMax));
        for (std::size_t i = 0; i < pact_.assets.size(); ++i)
            FARTHING_CHECK(check_symbol(fmt::format(".assets[{}]", i), pact_.assets[i]));
        const auto known = AssetTable::built_in();
        std::set<std::pair<std::string, Address>> seen;
        for (std::size_t i = 0; i < pact_.token.size(); ++i) {
            const auto& each = pact_.token[i];
            const auto path = fmt::format(".token[{}]", i);
            FARTHING_CHECK(check_symbol(path + ".symbol", each.symbol));
            if (each.decimals > 36) return bad(path + ".decimals", "expected at most 36");
            if (std::ranges::find(pact_.networks, each.network) == pact_.networks.end())
                return bad(path + ".network", "is not one of the pact's networks");
            if (!seen.insert({each.network.id, each.address}).second)
                return bad(path + ".address", "is there twice");
            if (each.value && (!each.value->unit.empty() || each.value->value.is_zero()))
                return bad(path + ".value", "expected dollars above zero");
            const auto* asset = known.find(each.network, each.address);
            if (asset != nullptr && asset->decimals != each.decimals) {
                return bad(path + ".decimals",
                           fmt::format("this token is known to have {}", asset->decimals));
            }
        }
        return {};
    }

    static Result<> check_symbol(const std::string& path, std::string_view text) {
        const auto parsed = parse_amount(fmt::format("1 {}", text));
        if (text.size() > 16 || !parsed || parsed->unit != text)
            return bad(path, "expected a symbol in upper case such as USDC");
        return {};
    }

    Result<> check_parties() const {
        FARTHING_CHECK(check_count(".deny", pact_.deny.size(), kListMax));
        for (std::size_t i = 0; i < pact_.deny.size(); ++i) {
            const auto& each = pact_.deny[i];
            const auto path = fmt::format(".deny[{}]", i);
            const int given = (each.host ? 1 : 0) + (each.pay_to ? 1 : 0) + (each.did ? 1 : 0);
            if (given != 1) return bad(path, "expected exactly one of host, pay_to, did");
            if (each.did) FARTHING_CHECK(check_did(path + ".did", *each.did));
        }
        FARTHING_CHECK(check_count(".vendor", pact_.vendor.size(), kListMax));
        for (std::size_t i = 0; i < pact_.vendor.size(); ++i) {
            const auto& each = pact_.vendor[i];
            const auto path = fmt::format(".vendor[{}]", i);
            if (!each.host && each.pay_to.empty() && !each.did)
                return bad(path, "expected a host, a pay_to or a did");
            FARTHING_CHECK(check_count(path + ".pay_to", each.pay_to.size(), kShortListMax));
            if (each.did) FARTHING_CHECK(check_did(path + ".did", *each.did));
            if (!each.category.empty()) FARTHING_CHECK(check_id(path + ".category", each.category));
        }
        return {};
    }

    Result<> check_scopes() const {
        FARTHING_CHECK(check_count(".scope", pact_.scope.size(), kShortListMax));
        for (std::size_t i = 0; i < pact_.scope.size(); ++i) {
            const auto& each = pact_.scope[i];
            const auto path = fmt::format(".scope[{}]", i);
            FARTHING_CHECK(check_count(path + ".urls", each.urls.size(), kShortListMax));
            FARTHING_CHECK(check_count(path + ".methods", each.methods.size(), kShortListMax));
            for (std::size_t m = 0; m < each.methods.size(); ++m) {
                const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
                const auto& method = each.methods[m];
                if (method.empty() || method.size() > 16 || !std::ranges::all_of(method, upper))
                    return bad(fmt::format("{}.methods[{}]", path, m),
                               "expected a method in upper case such as GET");
            }
            FARTHING_CHECK(check_globs(path + ".tools", each.tools));
            FARTHING_CHECK(check_globs(path + ".tasks", each.tasks));
        }
        return {};
    }

    static Result<> check_globs(const std::string& path, const std::vector<std::string>& globs) {
        FARTHING_CHECK(check_count(path, globs.size(), kShortListMax));
        for (std::size_t i = 0; i < globs.size(); ++i)
            FARTHING_CHECK(check_id(fmt::format("{}[{}]", path, i), globs[i]));
        return {};
    }

    Result<> check_prices() const {
        const auto& drift = pact_.price_drift;
        if (drift.history > kPercentMax)
            return bad(".price_drift.history", "expected at most 1000000 percent");
        if (drift.quote > kPercentMax)
            return bad(".price_drift.quote", "expected at most 1000000 percent");
        if (drift.then == Verdict::allow) return bad(".price_drift.then", "expected ask or refuse");
        if (pact_.trust_min && *pact_.trust_min > 100)
            return bad(".trust_min", "expected a score from 0 to 100");
        return {};
    }

    Result<> check_limits() {
        FARTHING_CHECK(check_alerts(".alert_at", pact_.alert_at));
        FARTHING_CHECK(check_count(".limit", pact_.limit.size(), kLimitsMax));
        bool over_time = false;
        for (std::size_t i = 0; i < pact_.limit.size(); ++i) {
            const auto& each = pact_.limit[i];
            const auto path = fmt::format(".limit[{}]", i);
            const int scopes =
                (each.vendor ? 1 : 0) + (each.category ? 1 : 0) + (each.task ? 1 : 0);
            if (scopes > 1) return bad(path, "expected at most one of vendor, category, task");
            FARTHING_CHECK(check_vendor(path + ".vendor", each.vendor));
            if (each.category) FARTHING_CHECK(check_category(path + ".category", *each.category));
            if (each.task) FARTHING_CHECK(check_id(path + ".task", *each.task));
            if (each.over == Verdict::allow) return bad(path + ".over", "expected ask or refuse");
            if (each.alert_at) FARTHING_CHECK(check_alerts(path + ".alert_at", *each.alert_at));
            FARTHING_CHECK(take_name(path, each.name, each.id()));
            over_time |= scopes == 0 && each.per.kind != Period::Kind::request &&
                         each.over == Verdict::refuse && holds_everything(each.amount);
        }
        if (!over_time) {
            return bad(".limit",
                       "expected at least one over time for everything, such as { amount = "
                       "\"$1\", per = \"day\" }: without it nothing bounds the sum");
        }
        return {};
    }

    /// An amount in units of a token says nothing about other tokens.
    [[nodiscard]] bool holds_everything(const Amount& amount) const {
        return amount.unit.empty() ||
               (pact_.assets.size() == 1 && pact_.assets.front() == amount.unit);
    }

    /// A limit for a category that no vendor has would never hold anything back.
    Result<> check_category(const std::string& path, const std::string& category) const {
        const auto has = [&](const Vendor& each) { return each.category == category; };
        if (category.empty() || std::ranges::none_of(pact_.vendor, has))
            return bad(path, "no [[vendor]] has this category");
        return {};
    }

    Result<> check_rates() {
        FARTHING_CHECK(check_count(".rate", pact_.rate.size(), kLimitsMax));
        for (std::size_t i = 0; i < pact_.rate.size(); ++i) {
            const auto& each = pact_.rate[i];
            const auto path = fmt::format(".rate[{}]", i);
            if (each.per.kind == Period::Kind::request)
                return bad(path + ".per", "expected a duration, day, week, month or pact");
            if (each.over == Verdict::allow) return bad(path + ".over", "expected ask or refuse");
            FARTHING_CHECK(check_vendor(path + ".vendor", each.vendor));
            FARTHING_CHECK(take_name(path, each.name, each.id()));
        }
        return {};
    }

    Result<> take_name(const std::string& path, const std::optional<std::string>& name,
                       const std::string& id) {
        if (name) FARTHING_CHECK(check_id(path + ".name", *name));
        if (name && std::ranges::find(kReserved, *name) != kReserved.end())
            return bad(path + ".name", "is the name of another condition");
        if (!names_.insert(id).second)
            return bad(path, fmt::format("there are two called \"{}\": give one a name", id));
        return {};
    }

    const Pact& pact_;
    std::set<std::string> names_;
};

}  // namespace

std::string Limit::id() const {
    if (name) return *name;
    // An amount in units of a token is another condition than one in dollars.
    auto rest = period_id(per);
    if (!amount.unit.empty()) rest += ":" + amount.unit;
    if (vendor) return scoped("vendor", vendor, rest);
    if (category) return fmt::format("category:{}:{}", *category, rest);
    if (task) return scoped("task", task, rest);
    return rest;
}

std::string Rate::id() const {
    if (name) return *name;
    const auto rest = to_text(per);
    return "rate:" + (vendor ? scoped("vendor", vendor, rest) : rest);
}

Result<> Pact::validate() const { return Checker(*this).check(); }

Verdict Pact::for_other_vendors() const {
    return other_vendors.value_or(vendor.empty() ? Verdict::ask : Verdict::refuse);
}

Result<Pact> parse_pact(const json::Value& document) {
    FARTHING_TRY(auto pact, json::decode<Pact>(document, json::Path(json::Unknown::refuse)));
    FARTHING_CHECK(pact.validate());
    return pact;
}

}  // namespace farthing::policy
