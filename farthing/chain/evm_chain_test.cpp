// SPDX-License-Identifier: Apache-2.0
#include "farthing/chain/evm_chain.hpp"

#include <doctest/doctest.h>

#include "farthing/base/hex.hpp"
#include "farthing/evm/abi.hpp"
#include "farthing/testing/chain/fake_node.hpp"
#include "farthing/testing/world.hpp"

namespace farthing::chain {
namespace {

using testing::development_key;
using testing::Fault;
using testing::Op;

/// A node, and the chain as it is asked over JSON-RPC.
struct Served : testing::ChainWorld {
    testing::FakeNode node{chain};
    EvmChain asked{evm_network(84532), node, net::parse_url("http://127.0.0.1:1").value(),
                   std::chrono::seconds(10)};

    const Address gas_account = address_of(development_key(kGasKey));

    SignedTransaction transaction(std::uint64_t nonce, Call call) {
        const Transaction fields{.chain_id = 84532,
                                 .nonce = nonce,
                                 .max_priority_fee_per_gas = U256(1),
                                 .max_fee_per_gas = U256(2'000'000'000),
                                 .gas_limit = 100'000,
                                 .to = call.to,
                                 .value = {},
                                 .data = std::move(call.data)};
        return sign(fields, development_key(kGasKey));
    }
    /// Lies about one method.
    void answer(std::string method, std::string_view member, json::Value value) {
        node.lie = [method, name = std::string(member), value](
                       std::string_view asked_method,
                       const json::Array&) -> std::optional<json::Object> {
            if (asked_method != method) return std::nullopt;
            return json::Object{{name, value}};
        };
    }
};

json::Value node_error(int code, std::string_view message) {
    return json::Object{{"code", code}, {"message", message}};
}

}  // namespace

TEST_CASE("chain: reads what a node says") {
    Served world;
    CHECK(world.run(world.asked.chain_id()).value() == 84532);
    CHECK(world.run(world.asked.head()).value().base_fee == U256(1'000'000'000));
    const auto fees = world.run(world.asked.fees()).value();
    CHECK(fees.max_fee == U256(2'001'000'000));
    CHECK(fees.priority_fee == U256(1'000'000));
    CHECK(fees.base_fee == U256(1'000'000'000));
    CHECK(world.run(world.asked.balance(world.gas_account)).value() ==
          U256(1'000'000'000'000'000'000));
    CHECK(world.run(world.asked.pending_nonce(world.gas_account)).value() == 0);
}

TEST_CASE("chain: a payment goes from estimate to receipt") {
    Served world;
    const auto payment = world.payment(0);
    const auto gas =
        world.run(world.asked.estimate_gas(payment->transfer(), world.gas_account)).value();
    REQUIRE(gas);
    CHECK(*gas == 60'000);
    world.chain.auto_mine = false;
    const auto sent = world.transaction(0, payment->transfer());
    CHECK(world.run(world.asked.send(sent.raw)).value().taken == Taken::accepted);
    CHECK(world.run(world.asked.send(sent.raw)).value().taken == Taken::accepted);
    CHECK(world.run(world.asked.pending_nonce(world.gas_account)).value() == 1);
    CHECK(world.run(world.asked.mined_nonce(world.gas_account)).value() == 0);
    const std::vector hashes{sent.hash, Bytes32{}};
    auto receipts = world.run(world.asked.receipts(hashes)).value();
    REQUIRE(receipts.size() == 2);
    CHECK_FALSE(receipts[0]);
    world.chain.mine();
    receipts = world.run(world.asked.receipts(hashes)).value();
    REQUIRE(receipts[0]);
    CHECK_FALSE(receipts[1]);
    CHECK(receipts[0]->success);
    CHECK(receipts[0]->events.size() == 2);
    CHECK(world.run(world.asked.send(sent.raw)).value().taken == Taken::nonce_used);
}

TEST_CASE("chain: a batch of reads keeps its order, and a revert is an answer") {
    Served world;
    const auto token = world.chain.evm.token_address;
    const std::vector reads{Read::code_of(token), Read::code_of(Address{{1}}),
                            Read::of(erc20::name(token)), Read::of({token, Bytes{1, 2, 3, 4}}),
                            Read::of(erc20::balance_of(token, Address{{1}}))};
    const auto answers = world.run(world.asked.read(reads)).value();
    REQUIRE(answers.size() == 5);
    CHECK_FALSE(answers[0]->empty());
    CHECK(answers[1]->empty());
    CHECK(abi::Reader(*answers[2]).text(0).value() == "USDC");
    CHECK_FALSE(answers[3]);
    CHECK(abi::Reader(*answers[4]).number(0).value() == U256(0));
}

TEST_CASE("chain: code that cannot be read is never no code") {
    Served world;
    const auto codes = [&] {
        std::vector reads{Read::code_of(world.chain.evm.token_address)};
        return world.run(world.asked.read(std::move(reads)));
    };
    world.answer("eth_getCode", "error", node_error(3, "execution reverted"));
    REQUIRE_FALSE(codes());
    CHECK(kind_of(codes().error().code) == Kind::unavailable);
    for (const json::Value& bad : {json::Value(nullptr), json::Value(""), json::Value("0x1"),
                                   json::Value(0), json::Value("zz")}) {
        world.answer("eth_getCode", "result", bad);
        CHECK_FALSE(codes());
    }
    world.answer("eth_getCode", "result", json::Value("0x"));
    CHECK(codes().value()[0]->empty());
}

TEST_CASE("chain: an answer that is none is unavailable, whatever was asked") {
    Served world;
    const auto account = world.gas_account;
    const Call call{account, {}};
    const auto expect_unavailable = [&](const auto& result) {
        REQUIRE_FALSE(result);
        CHECK(kind_of(result.error().code) == Kind::unavailable);
    };
    const auto ask_everything = [&] {
        expect_unavailable(world.run(world.asked.chain_id()));
        expect_unavailable(world.run(world.asked.head()));
        expect_unavailable(world.run(world.asked.fees()));
        expect_unavailable(world.run(world.asked.balance(account)));
        expect_unavailable(world.run(world.asked.pending_nonce(account)));
        expect_unavailable(world.run(world.asked.mined_nonce(account)));
        std::vector reads{Read::of(call)};
        expect_unavailable(world.run(world.asked.read(std::move(reads))));
        expect_unavailable(world.run(world.asked.estimate_gas(call, account)));
        expect_unavailable(world.run(world.asked.receipts({Bytes32{}})));
        expect_unavailable(world.run(world.asked.head(HeadAt::safe)));
        LogFilter filter{.from_block = 1, .to_block = 1, .addresses = {}, .topics = {}};
        expect_unavailable(world.run(world.asked.logs(std::move(filter))));
    };
    world.node.instead = net::Response{.status = 502, .headers = {}, .body = "bad gateway"};
    ask_everything();
    expect_unavailable(world.run(world.asked.send({1})));
    world.node.instead = net::Response{.status = 200, .headers = {}, .body = "<html>"};
    ask_everything();
    world.node.instead.reset();
    // One that every method gets, and that is no answer to any of them.
    for (const json::Value& bad :
         {json::Value(json::Array{}), json::Value(-1), json::Value(true), json::Value("twelve")}) {
        world.node.lie = [&](std::string_view, const json::Array&) -> std::optional<json::Object> {
            return json::Object{{"result", bad}};
        };
        ask_everything();
    }
    world.node.lie = [](std::string_view, const json::Array&) -> std::optional<json::Object> {
        return json::Object{{"error", node_error(-32005, "rate limited")}};
    };
    ask_everything();
    CHECK(world.run(world.asked.send({1})).value().taken == Taken::unclear);
}

TEST_CASE("chain: fees beyond all bounds are an error, not a wrapped number") {
    Served world;
    world.answer("eth_maxPriorityFeePerGas", "result", json::Value("0x" + std::string(64, 'f')));
    CHECK_FALSE(world.run(world.asked.fees()));
}

TEST_CASE("chain: a send without an answer is neither taken nor refused") {
    Served world;
    world.chain.fail_next(Op::send, Fault::no_answer_after());
    const auto sent = world.transaction(0, {world.gas_account, {}});
    CHECK_FALSE(world.run(world.asked.send(sent.raw)));
    CHECK(world.chain.mined().size() == 1);
}

TEST_CASE("chain: three heads, and an error for one that the node does not know") {
    Served world;
    world.chain.mine_blocks(20);
    const auto latest = world.run(world.asked.head()).value();
    CHECK(latest.number == 21);
    CHECK(latest.hash != latest.parent_hash);
    CHECK(world.run(world.asked.head(HeadAt::safe)).value().number == 17);
    CHECK(world.run(world.asked.head(HeadAt::finalized)).value().number == 13);
    // In the words of geth on a chain without consensus.
    world.answer("eth_getBlockByNumber", "error", node_error(-39001, "safe block not found"));
    const auto unknown = world.run(world.asked.head(HeadAt::safe));
    REQUIRE_FALSE(unknown);
    CHECK(kind_of(unknown.error().code) == Kind::unavailable);
    world.answer("eth_getBlockByNumber", "result", nullptr);
    CHECK_FALSE(world.run(world.asked.head(HeadAt::finalized)));
}

TEST_CASE("chain: blocks by their numbers, and none for those that are not there") {
    Served world;
    world.chain.mine_blocks(5);
    const auto latest = world.run(world.asked.head()).value();
    const auto blocks = world.run(world.asked.blocks({latest.number - 1, latest.number, 99}));
    REQUIRE(blocks);
    REQUIRE(blocks->size() == 3);
    CHECK(blocks->at(0)->hash == latest.parent_hash);
    CHECK(blocks->at(1)->hash == latest.hash);
    CHECK_FALSE(blocks->at(2));
    CHECK_FALSE(world.run(world.asked.blocks({1, 2}))->empty());
    // A node that answers with another block than the one asked for.
    world.node.lie = [](std::string_view, const json::Array&) -> std::optional<json::Object> {
        return json::Object{{"result", json::Object{{"number", "0x1"},
                                                    {"hash", to_hex(Bytes32{})},
                                                    {"parentHash", to_hex(Bytes32{})},
                                                    {"timestamp", "0x1"},
                                                    {"baseFeePerGas", "0x1"}}}};
    };
    CHECK(world.run(world.asked.blocks({1})));
    const auto other = world.run(world.asked.blocks({2}));
    REQUIRE_FALSE(other);
    CHECK(kind_of(other.error().code) == Kind::unavailable);
}

TEST_CASE("chain: the logs of a payment, by contract and event") {
    Served world;
    const auto payment = world.payment(0);
    const auto sent = world.transaction(0, payment->transfer());
    REQUIRE(world.run(world.asked.send(sent.raw)).value().taken == Taken::accepted);
    const auto receipt = world.run(world.asked.receipts({sent.hash})).value()[0].value();
    world.chain.mine_blocks(2);
    LogFilter all{.from_block = 1, .to_block = 4, .addresses = {}, .topics = {}};
    const auto logs = world.run(world.asked.logs(all)).value();
    REQUIRE(logs.size() == 2);
    CHECK(logs[1].index == 1);
    CHECK(logs[0].block_number == receipt.block_number);
    CHECK(logs[0].block_hash == receipt.block_hash);
    CHECK(logs[0].transaction == sent.hash);
    CHECK(logs[0].event.topics == receipt.events[0].topics);
    const auto count = [&](LogFilter filter) {
        return world.run(world.asked.logs(std::move(filter))).value().size();
    };
    auto one = all;
    one.topics = {{logs[0].event.topics[0]}};
    CHECK(count(one) == 1);
    one.topics = {{Bytes32{}, logs[0].event.topics[0], logs[1].event.topics[0]}};
    CHECK(count(one) == 2);
    one.addresses = {Address{{9}}};
    CHECK(count(one) == 0);
    one.addresses = {Address{{9}}, world.chain.evm.token_address};
    CHECK(count(one) == 2);
    one.from_block = receipt.block_number + 1;
    CHECK(count(one) == 0);
    one.from_block = 9;
    CHECK(count(one) == 0);
}

TEST_CASE("chain: a node that is behind does not answer for blocks that it does not have") {
    Served world;
    world.chain.mine_blocks(10);
    LogFilter filter{.from_block = 5, .to_block = 11, .addresses = {}, .topics = {}};
    CHECK(world.run(world.asked.logs(filter)).value().empty());
    world.answer("eth_blockNumber", "result", json::Value("0xa"));
    const auto behind = world.run(world.asked.logs(filter));
    REQUIRE_FALSE(behind);
    CHECK(behind.error().detail == "eth_getLogs: the node does not have the last block yet");
}

TEST_CASE("chain: a node says how long it wants to be left alone") {
    Served world;
    const struct {
        int status;
        const char* retry_after;
        std::chrono::milliseconds told;
    } cases[] = {{429, "7", std::chrono::seconds(7)},
                 {503, "1", std::chrono::seconds(1)},
                 {429, "86400", std::chrono::hours(1)},
                 {502, "7", {}},
                 {429, "-1", {}},
                 {429, "1.5", {}},
                 {429, "99999999999", {}},
                 {429, "Wed, 21 Oct 2026 07:28:00 GMT", {}},
                 {429, "", {}}};
    for (const auto& each : cases) {
        CAPTURE(each.retry_after);
        net::Response response{.status = each.status, .headers = {}, .body = "slow down"};
        response.headers.add("Retry-After", each.retry_after);
        world.node.instead = std::move(response);
        CHECK_FALSE(world.run(world.asked.chain_id()));
        CHECK(world.asked.take_retry_after() == each.told);
        CHECK(world.asked.take_retry_after().count() == 0);
    }
}

TEST_CASE("chain: asked too often is no word of the chain") {
    Served world;
    world.answer("eth_getBalance", "error", node_error(-32005, "daily request count exceeded"));
    CHECK(world.run(world.asked.balance(world.gas_account)).error().code == Errc::rpc_failed);
    world.answer("eth_getBalance", "error", node_error(-32601, "no such method"));
    CHECK(world.run(world.asked.balance(world.gas_account)).error().code == Errc::rpc_error);
}

}  // namespace farthing::chain
