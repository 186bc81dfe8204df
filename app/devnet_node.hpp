// SPDX-License-Identifier: Apache-2.0
// A development node with unlocked accounts: what it is asked, and what is sent in their name.
#pragma once

#include "app/world.hpp"
#include "farthing/evm/eip3009.hpp"
#include "farthing/evm/u256.hpp"
#include "farthing/net/json_rpc.hpp"

namespace farthing::app {

class DevnetNode {
  public:
    DevnetNode(Clock& clock, net::Client& client, net::Url rpc)
        : clock_(clock), rpc_(client, std::move(rpc), std::chrono::seconds(10)) {}

    /// Errors: rpc_error with what the node says; the connection's.
    Task<Result<json::Value>> ask(std::string method, json::Array params);
    /// As one of the node's own accounts, and mined before it returns.
    Task<Result<>> send(Address from, Address to, Bytes data);
    /// Atomic units, made by the owner of the development token.
    Task<Result<>> mint(Address token, Address to, U256 amount);
    /// `eth_call` at the newest block.
    Task<Result<json::Value>> read(Call call);
    /// Errors besides: rpc_failed when there is no such token.
    Task<Result<U256>> balance(Address token, Address owner);

  private:
    Clock& clock_;
    net::JsonRpc rpc_;
};

}  // namespace farthing::app
