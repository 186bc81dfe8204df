// SPDX-License-Identifier: Apache-2.0
#include "farthing/mcp/message.hpp"

namespace farthing::mcp {
namespace {

constexpr std::size_t kMethodBytesMax = 128;

bool is_id(const json::Value& value) {
    if (const auto* text = value.if_string()) return text->size() <= kIdBytesMax;
    return value.is_int64() || value.is_uint64();
}

}  // namespace

bool has_batches(std::string_view version) {
    return version == "2025-03-26" || version == "2024-11-05";
}

std::expected<json::Value, Fault> parse_text(std::string_view text) {
    auto value = json::parse(text, kMessageLimits);
    if (value) return *std::move(value);
    Fault fault;
    fault.code = kParseError;
    fault.message = value.error().detail;
    return std::unexpected(std::move(fault));
}

std::expected<Message, Fault> read_message(const json::Value& value) {
    Fault fault;
    const auto refuse = [&](int code, std::string_view what) {
        fault.code = code;
        fault.message = what;
        return std::unexpected(fault);
    };
    const auto* object = value.if_object();
    if (object == nullptr) return refuse(kInvalidRequest, "expected an object");
    const auto* id = object->if_contains("id");
    if (id != nullptr) {
        if (!is_id(*id)) {
            return refuse(kInvalidRequest, ".id: expected a whole number or a text of 256 bytes");
        }
        fault.id = *id;
    }
    const auto* version = object->if_contains("jsonrpc");
    if (version == nullptr || !version->is_string() || version->get_string() != "2.0") {
        return refuse(kInvalidRequest, ".jsonrpc: expected \"2.0\"");
    }
    Message message;
    if (id != nullptr) message.id = *id;
    const auto* method = object->if_contains("method");
    if (method == nullptr) {
        const bool answers = object->contains("result") || object->contains("error");
        if (id == nullptr || !answers) return refuse(kInvalidRequest, ".method: missing");
        message.kind = Message::Kind::answer;
        return message;
    }
    if (!method->is_string() || method->get_string().empty() ||
        method->get_string().size() > kMethodBytesMax) {
        return refuse(kInvalidRequest, ".method: expected a text of 1 to 128 bytes");
    }
    message.kind = id == nullptr ? Message::Kind::notification : Message::Kind::request;
    message.method = std::string_view(method->get_string());
    if (const auto* params = object->if_contains("params")) {
        if (!params->is_object()) return refuse(kInvalidParams, ".params: expected an object");
        message.params = params->get_object();
    }
    return message;
}

json::Value to_json(const Fault& fault) {
    return json::Object{{"jsonrpc", "2.0"},
                        {"id", fault.id},
                        {"error", json::Object{{"code", fault.code}, {"message", fault.message}}}};
}

json::Value answer_to(const json::Value& id, json::Object result) {
    return json::Object{{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}};
}

}  // namespace farthing::mcp
