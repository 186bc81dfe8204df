// SPDX-License-Identifier: Apache-2.0
// What nodes answer, hostile ones included. Texts of errors are those of geth, erigon, nethermind,
// besu, reth and anvil.
#include <doctest/doctest.h>

#include <functional>

#include "farthing/base/hex.hpp"
#include "farthing/chain/evm_chain.hpp"
#include "farthing/evm/abi.hpp"

namespace farthing::chain {
namespace {

constexpr std::string_view kHash =
    "0x1111111111111111111111111111111111111111111111111111111111111111";
constexpr std::string_view kReceipt = R"({
    "transactionHash":"0x1111111111111111111111111111111111111111111111111111111111111111",
    "blockHash":"0x4444444444444444444444444444444444444444444444444444444444444444",
    "blockNumber":"0x10","status":"0x1","gasUsed":"0xea60","logs":[{
        "address":"0x036cbd53842c5426634e7929541ec2318f3dcf7e",
        "topics":["0x2222222222222222222222222222222222222222222222222222222222222222"],
        "data":"0x0102","removed":false}],"theirs":1})";
constexpr std::string_view kBlock =
    R"({"number":"0x10","timestamp":"0x6b49d200","baseFeePerGas":"0x3b9aca00",
    "hash":"0x4444444444444444444444444444444444444444444444444444444444444444",
    "parentHash":"0x5555555555555555555555555555555555555555555555555555555555555555"})";
constexpr std::string_view kLog = R"({
    "address":"0x036cbd53842c5426634e7929541ec2318f3dcf7e",
    "topics":["0x2222222222222222222222222222222222222222222222222222222222222222"],
    "data":"0x0102","blockNumber":"0x10","logIndex":"0x3","removed":false,
    "blockHash":"0x4444444444444444444444444444444444444444444444444444444444444444",
    "transactionHash":"0x1111111111111111111111111111111111111111111111111111111111111111"})";

Bytes32 wanted() { return bytes32_from_hex(kHash).value(); }

json::Value parsed(std::string_view text) { return json::parse(text).value(); }

Result<std::optional<Receipt>> receipt_with(const std::function<void(json::Object&)>& change) {
    auto receipt = parsed(kReceipt);
    change(receipt.as_object());
    return parse_receipt(receipt, wanted());
}

LogFilter asked() {
    return {.from_block = 10,
            .to_block = 20,
            .addresses = {parse_address("0x036cbd53842c5426634e7929541ec2318f3dcf7e").value()},
            .topics = {{bytes32_from_hex("0x" + std::string(64, '2')).value()}}};
}

/// One log, changed.
Result<std::vector<Log>> logs_with(const std::function<void(json::Object&)>& change,
                                   const LogFilter& filter = asked()) {
    auto log = parsed(kLog);
    change(log.as_object());
    return parse_logs(json::Array{log}, filter);
}

json::Object log_at(std::string_view block, std::string_view index, char hash = '4') {
    auto log = parsed(kLog).as_object();
    log["blockNumber"] = block;
    log["logIndex"] = index;
    log["blockHash"] = "0x" + std::string(64, hash);
    return log;
}

json::Object& log_of(json::Object& receipt) { return receipt["logs"].as_array()[0].as_object(); }

net::RpcError rpc_error(std::int64_t code, std::string message, json::Value data = nullptr) {
    return {code, std::move(message), std::move(data)};
}

Bytes error_string(std::string_view text) {
    return abi::call("Error(string)", {Bytes(text.begin(), text.end())});
}

}  // namespace

