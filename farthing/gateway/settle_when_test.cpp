// SPDX-License-Identifier: Apache-2.0
// When a payment is settled: before the origin is asked, or after its answer went out; and how long
// anybody waits for it.
#include <doctest/doctest.h>

#include "farthing/gateway/test_shop.hpp"
#include "farthing/store/memory_leases.hpp"
#include "farthing/store/memory_purchases.hpp"

using namespace farthing;
using namespace farthing::gateway;
using namespace farthing::gateway::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kConfig = R"(
listen = "127.0.0.1:0"
origin = "http://origin.test:3000"
network = "base-sepolia"
pay_to = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
[facilitator]
url = "http://facilitator.test"
[deferred]
settle_window = "10s"
per_payer = "$0.002"
[[route]]
match = "GET /first"
settle = "before"
price = "$0.001"
[[route]]
match = "GET /later"
settle = "deferred"
price = "$0.001"
[[route]]
match = "GET /short"
price = "$0.001"
max_timeout = "8s"
)";

/// A gateway on a store of its own, or on that of another.
struct Till {
    explicit Till(const std::string& name = "one", Till* beside = nullptr)
        : rows(beside ? beside->rows : std::make_shared<store::MemoryPurchaseTable>()),
          nodes(beside ? beside->nodes : std::make_shared<store::MemoryTable>(clock)),
          purchases(rows, nodes, name),
          leases(nodes, name),
          shop(kConfig, {}, Durable{&purchases, &leases, name}) {}
    farthing::testing::ManualClock clock;  ///< of the leases
    std::shared_ptr<store::MemoryPurchaseTable> rows;
    std::shared_ptr<store::MemoryTable> nodes;
    store::MemoryPurchases purchases;
    store::MemoryLeases leases;
    Shop shop;

    void pass(std::chrono::milliseconds time) {
        shop.clock.advance(time);
        shop.settle_down();
    }
    int settlements() { return shop.facilitator.settlements.calls(); }
    int runs() { return shop.origin.answers.calls(); }
};

}  // namespace

TEST_CASE("settle before: the origin is asked when the payment is settled, and not before") {
    Till till;
    auto& shop = till.shop;
    shop.facilitator.settlements.hold(true);
    const auto payment = Shop::pay(shop.payment());
    const auto asked = shop.start("GET", "/first", payment);
    CHECK(till.settlements() == 1);
    CHECK(till.runs() == 0);
    shop.facilitator.settlements.hold(false);
    shop.settle_down();
    CHECK(asked->status() == 200);
    CHECK(asked->text() == "the goods");
    CHECK(asked->decoded(header::kPaymentResponse).at("success") == json::Value(true));
    CHECK(shop.ask("GET", "/first", payment)->status() == 402);
    CHECK(till.runs() == 1);
}

TEST_CASE("settle before: one that does not settle, or is open, asks no origin") {
    Till till;
    auto& shop = till.shop;
    shop.facilitator.settlements.set({unsettled("invalid_exact_evm_insufficient_balance")});
    CHECK(shop.ask("GET", "/first", Shop::pay(shop.payment()))->status() == 402);
    const auto payment = Shop::pay(shop.payment());
    shop.facilitator.settlements.set({fail(Errc::settlement_pending)});
    CHECK(shop.ask("GET", "/first", payment)->status() == 503);
    CHECK(till.runs() == 0);
    shop.facilitator.settlements.set({settled()});
    CHECK(shop.ask("GET", "/first", payment)->status() == 200);
    CHECK(till.runs() == 1);
}

TEST_CASE(
    "settle before: a failing origin's answer has the receipt, and the same payment may ask "
    "again") {
    for (const bool answers : {true, false}) {
        Till till;
        auto& shop = till.shop;
        shop.origin.answers.set({answers ? OriginScript::status(500, "oops")
                                         : OriginScript::fails(Errc::connection_failed),
                                 OriginScript::ok("at last")});
        const auto payment = Shop::pay(shop.payment());
        const auto failed = shop.ask("GET", "/first", payment);
        CHECK(failed->status() == (answers ? 500 : 502));
        CHECK(failed->decoded(header::kPaymentResponse).at("success") == json::Value(true));
        const auto again = shop.ask("GET", "/first", payment);
        CHECK(again->status() == 200);
        CHECK(again->text() == "at last");
        CHECK(till.settlements() == 1);
        CHECK(shop.ask("GET", "/first", payment)->status() == 402);
    }
}

TEST_CASE("settle before: what the origin refuses is what was bought") {
    Till till;
    auto& shop = till.shop;
    shop.origin.answers.set({OriginScript::status(404, "no such thing")});
    const auto payment = Shop::pay(shop.payment());
    const auto refused = shop.ask("GET", "/first", payment);
    CHECK(refused->status() == 404);
    CHECK(refused->decoded(header::kPaymentResponse).at("success") == json::Value(true));
    CHECK(shop.ask("GET", "/first", payment)->status() == 402);
    CHECK(till.runs() == 1);
}

TEST_CASE(
    "deferred: the answer goes out at once and without a receipt, and is settled in the window") {
    Till till;
    auto& shop = till.shop;
    const auto payment = Shop::pay(shop.payment());
    const auto asked = shop.ask("GET", "/later", payment);
    CHECK(asked->status() == 200);
    CHECK(asked->text() == "the goods");
    CHECK(asked->header(header::kPaymentResponse).empty());
    CHECK(asked->header("Cache-Control").contains("private"));
    CHECK(till.settlements() == 0);
    REQUIRE(till.rows->rows.size() == 1);
    CHECK(till.rows->rows.begin()->second.purchase.due != 0);
    CHECK(shop.ask("GET", "/later", payment)->status() == 409);
    till.pass(10s);
    CHECK(till.settlements() == 1);
    CHECK(shop.ask("GET", "/later", payment)->status() == 402);
    CHECK(till.runs() == 1);
    CHECK(till.rows->rows.begin()->second.purchase.due == 0);
}

