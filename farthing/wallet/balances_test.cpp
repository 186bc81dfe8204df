// SPDX-License-Identifier: Apache-2.0
// Balances against a chain in memory: what is expected, what is missing, what is low, and that
// nothing is written of what a node does not tell, or cannot have.
#include "farthing/wallet/balances.hpp"

#include <doctest/doctest.h>

#include "farthing/chain/evm_chain.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/testing/capture_log.hpp"
#include "farthing/testing/chain/fake_node.hpp"
#include "farthing/testing/manual_clock.hpp"
#include "farthing/testing/payments.hpp"
#include "farthing/testing/seeded_random.hpp"
#include "farthing/testing/temporary_folder.hpp"

using namespace farthing;
using namespace farthing::wallet;
using farthing::testing::Fault;
using farthing::testing::Op;

namespace {

constexpr auto kUsdc = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
constexpr std::uint64_t kFunds = 1'000'000;
constexpr std::uint64_t kLifetime = 60;

struct Treasurer {
    Treasurer() { has(kFunds); }

    void has(std::uint64_t amount) { chain.evm.token.balances[payer] = U256(amount); }
    ledger::Seq append(ledger::Event event) {
        const auto entry = books->transact_now(
            [&](ledger::Transaction& transaction) { return transaction.append(event); });
        REQUIRE_MESSAGE(entry.has_value(), to_string(entry.error()));
        return entry->seq;
    }
    [[nodiscard]] ledger::Decision decision(std::uint64_t amount) const {
        ledger::Decision out;
        out.verdict = ledger::Verdict::allow;
        out.network = "eip155:84532";
        out.asset = kUsdc;
        out.payer = payer.to_checksum();
        out.amount = U256(amount);
        return out;
    }
    /// A decision and its signature, whose nonce is the decision's number.
    ledger::Seq sign(std::uint64_t amount) {
        const auto seq = append(decision(amount));
        ledger::Signed out;
        out.decision = seq;
        out.nonce = U256(seq).to_bytes();
        out.valid_before = clock.unix_seconds() + kLifetime;
        append(out);
        return seq;
    }
    /// A receipt came.
    void settle(ledger::Seq decision) {
        ledger::Settled out;
        out.decision = decision;
        append(out);
    }
    /// The chain carries it out.
    void execute(ledger::Seq decision, std::uint64_t amount) {
        auto& token = chain.evm.token;
        token.used.insert({payer, U256(decision).to_bytes()});
        token.balances[payer] = token.balances[payer].saturating_sub(U256(amount));
        chain.mine();
    }
    ledger::Seq pay(std::uint64_t amount) {
        const auto seq = sign(amount);
        settle(seq);
        execute(seq, amount);
        return seq;
    }

