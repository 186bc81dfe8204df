// SPDX-License-Identifier: Apache-2.0
// Each rule of select.hpp: an entry it refuses, and the honest twin that differs in nothing else.
#include "farthing/wallet/select.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "farthing/json/codec.hpp"

using namespace farthing;
using namespace farthing::wallet;

namespace {

constexpr auto kUsdc = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
constexpr auto kPayTo = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";

/// An entry that every default rule accepts: 0.001 USDC on Base Sepolia.
json::Object honest() {
    return {{"scheme", "exact"},
            {"network", "eip155:84532"},
            {"amount", "1000"},
            {"asset", kUsdc},
            {"payTo", kPayTo},
            {"maxTimeoutSeconds", 60},
            {"extra", json::Object{{"name", "USDC"}, {"version", "2"}}}};
}

json::Object with(std::string_view member, json::Value value, json::Object entry = honest()) {
    entry.insert_or_assign(member, std::move(value));
    return entry;
}

json::Object with_extra(std::string_view member, json::Value value) {
    auto entry = honest();
    entry.at("extra").as_object().insert_or_assign(member, std::move(value));
    return entry;
}

json::Object of_amount(std::string_view amount) { return with("amount", json::Value(amount)); }

dialect::Offered offer(std::vector<json::Object> entries) {
    dialect::Offered offered;
    for (auto& entry : entries) {
        json::Value raw(std::move(entry));
        auto requirements = json::decode<v2::PaymentRequirements>(raw);
        offered.accepts.push_back({std::move(raw), std::move(requirements)});
    }
    return offered;
}

const AssetTable& table() {
    static const auto assets = AssetTable::built_in();
    return assets;
}

Choice choose_of(std::vector<json::Object> entries, const SpendRules& rules = {}) {
    return choose(offer(std::move(entries)), rules, table());
}

/// Why a lone entry is not paid; empty when it is.
std::string reason(json::Object entry, const SpendRules& rules = {}) {
    const auto choice = choose_of({std::move(entry)}, rules);
    REQUIRE(choice.verdicts.size() == 1);
    REQUIRE(choice.chosen.has_value() == !choice.verdicts[0].refusal);
    return choice.verdicts[0].refusal ? choice.verdicts[0].refusal->detail : "";
}

SpendRules at_most(std::string_view money) {
    SpendRules rules;
    rules.max_amount = scheme::parse_money(money).value();
    return rules;
}

}  // namespace

TEST_CASE("select: an honest entry is paid") { CHECK(reason(honest()).empty()); }

