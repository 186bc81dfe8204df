// SPDX-License-Identifier: Apache-2.0
// Several nodes on one store: they share the keys, every payment has one of them, and a node that
// is no more is replaced within seconds.
#include "farthing/settlement/tenure.hpp"

#include <doctest/doctest.h>

#include "farthing/store/memory_leases.hpp"
#include "farthing/testing/mortal.hpp"

namespace farthing::settlement {
namespace {

using namespace std::chrono_literals;
using testing::ChainWorld;
using testing::development_key;
using State = Outcome::State;
using PaymentPtr = std::shared_ptr<const scheme::Opened>;

/// A chain and a store, and nodes that come and go.
struct Cluster : ChainWorld {
    explicit Cluster(std::uint64_t its_keys) : keys(its_keys) {
        for (std::uint64_t i = 0; i < keys; ++i) {
            chain.set_wei(address_of(development_key(kGasKey + i)),
                          U256(1'000'000'000'000'000'000));
        }
    }
    ~Cluster() { stop(); }

    struct Node {
        Node(Cluster& in, const std::string& id)
            : cluster(in),
              life(in.clock, in.loop, {}),
              memory(in.table, id),
              intents(life, memory),
              leases(in.table, id),
              lanes(in.env, in.loop, in.chain, intents, in.gas_keys(), {}, {}),
              examiner(in.env, in.loop, in.chain, lanes.address(), {}, {}),
              settler(in.env, in.loop, in.chain, examiner, lanes, intents, config(in, id)),
              tenure(in.env, leases, id),
              running(in.loop) {
            lanes.queue().set_batching(Batching::batch_contract);
            tenure.add(lanes, settler);
            Settler::Reopen reopen = [&in](const std::string& record) -> Result<PaymentPtr> {
                return in.opened.at(record);
            };
            REQUIRE(in.run(settler.recover(std::move(reopen))));
            REQUIRE(in.run(tenure.begin()));
            running.spawn(lanes.run());
            running.spawn(settler.run());
            running.spawn(tenure.run());
        }
        ~Node() { kill(); }
        static SettlerConfig config(const Cluster& in, const std::string& id) {
            SettlerConfig out;
            out.node = id;
            out.known_tokens.insert(in.chain.evm.token_address);
            return out;
        }
        /// As SIGKILL does: nothing is said to anybody.
        void kill() {
            running.cancel();
            for (int i = 0; i < 100 && running.size() > 0; ++i) {
                testing::ManualClock::run_ready(cluster.loop);
            }
            dead = true;
        }
        [[nodiscard]] std::size_t held() const {
            return static_cast<std::size_t>(std::ranges::count_if(
                lanes.all(), [](const auto& each) { return each->is_ours(); }));
        }
        testing::Started<Outcome> ask(const PaymentPtr& payment, const std::string& asker = {},
                                      std::chrono::milliseconds patience = 5min) {
            const auto record = "record " + std::to_string(cluster.opened.size());
            cluster.opened.emplace(record, payment);
            return cluster.start(settler.settle(payment, patience, asker, record));
        }

        Cluster& cluster;
        testing::Life life;
        store::MemoryIntents memory;
        testing::MortalIntents intents;  ///< to make it fail
        store::MemoryLeases leases;
        Lanes lanes;
        Examiner examiner;
        Settler settler;
        Tenure tenure;
        TaskGroup running;
        bool dead = false;
    };

    std::vector<PrivateKey> gas_keys() const {
        std::vector<PrivateKey> out;
        for (std::uint64_t i = 0; i < keys; ++i) out.push_back(development_key(kGasKey + i));
        return out;
    }
    bool ends(const testing::Started<Outcome>& asked, std::chrono::milliseconds within = 60s) {
        return run_until([&] { return asked->has_value(); }, within);
    }

