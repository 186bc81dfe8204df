// SPDX-License-Identifier: Apache-2.0
// The honest way through: what is sent, what is signed, what is handed over.
#include "farthing/wallet/payer.hpp"

#include <doctest/doctest.h>

#include <boost/asio/post.hpp>
#include <thread>

#include "farthing/scheme/exact/exact.hpp"
#include "farthing/wallet/test_seller.hpp"
#include "farthing/wire/dialect.hpp"

using namespace farthing;
using namespace farthing::wallet;
using namespace farthing::wallet::test;

namespace {

json::Object decoded(const std::string& header) {
    auto value = json::parse(from_base64(header).value());
    REQUIRE(value);
    return value->as_object();
}

/// The authorisation in a payment, checked to be signed by the payer for what was asked.
TransferWithAuthorization signed_by_payer(const json::Object& payload, Bytes32& digest) {
    const auto exact = json::decode<scheme::ExactPayload>(payload.at("payload"));
    REQUIRE(exact);
    const auto table = AssetTable::built_in();
    const auto* usdc = table.find_default(evm_network(84532));
    digest = eip712::digest(usdc->domain(), exact->authorization);
    const auto signature = parse_signature(exact->signature);
    REQUIRE(signature);
    CHECK(address_of(recover(digest, *signature).value()) == CountingSigner().address());
    return exact->authorization;
}

}  // namespace

TEST_CASE("payer: what is free is handed over, and nothing is signed") {
    Buyer buyer;
    Seller seller(buyer.bench.loop, {answer(200, {"X-Mine: 1"}, "free")});
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    CHECK(got->response.status == 200);
    CHECK(got->response.body == "free");
    CHECK(got->response.headers.get("X-Mine") == "1");
    CHECK(!got->payment);
    CHECK(buyer.signer.count == 0);
    CHECK(seller.got.size() == 1);
}

TEST_CASE("payer: an error answer is an answer") {
    Buyer buyer;
    Seller seller(buyer.bench.loop, {answer(404, {}, "no such thing")});
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    CHECK(got->response.status == 404);
    CHECK(!got->payment);
}

TEST_CASE("payer: a version 2 payment echoes the offer and signs exactly what it asks") {
    Buyer buyer;
    Seller seller(buyer.bench.loop, {offer(), paid()});
    const auto before = buyer.bench.clock.now();
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    CHECK(got->response.body == "goods");
    REQUIRE(got->payment);
    CHECK(got->payment->receipt == Payment::Receipt::verified);
    CHECK(to_hex(*got->payment->transaction) == kHash);
    REQUIRE(seller.got.size() == 2);
    CHECK(seller.got[0].payment().empty());
    CHECK(seller.got[1].header("X-PAYMENT").empty());
    const auto payload = decoded(seller.got[1].header("PAYMENT-SIGNATURE"));
    const auto asked = required({entry()});
    CHECK(payload.at("x402Version") == 2);
    CHECK(payload.at("accepted") == json::Value(entry()));
    CHECK(payload.at("resource") == asked.at("resource"));
    CHECK(payload.at("extensions") == asked.at("extensions"));
    Bytes32 digest;
    const auto authorization = signed_by_payer(payload, digest);
    CHECK(buyer.signer.digests == std::vector{digest});
    CHECK(authorization.from == buyer.signer.address());
    CHECK(authorization.to == parse_address(kPayTo).value());
    CHECK(authorization.value == U256(1000));
    CHECK(authorization.valid_after == U256(0));
    const auto lifetime = authorization.valid_before.to_u64().value() -
                          static_cast<std::uint64_t>(before.time_since_epoch().count());
    CHECK(lifetime >= 60);
    CHECK(lifetime <= 80);
    CHECK(authorization.nonce == got->payment->nonce);
    CHECK(authorization.nonce != Bytes32{});
}

TEST_CASE("payer: a version 1 offer is paid in version 1") {
    Buyer buyer;
    auto one = entry();
    one.erase("amount");
    one["network"] = "base-sepolia";
    one["maxAmountRequired"] = "1000";
    one["resource"] = "http://seller/paid";
    one["description"] = "";
    const json::Object body{{"x402Version", 1},
                            {"error", "X-PAYMENT header is required"},
                            {"accepts", json::Array{one}}};
    auto receipt = settled();
    receipt["network"] = "base-sepolia";
    Seller seller(buyer.bench.loop,
                  {answer(402, {}, json::to_text(json::Value(body))),
                   answer(200, {"X-PAYMENT-RESPONSE: " + encoded(receipt)}, "goods")});
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    CHECK(got->payment->receipt == Payment::Receipt::verified);
    REQUIRE(seller.got.size() == 2);
    CHECK(seller.got[1].header("PAYMENT-SIGNATURE").empty());
    const auto payload = decoded(seller.got[1].header("X-PAYMENT"));
    CHECK(payload.at("x402Version") == 1);
    CHECK(payload.at("scheme") == "exact");
    CHECK(payload.at("network") == "base-sepolia");
    CHECK(!payload.contains("accepted"));
    Bytes32 digest;
    CHECK(signed_by_payer(payload, digest).value == U256(1000));
}

TEST_CASE("payer: the paid request is the unpaid one with a payment") {
    Buyer buyer;
    Seller seller(buyer.bench.loop, {offer(), paid()});
    net::Request request;
    request.method = "POST";
    request.headers.add("Content-Type", "application/json");
    request.headers.add("X-Mine", "1");
    request.body = R"({"question":"the same twice"})";
    REQUIRE(buyer.pay({&seller}, request));
    REQUIRE(seller.got.size() == 2);
    for (const auto& each : seller.got) {
        CHECK(each.line() == "POST /paid HTTP/1.1");
        CHECK(each.header("Content-Type") == "application/json");
        CHECK(each.header("X-Mine") == "1");
        CHECK(each.body == request.body);
    }
}