TEST_CASE("select: what is spelled differently but means the same is paid") {
    CHECK(reason(with("asset", "0x036cbd53842c5426634e7929541ec2318f3dcf7e")).empty());
    CHECK(reason(with_extra("paymentFlow", "authorization")).empty());
    CHECK(reason(with_extra("paymentFlow", nullptr)).empty());
    CHECK(reason(with_extra("assetTransferMethod", "eip3009")).empty());
    CHECK(reason(with_extra("serverNote", json::Object{{"a", 1}})).empty());
    CHECK(reason(with("somethingNew", true)).empty());
    CHECK(reason(with("maxTimeoutSeconds", 1)).empty());
    CHECK(reason(with("maxTimeoutSeconds", 86'400)).empty());
    CHECK(reason(of_amount("100000")).empty());
}

TEST_CASE("select: each rule refuses its case and says why") {
    const auto missing = [](std::string_view member) {
        auto entry = honest();
        entry.at("extra").as_object().erase(member);
        return entry;
    };
    const std::vector<std::pair<json::Object, std::string>> cases{
        {with("amount", 1000), "amount"},
        {with("amount", "-1"), "amount"},
        {with("amount", "1e3"), "amount"},
        {with("payTo", nullptr), "payTo"},
        {with("scheme", "upto"), "scheme \"upto\" is not one we speak"},
        {with("scheme", "ex\x1b[2Jact"), "scheme \"ex?[2Jact\" is not one we speak"},
        {with("scheme", "ex\u009b2J\u202eact"), "scheme \"ex?2J?act\" is not one we speak"},
        {with("network", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"), "is not an EVM network"},
        {with_extra("paymentFlow", "upfront"),
         "extra.paymentFlow is \"upfront\", and only \"authorization\" is paid"},
        {with_extra("paymentFlow", 1), "extra.paymentFlow is not a string"},
        {with("asset", "USDC"), "asset: "},
        {with("asset", "0x036CbD53842c5426634e7929541eC2318f3dCF7E"), "asset: "},
        {with("asset", kPayTo), "is not on the list of known assets"},
        {with("network", "eip155:8453"), "is not on the list of known assets"},
        {with_extra("assetTransferMethod", "permit2"), "extra.assetTransferMethod"},
        {missing("name"), "expected name and version"},
        {missing("version"), "expected name and version"},
        {with_extra("name", "USD Coin"), "extra says the asset is \"USD Coin\" version \"2\""},
        {with_extra("version", "1"), "extra says the asset is \"USDC\" version \"1\""},
        {with("payTo", "0x209693Bc6afc0C5328bA36FaF03C514EF312287c"), "payTo: "},
        {with("payTo", "0x0000000000000000000000000000000000000000"), "zero address"},
        {with("maxTimeoutSeconds", 0), "maxTimeoutSeconds is 0, expected from 1 to 86400"},
        {with("maxTimeoutSeconds", 86'401), "maxTimeoutSeconds is 86401"},
        {of_amount("100001"), "$0.100001 USDC is more than your limit of $0.1"},
        {of_amount(
             "115792089237316195423570985008687907853269984665640564039457584007913129639935"),
         "is more than your limit"},
    };
    for (const auto& [entry, expected] : cases) {
        CAPTURE(json::to_text(json::Value(entry)));
        const auto why = reason(entry);
        CAPTURE(why);
        CHECK(why.find(expected) != std::string::npos);
    }
}

TEST_CASE("select: the limit is in dollars, whatever the asset's decimals") {
    AssetTable assets;
    const auto address = parse_address(kPayTo).value();
    REQUIRE(
        assets.add({evm_network(1), address, "Test Dollar", "1", "TUSD", 18, "eip3009", false}));
    const auto refused = [&](std::string_view amount) {
        auto entry = with("network", "eip155:1", of_amount(amount));
        entry["asset"] = kPayTo;
        entry["extra"] = json::Object{{"name", "Test Dollar"}, {"version", "1"}};
        return choose(offer({entry}), at_most("$0.10"), assets).verdicts[0].refusal.has_value();
    };
    CHECK(!refused("100000000000000000"));
    CHECK(refused("100000000000000001"));
}

TEST_CASE("select: a token without EIP-3009 is not signed for") {
    AssetTable assets;
    const auto address = parse_address(kPayTo).value();
    auto entry = with("asset", kPayTo);
    for (const auto* method : {"permit2", "eip3009"}) {
        CAPTURE(method);
        REQUIRE(assets.add({evm_network(84532), address, "USDC", "2", "USDC", 6, method, false}));
        const auto choice = choose(offer({entry}), {}, assets);
        CHECK(choice.chosen.has_value() == (method == std::string_view("eip3009")));
    }
}

TEST_CASE("select: a limit with a symbol pays assets of that symbol only") {
    CHECK(reason(honest(), at_most("0.001 usdc")).empty());
    CHECK(reason(honest(), at_most("1 USDT")).find("your limit is in USDT") != std::string::npos);
}

TEST_CASE("select: a limit of nothing pays nothing but what is free") {
    CHECK(!reason(of_amount("1"), at_most("$0")).empty());
    CHECK(reason(of_amount("0"), at_most("$0")).empty());
}

TEST_CASE("select: a list of networks excludes the others") {
    SpendRules rules;
    rules.networks = {evm_network(8453)};
    CHECK(reason(honest(), rules) == "network eip155:84532 is not one you allow");
    rules.networks.push_back(evm_network(84532));
    CHECK(reason(honest(), rules).empty());
}

TEST_CASE("select: a list of symbols excludes the others") {
    SpendRules rules;
    rules.symbols = {"USDT", "USDC"};
    CHECK(reason(honest(), rules).empty());
    rules.symbols = {"USDT"};
    CHECK(reason(honest(), rules) == "asset USDC is not one you allow");
}

TEST_CASE("select: the cheapest payable entry wins, and the first of equals") {
    const auto choice = choose_of({of_amount("3000"), with("scheme", "upto", of_amount("1")),
                                   of_amount("2000"), of_amount("2000"), of_amount("2001")});
    CHECK(choice.chosen == 2);
    CHECK(choice.verdicts[1].refusal);
    CHECK(!choice.verdicts[0].refusal);
}

TEST_CASE("select: one unreadable entry does not spoil the others") {
    const auto choice = choose_of({with("payTo", 7), honest()});
    CHECK(choice.chosen == 1);
    CHECK(!choice.verdicts[0].requirements);
}

TEST_CASE("select: the error is over_limit when the amount alone is wrong with some entry") {
    const auto dear = choose_of({with("scheme", "upto"), of_amount("200000")}).refusal();
    CHECK(dear.code == Errc::over_limit);
    CHECK(dear.detail.find("accepts[0]: scheme") != std::string::npos);
    CHECK(dear.detail.find("accepts[1]: $0.2 USDC is more than") != std::string::npos);
    // An entry that is wrong in other ways too is not made payable by a higher limit.
    const auto odd = choose_of({with_extra("name", "Fake")}).refusal();
    CHECK(odd.code == Errc::no_acceptable_offer);
    const auto both = choose_of(
        {with("payTo", "0x0000000000000000000000000000000000000000", of_amount("200000"))});
    CHECK(both.refusal().code == Errc::no_acceptable_offer);
}