    std::uint64_t keys;
    std::shared_ptr<store::MemoryTable> table = std::make_shared<store::MemoryTable>(clock);
    std::map<std::string, PaymentPtr> opened;
};

}  // namespace

TEST_CASE("nodes: one alone has all keys, two have half of them each") {
    Cluster cluster(4);
    Cluster::Node a(cluster, "a");
    CHECK(a.held() == 4);
    Cluster::Node b(cluster, "b");
    cluster.advance(1s);
    for (int i = 0; i < 20; ++i) cluster.advance(1s);
    CHECK(a.held() == 2);
    CHECK(b.held() == 2);
}

TEST_CASE("nodes: with one key the node without it settles all the same, through the other") {
    Cluster cluster(1);
    Cluster::Node a(cluster, "a");
    Cluster::Node b(cluster, "b");
    CHECK(a.held() == 1);
    CHECK(b.held() == 0);
    const auto payment = cluster.payment(0);
    const auto asked = b.ask(payment);
    REQUIRE(cluster.ends(asked, 3s));
    CHECK((*asked)->state == State::settled);
    CHECK(cluster.transfers_of(*payment) == 1);
    CHECK(cluster.chain.mined().size() == 1);
}

TEST_CASE("nodes: a payment that fails says so with the same reason on the node without a key") {
    Cluster cluster(1);
    Cluster::Node a(cluster, "a");
    Cluster::Node b(cluster, "b");
    const auto payment = cluster.payment(0);
    cluster.chain.evm.token.balances[payment->key().payer] = U256(1);
    const auto asked = b.ask(payment);
    REQUIRE(cluster.ends(asked, 3s));
    CHECK((*asked)->state == State::failed);
    CHECK((*asked)->error.code == Errc::exact_insufficient_balance);
}

TEST_CASE("nodes: one payment asked for on both is one transaction and one truth") {
    for (const std::uint64_t keys : {std::uint64_t{1}, std::uint64_t{2}}) {
        CAPTURE(keys);
        Cluster cluster(keys);
        Cluster::Node a(cluster, "a");
        Cluster::Node b(cluster, "b");
        for (int i = 0; i < 20; ++i) cluster.advance(1s);
        cluster.chain.auto_mine = false;
        const auto payment = cluster.payment(0);
        const auto first = a.ask(payment, "gateway one");
        const auto second = b.ask(payment, "gateway two");
        cluster.advance(5s);
        cluster.chain.mine();
        REQUIRE(cluster.ends(first));
        REQUIRE(cluster.ends(second));
        CHECK(cluster.chain.mined().size() == 1);
        // It buys once: one of the two hears of it.
        const auto heard = ((*first)->state == State::settled ? 1 : 0) +
                           ((*second)->state == State::settled ? 1 : 0);
        CHECK(heard == 1);
        const auto& other = (*first)->state == State::settled ? **second : **first;
        CHECK(other.error.code == Errc::exact_nonce_already_used);
    }
}

TEST_CASE("nodes: who asks without a name on both at once is served by one of them") {
    Cluster cluster(1);
    Cluster::Node a(cluster, "a");
    Cluster::Node b(cluster, "b");
    for (std::uint64_t i = 0; i < 5; ++i) {
        const auto payment = cluster.payment(i);
        const auto first = a.ask(payment);
        const auto second = b.ask(payment);
        REQUIRE(cluster.ends(first));
        REQUIRE(cluster.ends(second));
        const auto heard = ((*first)->state == State::settled ? 1 : 0) +
                           ((*second)->state == State::settled ? 1 : 0);
        CHECK(heard == 1);
    }
}

TEST_CASE("nodes: settled on one, it is no new payment on the other") {
    Cluster cluster(2);
    Cluster::Node a(cluster, "a");
    Cluster::Node b(cluster, "b");
    const auto payment = cluster.payment(0);
    const auto first = a.ask(payment);
    REQUIRE(cluster.ends(first));
    CHECK((*first)->state == State::settled);
    const auto second = b.ask(payment);
    REQUIRE(cluster.ends(second));
    CHECK((*second)->state == State::failed);
    CHECK((*second)->error.code == Errc::exact_nonce_already_used);
    CHECK(cluster.chain.mined().size() == 1);
}

TEST_CASE("nodes: a killed node's payments and keys are taken over within seconds") {
    Cluster cluster(1);
    auto a = std::make_unique<Cluster::Node>(cluster, "a");
    Cluster::Node b(cluster, "b");
    cluster.chain.auto_mine = false;
    std::vector<PaymentPtr> payments;
    for (std::uint64_t i = 0; i < 10; ++i) {
        payments.push_back(cluster.payment(i));
        a->ask(payments.back());
    }
    cluster.advance(1s);
    CHECK(cluster.chain.pooled() > 0);
    a->kill();
    // The pool forgets them as well, so that somebody has to send them again.
    cluster.chain.drop_pool();
    std::vector<testing::Started<Outcome>> asked;
    for (const auto& each : payments) asked.push_back(b.ask(each));
    cluster.advance(10s);
    CHECK(b.held() == 1);
    cluster.chain.auto_mine = true;
    for (const auto& each : asked) {
        REQUIRE(cluster.ends(each));
        CHECK((*each)->state == State::settled);
    }
    for (const auto& each : payments) CHECK(cluster.transfers_of(*each) == 1);
}

TEST_CASE("nodes: one that was only slow does no harm when it comes back") {
    Cluster cluster(1);
    Cluster::Node a(cluster, "a");
    Cluster::Node b(cluster, "b");
    cluster.chain.auto_mine = false;
    const auto payment = cluster.payment(0);
    const auto asked = a.ask(payment);
    cluster.advance(500ms);
    CHECK(cluster.chain.pooled() == 1);
    // Its leases expire, as if it had been stopped and went on.
    cluster.table->leases.clear();
    b.tenure.add(b.lanes, b.settler);
    cluster.advance(3s);
    cluster.chain.mine();
    REQUIRE(cluster.ends(asked));
    CHECK((*asked)->state == State::settled);
    CHECK(cluster.transfers_of(*payment) == 1);
}

TEST_CASE(
    "nodes: who was too slow to send says what became of it at the other, not that it failed") {
    Cluster cluster(2);
    Cluster::Node a(cluster, "a");
    Cluster::Node b(cluster, "b");
    for (int i = 0; i < 20; ++i) cluster.advance(1s);
    REQUIRE(b.held() == 1);
    const auto payment = cluster.payment(0);
    cluster.chain.fail_next(testing::Op::estimate_gas, testing::Fault::slow(10s));
    const auto slow = a.ask(payment, "gateway");
    cluster.advance(1s);
    cluster.table->leases.clear();
    const auto quick = b.ask(payment, "gateway");
    REQUIRE(cluster.ends(quick));
    REQUIRE(cluster.ends(slow));
    CHECK((*quick)->state == State::settled);
    CHECK((*slow)->state == State::settled);
    CHECK((*slow)->transaction == (*quick)->transaction);
    CHECK(cluster.chain.mined().size() == 1);
}

TEST_CASE("nodes: a payment whose failure could not be written down keeps nobody waiting") {
    Cluster cluster(2);
    Cluster::Node a(cluster, "a");
    Cluster::Node b(cluster, "b");
    for (int i = 0; i < 20; ++i) cluster.advance(1s);
    const auto payment = cluster.payment(0);
    int calls = 0;
    // It is begun; then the store is away for ten seconds.
    const auto back = cluster.clock.steady_now() + 10s;
    a.intents.faults = [&] {
        const bool away = ++calls > 1 && cluster.clock.steady_now() < back;
        return away ? testing::StoreFault::not_written : testing::StoreFault::none;
    };
    const auto failed = a.ask(payment);
    REQUIRE(cluster.ends(failed));
    CHECK((*failed)->state == State::failed);
    CHECK((*failed)->error.code == Errc::io_failed);
    const auto waited = b.ask(payment);
    REQUIRE(cluster.ends(waited, 30s));
    CHECK((*waited)->state == State::failed);
    const auto anew = b.ask(payment);
    REQUIRE(cluster.ends(anew, 30s));
    CHECK((*anew)->state == State::settled);
    CHECK(cluster.transfers_of(*payment) == 1);
}

TEST_CASE("nodes: a transaction that may have been written down is not told as a failure") {
    Cluster cluster(1);
    Cluster::Node a(cluster, "a");
    const auto payment = cluster.payment(0);
    // The second write is the transaction's. It happens, and the answer is lost; then the store
    // is away.
    int calls = 0;
    const auto back = cluster.clock.steady_now() + 10s;
    a.intents.faults = [&] {
        ++calls;
        if (calls == 2) return testing::StoreFault::written;
        const bool away = calls > 2 && cluster.clock.steady_now() < back;
        return away ? testing::StoreFault::not_written : testing::StoreFault::none;
    };
    const auto asked = a.ask(payment, {}, 5s);
    REQUIRE(cluster.ends(asked));
    CHECK((*asked)->state == State::unknown);
    CHECK((*asked)->error.code == Errc::settlement_pending);
    CHECK(cluster.transfers_of(*payment) == 0);
    const auto again = a.ask(payment);
    REQUIRE(cluster.ends(again));
    CHECK((*again)->state == State::settled);
    CHECK(cluster.transfers_of(*payment) == 1);
}

TEST_CASE(
    "nodes: what a node that is no more has settled is sent again when the chain takes it back") {
    for (const bool replaced : {true, false}) {
        CAPTURE(replaced);
        Cluster cluster(1);
        auto a = std::make_unique<Cluster::Node>(cluster, "a");
        auto b = replaced ? nullptr : std::make_unique<Cluster::Node>(cluster, "b");
        const auto payment = cluster.payment(0);
        const auto asked = a->ask(payment);
        REQUIRE(cluster.ends(asked));
        CHECK((*asked)->state == State::settled);
        a->kill();
        if (replaced) b = std::make_unique<Cluster::Node>(cluster, "c");
        for (int i = 0; i < 20; ++i) cluster.advance(1s);
        cluster.chain.reorganise(1, testing::Fate::dropped);
        REQUIRE(cluster.transfers_of(*payment) == 0);
        cluster.chain.mine_blocks(1);
        for (int i = 0; i < 30; ++i) cluster.advance(1s);
        CHECK(cluster.transfers_of(*payment) == 1);
        CHECK(cluster.log.count("settlement_reorganised") == 1);
    }
}

TEST_CASE("nodes: a stranger's payment with the same nonce harms nothing on the other node") {
    Cluster cluster(2);
    auto a = std::make_unique<Cluster::Node>(cluster, "a");
    Cluster::Node b(cluster, "b");
    for (int i = 0; i < 20; ++i) cluster.advance(1s);
    cluster.chain.auto_mine = false;
    auto crafted = cluster.craft(0);
    const auto payment = cluster.open(crafted.sign_with(development_key(0)));
    const auto asked = a->ask(payment, "gateway");
    cluster.advance(2s);
    REQUIRE(cluster.chain.pooled() == 1);
    // Any terms will do, and nobody's signature.
    crafted.wanted.amount = crafted.authorization.value = U256(7);
    const auto junk = cluster.open(crafted.sign_with(development_key(1)));
    int requests = 0;
    b.intents.faults = [&] {
        ++requests;
        return testing::StoreFault::none;
    };
    const auto refused = b.ask(junk);
    REQUIRE(cluster.ends(refused, 1s));
    CHECK((*refused)->state == State::failed);
    CHECK(requests < 10);
    CHECK(cluster.log.count("payment_settled") == 0);
    // The payer's own asks there too, and the node that has it dies.
    const auto again = b.ask(payment, "gateway");
    cluster.advance(1s);
    a->kill();
    for (int i = 0; i < 20; ++i) cluster.advance(1s);
    cluster.chain.auto_mine = true;
    cluster.chain.mine();
    REQUIRE(cluster.ends(again));
    CHECK((*again)->state == State::settled);
    CHECK(cluster.transfers_of(*payment) == 1);
    // What is said once more is not counted once more.
    const auto once_more = b.ask(payment);
    REQUIRE(cluster.ends(once_more));
    CHECK((*once_more)->state == State::failed);
    CHECK(cluster.log.count("payment_settled") == 1);
}

TEST_CASE("nodes: a payment that may have been handed over is not told as a failure") {
    Cluster cluster(1);
    Cluster::Node a(cluster, "a");
    Cluster::Node b(cluster, "b");
    const auto payment = cluster.payment(0);
    int calls = 0;
    const auto back = cluster.clock.steady_now() + 10s;
    b.intents.faults = [&] {
        ++calls;
        if (calls == 2) return testing::StoreFault::written;
        const bool away = calls > 2 && cluster.clock.steady_now() < back;
        return away ? testing::StoreFault::not_written : testing::StoreFault::none;
    };
    const auto asked = b.ask(payment);
    REQUIRE(cluster.ends(asked));
    CHECK((*asked)->state == State::settled);
    CHECK(cluster.transfers_of(*payment) == 1);
}

TEST_CASE("nodes: who gives up while a payment is handed over is not told that it has failed") {
    Cluster cluster(1);
    Cluster::Node a(cluster, "a");
    Cluster::Node b(cluster, "b");
    for (int i = 0; i < 20; ++i) cluster.advance(1s);
    auto& without = a.held() == 0 ? a : b;
    const auto payment = cluster.payment(0);
    without.intents.delay = [] { return 5s; };
    const auto asked = without.ask(payment, {}, 7s);
    REQUIRE(cluster.ends(asked));
    CHECK((*asked)->state == State::unknown);
    for (int i = 0; i < 30; ++i) cluster.advance(1s);
    CHECK(cluster.transfers_of(*payment) == 1);
}

TEST_CASE("nodes: a payment that may have been opened again is sent again") {
    Cluster cluster(1);
    Cluster::Node a(cluster, "a");
    const auto payment = cluster.payment(0);
    const auto asked = a.ask(payment);
    REQUIRE(cluster.ends(asked));
    CHECK((*asked)->state == State::settled);
    cluster.advance(5s);
    cluster.chain.reorganise(1, testing::Fate::dropped);
    cluster.chain.mine_blocks(1);
    bool lost = false;
    a.intents.faults = [&] {
        // The first write after the reorganisation opens it again.
        const bool first = !std::exchange(lost, true);
        return first ? testing::StoreFault::written : testing::StoreFault::none;
    };
    for (int i = 0; i < 30; ++i) cluster.advance(1s);
    CHECK(lost);
    CHECK(cluster.transfers_of(*payment) == 1);
}

TEST_CASE("nodes: a clean stop leaves its keys at once") {
    Cluster cluster(1);
    Cluster::Node a(cluster, "a");
    Cluster::Node b(cluster, "b");
    cluster.run(a.tenure.end());
    cluster.advance(2s);
    CHECK(a.held() == 0);
    CHECK(b.held() == 1);
}

}  // namespace farthing::settlement