TEST_CASE("deferred: beyond a limit it settles first, and again on credit when debts are paid") {
    Till till;
    auto& shop = till.shop;
    for (int i = 0; i < 2; ++i) shop.ask("GET", "/later", Shop::pay(shop.payment()));
    CHECK(till.settlements() == 0);
    const auto third = shop.ask("GET", "/later", Shop::pay(shop.payment()));
    CHECK(third->decoded(header::kPaymentResponse).at("success") == json::Value(true));
    CHECK(till.settlements() == 1);
    till.pass(10s);
    CHECK(till.settlements() == 3);
    CHECK(shop.ask("GET", "/later", Shop::pay(shop.payment()))
              ->header(header::kPaymentResponse)
              .empty());
}

TEST_CASE("deferred: who does not pay is counted, and gets no more credit, here and elsewhere") {
    Till till;
    auto& shop = till.shop;
    const auto payment = Shop::pay(shop.payment());
    shop.facilitator.settlements.set({unsettled("invalid_exact_evm_insufficient_balance")});
    CHECK(shop.ask("GET", "/later", payment)->status() == 200);
    till.pass(10s);
    CHECK(shop.log.count("debt_unpaid") == 1);
    // What was served once is not served again for nothing.
    CHECK(shop.ask("GET", "/later", payment)->status() == 402);
    shop.facilitator.settlements.set({settled()});
    CHECK(!shop.ask("GET", "/later", Shop::pay(shop.payment()))
               ->header(header::kPaymentResponse)
               .empty());
    Till other("two", &till);
    CHECK(other.shop.random.bytes32() != Bytes32{});  // another nonce than the first shop's
    CHECK(!other.shop.ask("GET", "/later", Shop::pay(shop.payment()))
               ->header(header::kPaymentResponse)
               .empty());
}

TEST_CASE("deferred: an open outcome is asked about until it is known") {
    Till till;
    auto& shop = till.shop;
    shop.facilitator.settlements.set(
        {fail(Errc::connection_failed), fail(Errc::settlement_pending), settled()});
    shop.ask("GET", "/later", Shop::pay(shop.payment()));
    for (int i = 0; i < 4; ++i) till.pass(5s);
    CHECK(till.settlements() == 3);
    CHECK(shop.log.count("debt_unpaid") == 0);
    const auto& keys = shop.facilitator.keys;
    CHECK(std::ranges::all_of(keys, [&](const auto& key) { return key == keys.front(); }));
}

TEST_CASE("deferred: the debts of a gateway that was killed are settled by the next") {
    Till till;
    till.shop.ask("GET", "/later", Shop::pay(till.shop.payment()));
    till.nodes->leases.at(store::node_lease("one")).until = {};
    Till next("two", &till);
    CHECK(next.shop.log.count("debt_taken_over") == 1);
    next.pass(10s);
    CHECK(next.settlements() == 1);
    CHECK(till.rows->rows.begin()->second.purchase.due == 0);
    // The first was only slow: it finds that it is no longer its own.
    till.pass(10s);
    CHECK(till.shop.log.count("debt_unpaid") == 0);
}

TEST_CASE("deferred: without a store that takes the debt there is no credit") {
    Till till;
    auto& shop = till.shop;
    shop.origin.answers.hold(true);
    const auto asked = shop.start("GET", "/later", Shop::pay(shop.payment()));
    till.rows->broken = true;
    shop.origin.answers.hold(false);
    shop.settle_down();
    CHECK(asked->status() == 200);
    CHECK(asked->decoded(header::kPaymentResponse).at("success") == json::Value(true));
    Shop alone(kConfig);
    CHECK(!alone.ask("GET", "/later", Shop::pay(alone.payment()))
               ->header(header::kPaymentResponse)
               .empty());
}

TEST_CASE("patience: the client's own, and what it signed for, bound the settlement") {
    Till till;
    auto& shop = till.shop;
    const auto ask = [&](std::string target, std::string timeout) {
        auto crafted = shop.payment();
        if (target == "/short") crafted.wanted.max_timeout_seconds = 8;
        auto headers = Shop::pay(crafted);
        if (!timeout.empty()) headers.emplace_back("X-Request-Timeout", timeout);
        CHECK(shop.ask("GET", std::move(target), headers)->status() == 200);
        return shop.facilitator.patiences.back();
    };
    CHECK(ask("/first", "") == 90s);  // the facilitator's own timeout
    CHECK(ask("/first", "20") == 20s);
    CHECK(ask("/first", "nonsense") == 90s);
    CHECK(ask("/first", "1000") == 90s);
    CHECK(ask("/short", "") == 8s);
    CHECK(ask("/short", "20") == 8s);
    CHECK(ask("/short", "3") == 3s);
}

TEST_CASE(
    "patience: what the origin has used up is gone, and a settlement is asked for all the same") {
    Till till;
    auto& shop = till.shop;
    shop.origin.answers.hold(true);
    auto crafted = shop.payment();
    crafted.wanted.max_timeout_seconds = 8;
    const auto headers = Shop::pay(crafted);
    const auto asked = shop.start("GET", "/short", headers);
    shop.clock.advance(30s);
    shop.origin.answers.hold(false);
    shop.settle_down();
    REQUIRE(asked->status() == 200);
    CHECK(shop.facilitator.patiences.back() == 1s);
}
