// SPDX-License-Identifier: Apache-2.0
// What outlives a gateway, and what several gateways on one store do not do twice.
#include <doctest/doctest.h>

#include "farthing/gateway/kept_answer.hpp"
#include "farthing/gateway/test_shop.hpp"
#include "farthing/store/memory_leases.hpp"
#include "farthing/store/memory_purchases.hpp"

using namespace farthing;
using namespace farthing::gateway;
using namespace farthing::gateway::test;
using namespace std::chrono_literals;

namespace {

/// A store in memory, and the gateways on it.
struct Chain {
    farthing::testing::ManualClock clock;
    std::shared_ptr<store::MemoryTable> nodes = std::make_shared<store::MemoryTable>(clock);
    std::shared_ptr<store::MemoryPurchaseTable> rows =
        std::make_shared<store::MemoryPurchaseTable>();
    struct Node {
        Node(Chain& chain, const std::string& name, std::function<void(GatewayRules&)> adjust)
            : purchases(chain.rows, chain.nodes, name),
              leases(chain.nodes, name),
              shop(kShopConfig, std::move(adjust), Durable{&purchases, &leases, name}) {}
        store::MemoryPurchases purchases;
        store::MemoryLeases leases;
        Shop shop;
    };
    std::unique_ptr<Node> start(const std::string& name,
                                std::function<void(GatewayRules&)> adjust = {}) {
        return std::make_unique<Node>(*this, name, std::move(adjust));
    }
    /// As by SIGKILL: it writes nothing more, and its lease ends.
    void kill(std::unique_ptr<Node> node, const std::string& name) {
        killed.push_back(std::move(node));
        nodes->leases.at(store::node_lease(name)).until = {};
    }
    std::vector<std::unique_ptr<Node>> killed;
};

}  // namespace

TEST_CASE("durable: a gateway that is killed after the settlement leaves the answer to the next") {
    Chain chain;
    auto first = chain.start("first");
    const auto payment = Shop::pay(first->shop.payment());
    // Settled and recorded, and the answer never arrives.
    first->shop.start("GET", "/weather", payment, {}, true);
    CHECK(first->shop.facilitator.settlements.calls() == 1);
    chain.kill(std::move(first), "first");
    auto second = chain.start("second");
    auto& shop = second->shop;
    shop.facilitator.verdicts.set({invalid("invalid_exact_evm_nonce_already_used")});
    const auto again = shop.ask("GET", "/weather", payment);
    CHECK(again->status() == 200);
    CHECK(again->text() == "the goods");
    CHECK(again->header("Content-Type") == "text/plain");
    CHECK(again->decoded(header::kPaymentResponse).at("transaction").as_string() == kTransaction);
    CHECK(shop.origin.answers.calls() == 0);
    CHECK(shop.facilitator.settlements.calls() == 0);
    CHECK(shop.ask("GET", "/weather", payment)->status() == 402);
}

TEST_CASE("durable: killed during the settlement, the next settles by the same name first") {
    Chain chain;
    auto first = chain.start("first");
    const auto payment = Shop::pay(first->shop.payment());
    first->shop.facilitator.settlements.hold(true);
    first->shop.start("GET", "/weather", payment);
    REQUIRE(first->shop.facilitator.keys.size() == 1);
    const auto name = first->shop.facilitator.keys.front();
    auto& dead = *first;
    chain.kill(std::move(first), "first");
    auto second = chain.start("second");
    CHECK(second->shop.ask("GET", "/weather", payment)->text() == "the goods");
    CHECK(second->shop.origin.answers.calls() == 0);
    CHECK(second->shop.facilitator.keys == std::vector{name});
    // It was only slow. What it hears now it may tell, but nobody gets a third answer.
    dead.shop.facilitator.settlements.hold(false);
    dead.shop.settle_down();
    auto third = chain.start("third");
    CHECK(third->shop.ask("GET", "/weather", payment)->status() == 402);
}