TEST_CASE("payer: two calls never share a nonce") {
    Buyer buyer;
    Seller seller(buyer.bench.loop, {offer(), paid(), offer(), paid()});
    const auto client = net::Client::make(buyer.bench.env, buyer.bench.loop, {});
    Payer payer(buyer.bench.env, *client, buyer.signer, buyer.assets, buyer.config);
    const auto one = buyer.bench.run(payer.request(seller.url(), {}));
    const auto two = buyer.bench.run(Buyer::ended(payer.request(seller.url(), {}), {&seller}));
    REQUIRE(one);
    REQUIRE(two);
    CHECK(one->payment->nonce != two->payment->nonce);
}

TEST_CASE("payer: the cheapest of several offers is paid, and echoed") {
    Buyer buyer;
    const auto many = required({entry("3000"), entry("2000"), entry("2500")});
    Seller seller(buyer.bench.loop, {answer(402, {"PAYMENT-REQUIRED: " + encoded(many)}), paid()});
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    CHECK(got->payment->requirements.amount == U256(2000));
    CHECK(decoded(seller.got[1].payment()).at("accepted") == json::Value(entry("2000")));
}

TEST_CASE("payer: a server that asks for years gets an hour") {
    Buyer buyer;
    auto long_lived = entry();
    long_lived["maxTimeoutSeconds"] = 86'400;
    Seller seller(buyer.bench.loop, {offer(long_lived), paid()});
    const auto before = buyer.bench.clock.now();
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    CHECK(got->payment->valid_before - before <= std::chrono::seconds(3620));
    Bytes32 digest;
    const auto authorization = signed_by_payer(decoded(seller.got[1].payment()), digest);
    CHECK(authorization.valid_before.to_u64() ==
          static_cast<std::uint64_t>(got->payment->valid_before.time_since_epoch().count()));
}

TEST_CASE("payer: a resource without a receipt is handed over and marked") {
    Buyer buyer;
    Seller seller(buyer.bench.loop, {offer(), answer(200, {}, "goods")});
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    CHECK(got->payment->receipt == Payment::Receipt::missing);
    CHECK(!got->payment->transaction);
}

TEST_CASE("payer: a handler that failed is an answer that was not charged for") {
    Buyer buyer;
    Seller seller(buyer.bench.loop, {offer(), answer(500, {}, "broken")});
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    CHECK(got->response.status == 500);
    CHECK(got->response.body == "broken");
    CHECK(got->payment->receipt == Payment::Receipt::none);
    CHECK(seller.got.size() == 2);
}

TEST_CASE("payer: a quote says what would be paid and signs nothing") {
    Buyer buyer;
    const auto many = required({entry("2000"), entry("200000")});
    Seller seller(buyer.bench.loop, {answer(402, {"PAYMENT-REQUIRED: " + encoded(many)})});
    const auto client = net::Client::make(buyer.bench.env, buyer.bench.loop, {});
    Payer payer(buyer.bench.env, *client, buyer.signer, buyer.assets, buyer.config);
    const auto quote = buyer.bench.run(Buyer::ended(payer.quote(seller.url(), {}), {&seller}));
    REQUIRE(quote);
    CHECK(quote->choice.chosen == 0);
    REQUIRE(quote->choice.verdicts.size() == 2);
    CHECK(quote->choice.verdicts[1].refusal->code == Errc::over_limit);
    CHECK(buyer.signer.count == 0);
    CHECK(seller.got.size() == 1);
}

TEST_CASE("payer: the body goes into the sink as it arrives, and only the last one") {
    struct Pieces final : Sink {
        Result<> begin(const net::Response& head, std::optional<std::uint64_t> length) override {
            ++begun;
            status = head.status;
            known = length;
            return {};
        }
        Result<> write(std::string_view piece) override {
            text += piece;
            return {};
        }
        int begun = 0;
        int status = 0;
        std::optional<std::uint64_t> known;
        std::string text;
    } sink;
    Buyer buyer;
    const std::string large(3 << 20, 'x');
    Seller seller(buyer.bench.loop,
                  {answer(302, {"Location: /paid"}, "moved"), offer(), paid(large)});
    const auto got = buyer.pay({&seller}, {}, &sink);
    REQUIRE(got);
    CHECK(sink.begun == 1);
    CHECK(sink.status == 200);
    CHECK(sink.known == large.size());
    CHECK(sink.text == large);
    CHECK(got->response.body.empty());
}

TEST_CASE("payer: without a loop of one's own, pay_blocking does it all") {
    Buyer buyer;
    std::optional<Result<PaidResponse>> got;
    // The seller has its own loop on its own thread: a stranger to the payer's.
    Loop loop;
    Seller seller(loop, {offer(), paid()});
    std::thread selling([&] { loop.run(); });
    got = pay_blocking(buyer.bench.env, buyer.signer, buyer.assets, buyer.config, {},
                       seller.url().to_string());
    asio::post(loop, [&] { loop.stop(); });
    selling.join();
    REQUIRE(*got);
    CHECK((*got)->response.body == "goods");
    const auto bad = pay_blocking(buyer.bench.env, buyer.signer, buyer.assets, buyer.config, {},
                                  "ftp://nowhere/");
    REQUIRE(!bad);
    CHECK(bad.error().code == Errc::invalid_argument);
}
