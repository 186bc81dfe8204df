// SPDX-License-Identifier: Apache-2.0
#include "farthing/testing/chain/fake_node.hpp"

#include "farthing/base/hex.hpp"

namespace farthing::testing {
namespace {

json::Object result(json::Value value) { return {{"result", std::move(value)}}; }

json::Object error(std::int64_t code, std::string_view message, json::Value data = nullptr) {
    json::Object object{{"code", code}, {"message", message}};
    if (!data.is_null()) object.emplace("data", std::move(data));
    return {{"error", std::move(object)}};
}

/// As geth says it.
json::Object revert(const chain::Revert& revert) {
    return error(3, "execution reverted: " + revert.message, json::Value(to_hex(revert.data)));
}

std::string text_at(const json::Array& params, std::size_t index) {
    return std::string(params.at(index).as_string());
}

Address address_at(const json::Array& params, std::size_t index) {
    return parse_address(text_at(params, index)).value();
}

Call call_at(const json::Array& params, std::size_t index) {
    const auto& object = params.at(index).as_object();
    const auto member = [&](std::string_view name) {
        return std::string(object.at(name).as_string());
    };
    return {parse_address(member("to")).value(), from_hex(member("data")).value()};
}

json::Object event_json(const chain::Event& event) {
    json::Array topics;
    for (const auto& topic : event.topics) topics.emplace_back(to_hex(topic));
    return {{"address", event.address.to_lower()},
            {"topics", std::move(topics)},
            {"data", to_hex(event.data)},
            {"removed", false}};
}

json::Object log_json(const chain::Log& log) {
    auto object = event_json(log.event);
    object.emplace("blockNumber", U256(log.block_number).to_quantity());
    object.emplace("blockHash", to_hex(log.block_hash));
    object.emplace("transactionHash", to_hex(log.transaction));
    object.emplace("logIndex", U256(log.index).to_quantity());
    return object;
}

chain::HeadAt head_at(std::string_view tag) {
    if (tag == "latest") return chain::HeadAt::latest;
    invariant(tag == "safe" || tag == "finalized", "a head has a tag");
    return tag == "safe" ? chain::HeadAt::safe : chain::HeadAt::finalized;
}

json::Object head_json(const chain::Head& head) {
    return {{"number", U256(head.number).to_quantity()},
            {"hash", to_hex(head.hash)},
            {"parentHash", to_hex(head.parent_hash)},
            {"timestamp", U256(head.timestamp).to_quantity()},
            {"baseFeePerGas", head.base_fee.to_quantity()}};
}

std::uint64_t number_at(const json::Object& object, std::string_view name) {
    return u256_from_quantity(std::string(object.at(name).as_string())).value().to_u64().value();
}

chain::LogFilter filter_at(const json::Array& params, std::size_t index) {
    const auto& object = params.at(index).as_object();
    chain::LogFilter filter{number_at(object, "fromBlock"), number_at(object, "toBlock"), {}, {}};
    if (const auto* addresses = object.if_contains("address")) {
        for (const auto& each : addresses->as_array()) {
            filter.addresses.push_back(parse_address(std::string(each.as_string())).value());
        }
    }
    if (const auto* topics = object.if_contains("topics")) {
        for (const auto& position : topics->as_array()) {
            auto& any_of = filter.topics.emplace_back();
            if (position.if_array() == nullptr) continue;
            for (const auto& each : position.as_array()) {
                any_of.push_back(bytes32_from_hex(each.as_string()).value());
            }
        }
    }
    return filter;
}

json::Value receipt_json(const chain::Receipt& receipt) {
    json::Array logs;
    for (const auto& event : receipt.events) logs.emplace_back(event_json(event));
    return json::Object{{"transactionHash", to_hex(receipt.hash)},
                        {"blockHash", to_hex(receipt.block_hash)},
                        {"blockNumber", U256(receipt.block_number).to_quantity()},
                        {"status", receipt.success ? "0x1" : "0x0"},
                        {"gasUsed", U256(receipt.gas_used).to_quantity()},
                        {"logs", std::move(logs)}};
}

template <class T>
Result<json::Object> quantity(const Result<T>& value) {
    if (!value) return fail(value.error());
    return result(json::Value(U256(*value).to_quantity()));
}

}  // namespace

Task<Result<json::Object>> FakeNode::batch_read(std::string method, json::Array params) {
    std::vector<chain::Read> reads;
    if (method == "eth_getCode") {
        reads.push_back(chain::Read::code_of(address_at(params, 0)));
    } else {
        reads.push_back(chain::Read::of(call_at(params, 0)));
    }
    auto answers = co_await chain_.read(std::move(reads));
    if (!answers) co_return fail(answers.error());
    const auto& one = answers->front();
    if (!one) co_return revert(one.error());
    co_return result(json::Value(to_hex(*one)));
}

/// `tag`: a number, or one of the three heads.
Task<Result<json::Object>> FakeNode::block_at(std::string tag) {
    if (const auto number = u256_from_quantity(tag)) {
        std::vector<std::uint64_t> one(1, number->to_u64().value());
        const auto found = co_await chain_.blocks(std::move(one));
        if (!found) co_return fail(found.error());
        co_return result(found->front() ? head_json(*found->front()) : json::Value(nullptr));
    }
    const auto head = co_await chain_.head(head_at(tag));
    if (!head) co_return fail(head.error());
    co_return result(head_json(*head));
}

Task<Result<json::Object>> FakeNode::truth(std::string method, json::Array params) {
    if (method == "eth_chainId") co_return quantity(co_await chain_.chain_id());
    if (method == "eth_getBlockByNumber") {
        auto block = co_await block_at(text_at(params, 0));
        co_return block;
    }
    if (method == "eth_maxPriorityFeePerGas") {
        const auto fees = co_await chain_.fees();
        if (!fees) co_return fail(fees.error());
        co_return result(json::Value(fees->priority_fee.to_quantity()));
    }
    if (method == "eth_blockNumber") {
        co_return result(json::Value(U256(chain_.height()).to_quantity()));
    }
    if (method == "eth_getLogs") {
        auto filter = filter_at(params, 0);
        const auto found = co_await chain_.logs(std::move(filter));
        if (!found) co_return fail(found.error());
        json::Array logs;
        for (const auto& each : *found) logs.emplace_back(log_json(each));
        co_return result(json::Value(std::move(logs)));
    }
    if (method == "eth_getBalance") {
        co_return quantity(co_await chain_.balance(address_at(params, 0)));
    }
    if (method == "eth_getTransactionCount") {
        if (text_at(params, 1) == "pending") {
            co_return quantity(co_await chain_.pending_nonce(address_at(params, 0)));
        }
        co_return quantity(co_await chain_.mined_nonce(address_at(params, 0)));
    }
    if (method == "eth_getCode" || method == "eth_call") {
        auto read = co_await batch_read(std::move(method), std::move(params));
        co_return read;
    }
    if (method == "eth_estimateGas") {
        auto call = call_at(params, 0);
        const Address nobody;
        const auto gas = co_await chain_.estimate_gas(std::move(call), nobody);
        if (!gas) co_return fail(gas.error());
        if (!*gas) co_return revert(gas->error());
        co_return result(json::Value(U256(**gas).to_quantity()));
    }
    if (method == "eth_sendRawTransaction") {
        const auto raw = from_hex(text_at(params, 0)).value();
        const auto sent = co_await chain_.send(raw);
        if (!sent) co_return fail(sent.error());
        if (!sent->message.empty()) co_return error(-32000, sent->message);
        co_return result(json::Value(to_hex(read_transaction(raw).value().hash)));
    }
    if (method == "eth_getTransactionReceipt") {
        std::vector<Bytes32> one(1, bytes32_from_hex(text_at(params, 0)).value());
        const auto found = co_await chain_.receipts(std::move(one));
        if (!found) co_return fail(found.error());
        co_return result(found->front() ? receipt_json(*found->front()) : json::Value(nullptr));
    }
    co_return error(-32601, "the method " + method + " does not exist/is not available");
}

Task<Result<json::Object>> FakeNode::answer(json::Object call) {
    const std::string method(call.at("method").as_string());
    auto params = call.at("params").as_array();
    std::optional<json::Object> told;
    if (lie) told = lie(method, params);
    Result<json::Object> said;
    if (told) {
        said = *std::move(told);
    } else {
        said = co_await truth(method, std::move(params));
    }
    if (!said) co_return said;
    said->emplace("jsonrpc", "2.0");
    said->emplace("id", call.at("id"));
    co_return said;
}

Task<FakeNode::Answer> FakeNode::fetch(net::Url, net::Request request) {
    if (instead) co_return *instead;
    const auto body = json::parse(request.body, {.bytes_max = 16 << 20, .values_max = 1'000'000});
    invariant(body.has_value(), "a request to a node is JSON");
    net::Response response;
    response.headers.add("Content-Type", "application/json");
    const bool is_batch = body->is_array();
    const auto calls = is_batch ? body->get_array() : json::Array{*body};
    json::Array answers;
    for (const auto& call : calls) {
        auto one = co_await answer(call.as_object());
        if (!one) {
            co_return std::unexpected(net::RequestError{one.error(), net::Sent::maybe});
        }
        answers.emplace_back(*std::move(one));
    }
    response.body = json::to_text(is_batch ? json::Value(std::move(answers)) : answers.front());
    co_return response;
}

Task<FakeNode::Answer> FakeNode::fetch(net::Url url, net::Request request,
                                       std::chrono::milliseconds) {
    auto answered = co_await fetch(std::move(url), std::move(request));
    co_return answered;
}

Task<FakeNode::Opening> FakeNode::open(net::Url, net::Request, net::BodySource,
                                       std::optional<std::uint64_t>) {
    co_return std::unexpected(
        net::RequestError{{Errc::connection_failed, "a node does not stream"}, net::Sent::no});
}

}  // namespace farthing::testing
