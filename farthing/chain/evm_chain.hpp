// SPDX-License-Identifier: Apache-2.0
// EvmChain: a Chain asked over JSON-RPC.
#pragma once

#include "farthing/chain/chain.hpp"
#include "farthing/net/json_rpc.hpp"

namespace farthing::chain {

class EvmChain final : public Chain {
  public:
    EvmChain(Network network, net::Client& client, net::Url endpoint,
             std::chrono::milliseconds timeout);

    [[nodiscard]] const Network& network() const override { return network_; }
    Task<Result<std::uint64_t>> chain_id() override;
    using Chain::head;
    Task<Result<Head>> head(HeadAt at) override;
    Task<Result<std::vector<std::optional<Head>>>> blocks(
        std::vector<std::uint64_t> numbers) override;
    Task<Result<Fees>> fees() override;
    Task<Result<U256>> balance(Address account) override;
    Task<Result<std::uint64_t>> pending_nonce(Address account) override;
    Task<Result<std::uint64_t>> mined_nonce(Address account) override;
    Task<Result<std::vector<CallResult>>> read(std::vector<Read> reads) override;
    Task<Result<std::expected<std::uint64_t, Revert>>> estimate_gas(Call call,
                                                                    Address from) override;
    Task<Result<SendResult>> send(Bytes raw) override;
    Task<Result<std::vector<std::optional<Receipt>>>> receipts(
        std::vector<Bytes32> hashes) override;
    Task<Result<std::vector<Log>>> logs(LogFilter filter) override;

    /// How long the node asked to be left alone (Retry-After), once; zero: it did not.
    std::chrono::milliseconds take_retry_after() { return rpc_.take_retry_after(); }

  private:
    Task<Result<json::Value>> ask(std::string method, json::Array params);
    Task<Result<std::uint64_t>> ask_number(std::string method, json::Array params);

    Network network_;
    net::JsonRpc rpc_;
};

/// The pure part: JSON answers to types, every member checked. Errors: rpc_failed with the member's
/// name.
[[nodiscard]] Result<U256> parse_quantity(const json::Value& value, std::string_view what);
[[nodiscard]] Result<Head> parse_head(const json::Value& block);
[[nodiscard]] Result<std::optional<Receipt>> parse_receipt(const json::Value& receipt,
                                                           const Bytes32& wanted);
/// Every log was asked for, and is in the order of the chain; one twice, one of a block that was
/// reorganised away, two hashes of one block: an error.
[[nodiscard]] Result<std::vector<Log>> parse_logs(const json::Value& logs, const LogFilter& asked);
/// An RPC error as a revert, when it is one.
[[nodiscard]] std::optional<Revert> as_revert(const net::RpcError& error);
[[nodiscard]] SendResult classify_send_error(const net::RpcError& error);

}  // namespace farthing::chain
