// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/site.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/scheme/scheme.hpp"
#include "farthing/wire/dialect.hpp"

namespace farthing::gateway {
namespace {

constexpr std::size_t kRoutesMax = 1000;
constexpr std::size_t kAcceptsMax = 32;
constexpr std::chrono::seconds kTimeoutDefault{300};
constexpr std::chrono::seconds kTimeoutMax{86'400};

std::unexpected<Error> bad(std::string_view field, std::string_view what) {
    return fail(Errc::invalid_config, fmt::format("{}: {}", field, what));
}

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

bool is_label(std::string_view text) {
    return !text.empty() && text.size() <= 32 && is_printable(text);
}

/// What a route says of itself, within the limits of protocol.md 2.1.
Result<v2::ResourceInfo> make_info(const RouteConfig& route, const std::string& at) {
    if (route.service_name && !is_label(*route.service_name))
        return bad(at + ".service_name", "expected 1 to 32 printable ASCII characters");
    if (route.tags && (route.tags->size() > 5 || !std::ranges::all_of(*route.tags, is_label)))
        return bad(at + ".tags", "expected at most 5, each of 1 to 32 printable ASCII characters");
    if (route.icon_url && route.icon_url->size() > 2048)
        return bad(at + ".icon_url", "expected at most 2048 characters");
    if (route.description.size() > 4096)
        return bad(at + ".description", "expected at most 4096 bytes: it travels in a header");
    v2::ResourceInfo info;
    info.description = route.description;  // both are there even when empty, as in the reference
    info.mime_type = route.mime_type;
    info.service_name = route.service_name;
    info.tags = route.tags;
    info.icon_url = route.icon_url;
    return info;
}

/// Compiles one file; names the field in every error.
class Compiler {
  public:
    explicit Compiler(const Config& config) : config_(config), site_(std::make_shared<Site>()) {}

    Result<std::shared_ptr<const Site>> compile() {
        FARTHING_TRY(site_->origin, parse_server_url(config_.origin, "origin"));
        if (config_.public_url) {
            FARTHING_TRY(auto url, parse_server_url(*config_.public_url, "public_url"));
            site_->public_url = std::move(url);
        }
        for (std::size_t i = 0; i < config_.trusted_proxies.size(); ++i) {
            auto added = site_->trusted.add(config_.trusted_proxies[i]);
            if (!added) return bad(fmt::format("trusted_proxies[{}]", i), added.error().detail);
        }
        FARTHING_CHECK(take_cors());
        FARTHING_TRY(assets_, facilitator::asset_table(config_.asset));
        if (config_.route.empty())
            return bad("route", "expected at least one [[route]]: without one everything is free");
        if (config_.route.size() > kRoutesMax) return bad("route", "expected at most 1000");
        for (std::size_t i = 0; i < config_.route.size(); ++i) {
            FARTHING_CHECK(add_route(config_.route[i], fmt::format("route[{}]", i)));
        }
        return std::shared_ptr<const Site>(std::move(site_));
    }

  private:
    Result<> take_cors() {
        for (std::size_t i = 0; i < config_.cors.allow_origins.size(); ++i) {
            const auto& origin = config_.cors.allow_origins[i];
            if (origin == "*" && config_.cors.allow_origins.size() == 1) continue;
            const auto url = net::parse_url(origin);
            if (!url || url->origin() != origin)
                return bad(fmt::format("cors.allow_origins[{}]", i),
                           "expected an origin such as \"https://app.example\", or \"*\" alone");
        }
        for (std::size_t i = 0; i < config_.cors.allow_headers.size(); ++i) {
            const auto& name = config_.cors.allow_headers[i];
            const auto is_name = [](char c) {
                return c > 0x20 && c < 0x7f && c != ',' && c != ':';
            };
            if (name.empty() || !std::ranges::all_of(name, is_name))
                return bad(fmt::format("cors.allow_headers[{}]", i), "expected a header name");
        }
        site_->cors = config_.cors;
        return {};
    }

    Result<> add_route(const RouteConfig& route, const std::string& at) {
        auto pattern = RoutePattern::parse(route.match);
        if (!pattern) return bad(at + ".match", pattern.error().detail);
        FARTHING_CHECK(check_order(*pattern, route, at));
        Route out;
        out.name = route.name.value_or(route.match);
        out.is_free = route.free;
        out.resource = route.resource;
        if (route.origin) {
            FARTHING_TRY(auto url, parse_server_url(*route.origin, at + ".origin"));
            out.origin = std::move(url);
        }
        if (route.resource && !net::parse_url(*route.resource))
            return bad(at + ".resource", "expected an absolute URL");
        FARTHING_TRY(out.settle, settle_when(route.settle, at));
        FARTHING_TRY(out.info, make_info(route, at));
        if (route.free) {
            if (route.price || !route.accepts.empty())
                return bad(at, "free = true and a price: leave out one of them");
        } else {
            FARTHING_TRY(out.offers, make_offers(route, at));
        }
        site_->table.add(std::move(*pattern), !route.free);
        site_->routes.push_back(std::move(out));
        return {};
    }

    static Result<SettleWhen> settle_when(const std::string& text, const std::string& at) {
        if (text == "after") return SettleWhen::after;
        if (text == "before") return SettleWhen::before;
        if (text == "deferred") return SettleWhen::deferred;
        return bad(at + ".settle", "expected \"after\", \"before\" or \"deferred\"");
    }

    Result<> check_order(const RoutePattern& pattern, const RouteConfig& route,
                         const std::string& at) {
        for (std::size_t i = 0; i < site_->table.size(); ++i) {
            const auto& earlier = site_->table.pattern(i);
            const auto& earlier_match = config_.route[i].match;
            if (earlier == pattern)
                return bad(at + ".match",
                           fmt::format("the same as route[{}].match (\"{}\")", i, earlier_match));
            if (!earlier.shadows(pattern)) continue;
            site_->warnings.push_back(
                fmt::format("{}.match: \"{}\" is never reached: route[{}] (\"{}\") takes all of "
                            "its requests; the first match wins",
                            at, route.match, i, earlier_match));
            break;
        }
        const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
        if (!std::ranges::all_of(route.match, is_ascii)) {
            site_->warnings.push_back(
                fmt::format("{}.match: \"{}\": letters beyond ASCII match in this spelling only, "
                            "with regard to case and accents",
                            at, route.match));
        }
        return {};
    }

    Result<std::vector<Offer>> make_offers(const RouteConfig& route, const std::string& at) {
        std::vector<AcceptConfig> accepts = route.accepts;
        const bool shorthand = accepts.empty();
        if (shorthand) {
            if (!route.price)
                return bad(at, "no price: add price, or [[route.accepts]], or free = true");
            accepts.emplace_back();
        }
        if (accepts.size() > kAcceptsMax) return bad(at + ".accepts", "expected at most 32");
        std::vector<Offer> offers;
        for (std::size_t i = 0; i < accepts.size(); ++i) {
            const auto where = shorthand ? at : fmt::format("{}.accepts[{}]", at, i);
            FARTHING_TRY(auto offer, make_offer(accepts[i], route, where));
            const auto same = [&](const Offer& each) {
                return json::equal(each.as_json, offer.as_json);
            };
            if (std::ranges::any_of(offers, same))
                return bad(where, "there is the same one before");
            offers.push_back(std::move(offer));
        }
        return offers;
    }

    Result<scheme::OfferTerms> make_terms(const AcceptConfig& accept, const RouteConfig& route,
                                          const std::string& at) {
        scheme::OfferTerms terms;
        const auto& network = accept.network  ? accept.network
                              : route.network ? route.network
                                              : config_.network;
        if (!network)
            return bad(at + ".network",
                       "missing: such as \"eip155:8453\" or \"base\"; a default "
                       "for all routes may stand at the top");
        auto parsed = network_from_any(*network);
        if (!parsed) return bad(at + ".network", parsed.error().detail);
        terms.network = std::move(*parsed);
        const auto& price = accept.price ? accept.price : route.price;
        if (!price) return bad(at + ".price", "missing: such as \"$0.001\"");
        const auto priced = scheme::resolve_price(*price, terms.network, assets_);
        if (!priced) return bad(at + ".price", priced.error().detail);
        if (priced->amount.is_zero())
            return bad(at + ".price",
                       fmt::format("is zero in the {} decimals of {}: ask for more, or write free "
                                   "= true",
                                   priced->asset->decimals, priced->asset->symbol));
        terms.asset = priced->asset;
        terms.amount = priced->amount;
        const auto& pay_to = accept.pay_to  ? accept.pay_to
                             : route.pay_to ? route.pay_to
                                            : config_.pay_to;
        if (!pay_to)
            return bad(at + ".pay_to",
                       "missing: the address that is paid; a default for all "
                       "routes may stand at the top");
        terms.pay_to = *pay_to;
        const auto timeout =
            accept.max_timeout ? *accept.max_timeout : route.max_timeout.value_or(kTimeoutDefault);
        if (timeout.count() % 1000 != 0 || timeout <= std::chrono::seconds(scheme::kExpiryMargin) ||
            timeout > kTimeoutMax)
            return bad(at + ".max_timeout", "expected whole seconds, from \"7s\" to \"24h\"");
        terms.max_timeout_seconds = static_cast<std::uint64_t>(timeout.count() / 1000);
        terms.extra = accept.extra;
        return terms;
    }

    Result<Offer> make_offer(const AcceptConfig& accept, const RouteConfig& route,
                             const std::string& at) {
        const auto* scheme = scheme::find_scheme(accept.scheme);
        if (scheme == nullptr) {
            std::string known;
            for (const auto* each : scheme::all_schemes()) known.append(" ").append(each->name());
            return bad(at + ".scheme",
                       fmt::format("unknown scheme \"{}\"; known:{}", accept.scheme, known));
        }
        FARTHING_TRY(const auto terms, make_terms(accept, route, at));
        auto requirements = scheme->offer(terms);
        if (!requirements) {
            const auto& detail = requirements.error().detail;
            // The scheme names the field itself where it can.
            return fail(
                Errc::invalid_config,
                fmt::format("{}{}{}", at, detail.starts_with("pay_to") ? "." : ": ", detail));
        }
        FARTHING_CHECK(check_settled_here(terms.network, at));
        Offer offer;
        offer.decimals = terms.asset->decimals;
        offer.as_json = json::encode(*requirements);
        if (const auto as_v1 = dialect::to_v1(*requirements, make_v1_info(route))) {
            offer.as_v1 = json::encode(*as_v1).as_object();
            offer.as_v1->erase("resource");
        }
        offer.requirements = std::move(*requirements);
        return offer;
    }

    static v2::ResourceInfo make_v1_info(const RouteConfig& route) {
        v2::ResourceInfo info;
        info.description = route.description;
        info.mime_type = route.mime_type;
        return info;
    }

    /// An offer on a network that the embedded facilitator does not know would only take signatures
    /// that nobody settles.
    Result<> check_settled_here(const Network& network, const std::string& at) {
        if (config_.facilitator.url) return {};
        const auto is_it = [&](const auto& each) { return each.id == network; };
        if (std::ranges::any_of(config_.facilitator.network, is_it)) return {};
        return bad(at + ".network",
                   fmt::format("the embedded facilitator does not settle on {}: add it under "
                               "[[facilitator.network]]",
                               network.id));
    }

    const Config& config_;
    std::shared_ptr<Site> site_;
    AssetTable assets_;
};

}  // namespace

Result<net::Url> parse_server_url(std::string_view text, std::string_view field) {
    auto url = net::parse_url(text);
    if (!url) return bad(field, url.error().detail);
    if (url->target != "/")
        return bad(field, "expected scheme, host and port only, such as \"http://127.0.0.1:3000\"");
    return url;
}

Result<std::shared_ptr<const Site>> make_site(const Config& config) {
    return Compiler(config).compile();
}

}  // namespace farthing::gateway