TEST_CASE("chain: quantities are 0x and hex digits, of at most 256 bits") {
    CHECK(parse_quantity(json::Value("0x0"), "x").value() == U256(0));
    CHECK(parse_quantity(json::Value("0xfF"), "x").value() == U256(255));
    CHECK(parse_quantity(json::Value("0x" + std::string(64, 'f')), "x").value() == U256::max());
    for (const json::Value& bad :
         {json::Value(nullptr), json::Value(16), json::Value(""), json::Value("0x"),
          json::Value("16"), json::Value("0X10"), json::Value("0xg"), json::Value("-0x1"),
          json::Value(" 0x1"), json::Value("0x" + std::string(65, '0')), json::Value(json::Array{}),
          json::Value(true)}) {
        const auto number = parse_quantity(bad, "gasUsed");
        REQUIRE_FALSE(number);
        CHECK(number.error().code == Errc::rpc_failed);
        CHECK(number.error().detail.find("gasUsed") != std::string::npos);
    }
}

TEST_CASE("chain: the head of the chain has a number, a hash, a parent, a time and a base fee") {
    const auto head = parse_head(parsed(kBlock));
    REQUIRE(head);
    CHECK(head->number == 16);
    CHECK(head->timestamp == 1'800'000'000);
    CHECK(to_hex(head->hash) == "0x" + std::string(64, '4'));
    CHECK(to_hex(head->parent_hash) == "0x" + std::string(64, '5'));
    CHECK(head->base_fee == U256(1'000'000'000));
    for (const auto* const name : {"number", "timestamp", "baseFeePerGas", "hash", "parentHash"}) {
        for (const json::Value& bad : {json::Value(nullptr), json::Value(1), json::Value("zzz")}) {
            auto block = parsed(kBlock);
            block.as_object()[name] = bad;
            CHECK_FALSE(parse_head(block));
            block.as_object().erase(name);
            CHECK_FALSE(parse_head(block));
        }
    }
    auto far = parsed(kBlock);
    far.as_object()["number"] = "0x10000000000000000";
    CHECK_FALSE(parse_head(far));
    for (const auto* const nothing : {"null", "[]", "\"0x1\"", "1"}) {
        CHECK_FALSE(parse_head(parsed(nothing)));
    }
}

TEST_CASE("chain: a receipt says what happened to the transaction that was asked for") {
    const auto receipt = parse_receipt(parsed(kReceipt), wanted());
    REQUIRE(receipt);
    REQUIRE(*receipt);
    CHECK((*receipt)->success);
    CHECK((*receipt)->block_number == 16);
    CHECK(to_hex((*receipt)->block_hash) == "0x" + std::string(64, '4'));
    CHECK((*receipt)->gas_used == 60'000);
    REQUIRE((*receipt)->events.size() == 1);
    CHECK((*receipt)->events[0].data == Bytes{1, 2});
    CHECK((*receipt)->events[0].topics.size() == 1);
    const auto reverted = receipt_with([](auto& r) { r["status"] = "0x0"; });
    REQUIRE(reverted);
    CHECK_FALSE((*reverted)->success);
}

TEST_CASE("chain: no receipt, or one of a transaction that waits, is no receipt yet") {
    const auto none = parse_receipt(json::Value(nullptr), wanted());
    REQUIRE(none);
    CHECK_FALSE(*none);
    // Some nodes answer for what still waits in the pool.
    const auto pending = receipt_with([](auto& r) {
        r["blockNumber"] = nullptr;
        r["status"] = nullptr;
    });
    REQUIRE(pending);
    CHECK_FALSE(*pending);
}

TEST_CASE("chain: what is no receipt") {
    const struct {
        const char* name;
        std::function<void(json::Object&)> change;
    } cases[] = {
        {"another transaction's",
         [](auto& r) { r["transactionHash"] = "0x" + std::string(64, '3'); }},
        {"no hash", [](auto& r) { r.erase("transactionHash"); }},
        {"short hash", [](auto& r) { r["transactionHash"] = "0x11"; }},
        {"hash a number", [](auto& r) { r["transactionHash"] = 1; }},
        {"no block", [](auto& r) { r.erase("blockNumber"); }},
        {"block a number", [](auto& r) { r["blockNumber"] = 16; }},
        {"no hash of its block", [](auto& r) { r.erase("blockHash"); }},
        {"no hash of its block but null", [](auto& r) { r["blockHash"] = nullptr; }},
        {"a short hash of its block", [](auto& r) { r["blockHash"] = "0x44"; }},
        {"a log taken back", [](auto& r) { log_of(r)["removed"] = true; }},
        {"a log taken back in words", [](auto& r) { log_of(r)["removed"] = "true"; }},
        {"no status", [](auto& r) { r.erase("status"); }},
        {"status null", [](auto& r) { r["status"] = nullptr; }},
        {"status 2", [](auto& r) { r["status"] = "0x2"; }},
        {"status true", [](auto& r) { r["status"] = true; }},
        {"no gas", [](auto& r) { r.erase("gasUsed"); }},
        {"gas beyond 64 bits", [](auto& r) { r["gasUsed"] = "0x10000000000000000"; }},
        {"no logs", [](auto& r) { r.erase("logs"); }},
        {"logs null", [](auto& r) { r["logs"] = nullptr; }},
        {"logs an object", [](auto& r) { r["logs"] = json::Object{}; }},
        {"a log that is none", [](auto& r) { r["logs"] = json::Array{1}; }},
        {"a log without address", [](auto& r) { log_of(r).erase("address"); }},
        {"a log with a bad address", [](auto& r) { log_of(r)["address"] = "0x12"; }},
        {"a log without topics", [](auto& r) { log_of(r).erase("topics"); }},
        {"a log with a short topic", [](auto& r) { log_of(r)["topics"] = json::Array{"0x22"}; }},
        {"a log with five topics",
         [](auto& r) {
             const json::Value topic("0x" + std::string(64, '2'));
             log_of(r)["topics"] = json::Array{topic, topic, topic, topic, topic};
         }},
        {"a log without data", [](auto& r) { log_of(r).erase("data"); }},
        {"a log with odd data", [](auto& r) { log_of(r)["data"] = "0x1"; }},
        {"a log with two mebibytes",
         [](auto& r) { log_of(r)["data"] = "0x" + std::string(4 << 20, '0'); }},
        {"logs without end",
         [](auto& r) {
             const auto log = r["logs"].as_array()[0];
             for (int i = 0; i < 40'000; ++i) r["logs"].as_array().push_back(log);
         }},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        const auto receipt = receipt_with(each.change);
        CHECK_FALSE(receipt);
        if (!receipt) CHECK(receipt.error().code == Errc::rpc_failed);
    }
    for (const auto* const nothing : {"[]", "\"0x1\"", "1", "{}", "false"}) {
        CHECK_FALSE(parse_receipt(parsed(nothing), wanted()));
    }
}

TEST_CASE("chain: a receipt may hold as many logs as a block's gas can pay for") {
    const auto receipt = receipt_with([](auto& r) {
        const auto log = r["logs"].as_array()[0];
        while (r["logs"].as_array().size() < 16'384) r["logs"].as_array().push_back(log);
    });
    REQUIRE(receipt);
    CHECK((*receipt)->events.size() == 16'384);
}

TEST_CASE("chain: logs come in the order of the chain, each with its place") {
    json::Array array;
    array.push_back(log_at("0x11", "0x0", '6'));
    array.push_back(log_at("0x10", "0x7"));
    array.push_back(log_at("0x10", "0x3"));
    const auto logs = parse_logs(array, asked());
    REQUIRE(logs);
    REQUIRE(logs->size() == 3);
    CHECK((*logs)[0].block_number == 16);
    CHECK((*logs)[0].index == 3);
    CHECK((*logs)[1].index == 7);
    CHECK((*logs)[2].block_number == 17);
    CHECK(to_hex((*logs)[2].block_hash) == "0x" + std::string(64, '6'));
    CHECK(to_hex((*logs)[0].transaction) == kHash);
    CHECK((*logs)[0].event.data == Bytes{1, 2});
    CHECK(parse_logs(json::Array{}, asked()).value().empty());
    CHECK(logs_with([](auto& l) { l.erase("removed"); }));
    // Whoever asks for no address and no topic gets any.
    const LogFilter any{.from_block = 16, .to_block = 16, .addresses = {}, .topics = {}};
    CHECK(logs_with([](auto& l) { l["topics"] = json::Array{}; }, any));
}

TEST_CASE("chain: what is no log that was asked for") {
    const struct {
        const char* name;
        std::function<void(json::Object&)> change;
    } cases[] = {
        {"taken back", [](auto& l) { l["removed"] = true; }},
        {"taken back, perhaps", [](auto& l) { l["removed"] = 1; }},
        {"another contract's", [](auto& l) { l["address"] = "0x" + std::string(40, '7'); }},
        {"another event's",
         [](auto& l) { l["topics"] = json::Array{"0x" + std::string(64, '7')}; }},
        {"an event's without topics", [](auto& l) { l["topics"] = json::Array{}; }},
        {"before the range", [](auto& l) { l["blockNumber"] = "0x9"; }},
        {"after the range", [](auto& l) { l["blockNumber"] = "0x15"; }},
        {"of a block that is not there yet", [](auto& l) { l["blockNumber"] = nullptr; }},
        {"without a block's hash", [](auto& l) { l["blockHash"] = nullptr; }},
        {"without a transaction", [](auto& l) { l.erase("transactionHash"); }},
        {"without a place", [](auto& l) { l["logIndex"] = nullptr; }},
        {"with a place beyond 64 bits", [](auto& l) { l["logIndex"] = "0x10000000000000000"; }},
        {"without data", [](auto& l) { l.erase("data"); }},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        const auto logs = logs_with(each.change);
        REQUIRE_FALSE(logs);
        CHECK(logs.error().code == Errc::rpc_failed);
    }
    for (const auto* const nothing : {"null", "{}", "\"0x1\"", "1", "[1]", "[null]"}) {
        CHECK_FALSE(parse_logs(parsed(nothing), asked()));
    }
}

TEST_CASE("chain: logs that contradict each other are an error") {
    CHECK_FALSE(parse_logs(json::Array{log_at("0x10", "0x3"), log_at("0x10", "0x3")}, asked()));
    CHECK_FALSE(
        parse_logs(json::Array{log_at("0x10", "0x3"), log_at("0x10", "0x4", '6')}, asked()));
    json::Array many;
    for (std::uint64_t i = 0; i < 32'769; ++i)
        many.push_back(log_at("0x10", U256(i).to_quantity()));
    CHECK_FALSE(parse_logs(many, asked()));
}

TEST_CASE("chain: which errors are reverts, in the words of the nodes") {
    const auto expired = error_string("FiatTokenV2: authorization is expired");
    const auto hex = to_hex(expired);
    const struct {
        const char* node;
        net::RpcError error;
        std::string_view message;
    } reverts[] = {
        {"geth",
         rpc_error(3, "execution reverted: FiatTokenV2: authorization is expired",
                   json::Value(hex)),
         "FiatTokenV2: authorization is expired"},
        {"geth, no reason", rpc_error(-32000, "execution reverted"), "execution reverted"},
        {"geth, empty data", rpc_error(3, "execution reverted", json::Value("0x")),
         "execution reverted"},
        {"anvil",
         rpc_error(3, "execution reverted: FiatTokenV2: authorization is expired",
                   json::Value(hex)),
         "FiatTokenV2: authorization is expired"},
        {"besu", rpc_error(-32000, "Execution reverted", json::Value(hex)),
         "FiatTokenV2: authorization is expired"},
        {"nethermind", rpc_error(-32015, "VM execution error.", json::Value("Reverted " + hex)),
         "FiatTokenV2: authorization is expired"},
        {"nethermind, newer", rpc_error(3, "execution reverted", json::Value(hex)),
         "FiatTokenV2: authorization is expired"},
        {"hardhat",
         rpc_error(-32603,
                   "Error: VM Exception while processing transaction: reverted with reason string",
                   json::Value(json::Object{{"message", "x"}, {"data", hex}})),
         "FiatTokenV2: authorization is expired"},
        {"custom error", rpc_error(3, "execution reverted", json::Value("0x815e1d64")),
         "execution reverted"},
        {"invalid opcode", rpc_error(-32000, "invalid opcode: INVALID"), "invalid opcode: INVALID"},
        {"out of gas", rpc_error(-32000, "out of gas"), "out of gas"},
        {"erigon", rpc_error(-32000, "invalid jump destination"), "invalid jump destination"},
        {"a reason that lies about its length",
         rpc_error(3, "execution reverted",
                   json::Value(to_hex(Bytes(expired.begin(), expired.end() - 40)))),
         "execution reverted"},
    };
    for (const auto& each : reverts) {
        CAPTURE(each.node);
        const auto revert = as_revert(each.error);
        REQUIRE(revert);
        CHECK(revert->message == each.message);
    }
    const net::RpcError others[] = {
        rpc_error(-32005, "daily request count exceeded, request rate limited"),
        rpc_error(429, "Too Many Requests"),
        rpc_error(-32603, "Internal error"),
        rpc_error(-32000, "header not found"),
        rpc_error(-32000, "missing trie node 1a2b (path ) state 0x3c is not available"),
        rpc_error(-32000, "execution aborted (timeout = 5s)"),
        rpc_error(-32000, "gas required exceeds allowance (0)"),
        rpc_error(-32000, "insufficient funds for gas * price + value"),
        rpc_error(-32601, "the method eth_call does not exist/is not available"),
        rpc_error(-32602, "invalid argument 0: hex string has length 38, want 40"),
        rpc_error(0, ""),
    };
    for (const auto& each : others) {
        CAPTURE(each.message);
        CHECK_FALSE(as_revert(each));
    }
}

TEST_CASE("chain: what a contract says in a revert is quoted with care") {
    const auto binary = error_string("no\xff\xfe\n\"");
    const auto revert = as_revert(rpc_error(3, "execution reverted", json::Value(to_hex(binary))));
    REQUIRE(revert);
    CHECK(json::parse(json::to_text(json::Value(revert->message))));
    const auto endless = error_string(std::string(100'000, 'a'));
    const auto longest =
        as_revert(rpc_error(3, "execution reverted", json::Value(to_hex(endless))));
    REQUIRE(longest);
    CHECK(longest->message.size() == 500);
    // Cut in the middle of a character of several bytes.
    const auto split = classify_send_error(rpc_error(-1, std::string(499, 'a') + "é"));
    CHECK(json::parse(json::to_text(json::Value(split.message))));
}

TEST_CASE("chain: how a node took a transaction, in the words of the nodes") {
    const struct {
        std::string_view text;
        Taken taken;
    } cases[] = {
        // It has it.
        {"already known", Taken::accepted},
        {"ALREADY_EXISTS: already known", Taken::accepted},
        {"known transaction: 0x1234", Taken::accepted},
        {"Known transaction", Taken::accepted},
        {"AlreadyKnown", Taken::accepted},
        {"existing tx with same hash", Taken::accepted},
        {"[0x12] already imported", Taken::accepted},
        {"Transaction with the same hash was already imported.", Taken::accepted},
        // Its nonce is spent.
        {"nonce too low", Taken::nonce_used},
        {"nonce too low: next nonce 5, tx nonce 4", Taken::nonce_used},
        {"nonce too low: address 0x12, tx: 4 state: 5", Taken::nonce_used},
        {"INTERNAL_ERROR: nonce too low", Taken::nonce_used},
        {"Transaction nonce is too low. Try incrementing the nonce.", Taken::nonce_used},
        {"OldNonce, Current nonce: 5, nonce of rejected tx: 4", Taken::nonce_used},
        {"Nonce too low", Taken::nonce_used},
        // Another one holds the nonce, or the fee or the nonce does not fit the pool.
        {"replacement transaction underpriced", Taken::underpriced},
        {"transaction underpriced", Taken::underpriced},
        {"transaction underpriced: tip needed 1000000000, tip permitted 1", Taken::underpriced},
        {"INTERNAL_ERROR: could not replace existing tx", Taken::underpriced},
        {"ReplacementNotAllowed", Taken::underpriced},
        {"FeeTooLow, MaxFeePerGas too low", Taken::underpriced},
        {"FeeTooLowToCompete", Taken::underpriced},
        {"fee too low", Taken::underpriced},
        {"Gas price below current base fee", Taken::underpriced},
        {"max fee per gas less than block base fee: address 0x12, maxFeePerGas: 1 baseFee: 2",
         Taken::underpriced},
        {"insufficient gas price to replace existing transaction", Taken::underpriced},
        {"nonce too high", Taken::underpriced},
        {"NonceGap, Future nonce", Taken::underpriced},
        // Nothing to pay the gas with.
        {"insufficient funds for gas * price + value", Taken::no_funds},
        {"insufficient funds for gas * price + value: balance 0, tx cost 1, overshot 1",
         Taken::no_funds},
        {"Insufficient funds for gas * price + value", Taken::no_funds},
        {"InsufficientFunds, Account balance: 0, cumulative cost: 1", Taken::no_funds},
        {"Upfront cost exceeds account balance", Taken::no_funds},
        {"sender doesn't have enough funds to send tx", Taken::no_funds},
        // Certain to stay out.
        {"intrinsic gas too low", Taken::refused},
        {"intrinsic gas too low: have 20000, want 21000", Taken::refused},
        {"Intrinsic gas exceeds gas limit", Taken::refused},
        {"exceeds block gas limit", Taken::refused},
        {"GasLimitExceeded, Gas limit: 30000000", Taken::refused},
        {"invalid sender", Taken::refused},
        {"invalid chain id for signer: have 1 want 84532", Taken::refused},
        {"Wrong chainId", Taken::refused},
        {"transaction type not supported", Taken::refused},
        {"Unknown transaction type", Taken::refused},
        {"NotSupportedTxType", Taken::refused},
        {"max priority fee per gas higher than max fee per gas", Taken::refused},
        {"oversized data: transaction size 200000, limit 131072", Taken::refused},
        {"tx fee (1.50 ether) exceeds the configured cap (1.00 ether)", Taken::refused},
        {"rlp: expected input list for types.DynamicFeeTx", Taken::refused},
        {"Failed to decode signed transaction", Taken::refused},
        {"txpool is full", Taken::busy},
        {"gas uint64 overflow", Taken::refused},
        {"the method eth_sendRawTransaction does not exist/is not available", Taken::refused},
        // These say nothing certain.
        {"Internal error", Taken::unclear},
        {"Internal JSON-RPC error.", Taken::unclear},
        {"request timed out", Taken::unclear},
        {"context deadline exceeded", Taken::unclear},
        {"Too Many Requests", Taken::unclear},
        {"", Taken::unclear},
    };
    for (const auto& each : cases) {
        CAPTURE(each.text);
        const auto result = classify_send_error(rpc_error(-32000, std::string(each.text)));
        CHECK(static_cast<int>(result.taken) == static_cast<int>(each.taken));
        CHECK(result.message.starts_with(each.text));
    }
}

TEST_CASE("chain: some nodes say it in the error's data") {
    const auto taken = [](json::Value data) {
        return classify_send_error(rpc_error(-32603, "Internal JSON-RPC error.", std::move(data)))
            .taken;
    };
    CHECK(taken(json::Value("nonce too low")) == Taken::nonce_used);
    CHECK(taken(json::Value(json::Object{{"message", "already known"}})) == Taken::accepted);
    CHECK(taken(json::Value(json::Object{{"code", -32000}})) == Taken::unclear);
    CHECK(taken(json::Value(json::Array{"nonce too low"})) == Taken::unclear);
}

}  // namespace farthing::chain
