// SPDX-License-Identifier: Apache-2.0
// Each safeguard of the payer: the attack or accident, and beside it the honest twin that passes.
#include <doctest/doctest.h>

#include "farthing/wallet/payer.hpp"
#include "farthing/wallet/test_seller.hpp"

using namespace farthing;
using namespace farthing::wallet;
using namespace farthing::wallet::test;

namespace {

void check_error(const Result<PaidResponse>& got, Errc code, std::string_view detail = "") {
    REQUIRE(!got);
    CAPTURE(got.error().detail);
    CHECK(wire_code(got.error().code) == wire_code(code));
    CHECK(got.error().detail.find(detail) != std::string::npos);
}

/// The payments a seller got, which must all be the same one.
int sends_of_one_payment(const Seller& seller) {
    int sends = 0;
    std::string first;
    for (const auto& each : seller.got) {
        const auto payment = each.payment();
        if (payment.empty()) continue;
        if (first.empty()) first = payment;
        CHECK(payment == first);
        ++sends;
    }
    return sends;
}

}  // namespace

TEST_CASE("payer: above the limit nothing is signed; at the limit it is") {
    Buyer buyer;
    Seller dear(buyer.bench.loop, {offer(entry("100001"))});
    check_error(buyer.pay({&dear}), Errc::over_limit, "$0.100001 USDC");
    CHECK(buyer.signer.count == 0);
    CHECK(dear.got.size() == 1);
    Seller fair(buyer.bench.loop, {offer(entry("100000")), paid()});
    CHECK(buyer.pay({&fair}));
}

TEST_CASE("payer: a look-alike token is never signed for") {
    Buyer buyer;
    auto fake = entry();
    fake["asset"] = kPayTo;
    Seller seller(buyer.bench.loop, {offer(fake)});
    check_error(buyer.pay({&seller}), Errc::no_acceptable_offer, "not on the list");
    CHECK(buyer.signer.count == 0);
}

