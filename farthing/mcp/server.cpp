// SPDX-License-Identifier: Apache-2.0
#include "farthing/mcp/server.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "farthing/base/printable.hpp"

namespace farthing::mcp {
namespace {

/// Names of strangers are repeated this far.
constexpr std::size_t kNameShownMax = 64;

std::unexpected<Fault> refuse(int code, std::string message) {
    Fault fault;
    fault.code = code;
    fault.message = std::move(message);
    return std::unexpected(std::move(fault));
}

std::optional<std::string_view> text_in(const json::Object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string_view(value->get_string());
}

/// An id as the key of what is under way: 1 and "1" are two.
std::string key_of(const json::Value& id) { return json::to_text(id); }

void forget_cancelled(const Message& message,
                      const std::map<std::string, std::shared_ptr<Call>>& calls) {
    const auto* id = message.params.if_contains("requestId");
    if (id == nullptr) return;
    const auto found = calls.find(key_of(*id));
    if (found != calls.end()) found->second->cancel();
}

json::Object to_object(const Tool& tool) {
    json::Object out{{"name", tool.name},
                     {"title", tool.title},
                     {"description", tool.description},
                     {"inputSchema", tool.input_schema}};
    if (tool.output_schema) out.emplace("outputSchema", *tool.output_schema);
    out.emplace("annotations", json::Object{{"title", tool.title},
                                            {"readOnlyHint", tool.hints.read_only},
                                            {"destructiveHint", tool.hints.destructive},
                                            {"idempotentHint", tool.hints.idempotent},
                                            {"openWorldHint", tool.hints.open_world}});
    return out;
}

json::Object to_object(ToolResult result) {
    json::Object out{
        {"content", json::Array{json::Object{{"type", "text"}, {"text", std::move(result.text)}}}}};
    if (!result.structured.is_null()) {
        out.emplace("structuredContent", std::move(result.structured));
    }
    if (result.is_error) out.emplace("isError", true);
    return out;
}

}  // namespace

Task<bool> Call::pause(std::chrono::milliseconds duration) {
    if (!hurried_) co_await env_.clock.wait(timer_, env_.clock.steady_now() + duration);
    co_return !hurried_;
}

Server::Server(Env env, Loop& loop, ServerInfo info, std::vector<Tool> tools)
    : env_(env), loop_(loop), info_(std::move(info)), tools_(std::move(tools)) {}

void Server::hurry(Session& session) {
    for (const auto& [id, each] : session.calls_) each->hurry();
}

Task<std::optional<json::Value>> Server::handle(json::Value message,
                                                std::shared_ptr<Session> session) {
    if (message.is_array() && has_batches(session->version())) {
        co_return co_await handle_batch(std::move(message.get_array()), std::move(session));
    }
    co_return co_await handle_one(message, std::move(session));
}

Task<std::optional<json::Value>> Server::handle_batch(json::Array batch,
                                                      std::shared_ptr<Session> session) {
    if (batch.empty() || batch.size() > kBatchMax) {
        Fault fault;
        fault.message = "a batch has 1 to 32 messages";
        co_return to_json(fault);
    }
    json::Array answers;
    for (const auto& each : batch) {
        auto answer = co_await handle_one(each, session);
        if (answer) answers.push_back(std::move(*answer));
    }
    if (answers.empty()) co_return std::nullopt;
    co_return json::Value(std::move(answers));
}

Task<std::optional<json::Value>> Server::handle_one(const json::Value& value,
                                                    std::shared_ptr<Session> session) {
    auto message = read_message(value);
    if (!message) co_return to_json(message.error());
    if (message->kind == Message::Kind::answer) co_return std::nullopt;
    if (message->kind == Message::Kind::notification) {
        if (message->method == "notifications/cancelled") {
            forget_cancelled(*message, session->calls_);
        }
        co_return std::nullopt;
    }
    if (message->method == "tools/call" && !session->version().empty()) {
        co_return co_await call(std::move(*message), std::move(session));
    }
    auto result = answer(*message, *session);
    if (result) co_return answer_to(message->id, std::move(*result));
    result.error().id = message->id;
    co_return to_json(result.error());
}

std::expected<json::Object, Fault> Server::answer(const Message& message, Session& session) const {
    if (message.method == "ping") return json::Object{};
    if (message.method == "initialize") return initialize(message.params, session);
    if (session.version().empty()) return refuse(kInvalidRequest, "initialize comes first");
    if (message.method == "tools/list") {
        // Everything is on the first page.
        if (message.params.contains("cursor")) return refuse(kInvalidParams, ".cursor: unknown");
        return list();
    }
    return refuse(kMethodNotFound, "no such method: " + legible(message.method, kNameShownMax));
}

std::expected<json::Object, Fault> Server::initialize(const json::Object& params,
                                                      Session& session) const {
    if (!session.version_.empty()) return refuse(kInvalidRequest, "this session is initialized");
    const auto wanted = text_in(params, "protocolVersion");
    if (!wanted) return refuse(kInvalidParams, ".protocolVersion: expected a text");
    const auto* known = std::ranges::find(kProtocolVersions, *wanted);
    session.version_ = known == kProtocolVersions.end() ? kProtocolVersions.front() : *known;
    return json::Object{
        {"protocolVersion", session.version_},
        {"capabilities", json::Object{{"tools", json::Object{}}}},
        {"serverInfo",
         json::Object{{"name", info_.name}, {"title", info_.title}, {"version", info_.version}}},
        {"instructions", info_.instructions}};
}

json::Object Server::list() const {
    json::Array tools;
    for (const auto& each : tools_) tools.emplace_back(to_object(each));
    return {{"tools", std::move(tools)}};
}

Task<std::optional<json::Value>> Server::call(Message message, std::shared_ptr<Session> session) {
    Fault fault;
    fault.id = message.id;
    fault.code = kInvalidParams;
    const auto name = text_in(message.params, "name");
    if (!name) {
        fault.message = ".name: expected a text";
        co_return to_json(fault);
    }
    const auto tool = std::ranges::find(tools_, *name, &Tool::name);
    if (tool == tools_.end()) {
        fault.message = "Unknown tool: " + legible(*name, kNameShownMax);
        co_return to_json(fault);
    }
    json::Object arguments;
    if (const auto* given = message.params.if_contains("arguments")) {
        if (!given->is_object()) {
            fault.message = ".arguments: expected an object";
            co_return to_json(fault);
        }
        arguments = given->get_object();
    }
    const auto key = key_of(message.id);
    fault.code = kInvalidRequest;
    if (session->calls_.contains(key)) fault.message = ".id: a call with this id is under way";
    if (session->calls_.size() >= kCallsMax) fault.message = "too many calls at once";
    if (!fault.message.empty()) co_return to_json(fault);
    const auto under_way = std::make_shared<Call>(env_, loop_, session->agent());
    session->calls_.emplace(key, under_way);
    const auto start = env_.clock.steady_now();
    std::optional<ToolResult> ran;
    std::string bug;
    try {
        ran = co_await tool->run(std::move(arguments), *under_way);
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted) throw;  // the end of a cancelled task
        bug = error.what();
    } catch (const std::exception& error) {
        bug = error.what();
    }
    session->calls_.erase(key);
    if (!ran) {
        env_.log.error("mcp_call_failed", {{"tool", tool->name}, {"error", bug}});
        // Whether money moved is not known here; the ledger knows.
        fault.code = kInternalError;
        fault.message = "a bug of this wallet; look at payments before you do anything else";
        co_return to_json(fault);
    }
    auto& result = *ran;
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(env_.clock.steady_now() - start);
    env_.log.info("mcp_call", {{"tool", tool->name},
                               {"error", result.is_error},
                               {"ms", took.count()},
                               {"cancelled", under_way->cancelled()}});
    if (under_way->cancelled()) co_return std::nullopt;
    co_return answer_to(message.id, to_object(std::move(result)));
}

}  // namespace farthing::mcp
