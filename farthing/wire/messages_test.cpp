// SPDX-License-Identifier: Apache-2.0
// The messages of both versions, against protocol.md section 2.
#include <doctest/doctest.h>

#include "farthing/wire/dialect.hpp"

namespace farthing {
namespace {

constexpr std::string_view kRequirements = R"({"scheme":"exact","network":"eip155:84532",)"
                                           R"("amount":"1000","asset":"0xTOKEN","payTo":"0xPAYTO",)"
                                           R"("maxTimeoutSeconds":60,)"
                                           R"("extra":{"name":"USDC","version":"2"}})";

json::Value parsed(std::string_view text) {
    auto value = json::parse(text);
    REQUIRE_MESSAGE(value, text);
    return *value;
}

/// `text` with one member replaced, or removed when `value` is empty.
std::string with(std::string_view text, std::string_view name, std::string_view value) {
    auto object = parsed(text).get_object();
    if (value.empty()) {
        object.erase(name);
    } else {
        object.insert_or_assign(name, parsed(value));
    }
    return json::to_text(object);
}

template <class T>
void round_trips(std::string_view text) {
    CAPTURE(text);
    const auto decoded = json::decode<T>(parsed(text));
    REQUIRE_MESSAGE(decoded, (decoded ? std::string{} : to_string(decoded.error())));
    CHECK(json::equal(json::encode(*decoded), parsed(text)));
}

template <class T>
std::string error_of(std::string_view text) {
    const auto decoded = json::decode<T>(parsed(text));
    return decoded ? "no error" : decoded.error().detail;
}

}  // namespace

TEST_CASE("wire: every message survives a round trip, members it does not know included") {
    round_trips<v2::PaymentRequirements>(kRequirements);
    round_trips<v2::PaymentRequirements>(with(kRequirements, "later", R"({"a":[1,null]})"));
    round_trips<v2::ResourceInfo>(
        R"({"url":"http://h/x","description":"","mimeType":"","serviceName":"S",)"
        R"("tags":["a","b"],"iconUrl":"http://h/i.png","theirs":1})");
    round_trips<v2::PaymentRequired>(
        R"({"x402Version":2,"error":"Payment required","resource":{"url":"http://h/x"},)"
        R"("accepts":[{"scheme":"a"},{"odd":true}],"extensions":{"k":{"info":{}}},"new":null})");
    round_trips<v2::PaymentPayload>(
        R"({"x402Version":2,"payload":{"signature":"0x"},"extensions":{},)"
        R"("resource":{"url":"u"},"accepted":{"scheme":"exact"},"x":[]})");
    round_trips<v2::VerifyResponse>(
        R"({"isValid":false,"invalidReason":"r","invalidMessage":"m","payer":"0x1",)"
        R"("extensions":{},"extra":{"a":1},"n":2})");
    round_trips<v2::SettleResponse>(
        R"({"success":true,"transaction":"0xabc","network":"eip155:1","payer":"0x1",)"
        R"("amount":"1","extensions":{},"extra":{},"n":2})");
    round_trips<v2::SettleResponse>(
        R"({"success":false,"errorReason":"r","errorMessage":"m","transaction":"",)"
        R"("network":"base"})");
    round_trips<v2::SupportedResponse>(
        R"({"kinds":[{"x402Version":1,"scheme":"exact","network":"base","extra":{}}],)"
        R"("extensions":["a"],"signers":{"eip155:*":["0x1"]},"n":1})");
    round_trips<v1::PaymentRequirements>(
        R"({"scheme":"exact","network":"base","maxAmountRequired":"1","resource":"http://h/x",)"
        R"("description":"d","mimeType":"m","outputSchema":{"input":{"type":"http"}},)"
        R"("payTo":"0x1","maxTimeoutSeconds":60,"asset":"0x2","extra":{"name":"n"},"theirs":[1]})");
    round_trips<v1::PaymentRequired>(
        R"({"x402Version":1,"error":"X-PAYMENT header is required","accepts":[{}],"payer":"0x1"})");
    round_trips<v1::PaymentPayload>(
        R"({"x402Version":1,"scheme":"exact","network":"base","payload":{"a":1},"theirs":true})");
}

TEST_CASE("wire: null is absent for optional members, and an error for the others") {
    const auto nothing = json::decode<v2::SettleResponse>(
        parsed(R"({"success":true,"errorReason":null,"errorMessage":null,"payer":null,)"
               R"("transaction":"","network":"eip155:1","amount":null,"extensions":null,)"
               R"("extra":null})"));
    REQUIRE(nothing);
    CHECK(json::encode_text(*nothing) ==
          R"({"success":true,"transaction":"","network":"eip155:1"})");
    const auto entry =
        json::decode<v2::PaymentRequirements>(parsed(with(kRequirements, "extra", "null")));
    REQUIRE(entry);
    CHECK_FALSE(entry->extra);
    for (const auto* const name : {"scheme", "network", "amount", "asset", "payTo"}) {
        CHECK(error_of<v2::PaymentRequirements>(with(kRequirements, name, "null"))
                  .starts_with("." + std::string(name) + ": expected"));
    }
}

TEST_CASE("wire: a missing member is named") {
    for (const auto* const name :
         {"scheme", "network", "amount", "asset", "payTo", "maxTimeoutSeconds"}) {
        CHECK(error_of<v2::PaymentRequirements>(with(kRequirements, name, "")) ==
              "." + std::string(name) + ": missing");
    }
    CHECK(error_of<v2::SettleResponse>(R"({"success":true,"network":"x"})") ==
          ".transaction: missing");
    CHECK(error_of<v2::SettleResponse>(R"({"success":true,"transaction":""})") ==
          ".network: missing");
    CHECK(error_of<v2::VerifyResponse>("{}") == ".isValid: missing");
    CHECK(error_of<v2::SupportedResponse>(R"({"kinds":[{"x402Version":2,"scheme":"exact"}]})") ==
          ".kinds[0].network: missing");
}

TEST_CASE("wire: an amount is decimal digits in a string and fits 256 bits") {
    const struct {
        std::string_view amount;
        std::string_view what;
    } cases[] = {
        {R"("1e3")", ".amount: expected decimal digits only"},
        {R"("-1")", ".amount: expected decimal digits only"},
        {R"("+1")", ".amount: expected decimal digits only"},
        {R"("0x10")", ".amount: expected decimal digits only"},
        {R"("1.0")", ".amount: expected decimal digits only"},
        {R"(" 1")", ".amount: expected decimal digits only"},
        {R"("1\n")", ".amount: expected decimal digits only"},
        {R"("")", ".amount: expected decimal digits only"},
        {R"("١")", ".amount: expected decimal digits only"},
        {R"("007")", ".amount: expected a number without leading zeros"},
        {R"("115792089237316195423570985008687907853269984665640564039457584007913129639936")",
         ".amount: expected at most 2^256-1"},
        {R"("999999999999999999999999999999999999999999999999999999999999999999999999999999999")",
         ".amount: expected at most 2^256-1"},
        {"1000", ".amount: expected a string of decimal digits"},
        {"1e3", ".amount: expected a string of decimal digits"},
        {"{}", ".amount: expected a string of decimal digits"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.amount);
        CHECK(error_of<v2::PaymentRequirements>(with(kRequirements, "amount", each.amount)) ==
              each.what);
    }
    const auto most = json::decode<v2::PaymentRequirements>(parsed(with(
        kRequirements, "amount",
        R"("115792089237316195423570985008687907853269984665640564039457584007913129639935")")));
    REQUIRE(most);
    CHECK(most->amount == U256::max());
}

TEST_CASE("wire: maxTimeoutSeconds is a whole number, however it is written") {
    const auto seconds = [](std::string_view text) -> std::optional<std::uint64_t> {
        const auto entry = json::decode<v2::PaymentRequirements>(
            parsed(with(kRequirements, "maxTimeoutSeconds", text)));
        if (!entry) return std::nullopt;
        return entry->max_timeout_seconds;
    };
    CHECK(seconds("60") == 60);
    CHECK(seconds("60.0") == 60);
    CHECK(seconds("6e1") == 60);
    for (const auto* const bad : {"60.5", "-1", "1e300", R"("60")", "9007199254740992", "[]"}) {
        CAPTURE(bad);
        CHECK_FALSE(seconds(bad));
    }
}

TEST_CASE("wire: the network of a version 2 entry is CAIP-2") {
    const auto network_error = [](std::string_view text) {
        return error_of<v2::PaymentRequirements>(with(kRequirements, "network", text));
    };
    for (const auto* const bad : {R"("base-sepolia")", R"("a:")", R"(":b")", R"("")", "84532"}) {
        CAPTURE(bad);
        CHECK(network_error(bad) == ".network: expected a CAIP-2 network such as eip155:8453");
    }
    for (const auto* const bad :
         {R"("eip155:")", R"("eip155:0")", R"("eip155:01")", R"("eip155:-1")", R"("eip155:0x1")",
          R"("eip155:9007199254740992")", R"("eip155:1 ")", R"("eip155:18446744073709551617")"}) {
        CAPTURE(bad);
        CHECK(network_error(bad) != "no error");
    }
    CHECK(network_error(R"("eip155:9007199254740991")") == "no error");
    CHECK(network_error(R"("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp")") == "no error");
}

TEST_CASE("wire: extra_text gives text members of extra only") {
    auto entry = json::decode<v2::PaymentRequirements>(parsed(kRequirements));
    REQUIRE(entry);
    CHECK(entry->extra_text("name") == "USDC");
    CHECK(entry->extra_text("absent") == std::nullopt);
    entry->extra->insert_or_assign("version", 2);
    CHECK(entry->extra_text("version") == std::nullopt);
    entry->extra.reset();
    CHECK(entry->extra_text("name") == std::nullopt);
}

}  // namespace farthing
