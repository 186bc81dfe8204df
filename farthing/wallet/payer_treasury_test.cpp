// SPDX-License-Identifier: Apache-2.0
// A payer and who decides over its payments: who is asked what, and when.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "farthing/crypto/keccak.hpp"
#include "farthing/wallet/payer.hpp"
#include "farthing/wallet/test_seller.hpp"

using namespace farthing;
using namespace farthing::wallet;
using namespace farthing::wallet::test;

namespace {

/// Grants everything unless it is told otherwise, and writes down what it is told.
class Clerk final : public Treasury {
  public:
    explicit Clerk(const CountingSigner& signer) : signer_(signer) {}

    Task<Result<Grant>> before_signing(Purchase purchase, Seal seal) override {
        note("asked");
        asked = std::move(purchase);
        if (refuses) co_return fail(Errc::not_allowed, "not today");
        if (seal) {
            issued = seal();
            note("sealed");
            if (disk_full) co_return fail(Errc::io_failed, "no space");
        }
        co_return Grant{7};
    }
    Task<Result<>> before_sending(Grant grant, Issued what) override {
        note("signed");
        CHECK(grant == 7);
        issued = what;
        if (disk_full) co_return fail(Errc::io_failed, "no space");
        co_return Result<>{};
    }
    Task<Result<>> never_sent(Grant grant) override {
        note("never_sent");
        CHECK(grant == 7);
        co_return Result<>{};
    }
    Task<Result<>> settled(Grant grant, Receipted what) override {
        note("settled");
        CHECK(grant == 7);
        receipt = what;
        co_return Result<>{};
    }

    bool refuses = false;
    bool disk_full = false;
    std::string story;  ///< each call, with how many signatures there were
    std::optional<Purchase> asked;
    std::optional<Issued> issued;
    std::optional<Receipted> receipt;

  private:
    void note(std::string_view what) {
        story += (story.empty() ? "" : " ") + std::string(what) + ":" +
                 fmt::to_string(int(signer_.count));
    }
    const CountingSigner& signer_;
};

Bytes sent_signature(const Got& request) {
    const auto payload =
        json::parse(from_base64(request.payment()).value_or("")).value_or(json::Value());
    const auto& text = payload.at("payload").at("signature").as_string();
    return from_hex(text).value();
}

struct Supervised : Buyer {
    Supervised() { treasury = &clerk; }
    Clerk clerk{signer};
};

}  // namespace

TEST_CASE("treasury: asked before the signature, told before it leaves, told the end") {
    Supervised buyer;
    bool elsewhere = false;
    SUBCASE("a key at hand") {}
    SUBCASE("a key that is elsewhere") { elsewhere = true; }
    buyer.signer.is_elsewhere = elsewhere;
    Seller seller(buyer.bench.loop, {offer(), paid()});
    const auto got = buyer.pay({&seller});
    REQUIRE(got);
    CHECK(buyer.clerk.story ==
          (elsewhere ? "asked:0 signed:1 settled:1" : "asked:0 sealed:1 settled:1"));
    CHECK(buyer.clerk.issued->hash == keccak256(sent_signature(seller.got.at(1))));
    const auto& asked = *buyer.clerk.asked;
    CHECK(asked.url.to_string() == seller.origin() + "/paid");
    CHECK(asked.claimed == "http://seller/paid");
    CHECK(asked.method == "GET");
    CHECK(asked.network.id == "eip155:84532");
    CHECK(asked.asset == parse_address(kUsdc).value());
    CHECK(asked.pay_to == parse_address(kPayTo).value());
    CHECK(asked.amount == U256(1000));
    CHECK(asked.lifetime == 60);
    CHECK(buyer.clerk.issued->nonce == got->payment->nonce);
    CHECK(buyer.clerk.issued->valid_before == got->payment->valid_before);
    CHECK(to_hex(buyer.clerk.receipt->transaction) == kHash);
    CHECK(buyer.clerk.receipt->delivered);
    CHECK(buyer.clerk.receipt->status == 200);
}

TEST_CASE("treasury: a request whose Host is not the URL's goes nowhere") {
    Supervised buyer;
    Seller seller(buyer.bench.loop, {offer(), paid()});
    net::Request request;
    request.headers.set("Host", "another.example");
    const auto refused = buyer.pay({&seller}, request);
    REQUIRE(!refused);
    CHECK(refused.error().code == Errc::invalid_argument);
    CHECK(seller.got.empty());
    CHECK(buyer.clerk.story.empty());
}

TEST_CASE("treasury: what is free is nobody's business") {
    Supervised buyer;
    Seller seller(buyer.bench.loop, {answer(200, {}, "free")});
    REQUIRE(buyer.pay({&seller}));
    CHECK(buyer.clerk.story.empty());
}

TEST_CASE("treasury: refused is not signed") {
    Supervised buyer;
    buyer.clerk.refuses = true;
    Seller seller(buyer.bench.loop, {offer()});
    const auto got = buyer.pay({&seller});
    REQUIRE(!got);
    CHECK(got.error().code == Errc::not_allowed);
    CHECK(buyer.clerk.story == "asked:0");
    CHECK(buyer.signer.count == 0);
    CHECK(seller.got.size() == 1);
}

TEST_CASE("treasury: a signature that cannot be written down does not leave") {
    Supervised buyer;
    buyer.clerk.disk_full = true;
    std::string story;
    SUBCASE("a key at hand: what was not granted is nobody's to take back") {
        story = "asked:0 sealed:1";
    }
    SUBCASE("a key that is elsewhere") {
        buyer.signer.is_elsewhere = true;
        story = "asked:0 signed:1 never_sent:1";
    }
    Seller seller(buyer.bench.loop, {offer()});
    const auto got = buyer.pay({&seller});
    REQUIRE(!got);
    CHECK(got.error().code == Errc::io_failed);
    CHECK(buyer.clerk.story == story);
    CHECK(seller.got.size() == 1);
}

TEST_CASE("treasury: without a receipt the end is not known, whatever the seller says") {
    const std::vector<Reply> ends{refusal("no"), answer(200, {}, "goods"), answer(500), lost()};
    for (const auto& end : ends) {
        CAPTURE(end.bytes);
        Supervised buyer;
        buyer.config.resends_max = 0;
        Seller seller(buyer.bench.loop, {offer(), end});
        static_cast<void>(buyer.pay({&seller}));
        CHECK(buyer.clerk.story == "asked:0 sealed:1");
    }
}

TEST_CASE("treasury: paid, and an error delivered") {
    Supervised buyer;
    Seller seller(buyer.bench.loop, {offer(), answer(404, {receipt_header()}, "nothing")});
    static_cast<void>(buyer.pay({&seller}));
    REQUIRE(buyer.clerk.story == "asked:0 sealed:1 settled:1");
    CHECK(!buyer.clerk.receipt->delivered);
    CHECK(buyer.clerk.receipt->status == 404);
}

TEST_CASE("treasury: too late to know, it stays as it is") {
    Supervised buyer;
    buyer.config.max_time = std::chrono::milliseconds(200);
    Seller seller(buyer.bench.loop, {offer(), hang()});
    const auto got = buyer.pay({&seller});
    REQUIRE(!got);
    CHECK(got.error().code == Errc::outcome_unknown);
    CHECK(buyer.clerk.story == "asked:0 sealed:1");
}
