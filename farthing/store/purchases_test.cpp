// SPDX-License-Identifier: Apache-2.0
// One contract, every store of purchases, and several gateways on it.
#include "farthing/store/purchases.hpp"

#include "farthing/store/memory_purchases.hpp"
#include "farthing/store/sql_purchases.hpp"
#include "farthing/store/test_stores.hpp"

namespace farthing::store {

using Standing = PurchaseStore::Standing;

namespace {

constexpr scheme::UnixSeconds kUntil = 2'000'000'000;

/// Gateways that share a store, each alive until it is killed.
struct Gateways {
    Setting world;
    std::shared_ptr<MemoryTable> table = std::make_shared<MemoryTable>(world.clock);
    std::shared_ptr<MemoryPurchaseTable> rows = std::make_shared<MemoryPurchaseTable>();
    std::string address;  ///< of the database; empty for memory
    std::vector<std::unique_ptr<Database>> databases;
    std::unique_ptr<PurchaseStore> one;
    std::unique_ptr<PurchaseStore> two;

    explicit Gateways(std::string where) : address(std::move(where)) {
        if (address == "SQLite") {
            address.clear();
            databases.push_back(world.open());
        }
        one = make("one");
        two = make("two");
    }

    std::unique_ptr<PurchaseStore> make(const std::string& node) {
        if (!address.empty()) databases.push_back(world.open(address));
        live(node, std::chrono::hours(1));
        if (databases.empty()) {
            return std::make_unique<MemoryPurchases>(rows, table, node);
        }
        return std::make_unique<SqlPurchases>(*databases.back(), node);
    }
    void live(const std::string& node, std::chrono::milliseconds ttl) {
        std::unique_ptr<LeaseStore> leases;
        if (databases.empty()) {
            leases = std::make_unique<MemoryLeases>(table, node);
        } else {
            leases = std::make_unique<SqlLeases>(*databases.back(), node);
        }
        REQUIRE(world.run(leases->acquire(node_lease(node), ttl)).value());
    }
    void kill(const std::string& node) { live(node, std::chrono::milliseconds(-1)); }

