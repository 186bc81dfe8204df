// SPDX-License-Identifier: Apache-2.0
#include "app/pact_words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace farthing::app {
namespace {

using policy::Period;
using policy::to_text;
using policy::Verdict;

std::string_view what_happens(Verdict verdict) {
    switch (verdict) {
        case Verdict::allow:
            return "allowed";
        case Verdict::ask:
            return "asked about";
        case Verdict::refuse:
            break;
    }
    return "refused";
}

std::string per(const Period& period) {
    switch (period.kind) {
        case Period::Kind::request:
            return "per request";
        case Period::Kind::window:
            return "in any " + to_text(period);
        case Period::Kind::pact:
            return "in all";
        case Period::Kind::day:
        case Period::Kind::week:
        case Period::Kind::month:
            break;
    }
    return "per calendar " + to_text(period);
}

std::string of(std::string_view what, const std::optional<std::string>& which) {
    if (!which) return {};
    if (*which == "each") return fmt::format(", for each {}", what);
    return fmt::format(", for {} {}", what, *which);
}

std::string one_of(const std::vector<std::string>& names) {
    return fmt::format("{}", fmt::join(names, ", "));
}

std::string addresses(const std::vector<Address>& all) {
    std::vector<std::string> names;
    for (const auto& each : all) names.push_back(each.to_checksum());
    return one_of(names);
}

std::string words(const policy::Limit& limit) {
    return fmt::format("at most {} {}{}{}{}; beyond is {} ({})", to_text(limit.amount),
                       per(limit.per), of("vendor", limit.vendor), of("category", limit.category),
                       of("task", limit.task), what_happens(limit.over), limit.id());
}

std::string words(const policy::Rate& rate) {
    return fmt::format("at most {} payments {}{}; beyond is {} ({})", rate.payments, per(rate.per),
                       of("vendor", rate.vendor), what_happens(rate.over), rate.id());
}

std::string words(const policy::Denied& denied) {
    std::string who;
    if (denied.host) who = denied.host->text;
    if (denied.pay_to) who = denied.pay_to->to_checksum();
    if (denied.did) who = *denied.did;
    return fmt::format("never pays {}", who);
}

std::string words(const policy::Vendor& vendor) {
    std::string out = "approved vendor: " + (vendor.host ? vendor.host->text : "any host");
    if (!vendor.pay_to.empty()) out += ", paid to " + addresses(vendor.pay_to);
    if (vendor.did) out += ", proven to be " + *vendor.did;
    if (!vendor.category.empty()) out += ", category " + vendor.category;
    return out;
}

std::string words(const policy::Scope& scope) {
    std::vector<std::string> urls;
    for (const auto& each : scope.urls) urls.push_back(each.text);
    std::string out = "may buy";
    const auto add = [&](std::string_view what, const std::vector<std::string>& names) {
        if (!names.empty()) out += fmt::format(" {} {};", what, one_of(names));
    };
    add("URLs", urls);
    add("methods", scope.methods);
    add("tools", scope.tools);
    add("tasks", scope.tasks);
    if (out.ends_with(';')) out.pop_back();
    return out;
}

std::string words(const policy::Token& token) {
    return fmt::format(
        "token {} on {} is {}, with {} decimals, {}", token.address.to_checksum(), token.network.id,
        token.symbol, token.decimals,
        token.value ? "worth " + to_text(*token.value) + " a unit" : "without a value in dollars");
}

template <class T>
void add_all(std::vector<std::string>& out, const std::vector<T>& all) {
    for (const auto& each : all) out.push_back(words(each));
}

}  // namespace

std::string in_words(const Network& network) {
    const auto name = network.v1_name();
    return name ? fmt::format("{} ({})", network.id, *name) : network.id;
}

std::vector<std::string> in_words(const policy::Pact& pact) {
    std::vector<std::string> out;
    if (pact.stopped) out.emplace_back("stopped: pays nothing");
    if (pact.not_before) out.push_back("counts from " + to_text(*pact.not_before));
    out.push_back(fmt::format("counts until {}; days begin at midnight of UTC{}",
                              to_text(pact.expires), to_text(pact.utc_offset)));
    if (pact.plain_http) out.emplace_back("http:// may be paid beyond this machine");
    std::vector<std::string> networks;
    for (const auto& each : pact.networks) networks.push_back(in_words(each));
    out.push_back("pays on " + one_of(networks));
    out.push_back(pact.assets.empty() ? "pays with any known token"
                                      : "pays with " + one_of(pact.assets));
    add_all(out, pact.token);
    out.push_back(fmt::format("signs for {} at the most", to_text(pact.lifetime_max)));
    add_all(out, pact.deny);
    add_all(out, pact.vendor);
    out.push_back(fmt::format("{} vendors are {}", pact.vendor.empty() ? "new" : "other",
                              what_happens(pact.for_other_vendors())));
    add_all(out, pact.scope);
    out.push_back(fmt::format("a vendor that wants its money at a new address is {}",
                              what_happens(pact.pay_to_change)));
    out.push_back(fmt::format(
        "a price more than {} % above the usual one, or {} % above the quote, is {}",
        pact.price_drift.history, pact.price_drift.quote, what_happens(pact.price_drift.then)));
    out.push_back(fmt::format("at most {} per request", to_text(pact.per_request)));
    add_all(out, pact.limit);
    add_all(out, pact.rate);
    if (pact.ask_above) out.push_back("asks above " + to_text(*pact.ask_above));
    if (pact.justify_above) {
        out.push_back("needs a reason above " + to_text(*pact.justify_above));
    }
    if (pact.trust_min) {
        out.push_back(fmt::format("trust of at least {}; unknown is {}", *pact.trust_min,
                                  what_happens(pact.trust_unknown)));
    }
    if (!pact.alert_at.empty()) {
        out.push_back(
            fmt::format("alerts at {} % of each limit", fmt::join(pact.alert_at, " %, ")));
    }
    return out;
}

}  // namespace farthing::app
