// SPDX-License-Identifier: Apache-2.0
#include "farthing/scheme/price.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace farthing::scheme {
namespace {

constexpr unsigned kScaleMax = 30;
constexpr std::size_t kTextMax = 64;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Cuts leading characters that satisfy the predicate.
template <class Predicate>
std::string_view take(std::string_view& text, Predicate predicate) {
    const auto end = std::ranges::find_if_not(text, predicate);
    const auto taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(taken.size());
    return taken;
}

Result<std::string> parse_symbol(std::string_view& text) {
    std::string symbol;
    if (text.empty()) return symbol;
    const auto gap = take(text, is_space);
    if (gap.empty() || text.empty() || !is_letter(text.front())) {
        return fail(Errc::invalid_field, "expected a token symbol such as USDC after the number");
    }
    for (const char c :
         take(text, [](char x) { return is_letter(x) || is_digit(x) || x == '.'; })) {
        symbol.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    }
    if (symbol == "USD") symbol.clear();
    return symbol;
}

}  // namespace

Result<Money> parse_money(std::string_view text) {
    const auto bad = [&] {
        return fail(Errc::invalid_field,
                    fmt::format("expected a price such as \"$0.001\" or \"0.01 USDC\", got \"{}\"",
                                text.substr(0, kTextMax)));
    };
    if (text.size() > kTextMax) return bad();
    auto rest = text;
    take(rest, is_space);
    while (!rest.empty() && is_space(rest.back())) rest.remove_suffix(1);
    if (rest.starts_with('$')) rest.remove_prefix(1);
    take(rest, is_space);
    const auto whole = take(rest, is_digit);
    std::string_view fraction;
    if (whole.empty()) return bad();
    if (rest.starts_with('.')) {
        rest.remove_prefix(1);
        fraction = take(rest, is_digit);
        if (fraction.empty() || fraction.size() > kScaleMax) return bad();
    }
    auto symbol = parse_symbol(rest);
    if (!symbol || !rest.empty()) return bad();
    auto digits = std::string(whole) + std::string(fraction);
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
    auto units = u256_from_decimal(digits);
    if (!units) return bad();
    return Money{*units, static_cast<unsigned>(fraction.size()), std::move(*symbol)};
}

Result<U256> to_atomic(const Money& money, std::uint32_t decimals) {
    if (decimals >= money.scale) {
        const auto factor = power_of_ten(decimals - money.scale);
        const auto atomic = factor ? money.units.checked_mul(*factor) : std::nullopt;
        if (!atomic) return fail(Errc::overflow, "amount beyond 2^256-1 atomic units");
        return *atomic;
    }
    const auto atomic =
        money.units.checked_div(power_of_ten(money.scale - decimals).value_or(U256(1)));
    return atomic.value_or(U256{});
}

std::strong_ordering compare_value(const U256& a, std::uint32_t a_decimals, const U256& b,
                                   std::uint32_t b_decimals) {
    // Scale the coarser one up; what overflows is the greater.
    if (a_decimals == b_decimals) return a <=> b;
    if (a_decimals > b_decimals) {
        const auto order = compare_value(b, b_decimals, a, a_decimals);
        return order < 0   ? std::strong_ordering::greater
               : order > 0 ? std::strong_ordering::less
                           : order;
    }
    const auto factor = power_of_ten(b_decimals - a_decimals);
    const auto scaled = factor ? a.checked_mul(*factor) : std::nullopt;
    if (!scaled) return a.is_zero() ? U256{} <=> b : std::strong_ordering::greater;
    return *scaled <=> b;
}

bool exceeds(const U256& amount, std::uint32_t decimals, const Money& limit) {
    return compare_value(amount, decimals, limit.units, limit.scale) > 0;
}

std::string describe(const U256& amount, const Asset& asset) {
    return fmt::format("${} {}", to_units(amount, asset.decimals), asset.symbol);
}

Result<Priced> resolve_price(const Price& price, const Network& network, const AssetTable& assets) {
    if (price.asset) {
        const auto* asset = assets.find(network, *price.asset);
        if (asset == nullptr) {
            return fail(
                Errc::invalid_config,
                fmt::format("asset {} on {} is not in the asset table: add it under [[asset]]",
                            price.asset->to_checksum(), network.id));
        }
        return Priced{asset, price.amount.value_or(U256{})};
    }
    const auto money = price.money.value_or(Money{});
    const auto* asset = assets.find_default(network, money.symbol);
    if (asset == nullptr) {
        return fail(
            Errc::invalid_config,
            fmt::format(
                "no {} asset known on {}: give {{ amount, asset }} or add it under [[asset]]",
                money.symbol.empty() ? "default" : money.symbol, network.id));
    }
    FARTHING_TRY(const auto amount, to_atomic(money, asset->decimals));
    return Priced{asset, amount};
}

}  // namespace farthing::scheme

namespace farthing::json {

namespace {

struct AtomicPrice {
    U256 amount;
    Address asset;
    static constexpr auto fields() {
        return std::tuple{field("amount", &AtomicPrice::amount),
                          field("asset", &AtomicPrice::asset)};
    }
};

}  // namespace

Result<scheme::Price> Codec<scheme::Price>::decode(const Value& value, const Path& path) {
    scheme::Price price;
    if (const auto* text = value.if_string()) {
        auto money = scheme::parse_money(*text);
        if (!money) return path.error(money.error().detail);
        price.money = std::move(*money);
        return price;
    }
    if (!value.is_object()) {
        return path.error(
            "expected a string such as \"$0.001\" or { amount, asset }: numbers lose digits");
    }
    FARTHING_TRY(const auto atomic, json::decode<AtomicPrice>(value, path));
    price.amount = atomic.amount;
    price.asset = atomic.asset;
    return price;
}

Value Codec<scheme::Price>::encode(const scheme::Price& price) {
    if (price.asset) return json::encode(AtomicPrice{price.amount.value_or(U256{}), *price.asset});
    const auto money = price.money.value_or(scheme::Money{});
    auto text = "$" + to_units(money.units, money.scale);
    if (!money.symbol.empty()) text += " " + money.symbol;
    return Value(text);
}

}  // namespace farthing::json
