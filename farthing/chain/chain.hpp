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
    bool success = false;
    std::uint64_t gas_used = 0;
    std::vector<Event> events;
};

struct Head {
    std::uint64_t number = 0;
    std::uint64_t timestamp = 0;
    U256 base_fee;  ///< wei per gas
};

/// Wei per gas for the next transaction.
struct Fees {
    U256 max_fee;
    U256 priority_fee;
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
    virtual Task<Result<Head>> head() = 0;
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
};

}  // namespace farthing::chain
