// SPDX-License-Identifier: Apache-2.0
// Redirects and money: a payment is seen by the origin that asked for it and by nobody else.
#include <doctest/doctest.h>

#include "farthing/wallet/payer.hpp"
#include "farthing/wallet/test_seller.hpp"

using namespace farthing;
using namespace farthing::wallet;
using namespace farthing::wallet::test;

namespace {

Reply moved(int status, const std::string& location, std::vector<std::string> headers = {}) {
    headers.push_back("Location: " + location);
    return answer(status, headers);
}

/// The payment was sent, and nobody can say what became of it.
void check_not_followed(const Result<PaidResponse>& got, int status) {
    REQUIRE(!got);
    CHECK(got.error().code == Errc::outcome_unknown);
    CHECK(exit_code(got.error()) == 5);
    const auto& detail = got.error().detail;
    CAPTURE(detail);
    CHECK(detail.find(std::to_string(status)) != std::string::npos);
    CHECK(detail.find("was not followed") != std::string::npos);
    CHECK(detail.find("can be used until unix time ") != std::string::npos);
}

}  // namespace

TEST_CASE("payer: an unpaid redirect is followed to another origin, which is then paid") {
    Buyer buyer;
    Seller shop(buyer.bench.loop, {offer(), paid()});
    Seller door(buyer.bench.loop, {moved(302, shop.origin() + "/till")});
    net::Request request;
    request.headers.add("Authorization", "Bearer of the door");
    request.headers.add("X-Mine", "1");
    const auto got = buyer.pay({&door, &shop}, request);
    REQUIRE(got);
    CHECK(got->url.to_string() == shop.origin() + "/till");
    CHECK(door.got.size() == 1);
    REQUIRE(shop.got.size() == 2);
    for (const auto& each : shop.got) {
        CHECK(each.line() == "GET /till HTTP/1.1");
        CHECK(each.header("Authorization").empty());
        CHECK(each.header("X-Mine") == "1");
    }
}

TEST_CASE("payer: where the policy says so, other origins are not visited") {
    Buyer buyer;
    buyer.config.redirects = Redirects::same_origin;
    Seller shop(buyer.bench.loop, {});
    Seller door(buyer.bench.loop, {moved(302, shop.origin() + "/till")});
    const auto got = buyer.pay({&door, &shop});
    REQUIRE(got);
    CHECK(got->response.status == 302);
    CHECK(shop.got.empty());
    Seller home(buyer.bench.loop, {moved(302, "/till"), offer(), paid()});
    CHECK(buyer.pay({&home}));
}

TEST_CASE("payer: redirects come to an end") {
    Buyer buyer;
    buyer.config.redirects_max = 2;
    Seller round(buyer.bench.loop, {moved(302, "/1"), moved(302, "/2"), moved(302, "/3")});
    const auto got = buyer.pay({&round});
    REQUIRE(!got);
    CHECK(got.error().code == Errc::protocol_violation);
    CHECK(round.got.size() == 3);
    Seller arrives(buyer.bench.loop, {moved(302, "/1"), moved(302, "/2"), answer(200)});
    CHECK(buyer.pay({&arrives}));
}

TEST_CASE("payer: the payment follows a redirect on its own origin") {
    Buyer buyer;
    Seller seller(buyer.bench.loop, {offer(), moved(307, "/paid/"), paid()});
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    REQUIRE(seller.got.size() == 3);
    CHECK(seller.got[2].line() == "GET /paid/ HTTP/1.1");
    CHECK(!seller.got[1].payment().empty());
    CHECK(seller.got[2].payment() == seller.got[1].payment());
    CHECK(buyer.signer.count == 1);
}

TEST_CASE("payer: the payment never follows a redirect to another origin") {
    Buyer buyer;
    Seller thief(buyer.bench.loop, {});
    Seller seller(buyer.bench.loop, {offer(), moved(307, thief.origin() + "/paid")});
    check_not_followed(buyer.pay({&seller, &thief}), 307);
    CHECK(thief.got.empty());
}

TEST_CASE("payer: a redirect that stays unfollowed without a receipt is no resource") {
    for (const int status : {301, 302, 303, 307, 308}) {
        CAPTURE(status);
        Buyer buyer;
        buyer.config.redirects = Redirects::never;
        Seller seller(buyer.bench.loop, {offer(), moved(status, "/paid/")});
        check_not_followed(buyer.pay({&seller}), status);
        CHECK(seller.got.size() == 2);
    }
    Buyer buyer;
    Seller nowhere(buyer.bench.loop, {offer(), answer(302)});
    check_not_followed(buyer.pay({&nowhere}), 302);
    // Not a redirect, and the answer to a question we asked: what we have is what there is.
    Seller unchanged(buyer.bench.loop, {offer(), answer(304)});
    const auto got = buyer.pay({&unchanged});
    REQUIRE(got);
    CHECK(got->payment->receipt == Payment::Receipt::missing);
}

TEST_CASE("payer: a redirect with a receipt, unfollowed by policy, is the answer") {
    Buyer buyer;
    buyer.config.redirects = Redirects::same_origin;
    Seller other(buyer.bench.loop, {});
    Seller seller(buyer.bench.loop,
                  {offer(), moved(303, other.origin() + "/result", {receipt_header()})});
    const auto got = buyer.pay({&seller, &other});
    REQUIRE(got);
    CHECK(got->response.status == 303);
    CHECK(got->payment->receipt == Payment::Receipt::verified);
    CHECK(other.got.empty());
}

TEST_CASE("payer: a payment that goes in circles comes to an end") {
    Buyer buyer;
    buyer.config.redirects_max = 2;
    Seller seller(buyer.bench.loop,
                  {offer(), moved(307, "/1"), moved(307, "/2"), moved(307, "/3")});
    check_not_followed(buyer.pay({&seller}), 307);
    CHECK(seller.got.size() == 4);
}

TEST_CASE("payer: a redirect that was paid for is followed without the payment") {
    Buyer buyer;
    Seller seller(buyer.bench.loop,
                  {offer(), moved(303, "/result", {receipt_header()}), answer(200, {}, "goods")});
    net::Request request;
    request.method = "POST";
    request.body = "work";
    const auto got = buyer.pay({&seller}, request);
    REQUIRE(got);
    CHECK(got->response.body == "goods");
    CHECK(got->payment->receipt == Payment::Receipt::verified);
    REQUIRE(seller.got.size() == 3);
    CHECK(seller.got[2].line() == "GET /result HTTP/1.1");
    CHECK(seller.got[2].payment().empty());
}

TEST_CASE("payer: what a paid redirect leads to is never paid for a second time") {
    Buyer buyer;
    Seller seller(buyer.bench.loop, {offer(), moved(303, "/more", {receipt_header()}), offer()});
    const auto got = buyer.pay({&seller});
    REQUIRE(!got);
    CHECK(got.error().code == Errc::outcome_unknown);
    CHECK(got.error().detail.find(kHash) != std::string::npos);
    CHECK(buyer.signer.count == 1);
    CHECK(seller.got.size() == 3);
}