TEST_CASE("durable: killed while the origin works, nothing was charged, and it is asked again") {
    Chain chain;
    auto first = chain.start("first");
    const auto payment = Shop::pay(first->shop.payment());
    first->shop.origin.answers.hold(true);
    first->shop.start("GET", "/weather", payment);
    auto& dead = *first;
    chain.kill(std::move(first), "first");
    auto second = chain.start("second");
    CHECK(second->shop.ask("GET", "/weather", payment)->status() == 200);
    CHECK(second->shop.origin.answers.calls() == 1);
    // The slow one finds out before it settles.
    dead.shop.origin.answers.hold(false);
    dead.shop.settle_down();
    CHECK(dead.shop.facilitator.settlements.calls() == 0);
}

TEST_CASE("durable: one payment at two gateways at once buys at one of them") {
    Chain chain;
    auto first = chain.start("first");
    auto second = chain.start("second");
    const auto payment = Shop::pay(first->shop.payment());
    first->shop.origin.answers.hold(true);
    const auto asked = first->shop.start("GET", "/weather", payment);
    const auto other = second->shop.ask("GET", "/weather", payment);
    CHECK(other->status() == 409);
    CHECK(other->header("Retry-After") == "1");
    CHECK(second->shop.origin.answers.calls() == 0);
    first->shop.origin.answers.hold(false);
    first->shop.settle_down();
    CHECK(asked->status() == 200);
    CHECK(second->shop.ask("GET", "/weather", payment)->error() ==
          "invalid_exact_evm_nonce_already_used");
    CHECK(second->shop.facilitator.settlements.calls() == 0);
}

TEST_CASE("durable: what waits at one gateway is fetched at another, once") {
    Chain chain;
    auto first = chain.start("first");
    auto second = chain.start("second");
    const auto payment = Shop::pay(first->shop.payment());
    first->shop.start("GET", "/weather", payment, {}, true);
    CHECK(second->shop.ask("GET", "/weather", payment)->text() == "the goods");
    CHECK(second->shop.facilitator.settlements.calls() == 0);
    // The first one has the answer in memory still, and asks the store all the same.
    CHECK(first->shop.ask("GET", "/weather", payment)->status() == 402);
}

TEST_CASE("durable: a refused or failed purchase leaves nothing in the store") {
    Chain chain;
    auto node = chain.start("first");
    auto& shop = node->shop;
    shop.facilitator.verdicts.set({invalid("invalid_exact_evm_signature"), valid()});
    CHECK(shop.ask("GET", "/weather", Shop::pay(shop.payment()))->status() == 402);
    shop.origin.answers.set({OriginScript::status(500, "no"), OriginScript::ok("goods")});
    CHECK(shop.ask("GET", "/weather", Shop::pay(shop.payment()))->status() == 500);
    shop.facilitator.settlements.set({unsettled("invalid_exact_evm_insufficient_balance")});
    CHECK(shop.ask("GET", "/weather", Shop::pay(shop.payment()))->status() == 402);
    CHECK(chain.rows->rows.empty());
}

TEST_CASE("durable: without a store that answers, no origin is asked, and nothing is charged") {
    Chain chain;
    auto node = chain.start("first");
    auto& shop = node->shop;
    const auto payment = Shop::pay(shop.payment());
    chain.rows->broken = true;
    CHECK(shop.ask("GET", "/weather", payment)->status() == 503);
    // Nor is anybody told to pay again, who may have an answer waiting.
    shop.facilitator.verdicts.set({invalid("invalid_exact_evm_nonce_already_used"), valid()});
    CHECK(shop.ask("GET", "/weather", payment)->status() == 503);
    CHECK(shop.origin.answers.calls() == 0);
    chain.rows->broken = false;
    CHECK(shop.ask("GET", "/weather", payment)->status() == 200);
}