    Result<std::vector<Snapshot>> try_look(chain::Chain& from, std::string_view low = "") {
        std::optional<scheme::Money> least;
        if (!low.empty()) least = scheme::parse_money(low).value();
        loop.restart();
        return run_blocking(loop, take_balances(*books, from, assets, least));
    }
    /// The one snapshot.
    Snapshot look(std::string_view low = "") {
        auto taken = try_look(chain, low);
        REQUIRE_MESSAGE(taken.has_value(), to_string(taken.error()));
        REQUIRE(taken->size() == 1);
        return taken->front();
    }
    std::vector<ledger::Entry> entries(std::string_view kind) {
        const ledger::Filter filter{.kind = std::string(kind)};
        return books->transact_now([&](ledger::Transaction& t) { return t.newest(filter, 10'000); })
            .value();
    }
    std::vector<std::string> alerts() {
        std::vector<std::string> out;
        for (const auto& each : entries("alert"))
            out.push_back(std::get<ledger::Alert>(each.event).name);
        return out;
    }
    std::string last_alert() {
        const auto all = entries("alert");
        REQUIRE(!all.empty());
        return std::get<ledger::Alert>(all.back().event).text;
    }
    /// Looked at through `from` it is an error that says why, and the ledger stays as it is.
    std::string no_snapshot(chain::Chain& from) {
        const auto before = entries("").size();
        const auto taken = try_look(from, "$0.5");
        REQUIRE(!taken);
        CHECK_MESSAGE(taken.error().code == Errc::rpc_failed, to_string(taken.error()));
        CHECK(entries("").size() == before);
        return taken.error().detail;
    }
    std::string no_snapshot() { return no_snapshot(chain); }

    Address payer = address_of(testing::development_key(0));
    testing::ManualClock clock;
    testing::SeededRandom random{1};
    testing::CaptureLog log;
    Metrics metrics;
    Env env{clock, random, log, metrics};
    Loop loop;
    testing::TemporaryFolder folder;
    std::unique_ptr<ledger::Ledger> books = ledger::Ledger::open(env, loop, folder.path).value();
    testing::FakeChain chain{clock, evm_network(84532)};
    AssetTable assets = AssetTable::built_in();
};

using Names = std::vector<std::string>;

/// The same chain as a node tells of it that may lie.
struct Node {
    explicit Node(Treasurer& of)
        : node(of.chain),
          chain(evm_network(84532), node, net::parse_url("http://node.example/key-hunter2").value(),
                std::chrono::seconds(1)) {}
    /// To what is asked of the token.
    void says(json::Object instead) {
        node.lie = [instead](std::string_view method,
                             const json::Array&) -> std::optional<json::Object> {
            if (method != "eth_call") return std::nullopt;
            return instead;
        };
    }

    testing::FakeNode node;
    chain::EvmChain chain;
};

std::string word(std::uint64_t value) { return to_hex(U256(value).to_bytes()); }

}  // namespace

TEST_CASE("balances: a wallet that has decided nothing has nothing to look at") {
    Treasurer one;
    const auto taken = one.try_look(one.chain);
    REQUIRE(taken);
    CHECK(taken->empty());
    CHECK(one.chain.asked(Op::read) == 0);
    CHECK(one.entries("").empty());
}

TEST_CASE("balances: the first snapshot expects nothing, the next what the ledger says") {
    Treasurer one;
    one.pay(1'000);
    const auto first = one.look();
    CHECK(first.balance.amount == U256(kFunds - 1'000));
    CHECK(!first.balance.expected);
    CHECK(first.balance.asset == kUsdc);
    CHECK(first.balance.payer == one.payer.to_checksum());
    CHECK(first.balance.block == one.chain.height());
    one.pay(2'000);
    one.pay(3'000);
    const auto second = one.look();
    CHECK(second.balance.amount == U256(kFunds - 6'000));
    CHECK(second.balance.expected == U256(kFunds - 6'000));
    CHECK(!second.missing);
    CHECK(one.alerts().empty());
    const auto written = one.entries("balance");
    REQUIRE(written.size() == 2);
    CHECK(std::get<ledger::Balance>(written[1].event) == second.balance);
}

TEST_CASE("balances: what left without the ledger is an alert, once") {
    Treasurer one;
    one.pay(1'000);
    one.look();
    one.pay(1'000);
    one.has(kFunds - 2'000 - 7);
    one.chain.mine();
    const auto found = one.look();
    CHECK(found.missing == U256(7));
    CHECK(found.balance.expected == U256(kFunds - 2'000));
    CHECK(one.alerts() == Names{"reconciliation_difference"});
    CHECK(one.last_alert() ==
          "$0.000007 USDC left " + one.payer.to_checksum() +
              " on eip155:84532 without this ledger: it has $0.997993 USDC at block " +
              std::to_string(one.chain.height()) + ", at least $0.998 USDC were expected");
    CHECK(!one.look().missing);
    CHECK(one.alerts().size() == 1);
    one.has(0);
    one.chain.mine();
    CHECK(one.look().missing == U256(kFunds - 2'007));
    CHECK(one.alerts().size() == 2);
}

TEST_CASE("balances: what came in is no difference") {
    Treasurer one;
    one.pay(1'000);
    one.look();
    one.has(2 * kFunds);
    one.chain.mine();
    const auto more = one.look();
    CHECK(more.balance.expected == U256(kFunds - 1'000));
    CHECK(more.balance.amount == U256(2 * kFunds));
    CHECK(!more.missing);
    CHECK(one.alerts().empty());
}

TEST_CASE("balances: a payment that the chain took and nobody told of is settled, not missing") {
    Treasurer one;
    one.pay(1'000);
    one.look();
    const auto lost = one.sign(5'000);
    one.execute(lost, 5'000);
    const auto found = one.look();
    CHECK(!found.missing);
    CHECK(found.balance.expected == U256(kFunds - 6'000));
    const auto settled = one.entries("settled");
    REQUIRE(settled.size() == 2);
    const auto& noted = std::get<ledger::Settled>(settled[1].event);
    CHECK(noted.decision == lost);
    CHECK(!noted.delivered);
    CHECK(!one.look().missing);
    CHECK(one.alerts().empty());
}

TEST_CASE("balances: a signature that is open and unused takes nothing, until it is used") {
    Treasurer one;
    one.pay(1'000);
    one.look();
    const auto open = one.sign(5'000);
    const auto before = one.look();
    CHECK(!before.waits_for);
    CHECK(before.balance.expected == U256(kFunds - 1'000));
    one.execute(open, 5'000);
    const auto after = one.look();
    CHECK(!after.missing);
    CHECK(after.balance.expected == U256(kFunds - 6'000));
}

TEST_CASE("balances: a receipt of a payment that nobody executed: no snapshot until it cannot be") {
    Treasurer one;
    const auto paid = one.sign(1'000);
    one.settle(paid);
    CHECK(one.look().waits_for == paid);
    one.clock.advance(std::chrono::seconds(kLifetime));
    CHECK(one.look().waits_for == paid);
    CHECK(one.entries("balance").empty());
    one.clock.advance(std::chrono::seconds(1));
    const auto now = one.look();
    CHECK(!now.waits_for);
    CHECK(now.balance.amount == U256(kFunds));
    one.pay(1'000);
    CHECK(!one.look().missing);
    CHECK(one.alerts().empty());
}

TEST_CASE("balances: below the limit is told when it gets there, and again after a recovery") {
    Treasurer one;
    one.pay(1'000);
    constexpr auto kLow = "$0.5";
    const auto at = [&](std::uint64_t amount) {
        one.has(amount);
        one.chain.mine();
        return one.look(kLow).low;
    };
    CHECK(!one.look(kLow).low);
    // Exactly so much is not below it. More each time, or it would be missing.
    CHECK(!at(1'200'000));
    one.pay(700'000);
    CHECK(!one.look(kLow).low);
    one.pay(1);
    CHECK(one.look(kLow).low);
    CHECK(one.last_alert() == one.payer.to_checksum() +
                                  " on eip155:84532 has $0.499999 USDC at block " +
                                  std::to_string(one.chain.height()));
    CHECK(!one.look(kLow).low);
    one.pay(1);
    CHECK(!one.look(kLow).low);
    CHECK(one.alerts() == Names{"balance_low"});
    CHECK(!at(2'000'000));
    one.pay(1'999'999);
    CHECK(one.look(kLow).low);
    CHECK(!one.look(kLow).low);
    CHECK(one.alerts() == Names{"balance_low", "balance_low"});
}

TEST_CASE("balances: a limit of another token is none of this one; no limit, no alert") {
    Treasurer one;
    one.pay(kFunds - 1);
    CHECK(!one.look("1 EURC").low);
    CHECK(!one.look().low);
    CHECK(one.alerts().empty());
}

TEST_CASE("balances: the first look at a wallet that is already low is an alert") {
    Treasurer one;
    one.pay(kFunds - 1);
    CHECK(one.look("1 usdc").low);
    CHECK(one.alerts() == Names{"balance_low"});
}

TEST_CASE("balances: of a chain that moves meanwhile they are read again") {
    Treasurer one;
    one.pay(1'000);
    int moves = 2;
    one.chain.faults = [&](Op op) {
        if (op == Op::read && moves-- > 0) one.chain.mine();
        return Fault{};
    };
    CHECK(one.look().balance.block == one.chain.height());
    CHECK(one.chain.asked(Op::read) == 3);
    CHECK(one.entries("balance").size() == 1);
}

TEST_CASE("balances: of a chain that moves each time there is no snapshot") {
    Treasurer one;
    one.pay(1'000);
    one.chain.faults = [&](Op op) {
        if (op == Op::read) one.chain.mine();
        return Fault{};
    };
    CHECK(one.no_snapshot().contains("try again"));
    CHECK(one.chain.asked(Op::read) == 5);
}

TEST_CASE("balances: a payment that settles meanwhile is not missing") {
    Treasurer one;
    one.pay(1'000);
    one.look();
    bool is_done = false;
    one.chain.faults = [&](Op op) {
        if (op != Op::head || is_done) return Fault{};
        is_done = true;
        // After the books were read.
        one.pay(2'000);
        return Fault{};
    };
    const auto taken = one.look();
    CHECK(is_done);
    CHECK(!taken.missing);
    CHECK(taken.balance.expected == U256(kFunds - 3'000));
    CHECK(one.alerts().empty());
}

TEST_CASE("balances: a node that does not answer gives an error and no snapshot") {
    Treasurer one;
    one.pay(1'000);
    one.look();
    for (const auto op : {Op::head, Op::read}) {
        one.chain.fail_next(op, Fault::no_answer());
        CHECK(!one.no_snapshot().empty());
    }
    one.chain.fail_next(Op::head, Fault{});
    one.chain.fail_next(Op::head, Fault::no_answer());
    CHECK(!one.no_snapshot().empty());
    CHECK(!one.look().missing);
}

TEST_CASE("balances: a node that answers as no token does gives an error and no snapshot") {
    Treasurer one;
    one.pay(1'000);
    one.look();
    Node node(one);
    // The truth is taken from it, too.
    REQUIRE(one.try_look(node.chain));
    const auto long_word = word(kFunds) + "00";
    for (const auto& result :
         {json::Value("0x"), json::Value("0x0f"), json::Value(long_word.substr(0, 64)),
          json::Value(long_word), json::Value(word(1) + word(2).substr(2)), json::Value("much"),
          json::Value(nullptr), json::Value(7), json::Value(json::Object{})}) {
        node.says({{"result", result}});
        const auto why = one.no_snapshot(node.chain);
        CHECK(!why.empty());
        CHECK_MESSAGE(!why.contains("hunter2"), why);
    }
    const json::Object revert{{"code", 3}, {"message", "execution reverted"}, {"data", "0x"}};
    const json::Object busy{{"code", -32005}, {"message", "limit exceeded"}};
    for (const auto& error : {revert, busy}) {
        node.says({{"error", error}});
        CHECK(!one.no_snapshot(node.chain).empty());
    }
}

TEST_CASE("balances: a node that answers no JSON-RPC gives an error and no snapshot") {
    Treasurer one;
    one.pay(1'000);
    Node node(one);
    for (const int status : {200, 401, 429, 500}) {
        for (const auto* body : {"", "<html>", "[]", "{}", R"([{"jsonrpc":"2.0","id":9}])"}) {
            net::Response response;
            response.status = status;
            response.body = body;
            node.node.instead = response;
            const auto why = one.no_snapshot(node.chain);
            CHECK_MESSAGE(!why.contains("hunter2"), why);
        }
    }
}

TEST_CASE("balances: a token that is not there has no balance") {
    Treasurer one;
    one.pay(1'000);
    one.look();
    one.chain.evm.token_deployed = false;
    one.chain.mine();
    CHECK(!one.no_snapshot().empty());
}

TEST_CASE("balances: a node that is behind the last snapshot gives an error and no snapshot") {
    Treasurer one;
    const auto paid = one.pay(1'000);
    one.look();
    const auto seen = one.chain.height();
    // Its answers are of the block before the payment.
    one.chain.reorganise(1);
    one.chain.evm.token.used.clear();
    one.has(kFunds);
    const auto why = one.no_snapshot();
    CHECK_MESSAGE(why.contains("block " + std::to_string(seen - 1)), why);
    CHECK_MESSAGE(why.contains(std::to_string(seen)), why);
    one.execute(paid, 1'000);
    CHECK(!one.look().missing);
    CHECK(one.alerts().empty());
}
