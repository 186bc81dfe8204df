// SPDX-License-Identifier: Apache-2.0
#include "app/devnet_node.hpp"

#include "app/devnet_accounts.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/evm/abi.hpp"

namespace farthing::app {
namespace {

constexpr std::chrono::seconds kMined{30};

}  // namespace

Task<Result<json::Value>> DevnetNode::ask(std::string method, json::Array params) {
    net::RpcCall call{method, std::move(params)};
    auto answer = co_await rpc_.call(std::move(call));
    if (!answer) co_return fail(std::move(answer).error());
    if (!*answer) co_return fail(Errc::rpc_error, method + ": " + answer->error().message);
    co_return **std::move(answer);
}

Task<Result<>> DevnetNode::send(Address from, Address to, Bytes data) {
    json::Object transaction{
        {"from", from.to_lower()}, {"to", to.to_lower()}, {"data", to_hex(data)}};
    json::Array params;
    params.emplace_back(std::move(transaction));
    auto hash = co_await ask("eth_sendTransaction", std::move(params));
    if (!hash) co_return fail(std::move(hash).error());
    const auto deadline = clock_.steady_now() + kMined;
    while (clock_.steady_now() < deadline) {
        json::Array which;
        which.push_back(*hash);
        auto receipt = co_await ask("eth_getTransactionReceipt", std::move(which));
        if (!receipt) co_return fail(std::move(receipt).error());
        if (const auto* found = receipt->if_object()) {
            const auto* status = found->if_contains("status");
            if (status != nullptr && *status == "0x1") co_return Result<>{};
            co_return fail(Errc::rpc_failed, "a transaction of the development chain reverted");
        }
        co_await clock_.sleep(std::chrono::milliseconds(20));
    }
    co_return fail(Errc::timed_out,
                   "a transaction of the development chain was not mined within 30 s");
}

Task<Result<>> DevnetNode::mint(Address token, Address to, U256 amount) {
    const auto owner = parse_address(devnet::kAccounts.back().address).value_or(Address{});
    auto data = abi::call("mint(address,uint256)", {to, amount});
    co_return co_await send(owner, token, std::move(data));
}

Task<Result<json::Value>> DevnetNode::read(Call call) {
    json::Object object{{"to", call.to.to_lower()}, {"data", to_hex(call.data)}};
    json::Array params;
    params.emplace_back(std::move(object));
    params.emplace_back("latest");
    co_return co_await ask("eth_call", std::move(params));
}

Task<Result<U256>> DevnetNode::balance(Address token, Address owner) {
    auto question = erc20::balance_of(token, owner);
    const auto answer = co_await read(std::move(question));
    if (!answer) co_return fail(answer.error());
    const auto* text = answer->if_string();
    const auto word = bytes32_from_hex(text != nullptr ? std::string_view(*text) : "");
    if (!word) {
        co_return fail(Errc::rpc_failed, "there is no token at " + token.to_checksum());
    }
    co_return U256::from_bytes(*word);
}

}  // namespace farthing::app
