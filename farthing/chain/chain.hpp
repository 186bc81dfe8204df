// SPDX-License-Identifier: Apache-2.0
// Chain: what we ask of an EVM chain, behind one interface. EvmChain asks a node over JSON-RPC.
#pragma once

#include <expected>
#include <optional>
#include <vector>

#include "farthing/evm/eip3009.hpp"
#include "farthing/evm/network.hpp"
#include "farthing/io/task.hpp"

namespace farthing::chain {

/// A call that the EVM ended with a revert: an answer, not a failure to get one.
struct Revert {
    Bytes data;
    std::string message;
};
using CallResult = std::expected<Bytes, Revert>;

struct Event {
    Address address;
    std::vector<Bytes32> topics;
    Bytes data;
};

/// A mined transaction.
struct Receipt {
    Bytes32 hash;
    std::uint64_t block_number = 0;
    Bytes32 block_hash;  ///< another one later: the chain was reorganised
    bool success = false;
    std::uint64_t gas_used = 0;
    std::vector<Event> events;
};

struct Head {
    std::uint64_t number = 0;
    Bytes32 hash;
    Bytes32 parent_hash;
    std::uint64_t timestamp = 0;
    U256 base_fee;  ///< wei per gas
};

/// Which head of the chain. Not every node knows the last two: it answers an error then.
enum class HeadAt : std::uint8_t {
    latest,
    safe,       ///< not reorganised but by an attack
    finalized,  ///< never reorganised
};

/// Events of a range of blocks, both ends included.
struct LogFilter {
    std::uint64_t from_block = 0;
    std::uint64_t to_block = 0;      ///< no later than the node's head, or it is an error
    std::vector<Address> addresses;  ///< of any of these; empty: of all
    /// For each position, any of these; empty: any. Positions beyond it are not looked at.
    std::vector<std::vector<Bytes32>> topics;
};

/// Whether the event has the topics that are asked for.
[[nodiscard]] bool has_topics(const LogFilter& filter, const Event& event);

/// An event where it stands in the chain.
struct Log {
    std::uint64_t block_number = 0;
    Bytes32 block_hash;
    Bytes32 transaction;
    std::uint64_t index = 0;  ///< within the block
    Event event;
};

/// Wei per gas for the next transaction.
struct Fees {
    U256 max_fee;
    U256 priority_fee;
    U256 base_fee;  ///< of the newest block: what a ceiling and a bump are reckoned from
};

/// How the node took a transaction.
enum class Taken : std::uint8_t {
    accepted,     ///< in its pool, or it knew the transaction already
    nonce_used,   ///< "nonce too low": that nonce is spent, perhaps by this very transaction
    underpriced,  ///< another transaction holds the nonce, or the fee is too low
    no_funds,     ///< the sender cannot pay the gas
    refused,      ///< for a reason that is certain to keep it out of the pool
    busy,         ///< it has no room for it now: the same later
    unclear,      ///< an error that says nothing certain: ask for the nonce
};
struct SendResult {
    Taken taken = Taken::accepted;
    std::string message;
};

/// One read of a batch.
struct Read {
    enum class What : std::uint8_t { code, call } what = What::call;
    Call call;     ///< for code, only `to`
    Address from;  ///< msg.sender of the call
    static Read code_of(const Address& address) { return {What::code, {address, {}}, {}}; }
    static Read of(Call call, const Address& from = {}) {
        return {What::call, std::move(call), from};
    }
};

/// Reads and writes of one chain. One executor. Every function ends within the chain's timeout.
/// Errors of all: rpc_failed, timed_out, connection_failed (kind unavailable).
class Chain {
  public:
    virtual ~Chain() = default;
    [[nodiscard]] virtual const Network& network() const = 0;
    virtual Task<Result<std::uint64_t>> chain_id() = 0;
    virtual Task<Result<Head>> head(HeadAt at) = 0;
    Task<Result<Head>> head() { return head(HeadAt::latest); }
    /// The blocks of these numbers. Nothing for each that is not there yet.
    virtual Task<Result<std::vector<std::optional<Head>>>> blocks(
        std::vector<std::uint64_t> numbers) = 0;
    virtual Task<Result<Fees>> fees() = 0;
    virtual Task<Result<U256>> balance(Address account) = 0;  ///< wei
    /// The next nonce, counting what waits in the pool.
    virtual Task<Result<std::uint64_t>> pending_nonce(Address account) = 0;
    virtual Task<Result<std::uint64_t>> mined_nonce(Address account) = 0;
    /// All in one exchange, against the latest block. A code read answers the code itself.
    virtual Task<Result<std::vector<CallResult>>> read(std::vector<Read> reads) = 0;
    /// Gas the call would use now, or its revert.
    virtual Task<Result<std::expected<std::uint64_t, Revert>>> estimate_gas(Call call,
                                                                            Address from) = 0;
    /// Errors mean that the node may or may not have it.
    virtual Task<Result<SendResult>> send(Bytes raw) = 0;
    /// Nothing for each that is not mined.
    virtual Task<Result<std::vector<std::optional<Receipt>>>> receipts(
        std::vector<Bytes32> hashes) = 0;
    /// In the order of the chain, each once. An empty range has none.
    virtual Task<Result<std::vector<Log>>> logs(LogFilter filter) = 0;
};

}  // namespace farthing::chain
