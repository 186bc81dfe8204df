// SPDX-License-Identifier: Apache-2.0
// A node's JSON answers, parsed into types. Nothing a node says is believed unchecked.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <tuple>

#include "farthing/base/ascii.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/chain/evm_chain.hpp"
#include "farthing/evm/abi.hpp"

namespace farthing::chain {
namespace {

/// A block of 30 million gas pays for no more: the cheapest event costs 375 and its call the rest.
constexpr std::size_t kEventsMax = 32'768;
constexpr std::size_t kTopicsMax = 4;
/// How much of a node's or a contract's own words is kept. Source: protocol.md 8.3.
constexpr std::size_t kMessageMax = 500;

std::unexpected<Error> wrong(std::string_view what) {
    return fail(Errc::rpc_failed, fmt::format("the node's answer has no valid {}", what));
}

const json::Value* member(const json::Value& object, std::string_view name) {
    const auto* members = object.if_object();
    return members == nullptr ? nullptr : members->if_contains(name);
}

template <class T>
Result<T> member_as(const json::Value& object, std::string_view name) {
    const auto* value = member(object, name);
    if (value == nullptr) return wrong(name);
    auto decoded = json::decode<T>(*value);
    if (!decoded) return wrong(name);
    return decoded;
}

Result<std::uint64_t> member_number(const json::Value& object, std::string_view name) {
    const auto* value = member(object, name);
    if (value == nullptr) return wrong(name);
    FARTHING_TRY(const auto number, parse_quantity(*value, name));
    const auto small = number.to_u64();
    if (!small) return wrong(name);
    return *small;
}

/// Event data may be longer than other byte strings.
Result<Bytes> event_data(const json::Value& event) {
    const auto* value = member(event, "data");
    if (value == nullptr || !value->is_string() || value->get_string().size() > (1 << 20))
        return wrong("data");
    auto data = from_hex(value->get_string());
    if (!data) return wrong("data");
    return data;
}

/// A log that a reorganisation took back is no answer to what is in the chain.
Result<> check_not_removed(const json::Value& log) {
    const auto* removed = member(log, "removed");
    const bool fine = removed == nullptr || (removed->is_bool() && !removed->get_bool());
    if (!fine) return wrong("removed");
    return {};
}

Result<Event> parse_event(const json::Value& value) {
    FARTHING_CHECK(check_not_removed(value));
    Event event;
    FARTHING_TRY(event.address, member_as<Address>(value, "address"));
    FARTHING_TRY(event.topics, member_as<std::vector<Bytes32>>(value, "topics"));
    if (event.topics.size() > kTopicsMax) return wrong("topics");
    FARTHING_TRY(event.data, event_data(value));
    return event;
}

template <class T>
bool is_any_of(const std::vector<T>& wanted, const T& value) {
    return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

Result<Log> parse_log(const json::Value& value, const LogFilter& asked) {
    Log log;
    FARTHING_TRY(log.event, parse_event(value));
    FARTHING_TRY(log.block_number, member_number(value, "blockNumber"));
    FARTHING_TRY(log.block_hash, member_as<Bytes32>(value, "blockHash"));
    FARTHING_TRY(log.transaction, member_as<Bytes32>(value, "transactionHash"));
    FARTHING_TRY(log.index, member_number(value, "logIndex"));
    if (log.block_number < asked.from_block || log.block_number > asked.to_block) {
        return wrong("blockNumber: not in the range that was asked for");
    }
    if (!is_any_of(asked.addresses, log.event.address)) {
        return wrong("address: not one that was asked for");
    }
    if (!has_topics(asked, log.event)) return wrong("topics: not what was asked for");
    return log;
}

/// What nodes say of a transaction, in lower case. Geth's words first, then erigon's, nethermind's,
/// besu's, anvil's. The first list with a hit wins: what is certain to have been taken, or to have
/// been spent, must never be read as refused.
using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 6> kHasIt{
    "already known", "already imported",  "existing tx with same hash",
    "alreadyknown",  "known transaction", "transaction already exists"};
constexpr std::array<std::string_view, 4> kNonceSpent{"nonce too low", "nonce is too low",
                                                      "oldnonce", "nonce_too_low"};
/// Another transaction holds the nonce, the fee is too low for the pool, or there is a gap before
/// the nonce: read both again.
constexpr std::array<std::string_view, 13> kReadAgain{"underpriced",
                                                      "max fee per gas less than block base fee",
                                                      "could not replace existing tx",
                                                      "replacementnotallowed",
                                                      "replacement not allowed",
                                                      "insufficient gas price to replace",
                                                      "feetoolow",
                                                      "fee too low",
                                                      "gas price below",
                                                      "gas price too low",
                                                      "nonce too high",
                                                      "noncegap",
                                                      "nonce gap"};
constexpr std::array<std::string_view, 4> kNoFunds{"insufficient funds", "insufficientfunds",
                                                   "upfront cost exceeds account balance",
                                                   "doesn't have enough funds"};
/// The pool has no room, for anybody or for this sender.
constexpr std::array<std::string_view, 4> kBusy{
    "pool is full", "txpoolisfull", "account limit exceeded", "in-flight transaction limit"};
/// Refused before it reached the pool.
constexpr std::array<std::string_view, 24> kRefused{"intrinsic gas",
                                                    "exceeds block gas limit",
                                                    "gaslimitexceeded",
                                                    "gas limit is too high",
                                                    "gas uint64 overflow",
                                                    "invalid sender",
                                                    "sender not an eoa",
                                                    "invalid chain id",
                                                    "wrong chainid",
                                                    "only replay-protected",
                                                    "transaction type not supported",
                                                    "unknown transaction type",
                                                    "notsupportedtxtype",
                                                    "higher than max fee per gas",
                                                    "oversized data",
                                                    "maxtxsizeexceeded",
                                                    "max initcode size exceeded",
                                                    "exceeds the configured cap",
                                                    "invalid transaction v, r, s",
                                                    "invalid signature",
                                                    "nonce has max value",
                                                    "rlp: ",
                                                    "failed to decode signed transaction",
                                                    "does not exist/is not available"};

bool mentions(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

bool mentions_any(std::string_view text, Words words) {
    return std::ranges::any_of(words, [&](auto each) { return mentions(text, each); });
}

std::string lower(std::string_view text) { return to_lower(text.substr(0, 2000)); }

/// Nodes put more under `data`: text, or an object with `message` and `data`.
std::string_view text_in(const json::Value& data, std::string_view name) {
    const auto* inner = data.is_object() ? member(data, name) : &data;
    const auto* text = inner == nullptr ? nullptr : inner->if_string();
    return text == nullptr ? std::string_view{} : std::string_view(*text);
}

/// Revert data: `0x…`, with nethermind `Reverted 0x…`.
Bytes revert_data(const json::Value& data) {
    auto text = text_in(data, "data");
    constexpr std::string_view kPrefix = "Reverted ";
    if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
    auto bytes = from_hex(text);
    return bytes ? *std::move(bytes) : Bytes{};
}

/// The text of `Error(string)`, when the revert data is one.
std::string reason_of(const Bytes& data) {
    constexpr std::array<std::uint8_t, 4> kErrorString{0x08, 0xc3, 0x79, 0xa0};
    if (data.size() < 4 || !std::equal(kErrorString.begin(), kErrorString.end(), data.begin()))
        return {};
    const auto text = abi::Reader(ByteView(data).subspan(4)).text(0);
    return text ? printable(*text, kMessageMax) : std::string{};
}

}  // namespace

Result<U256> parse_quantity(const json::Value& value, std::string_view what) {
    const auto* text = value.if_string();
    if (text == nullptr) return wrong(what);
    auto number = u256_from_quantity(*text);
    if (!number) return wrong(what);
    return number;
}

Result<Head> parse_head(const json::Value& block) {
    Head head;
    FARTHING_TRY(head.number, member_number(block, "number"));
    FARTHING_TRY(head.hash, member_as<Bytes32>(block, "hash"));
    FARTHING_TRY(head.parent_hash, member_as<Bytes32>(block, "parentHash"));
    FARTHING_TRY(head.timestamp, member_number(block, "timestamp"));
    const auto* base_fee = member(block, "baseFeePerGas");
    if (base_fee == nullptr)
        return fail(Errc::rpc_failed, "the chain has no base fee: EIP-1559 is required");
    FARTHING_TRY(head.base_fee, parse_quantity(*base_fee, "baseFeePerGas"));
    return head;
}

Result<std::optional<Receipt>> parse_receipt(const json::Value& value, const Bytes32& wanted) {
    if (value.is_null()) return std::optional<Receipt>{};
    Receipt receipt;
    FARTHING_TRY(receipt.hash, member_as<Bytes32>(value, "transactionHash"));
    if (receipt.hash != wanted) return wrong("transactionHash");
    // Some nodes answer for what still waits in their pool.
    const auto* block = member(value, "blockNumber");
    if (block != nullptr && block->is_null()) return std::optional<Receipt>{};
    FARTHING_TRY(receipt.block_number, member_number(value, "blockNumber"));
    FARTHING_TRY(receipt.block_hash, member_as<Bytes32>(value, "blockHash"));
    FARTHING_TRY(const auto status, member_number(value, "status"));
    if (status > 1) return wrong("status");
    receipt.success = status == 1;
    FARTHING_TRY(receipt.gas_used, member_number(value, "gasUsed"));
    const auto* logs = member(value, "logs");
    if (logs == nullptr || !logs->is_array() || logs->get_array().size() > kEventsMax)
        return wrong("logs");
    for (const auto& each : logs->get_array()) {
        FARTHING_TRY(auto event, parse_event(each));
        receipt.events.push_back(std::move(event));
    }
    return std::optional<Receipt>(std::move(receipt));
}

bool has_topics(const LogFilter& filter, const Event& event) {
    for (std::size_t i = 0; i < filter.topics.size(); ++i) {
        const auto& wanted = filter.topics[i];
        if (wanted.empty()) continue;
        if (i >= event.topics.size() || !is_any_of(wanted, event.topics[i])) return false;
    }
    return true;
}

Result<std::vector<Log>> parse_logs(const json::Value& value, const LogFilter& asked) {
    const auto* array = value.if_array();
    if (array == nullptr || array->size() > kEventsMax) return wrong("list of logs");
    std::vector<Log> logs;
    logs.reserve(array->size());
    for (const auto& each : *array) {
        FARTHING_TRY(auto log, parse_log(each, asked));
        logs.push_back(std::move(log));
    }
    std::ranges::sort(logs, {},
                      [](const Log& log) { return std::tie(log.block_number, log.index); });
    for (std::size_t i = 1; i < logs.size(); ++i) {
        const auto& before = logs[i - 1];
        if (before.block_number != logs[i].block_number) continue;
        if (before.index == logs[i].index) return wrong("logIndex: there twice");
        if (before.block_hash != logs[i].block_hash) return wrong("blockHash: one block has two");
    }
    return logs;
}

std::optional<Revert> as_revert(const net::RpcError& error) {
    Revert revert{.data = revert_data(error.data), .message = {}};
    const auto message = lower(error.message);
    const bool reverted = error.code == 3 || !revert.data.empty() || mentions(message, "revert") ||
                          mentions(message, "invalid opcode") || mentions(message, "out of gas") ||
                          mentions(message, "stack underflow") || mentions(message, "invalid jump");
    if (!reverted) return std::nullopt;
    revert.message = reason_of(revert.data);
    if (revert.message.empty()) revert.message = printable(error.message, kMessageMax);
    return revert;
}

SendResult classify_send_error(const net::RpcError& error) {
    const auto text = lower(error.message) + " " + lower(text_in(error.data, "message"));
    SendResult result{Taken::unclear, printable(error.message, kMessageMax)};
    if (mentions_any(text, kHasIt) && !mentions(text, "unknown transaction")) {
        result.taken = Taken::accepted;
    } else if (mentions_any(text, kNonceSpent)) {
        result.taken = Taken::nonce_used;
    } else if (mentions_any(text, kReadAgain)) {
        result.taken = Taken::underpriced;
    } else if (mentions_any(text, kBusy)) {
        result.taken = Taken::busy;
    } else if (mentions_any(text, kNoFunds)) {
        result.taken = Taken::no_funds;
    } else if (mentions_any(text, kRefused)) {
        result.taken = Taken::refused;
    }
    return result;
}

}  // namespace farthing::chain
