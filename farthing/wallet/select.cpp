// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/select.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/printable.hpp"
#include "farthing/net/http.hpp"
#include "farthing/scheme/scheme.hpp"

namespace farthing::wallet {
namespace {

/// A server's text in our messages: bounded, and nothing that could redraw a terminal.
std::string quoted(std::string_view text) {
    constexpr std::size_t shown_max = 80;
    return '"' + legible(text, shown_max) + (text.size() > shown_max ? "…\"" : "\"");
}

Result<> check_network(const v2::PaymentRequirements& wanted, const SpendRules& rules) {
    if (!wanted.network.chain_id()) {
        return fail(Errc::no_acceptable_offer,
                    fmt::format("network {} is not an EVM network", quoted(wanted.network.id)));
    }
    if (!rules.networks.empty() && std::ranges::count(rules.networks, wanted.network) == 0) {
        return fail(Errc::no_acceptable_offer,
                    fmt::format("network {} is not one you allow", wanted.network.id));
    }
    return {};
}

/// Null is absent, as everywhere in version 2.
const json::Value* extra_member(const v2::PaymentRequirements& wanted, std::string_view name) {
    const auto* value = wanted.extra ? wanted.extra->if_contains(name) : nullptr;
    return value == nullptr || value->is_null() ? nullptr : value;
}

/// Absent, or exactly this text.
Result<> check_optional_text(const v2::PaymentRequirements& wanted, std::string_view name,
                             std::string_view only) {
    const auto* value = extra_member(wanted, name);
    if (value == nullptr) return {};
    const auto* text = value->if_string();
    if (text != nullptr && *text == only) return {};
    return fail(Errc::no_acceptable_offer,
                fmt::format("extra.{} is {}, and only \"{}\" is paid", name,
                            text != nullptr ? quoted(*text) : "not a string", only));
}

Result<const Asset*> check_asset(const v2::PaymentRequirements& wanted, const SpendRules& rules,
                                 const AssetTable& assets) {
    const auto address = parse_address(wanted.asset);
    if (!address) return fail(Errc::no_acceptable_offer, "asset: " + address.error().detail);
    const auto* asset = assets.find(wanted.network, *address);
    if (asset == nullptr) {
        return fail(Errc::no_acceptable_offer,
                    fmt::format("asset {} on {} is not on the list of known assets",
                                address->to_checksum(), wanted.network.id));
    }
    if (!rules.symbols.empty() && std::ranges::count(rules.symbols, asset->symbol) == 0) {
        return fail(Errc::no_acceptable_offer,
                    fmt::format("asset {} is not one you allow", asset->symbol));
    }
    if (asset->transfer_method != "eip3009") {
        return fail(Errc::no_acceptable_offer,
                    fmt::format("{} is not paid by an EIP-3009 authorisation", asset->symbol));
    }
    FARTHING_CHECK(check_optional_text(wanted, "assetTransferMethod", "eip3009"));
    const auto name = wanted.extra_text("name");
    const auto version = wanted.extra_text("version");
    if (!name || !version) {
        return fail(Errc::no_acceptable_offer, "extra: expected name and version of the asset");
    }
    if (*name != asset->name || *version != asset->version) {
        return fail(Errc::no_acceptable_offer,
                    fmt::format("extra says the asset is {} version {}, and {} is {} version {}",
                                quoted(*name), quoted(*version), asset->symbol, quoted(asset->name),
                                quoted(asset->version)));
    }
    return asset;
}

Result<> check_terms(const v2::PaymentRequirements& wanted) {
    const auto pay_to = parse_address(wanted.pay_to);
    if (!pay_to) return fail(Errc::no_acceptable_offer, "payTo: " + pay_to.error().detail);
    if (pay_to->is_zero()) return fail(Errc::no_acceptable_offer, "payTo is the zero address");
    if (wanted.max_timeout_seconds < 1 || wanted.max_timeout_seconds > kTimeoutSecondsMax) {
        return fail(Errc::no_acceptable_offer,
                    fmt::format("maxTimeoutSeconds is {}, expected from 1 to {}",
                                wanted.max_timeout_seconds, kTimeoutSecondsMax));
    }
    return {};
}

/// Asked last, so that over_limit means: the amount is all that is wrong.
Result<> check_amount(const v2::PaymentRequirements& wanted, const Asset& asset,
                      const scheme::Money& limit) {
    if (!limit.symbol.empty() && !net::equal_no_case(limit.symbol, asset.symbol)) {
        return fail(
            Errc::no_acceptable_offer,
            fmt::format("the asset is {}, and your limit is in {}", asset.symbol, limit.symbol));
    }
    if (scheme::exceeds(wanted.amount, asset.decimals, limit)) {
        return fail(Errc::over_limit, fmt::format("{} is more than your limit of ${}",
                                                  scheme::describe(wanted.amount, asset),
                                                  to_units(limit.units, limit.scale)));
    }
    return {};
}

Verdict judge(const Result<v2::PaymentRequirements>& entry, const SpendRules& rules,
              const AssetTable& assets) {
    Verdict verdict;
    const auto refuse = [&](Error error) {
        verdict.refusal = std::move(error);
        return verdict;
    };
    if (!entry) return refuse({Errc::no_acceptable_offer, quoted(entry.error().detail)});
    const auto& wanted = verdict.requirements.emplace(*entry);
    if (scheme::find_scheme(wanted.scheme) == nullptr) {
        return refuse({Errc::no_acceptable_offer,
                       fmt::format("scheme {} is not one we speak", quoted(wanted.scheme))});
    }
    if (auto ok = check_network(wanted, rules); !ok) return refuse(std::move(ok).error());
    if (auto ok = check_optional_text(wanted, "paymentFlow", "authorization"); !ok) {
        return refuse(std::move(ok).error());
    }
    auto asset = check_asset(wanted, rules, assets);
    if (!asset) return refuse(std::move(asset).error());
    verdict.asset = *asset;
    if (auto ok = check_terms(wanted); !ok) return refuse(std::move(ok).error());
    if (auto ok = check_amount(wanted, **asset, rules.max_amount); !ok) {
        return refuse(std::move(ok).error());
    }
    return verdict;
}

bool cheaper(const Verdict& a, const Verdict& b) {
    return scheme::compare_value(a.requirements->amount, a.asset->decimals, b.requirements->amount,
                                 b.asset->decimals) < 0;
}

}  // namespace

Choice choose(const dialect::Offered& offered, const SpendRules& rules, const AssetTable& assets) {
    Choice choice;
    for (const auto& entry : offered.accepts) {
        choice.verdicts.push_back(judge(entry.requirements, rules, assets));
        const auto& verdict = choice.verdicts.back();
        if (verdict.refusal) continue;
        if (!choice.chosen || cheaper(verdict, choice.verdicts[*choice.chosen])) {
            choice.chosen = choice.verdicts.size() - 1;
        }
    }
    return choice;
}

Error Choice::refusal() const {
    Error error{Errc::no_acceptable_offer, {}};
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
        const auto& each = verdicts[i].refusal;
        if (!each) continue;
        if (each->code == Errc::over_limit) error.code = Errc::over_limit;
        if (!error.detail.empty()) error.detail += "; ";
        error.detail += fmt::format("accepts[{}]: {}", i, each->detail);
    }
    if (error.detail.empty()) error.detail = "the server accepts nothing";
    return error;
}

Result<scheme::Money> parse_max_amount(std::string_view text) {
    if (text.find_first_not_of("0123456789 \t") == std::string_view::npos) {
        return fail(Errc::invalid_argument,
                    fmt::format("\"{}\" may be dollars or atomic units: write it as '$0.10' or "
                                "'0.1 USDC'",
                                text));
    }
    auto money = scheme::parse_money(text);
    if (!money) return fail(Errc::invalid_argument, money.error().detail);
    return money;
}

}  // namespace farthing::wallet
