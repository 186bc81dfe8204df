// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/receipt.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "farthing/base/base64.hpp"
#include "farthing/base/hex.hpp"

using namespace farthing;
using namespace farthing::wallet;

namespace {

constexpr auto kHash = "0x89c91c789e57059b17285e7ba1716a1f5ff4c5dace0ea5a5135f26158d0421b9";
constexpr auto kPayer = "0x857b06519E91e3A54538791bDbb0E22373e36b66";

Signed ours() { return {evm_network(84532), U256(1000), parse_address(kPayer).value()}; }

json::Object honest() {
    return {
        {"success", true}, {"transaction", kHash}, {"network", "eip155:84532"}, {"payer", kPayer}};
}

template <class T>
json::Object with(std::string_view member, T value) {
    auto receipt = honest();
    receipt.insert_or_assign(member, std::move(value));
    return receipt;
}

net::Headers headers_with(std::string_view name, const json::Object& receipt) {
    net::Headers headers;
    headers.add(std::string(name), to_base64(json::to_text(json::Value(receipt))));
    return headers;
}

/// What is wrong with a receipt; empty when nothing is.
std::string fault(const json::Object& receipt) {
    const auto read = read_receipt(headers_with("PAYMENT-RESPONSE", receipt));
    if (!read) return read.error().detail;
    REQUIRE(*read);
    const auto hash = check_receipt(**read, ours());
    if (!hash) {
        CHECK(hash.error().code == Errc::receipt_invalid);
        return hash.error().detail;
    }
    CHECK(to_hex(*hash) == kHash);
    return "";
}

}  // namespace

TEST_CASE("receipt: an honest one is ours, in every spelling that peers use") {
    auto bare = honest();
    bare.erase("payer");
    for (const auto& receipt :
         {honest(), bare, with("network", "base-sepolia"),
          with("payer", "0x857b06519e91e3a54538791bdbb0e22373e36b66"), with("payer", nullptr),
          with("amount", "1000"), with("amount", "1"), with("amount", nullptr),
          with("extensions", json::Object{{"x", 1}}), with("unheardOf", 1)}) {
        CAPTURE(json::to_text(json::Value(receipt)));
        CHECK(fault(receipt).empty());
    }
}

TEST_CASE("receipt: one that contradicts what was signed is refused, and says where") {
    auto no_hash = honest();
    no_hash.erase("transaction");
    const std::vector<std::pair<json::Object, std::string>> cases{
        {with("success", false), ".success"},
        {with("success", "true"), ".success"},
        {with("network", "eip155:8453"), ".network: is not eip155:84532"},
        {with("network", "base"), ".network"},
        {with("network", ""), ".network"},
        {with("payer", "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"), ".payer: is not 0x857b"},
        {with("payer", "me"), ".payer"},
        {with("transaction", ""), ".transaction"},
        {with("transaction", "0x" + std::string(64, '0')), ".transaction"},
        {with("transaction", std::string(kHash).substr(0, 64)), ".transaction"},
        {with("transaction", std::string(kHash) + "00"), ".transaction"},
        {no_hash, ".transaction: missing"},
        {with("amount", "1001"), ".amount: is more than the 1000 signed for"},
        {with("amount", "-1"), ".amount: expected a decimal number"},
    };
    for (const auto& [receipt, expected] : cases) {
        CAPTURE(json::to_text(json::Value(receipt)));
        const auto why = fault(receipt);
        CAPTURE(why);
        CHECK(why.find(expected) != std::string::npos);
    }
}

TEST_CASE("receipt: none is not an error, and version 1's header is read too") {
    const auto none = read_receipt(net::Headers{});
    REQUIRE(none);
    CHECK(!*none);
    const auto old = read_receipt(headers_with("X-PAYMENT-RESPONSE", honest()));
    REQUIRE(old);
    REQUIRE(*old);
    CHECK((*old)->transaction == kHash);
}

TEST_CASE("receipt: what cannot be read is refused") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "invalid_json"},
        {"no base64!", "is not base64"},
        {to_base64("{"), "payment receipt"},
        {to_base64("[]"), "expected an object"},
        {to_base64(R"({"success":true,"success":true})"), "duplicate key"},
        {std::string(70'000, 'A'), "too large"},
    };
    for (const auto& [value, expected] : cases) {
        CAPTURE(value.substr(0, 40));
        net::Headers headers;
        headers.add("payment-response", value);
        const auto read = read_receipt(headers);
        REQUIRE(!read);
        CHECK(read.error().code == Errc::receipt_invalid);
        if (!value.empty()) CHECK(read.error().detail.find(expected) != std::string::npos);
    }
}

TEST_CASE("receipt: two that differ are refused, and one said twice is not") {
    auto headers = headers_with("PAYMENT-RESPONSE", honest());
    const std::string same{*headers.get("PAYMENT-RESPONSE")};
    headers.add("Payment-Response", same);
    CHECK(read_receipt(headers));
    headers.add("PAYMENT-RESPONSE", to_base64("{}"));
    CHECK(!read_receipt(headers));
}