TEST_CASE("durable: a store that fails in the midst of a sale loses no answer") {
    Chain chain;
    auto node = chain.start("first");
    auto& shop = node->shop;
    const auto payment = Shop::pay(shop.payment());
    shop.origin.answers.hold(true);
    const auto asked = shop.start("GET", "/weather", payment);
    asked->responder.gone = true;
    chain.rows->broken = true;
    shop.origin.answers.hold(false);
    shop.settle_down();
    CHECK(shop.facilitator.settlements.calls() == 1);
    CHECK(shop.log.count("purchase_not_kept") == 2);
    const auto again = shop.ask("GET", "/weather", payment);
    CHECK(again->status() == 200);
    CHECK(again->text() == "the goods");
    CHECK(shop.origin.answers.calls() == 1);
}

TEST_CASE("durable: who knows the nonce of a payment, and not its signature, gets no answer") {
    Chain chain;
    auto node = chain.start("first");
    auto& shop = node->shop;
    const auto crafted = shop.payment();
    const auto payment = Shop::pay(crafted);
    shop.start("GET", "/weather", payment, {}, true);
    auto forged = crafted;
    const auto other = farthing::testing::development_key(2);
    forged.sign_with(other);
    CHECK(shop.ask("GET", "/weather", Shop::pay(forged))->status() == 409);
    CHECK(shop.ask("GET", "/weather", payment)->status() == 200);
}

TEST_CASE("durable: an answer too large is not kept, and its payment is used up") {
    Chain chain;
    const auto small = [](GatewayRules& rules) { rules.book.kept_bytes_max = 100; };
    auto first = chain.start("first", small);
    first->shop.origin.answers.set({OriginScript::ok(std::string(500, 'x'))});
    const auto payment = Shop::pay(first->shop.payment());
    first->shop.start("GET", "/weather", payment, {}, true);
    chain.kill(std::move(first), "first");
    auto second = chain.start("second", small);
    CHECK(second->shop.ask("GET", "/weather", payment)->status() == 410);
    CHECK(second->shop.origin.answers.calls() == 0);
}

TEST_CASE("durable: an answer is what it was, whatever its bytes") {
    Waiting waiting;
    OriginAnswer answer;
    answer.response.status = 206;
    answer.response.headers.add("X-Odd", "caf\xe9 \"quoted\"");
    answer.response.headers.add("X-Odd", "");
    answer.response.body = std::string("\0\xff\n{}", 5);
    answer.length = 77;
    waiting.answer = std::make_shared<const OriginAnswer>(answer);
    waiting.receipt = settled();
    waiting.idempotency_key = "name";
    waiting.transaction = "0xab";
    waiting.may_have_been_sent = false;
    waiting.request.data[0] = 7;
    const auto kept = to_purchase({}, waiting, true, 1'000);
    const auto back = waiting_from(kept).value();
    CHECK(back.answer->response.status == 206);
    CHECK(back.answer->response.body == answer.response.body);
    CHECK(back.answer->length == 77);
    CHECK(back.answer->response.headers.all("X-Odd") == answer.response.headers.all("X-Odd"));
    CHECK(back.receipt->transaction == kTransaction);
    CHECK(back.request == waiting.request);
    CHECK(back.idempotency_key == "name");
    CHECK(back.transaction == "0xab");
    CHECK(!back.may_have_been_sent);
    CHECK(!to_purchase({}, waiting, false, 1'000).answer);
}

TEST_CASE("durable: a row that is damaged is an error that names what") {
    store::Purchase row;
    for (const std::string_view text :
         {"x", "{}\n", "{\"status\":200,\"headers\":[\"YQ==\"]}\nYQ==",
          "{\"status\":99,\"headers\":[]}\n", "{\"status\":200,\"headers\":[]}\n\x01"}) {
        row.answer = text;
        const auto read = waiting_from(row);
        REQUIRE(!read);
        CHECK(read.error().code == Errc::io_failed);
        CHECK(read.error().detail.contains("damaged"));
    }
    row.answer.reset();
    row.receipt = "{\"success\":1}";
    CHECK(!waiting_from(row));
}