    [[nodiscard]] scheme::PaymentKey key() {
        return {evm_network(84532), {}, {}, world.random.bytes32()};
    }
    Purchase purchase(const scheme::PaymentKey& key) {
        Purchase out;
        out.key = key;
        out.request = world.random.bytes32();
        out.answer = "an answer: it's \"quoted\"";
        out.idempotency_key = "abc";
        out.until = kUntil;
        return out;
    }
    PurchaseStore::Claim claim(PurchaseStore& store, const scheme::PaymentKey& key,
                               bool only_known = false) {
        auto out = world.run(store.claim(key, only_known, kUntil));
        REQUIRE_MESSAGE(out.has_value(), to_string(out.error()));
        return *std::move(out);
    }
};

template <class Test>
void on_each(Test test) {
    SUBCASE("memory") {
        Gateways shared("");
        test(shared);
    }
    SUBCASE("SQLite") {
        Gateways shared("SQLite");
        test(shared);
    }
    SUBCASE("PostgreSQL") {
        Gateways shared(PostgresServer::shared().create());
        test(shared);
    }
}

}  // namespace

TEST_CASE("purchases: what one gateway has in hand, no other gets while it lives") {
    on_each([](Gateways& shared) {
        const auto key = shared.key();
        CHECK(shared.claim(*shared.one, key).standing == Standing::fresh);
        CHECK(shared.claim(*shared.two, key).standing == Standing::in_hand);
        CHECK(shared.claim(*shared.one, shared.key()).standing == Standing::fresh);
        shared.kill("one");
        CHECK(shared.claim(*shared.two, key).standing == Standing::fresh);
        // It was only slow: what it does now is nothing.
        shared.live("one", std::chrono::hours(1));
        CHECK(shared.claim(*shared.one, key).standing == Standing::in_hand);
        const auto late = shared.world.run(shared.one->keep(shared.purchase(key)));
        REQUIRE(!late);
        CHECK(late.error().code == Errc::intent_not_ours);
        REQUIRE(shared.world.run(shared.one->spend(key, kUntil)));
        REQUIRE(shared.world.run(shared.one->forget(key)));
        REQUIRE(shared.world.run(shared.one->release(key)));
        CHECK(shared.claim(*shared.one, key).standing == Standing::in_hand);
    });
}

TEST_CASE("purchases: a gateway whose own lease is over claims nothing") {
    on_each([](Gateways& shared) {
        shared.kill("one");
        const auto claimed = shared.world.run(shared.one->claim(shared.key(), false, kUntil));
        REQUIRE(!claimed);
        CHECK(claimed.error().code == Errc::io_failed);
    });
}

TEST_CASE("purchases: what was kept is there for another when its gateway is dead") {
    on_each([](Gateways& shared) {
        const auto key = shared.key();
        auto kept = shared.purchase(key);
        shared.claim(*shared.one, key);
        REQUIRE(shared.world.run(shared.one->keep(kept)));
        CHECK(shared.claim(*shared.two, key).standing == Standing::in_hand);
        auto settled = kept;
        settled.answer.reset();  // it stays as it is
        settled.receipt = "{}";
        settled.transaction = "0xab";
        settled.may_have_been_sent = false;
        REQUIRE(shared.world.run(shared.one->keep(settled)));
        shared.kill("one");
        const auto found = shared.claim(*shared.two, key, true);
        CHECK(found.standing == Standing::waiting);
        settled.answer = kept.answer;
        CHECK(found.kept == settled);
    });
}

TEST_CASE("purchases: one that is released waits, one that is forgotten was never there") {
    on_each([](Gateways& shared) {
        const auto key = shared.key();
        CHECK(shared.claim(*shared.one, key, true).standing == Standing::fresh);
        CHECK(shared.claim(*shared.two, key).standing == Standing::fresh);
        REQUIRE(shared.world.run(shared.two->keep(shared.purchase(key))));
        REQUIRE(shared.world.run(shared.two->release(key)));
        CHECK(shared.claim(*shared.one, key).standing == Standing::waiting);
        REQUIRE(shared.world.run(shared.one->forget(key)));
        CHECK(shared.claim(*shared.two, key).standing == Standing::fresh);
    });
}

TEST_CASE("purchases: one that has bought its answer is used for all") {
    on_each([](Gateways& shared) {
        const auto key = shared.key();
        shared.claim(*shared.one, key);
        REQUIRE(shared.world.run(shared.one->keep(shared.purchase(key))));
        REQUIRE(shared.world.run(shared.one->spend(key, kUntil)));
        for (auto* store : {shared.one.get(), shared.two.get()}) {
            CHECK(shared.claim(*store, key).standing == Standing::used);
            CHECK(shared.claim(*store, key, true).standing == Standing::used);
        }
    });
}

TEST_CASE("purchases: what is over is swept, and nothing that is in hand") {
    on_each([](Gateways& shared) {
        const auto used = shared.key();
        const auto in_hand = shared.key();
        shared.claim(*shared.one, used);
        REQUIRE(shared.world.run(shared.one->spend(used, kUntil)));
        shared.claim(*shared.one, in_hand);
        CHECK(shared.world.run(shared.two->sweep(kUntil - 1, 10)).value() == 0);
        CHECK(shared.world.run(shared.two->sweep(kUntil, 0)).value() == 0);
        CHECK(shared.world.run(shared.two->sweep(kUntil, 10)).value() == 1);
        CHECK(shared.claim(*shared.two, used).standing == Standing::fresh);
        CHECK(shared.claim(*shared.two, in_hand).standing == Standing::in_hand);
        shared.kill("one");
        CHECK(shared.world.run(shared.two->sweep(kUntil, 10)).value() == 1);
    });
}

TEST_CASE(
    "purchases: a debt is found when its gateway is dead, and is not forgotten before it is paid") {
    on_each([](Gateways& shared) {
        const auto key = shared.key();
        auto debt = shared.purchase(key);
        debt.payment = "{}";
        debt.due = kUntil;
        shared.claim(*shared.one, key);
        REQUIRE(shared.world.run(shared.one->keep(debt)));
        CHECK(shared.world.run(shared.two->owed(10)).value().empty());
        shared.kill("one");
        const auto owed = shared.world.run(shared.two->owed(10)).value();
        REQUIRE(owed.size() == 1);
        CHECK(owed[0].key == key);
        CHECK(owed[0].payment == "{}");
        CHECK(shared.world.run(shared.two->owed(0)).value().empty());
        CHECK(shared.world.run(shared.two->sweep(kUntil, 10)).value() == 0);
        CHECK(shared.claim(*shared.two, key).kept == debt);
        CHECK(shared.world.run(shared.two->owed(10)).value().empty());
        debt.due = 0;
        debt.payment.clear();
        REQUIRE(shared.world.run(shared.two->keep(debt)));
        shared.kill("two");
        shared.live("one", std::chrono::hours(1));
        CHECK(shared.world.run(shared.one->owed(10)).value().empty());
        CHECK(shared.world.run(shared.one->sweep(kUntil, 10)).value() == 1);
    });
}

TEST_CASE("purchases: who is barred is barred at all") {
    on_each([](Gateways& shared) {
        Address payer;
        payer.data[3] = 9;
        REQUIRE(shared.world.run(shared.one->bar(payer, 1)));
        REQUIRE(shared.world.run(shared.two->bar(payer, 2)));
        CHECK(shared.world.run(shared.two->barred(10)).value() == std::vector{payer});
    });
}

TEST_CASE("purchases: claimed at two gateways at once, one has it") {
    Gateways shared(PostgresServer::shared().create());
    for (int i = 0; i < 50; ++i) {
        const auto key = shared.key();
        int fresh = 0;
        TaskGroup group(shared.world.loop);
        auto claim = [&](PurchaseStore& store) -> Task<> {
            const auto got = co_await store.claim(key, false, kUntil);
            if (got && got->standing == Standing::fresh) ++fresh;
        };
        group.spawn(claim(*shared.one));
        group.spawn(claim(*shared.two));
        shared.world.run(group.join());
        CHECK(fresh == 1);
    }
}

}  // namespace farthing::store