TEST_CASE("payer: a 402 that cannot be read is an error, and nothing is signed") {
    for (const auto& bad :
         {answer(402, {}, "<html>pay me</html>"), answer(402, {"PAYMENT-REQUIRED: no base64!"}),
          answer(402, {"PAYMENT-REQUIRED: " + to_base64("{}")}),
          answer(402, {"PAYMENT-REQUIRED: " + encoded(required({}))}),
          answer(402, {"PAYMENT-REQUIRED: " + encoded(required({entry()})),
                       "PAYMENT-REQUIRED: " + encoded(required({entry("1")}))}),
          answer(402, {"PAYMENT-REQUIRED: " + std::string(70'000, 'A')})}) {
        CAPTURE(bad.bytes.substr(0, 120));
        Buyer buyer;
        Seller seller(buyer.bench.loop, {bad});
        check_error(buyer.pay({&seller}), Errc::payment_required);
        CHECK(buyer.signer.count == 0);
    }
}

TEST_CASE("payer: a second 402 is the server's refusal, and is never paid again") {
    Buyer buyer;
    Seller seller(buyer.bench.loop, {offer(), refusal("invalid_exact_evm_insufficient_balance")});
    check_error(buyer.pay({&seller}), Errc::payment_rejected,
                "invalid_exact_evm_insufficient_balance");
    CHECK(buyer.signer.count == 1);
    CHECK(seller.got.size() == 2);
}

TEST_CASE("payer: a request that carries a payment already is not paid a second time") {
    Buyer buyer;
    net::Request request;
    request.headers.add("PAYMENT-SIGNATURE", "e30=");
    Seller seller(buyer.bench.loop, {refusal("invalid_exact_evm_signature")});
    check_error(buyer.pay({&seller}, request), Errc::payment_rejected,
                "invalid_exact_evm_signature");
    CHECK(buyer.signer.count == 0);
}

TEST_CASE("payer: a lost answer is asked for again with the same payment") {
    Buyer buyer;
    Seller seller(buyer.bench.loop, {offer(), lost(), lost(), paid()});
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    CHECK(got->payment->receipt == Payment::Receipt::verified);
    CHECK(sends_of_one_payment(seller) == 3);
    CHECK(buyer.signer.count == 1);
}

TEST_CASE("payer: an answer that stays lost is an unknown outcome, not a failure") {
    Buyer buyer;
    buyer.config.resends_max = 2;
    // POST: what the HTTP client itself never repeats.
    net::Request request;
    request.method = "POST";
    Seller seller(buyer.bench.loop, {offer(), lost(), lost(), lost(), paid()});
    const auto got = buyer.pay({&seller}, request);
    check_error(got, Errc::outcome_unknown, "do not pay again blindly");
    CHECK(exit_code(got.error()) == 5);
    CHECK(sends_of_one_payment(seller) == 3);
    CHECK(buyer.signer.count == 1);
}

TEST_CASE("payer: a refusal after a lost answer may mean that the lost one was paid") {
    Buyer buyer;
    Seller seller(buyer.bench.loop,
                  {offer(), lost(), refusal("invalid_exact_evm_nonce_already_used")});
    check_error(buyer.pay({&seller}), Errc::outcome_unknown,
                "invalid_exact_evm_nonce_already_used");
    Seller failing(buyer.bench.loop, {offer(), lost(), answer(404)});
    check_error(buyer.pay({&failing}), Errc::outcome_unknown, "404");
}

TEST_CASE("payer: when the payment never left, nothing was paid") {
    Buyer buyer;
    buyer.config.resends_max = 1;
    Seller elsewhere(buyer.bench.loop, {});
    const auto gone = elsewhere.url("/gone");
    buyer.bench.run(elsewhere.stop());
    // The offer comes from a server that is not there any more when the payment is sent.
    struct Vanishing final : net::Client {
        explicit Vanishing(net::Client& with) : client(with) {}
        Task<std::expected<net::Response, net::RequestError>> fetch(net::Url,
                                                                    net::Request) override {
            std::abort();
        }
        Task<std::expected<net::Response, net::RequestError>> fetch(
            net::Url, net::Request, std::chrono::milliseconds) override {
            std::abort();
        }
        Task<std::expected<std::unique_ptr<net::ResponseStream>, net::RequestError>> open(
            net::Url url, net::Request request, net::BodySource body,
            std::optional<std::uint64_t> length) override {
            if (request.headers.has("PAYMENT-SIGNATURE")) url.port = gone_port;
            co_return co_await client.open(std::move(url), std::move(request), std::move(body),
                                           length);
        }
        net::Client& client;
        std::uint16_t gone_port = 0;
    };
    Seller seller(buyer.bench.loop, {offer()});
    const auto real = net::Client::make(buyer.bench.env, buyer.bench.loop, {});
    Vanishing client(*real);
    client.gone_port = gone.port;
    Payer payer(buyer.bench.env, client, buyer.signer, buyer.assets, buyer.config);
    const auto got = buyer.bench.run(Buyer::ended(payer.request(seller.url(), {}), {&seller}));
    check_error(got, Errc::connection_failed);
    CHECK(exit_code(got.error()) == 4);
}

TEST_CASE("payer: a pending settlement is asked about with the same payment until it ends") {
    Buyer buyer;
    Seller seller(buyer.bench.loop, {offer(), answer(402, {receipt_header(pending())}, "{}"),
                                     answer(503, {receipt_header(pending())}), paid()});
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    CHECK(sends_of_one_payment(seller) == 3);
    CHECK(buyer.signer.count == 1);
}

TEST_CASE("payer: a settlement that stays pending is unknown, and its transaction is named") {
    Buyer buyer;
    buyer.config.pending_wait = std::chrono::milliseconds(0);
    Seller seller(buyer.bench.loop, {offer(), answer(402, {receipt_header(pending())}, "{}"),
                                     answer(402, {receipt_header(pending())}, "{}")});
    const auto got = buyer.pay({&seller});
    check_error(got, Errc::settlement_pending, kHash);
    CHECK(exit_code(got.error()) == 5);
}

TEST_CASE("payer: a server that has a payment cannot make us wait for longer than we wanted") {
    auto lasting = entry();
    lasting["maxTimeoutSeconds"] = 3600;
    const std::string late = "Retry-After: 3000";
    Buyer buyer;
    buyer.config.max_time = std::chrono::seconds(10);  // the end of a wait that is too long
    buyer.config.backoff_max = std::chrono::milliseconds(20);
    buyer.config.resends_max = 1;
    const auto pends = answer(503, {late, receipt_header(pending())});
    Seller stalling(buyer.bench.loop, {offer(lasting), pends, pends, pends});
    check_error(buyer.pay({&stalling}), Errc::settlement_pending, kHash);
    CHECK(sends_of_one_payment(stalling) == 2);
    Seller slow(buyer.bench.loop, {offer(lasting), pends, paid()});
    CHECK(buyer.pay({&slow}));
    Seller busy(buyer.bench.loop, {offer(lasting), answer(503, {late}), answer(503, {late})});
    check_error(buyer.pay({&busy}), Errc::outcome_unknown, "the server answered 503");
    Seller crowded(buyer.bench.loop, {offer(lasting), answer(429, {late}), answer(429, {late})});
    const auto got = buyer.pay({&crowded});
    REQUIRE(got);
    CHECK(got->response.status == 429);
}

TEST_CASE("payer: nobody is asked again once the authorisation is past its time") {
    Buyer buyer;
    auto brief = entry();
    brief["maxTimeoutSeconds"] = 1;
    buyer.config.pending_wait = std::chrono::seconds(60);
    Seller seller(buyer.bench.loop,
                  {offer(brief), answer(503, {"Retry-After: 30", receipt_header(pending())})});
    check_error(buyer.pay({&seller}), Errc::outcome_unknown, kHash);
    CHECK(seller.got.size() == 2);
}

TEST_CASE("payer: a gateway that stays broken leaves the outcome unknown") {
    Buyer buyer;
    buyer.config.resends_max = 1;
    Seller seller(buyer.bench.loop, {offer(), answer(502), answer(502)});
    check_error(buyer.pay({&seller}), Errc::outcome_unknown, "502");
    CHECK(sends_of_one_payment(seller) == 2);
    Seller refusing(buyer.bench.loop, {offer(), answer(502), refusal("nonce used")});
    check_error(buyer.pay({&refusing}), Errc::outcome_unknown, "nonce used");
    Seller healed(buyer.bench.loop, {offer(), answer(502), paid()});
    CHECK(buyer.pay({&healed}));
}

TEST_CASE("payer: too many requests is an answer: nothing was done") {
    Buyer buyer;
    buyer.config.resends_max = 1;
    Seller seller(buyer.bench.loop, {offer(), answer(429), answer(429)});
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    CHECK(got->response.status == 429);
    CHECK(got->payment->receipt == Payment::Receipt::none);
}

TEST_CASE("payer: a forged receipt is an error, and its body is not handed over") {
    struct Untouched final : Sink {
        Result<> begin(const net::Response&, std::optional<std::uint64_t>) override {
            begun = true;
            return {};
        }
        Result<> write(std::string_view) override { return {}; }
        bool begun = false;
    };
    auto other_payer = settled();
    other_payer["payer"] = kPayTo;
    auto other_chain = settled();
    other_chain["network"] = "eip155:8453";
    auto no_hash = settled();
    no_hash["transaction"] = "";
    auto failed = settled();
    failed["success"] = false;
    for (const auto& receipt : {other_payer, other_chain, no_hash, failed}) {
        CAPTURE(json::to_text(json::Value(receipt)));
        Buyer buyer;
        Untouched sink;
        Seller seller(buyer.bench.loop, {offer(), answer(200, {receipt_header(receipt)}, "goods")});
        const auto got = buyer.pay({&seller}, {}, &sink);
        check_error(got, Errc::receipt_invalid);
        CHECK(exit_code(got.error()) == 5);
        CHECK(!sink.begun);
        CHECK(seller.got.size() == 2);
    }
}

TEST_CASE("payer: a body that breaks off after the payment is not a failure to pay again") {
    const std::string half = "Content-Length: 100\r\nConnection: close\r\n\r\nhalf";
    Buyer buyer;
    Seller seller(buyer.bench.loop, {offer(),
                                     {"HTTP/1.1 200 OK\r\n" + receipt_header() + "\r\n" + half},
                                     refusal("invalid_exact_evm_nonce_already_used")});
    check_error(buyer.pay({&seller}), Errc::outcome_unknown, kHash);
    CHECK(sends_of_one_payment(seller) == 2);
    Seller free(buyer.bench.loop, {{"HTTP/1.1 200 OK\r\n" + half}});
    const auto unpaid = buyer.pay({&free});
    check_error(unpaid, Errc::closed);
    CHECK(exit_code(unpaid.error()) == 4);
}

TEST_CASE("payer: a body that broke off is asked for again with the same payment") {
    Buyer buyer;
    const std::string half = "Content-Length: 100\r\nConnection: close\r\n\r\nhalf";
    const Reply broken{"HTTP/1.1 200 OK\r\n" + receipt_header() + "\r\n" + half};
    Seller seller(buyer.bench.loop, {offer(), broken, paid("all of it")});
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    CHECK(got->response.body == "all of it");
    CHECK(sends_of_one_payment(seller) == 2);
    CHECK(buyer.signer.count == 1);
    buyer.config.resends_max = 2;
    Seller stubborn(buyer.bench.loop, {offer(), broken, broken, broken, paid()});
    check_error(buyer.pay({&stubborn}), Errc::outcome_unknown, kHash);
    CHECK(sends_of_one_payment(stubborn) == 3);
}

TEST_CASE("payer: what has gone into a sink that cannot take it back is not asked for again") {
    struct Stream final : Sink {
        Result<> begin(const net::Response&, std::optional<std::uint64_t>) override { return {}; }
        Result<> write(std::string_view) override { return {}; }
    } sink;
    Buyer buyer;
    const std::string half = "Content-Length: 100\r\nConnection: close\r\n\r\nhalf";
    Seller seller(buyer.bench.loop,
                  {offer(), {"HTTP/1.1 200 OK\r\n" + receipt_header() + "\r\n" + half}, paid()});
    check_error(buyer.pay({&seller}, {}, &sink), Errc::outcome_unknown, kHash);
    CHECK(sends_of_one_payment(seller) == 1);
}

TEST_CASE("payer: a disk that is full after the payment is not a failure to pay again") {
    struct Full final : Sink {
        Result<> begin(const net::Response&, std::optional<std::uint64_t>) override { return {}; }
        Result<> write(std::string_view) override { return fail(Errc::io_failed, "disk full"); }
        bool restart() override { return true; }
    } sink;
    Buyer buyer;
    Seller seller(buyer.bench.loop, {offer(), paid(), paid()});
    check_error(buyer.pay({&seller}, {}, &sink), Errc::outcome_unknown, "disk full");
    CHECK(sends_of_one_payment(seller) == 1);
}

TEST_CASE("payer: a body longer than allowed is refused, paid for or not") {
    Buyer buyer;
    buyer.config.body_bytes_max = 4;
    Seller free(buyer.bench.loop, {answer(200, {}, "goods")});
    check_error(buyer.pay({&free}), Errc::too_large);
    Seller seller(buyer.bench.loop, {offer(), paid("goods")});
    check_error(buyer.pay({&seller}), Errc::outcome_unknown, kHash);
    buyer.config.body_bytes_max = 5;
    Seller fits(buyer.bench.loop, {offer(), paid("goods")});
    CHECK(buyer.pay({&fits}));
}

TEST_CASE("payer: the deadline says timed out before a payment is sent, and unknown after") {
    Buyer buyer;
    buyer.config.max_time = std::chrono::milliseconds(200);
    Seller silent(buyer.bench.loop, {hang()});
    check_error(buyer.pay({&silent}), Errc::timed_out);
    Seller late(buyer.bench.loop, {offer(), hang()});
    check_error(buyer.pay({&late}), Errc::outcome_unknown, "200 ms");
}

TEST_CASE("payer: whatever leaves the outcome unknown, the error says how to find it out") {
    auto forged = settled();
    forged["payer"] = kPayTo;
    const std::vector<std::pair<const char*, Reply>> ends{
        {"no answer", lost()},
        {"a broken gateway", answer(502)},
        {"a pending settlement", answer(503, {receipt_header(pending())})},
        {"a redirect elsewhere", answer(307, {"Location: http://elsewhere.example/"})},
        {"a forged receipt", answer(200, {receipt_header(forged)}, "goods")},
        {"silence", hang()}};
    for (const auto& [name, reply] : ends) {
        CAPTURE(name);
        Buyer buyer;
        buyer.config.resends_max = 0;
        buyer.config.pending_wait = std::chrono::milliseconds(0);
        buyer.config.max_time = std::chrono::milliseconds(400);
        Seller seller(buyer.bench.loop, {offer(), reply});
        const auto got = buyer.pay({&seller});
        REQUIRE(!got);
        CHECK(exit_code(got.error()) == 5);
        const auto& detail = got.error().detail;
        const auto sent = json::parse(from_base64(seller.got.back().payment()).value()).value();
        const auto& authorization =
            sent.as_object().at("payload").as_object().at("authorization").as_object();
        for (const auto* member : {"from", "nonce", "validBefore"}) {
            const std::string value(authorization.at(member).as_string());
            CAPTURE(value);
            CHECK(detail.find(value) != std::string::npos);
        }
        CHECK(detail.find(std::string("the token ") + kUsdc + " on eip155:84532") !=
              std::string::npos);
        CHECK(detail.find("running this again would sign a new payment") != std::string::npos);
    }
}

TEST_CASE("payer: a key that cannot sign sends nothing") {
    struct Broken final : Signer {
        [[nodiscard]] Address address() const override { return parse_address(kPayTo).value(); }
        Task<Result<Bytes>> sign(eip712::Signable) override {
            co_return fail(Errc::io_failed, "the device is gone");
        }
    } broken;
    Buyer buyer;
    Seller seller(buyer.bench.loop, {offer()});
    const auto client = net::Client::make(buyer.bench.env, buyer.bench.loop, {});
    Payer payer(buyer.bench.env, *client, broken, buyer.assets, buyer.config);
    const auto got = buyer.bench.run(Buyer::ended(payer.request(seller.url(), {}), {&seller}));
    check_error(got, Errc::io_failed, "the device is gone");
    CHECK(seller.got.size() == 1);
}

TEST_CASE("payer: the unpaid request is repeated only when that was asked for") {
    Buyer buyer;
    Seller busy(buyer.bench.loop, {answer(503, {}, "busy")});
    const auto got = buyer.pay({&busy});
    REQUIRE(got);
    CHECK(got->response.status == 503);
    buyer.config.retries = 2;
    Seller waking(buyer.bench.loop, {answer(503), lost(), offer(), paid()});
    CHECK(buyer.pay({&waking}));
    CHECK(waking.got.size() == 4);
}
