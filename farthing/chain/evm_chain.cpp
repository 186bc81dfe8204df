// SPDX-License-Identifier: Apache-2.0
#include "farthing/chain/evm_chain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/hex.hpp"
#include "farthing/base/printable.hpp"

namespace farthing::chain {
namespace {

constexpr std::size_t kCodeBytesMax = 1 << 20;

json::Object call_object(const Call& call, const Address& from) {
    json::Object object{{"to", call.to.to_lower()}, {"data", to_hex(call.data)}};
    if (!from.is_zero()) object.emplace("from", from.to_lower());
    return object;
}

json::Array head_params(HeadAt at) {
    json::Array params;
    switch (at) {
        case HeadAt::latest:
            params.emplace_back("latest");
            break;
        case HeadAt::safe:
            params.emplace_back("safe");
            break;
        case HeadAt::finalized:
            params.emplace_back("finalized");
            break;
    }
    params.emplace_back(false);
    return params;
}

json::Object logs_filter(const LogFilter& filter) {
    json::Object object{{"fromBlock", U256(filter.from_block).to_quantity()},
                        {"toBlock", U256(filter.to_block).to_quantity()}};
    if (!filter.addresses.empty()) {
        json::Array addresses;
        for (const auto& each : filter.addresses) addresses.emplace_back(each.to_lower());
        object.emplace("address", std::move(addresses));
    }
    if (!filter.topics.empty()) {
        json::Array topics;
        for (const auto& position : filter.topics) {
            json::Array any_of;
            for (const auto& each : position) any_of.emplace_back(to_hex(each));
            topics.push_back(any_of.empty() ? json::Value() : json::Value(std::move(any_of)));
        }
        object.emplace("topics", std::move(topics));
    }
    return object;
}

std::unexpected<Error> node_error(std::string_view method, const net::RpcError& error) {
    // What a provider says when it is asked too often is no answer of the chain.
    const bool too_often = error.code == -32005 || error.code == 429;
    return fail(too_often ? Errc::rpc_failed : Errc::rpc_error,
                fmt::format("{}: {} ({})", method, printable(error.message, 300), error.code));
}

Result<Bytes> bytes_of(const json::Value& value) {
    const auto* text = value.if_string();
    if (text == nullptr || text->size() > 2 * kCodeBytesMax) {
        return fail(Errc::rpc_failed, "the node's answer is not hex bytes");
    }
    auto bytes = from_hex(*text);
    if (!bytes) return fail(Errc::rpc_failed, "the node's answer is not hex bytes");
    return bytes;
}

Result<CallResult> call_result(const net::RpcAnswer& answer, Read::What what) {
    if (!answer) {
        // Code does not revert: an account whose code is not known must never pass for one without.
        const bool is_code = what == Read::What::code;
        auto revert = is_code ? std::nullopt : as_revert(answer.error());
        if (revert) return CallResult(std::unexpected(std::move(*revert)));
        return node_error(is_code ? "eth_getCode" : "eth_call", answer.error());
    }
    FARTHING_TRY(auto bytes, bytes_of(*answer));
    return CallResult(std::move(bytes));
}

}  // namespace

EvmChain::EvmChain(Network network, net::Client& client, net::Url endpoint,
                   std::chrono::milliseconds timeout)
    : network_(std::move(network)), rpc_(client, std::move(endpoint), timeout) {}

Task<Result<json::Value>> EvmChain::ask(std::string method, json::Array params) {
    net::RpcCall call{method, std::move(params)};
    auto answer = co_await rpc_.call(std::move(call));
    if (!answer) co_return fail(std::move(answer).error());
    if (!*answer) co_return node_error(method, answer->error());
    co_return **std::move(answer);
}

Task<Result<std::uint64_t>> EvmChain::ask_number(std::string method, json::Array params) {
    auto value = co_await ask(method, std::move(params));
    if (!value) co_return fail(std::move(value).error());
    FARTHING_CO_TRY(const auto number, parse_quantity(*value, method));
    const auto small = number.to_u64();
    if (!small) co_return fail(Errc::rpc_failed, method + ": answer out of range");
    co_return *small;
}

Task<Result<std::uint64_t>> EvmChain::chain_id() {
    json::Array none;
    auto id = co_await ask_number("eth_chainId", std::move(none));
    co_return id;
}

Task<Result<Head>> EvmChain::head(HeadAt at) {
    auto params = head_params(at);
    auto block = co_await ask("eth_getBlockByNumber", std::move(params));
    if (!block) co_return fail(std::move(block).error());
    co_return parse_head(*block);
}

Task<Result<std::vector<std::optional<Head>>>> EvmChain::blocks(
    std::vector<std::uint64_t> numbers) {
    std::vector<net::RpcCall> calls;
    for (const auto number : numbers) {
        json::Array params;
        params.emplace_back(U256(number).to_quantity());
        params.emplace_back(false);
        calls.push_back({"eth_getBlockByNumber", std::move(params)});
    }
    auto answers = co_await rpc_.batch(std::move(calls));
    if (!answers) co_return fail(std::move(answers).error());
    std::vector<std::optional<Head>> out(numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto& answer = (*answers)[i];
        if (!answer) co_return node_error("eth_getBlockByNumber", answer.error());
        if (answer->is_null()) continue;
        FARTHING_CO_TRY(out[i], parse_head(*answer));
        if (out[i]->number != numbers[i]) {
            co_return fail(Errc::rpc_failed, "eth_getBlockByNumber: answered with another block");
        }
    }
    co_return out;
}

Task<Result<Fees>> EvmChain::fees() {
    std::vector<net::RpcCall> calls;
    calls.push_back({"eth_getBlockByNumber", head_params(HeadAt::latest)});
    calls.push_back({"eth_maxPriorityFeePerGas", json::Array{}});
    auto answers = co_await rpc_.batch(std::move(calls));
    if (!answers) co_return fail(std::move(answers).error());
    const auto& block = answers->front();
    const auto& tip = answers->back();
    if (!block) co_return node_error("eth_getBlockByNumber", block.error());
    if (!tip) co_return node_error("eth_maxPriorityFeePerGas", tip.error());
    FARTHING_CO_TRY(const auto latest, parse_head(*block));
    FARTHING_CO_TRY(const auto priority, parse_quantity(*tip, "eth_maxPriorityFeePerGas"));
    // Twice the base fee holds for at least five full blocks in a row (EIP-1559: at most +12.5 % a
    // block).
    const auto doubled = latest.base_fee.checked_mul(U256(2));
    const auto max_fee = doubled ? doubled->checked_add(priority) : std::nullopt;
    if (!max_fee) co_return fail(Errc::rpc_failed, "the node's fees are out of range");
    co_return Fees{*max_fee, priority, latest.base_fee};
}

Task<Result<U256>> EvmChain::balance(Address account) {
    json::Array params;
    params.emplace_back(account.to_lower());
    params.emplace_back("latest");
    auto value = co_await ask("eth_getBalance", std::move(params));
    if (!value) co_return fail(std::move(value).error());
    co_return parse_quantity(*value, "eth_getBalance");
}

Task<Result<std::uint64_t>> EvmChain::pending_nonce(Address account) {
    json::Array params;
    params.emplace_back(account.to_lower());
    params.emplace_back("pending");
    auto nonce = co_await ask_number("eth_getTransactionCount", std::move(params));
    co_return nonce;
}

Task<Result<std::uint64_t>> EvmChain::mined_nonce(Address account) {
    json::Array params;
    params.emplace_back(account.to_lower());
    params.emplace_back("latest");
    auto nonce = co_await ask_number("eth_getTransactionCount", std::move(params));
    co_return nonce;
}

Task<Result<std::vector<CallResult>>> EvmChain::read(std::vector<Read> reads) {
    std::vector<net::RpcCall> calls;
    for (const auto& each : reads) {
        json::Array params;
        if (each.what == Read::What::code) {
            params.emplace_back(each.call.to.to_lower());
        } else {
            params.emplace_back(call_object(each.call, each.from));
        }
        params.emplace_back("latest");
        calls.push_back(
            {each.what == Read::What::code ? "eth_getCode" : "eth_call", std::move(params)});
    }
    auto answers = co_await rpc_.batch(std::move(calls));
    if (!answers) co_return fail(std::move(answers).error());
    std::vector<CallResult> results;
    for (std::size_t i = 0; i < reads.size(); ++i) {
        FARTHING_CO_TRY(auto result, call_result((*answers)[i], reads[i].what));
        results.push_back(std::move(result));
    }
    co_return results;
}

Task<Result<std::expected<std::uint64_t, Revert>>> EvmChain::estimate_gas(Call call, Address from) {
    using Estimate = std::expected<std::uint64_t, Revert>;
    json::Array params;
    params.emplace_back(call_object(call, from));
    net::RpcCall request{"eth_estimateGas", std::move(params)};
    auto answer = co_await rpc_.call(std::move(request));
    if (!answer) co_return fail(std::move(answer).error());
    if (!*answer) {
        if (auto revert = as_revert(answer->error())) {
            co_return Estimate(std::unexpected(std::move(*revert)));
        }
        co_return node_error("eth_estimateGas", answer->error());
    }
    FARTHING_CO_TRY(const auto gas, parse_quantity(**answer, "eth_estimateGas"));
    const auto small = gas.to_u64();
    if (!small) co_return fail(Errc::rpc_failed, "eth_estimateGas: answer out of range");
    co_return Estimate(*small);
}

Task<Result<SendResult>> EvmChain::send(Bytes raw) {
    json::Array params;
    params.emplace_back(to_hex(raw));
    net::RpcCall request{"eth_sendRawTransaction", std::move(params)};
    auto answer = co_await rpc_.call(std::move(request));
    if (!answer) co_return fail(std::move(answer).error());
    if (!*answer) co_return classify_send_error(answer->error());
    co_return SendResult{};
}

Task<Result<std::vector<std::optional<Receipt>>>> EvmChain::receipts(std::vector<Bytes32> hashes) {
    std::vector<net::RpcCall> calls;
    for (const auto& hash : hashes) {
        json::Array params;
        params.emplace_back(to_hex(hash));
        calls.push_back({"eth_getTransactionReceipt", std::move(params)});
    }
    auto answers = co_await rpc_.batch(std::move(calls));
    if (!answers) co_return fail(std::move(answers).error());
    std::vector<std::optional<Receipt>> out;
    for (std::size_t i = 0; i < hashes.size(); ++i) {
        const auto& answer = (*answers)[i];
        if (!answer) co_return node_error("eth_getTransactionReceipt", answer.error());
        FARTHING_CO_TRY(auto receipt, parse_receipt(*answer, hashes[i]));
        out.push_back(std::move(receipt));
    }
    co_return out;
}

/// The node's own head comes along: one that is behind answers with the logs that it has, as if
/// there were no more.
Task<Result<std::vector<Log>>> EvmChain::logs(LogFilter filter) {
    std::vector<Log> none;
    if (filter.from_block > filter.to_block) co_return none;
    std::vector<net::RpcCall> calls;
    calls.push_back({"eth_blockNumber", json::Array{}});
    json::Array params;
    params.emplace_back(logs_filter(filter));
    calls.push_back({"eth_getLogs", std::move(params)});
    auto answers = co_await rpc_.batch(std::move(calls));
    if (!answers) co_return fail(std::move(answers).error());
    const auto& number = answers->front();
    const auto& found = answers->back();
    if (!number) co_return node_error("eth_blockNumber", number.error());
    if (!found) co_return node_error("eth_getLogs", found.error());
    FARTHING_CO_TRY(const auto head, parse_quantity(*number, "eth_blockNumber"));
    if (head < U256(filter.to_block)) {
        co_return fail(Errc::rpc_failed, "eth_getLogs: the node does not have the last block yet");
    }
    co_return parse_logs(*found, filter);
}

}  // namespace farthing::chain
