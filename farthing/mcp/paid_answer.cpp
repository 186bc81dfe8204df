// SPDX-License-Identifier: Apache-2.0
#include "farthing/mcp/paid_answer.hpp"

#include "farthing/wire/dialect.hpp"
#include "farthing/wire/headers.hpp"

namespace farthing::mcp {
namespace {

constexpr int kPaymentRequired = 402;
constexpr int kFailed = 500;

const json::Object* object_in(const json::Object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value == nullptr ? nullptr : value->if_object();
}

bool asks_for_payment(const json::Object& object) {
    const auto* accepts = object.if_contains("accepts");
    return object.contains("x402Version") && accepts != nullptr && accepts->is_array();
}

/// The JSON of the first text, for servers that have no structured content.
std::optional<json::Object> offer_in_text(const json::Object& result) {
    const auto* content = result.if_contains("content");
    const auto* blocks = content == nullptr ? nullptr : content->if_array();
    if (blocks == nullptr || blocks->empty()) return std::nullopt;
    const auto* first = blocks->front().if_object();
    const auto* text = first == nullptr ? nullptr : first->if_contains("text");
    if (text == nullptr || !text->is_string()) return std::nullopt;
    auto parsed = json::parse(std::string_view(text->get_string()), dialect::kMessageLimits);
    if (!parsed || !parsed->is_object() || !asks_for_payment(parsed->get_object())) {
        return std::nullopt;
    }
    return std::move(parsed->get_object());
}

std::optional<json::Object> offer_in(const ToolAnswer& answer) {
    const auto& content = answer.content;
    if (answer.is_rpc_error) {
        // Older servers: JSON-RPC error 402, with the offer as its data.
        const auto* code = content.if_contains("code");
        const auto* data = object_in(content, "data");
        const bool is_402 =
            code != nullptr && code->is_int64() && code->get_int64() == kPaymentRequired;
        if (!is_402 || data == nullptr || !asks_for_payment(*data)) return std::nullopt;
        return *data;
    }
    if (!answer.is_error()) return std::nullopt;
    const auto* structured = object_in(content, "structuredContent");
    if (structured != nullptr && asks_for_payment(*structured)) return *structured;
    return offer_in_text(content);
}

bool is_version_1(const json::Object& offer) {
    const auto& version = offer.at("x402Version");
    return version.is_int64() && version.get_int64() == v1::kVersion;
}

}  // namespace

bool ToolAnswer::is_error() const {
    const auto* flag = content.if_contains("isError");
    return is_rpc_error || (flag != nullptr && flag->is_bool() && flag->get_bool());
}

Result<ToolAnswer> read_tool_answer(const json::Object& message) {
    const auto* result = object_in(message, "result");
    const auto* error = object_in(message, "error");
    if ((result == nullptr) == (error == nullptr)) {
        return fail(Errc::protocol_violation,
                    "the tool's answer has neither a result nor an error, or both");
    }
    return ToolAnswer{result != nullptr ? *result : *error, error != nullptr};
}

net::Response as_http(const ToolAnswer& answer) {
    net::Response out;
    out.status = answer.is_error() ? kFailed : 200;
    if (const auto offer = offer_in(answer)) {
        out.status = kPaymentRequired;
        if (is_version_1(*offer)) {
            out.body = json::to_text(*offer);
        } else {
            out.headers.add(std::string(header::kPaymentRequired), dialect::to_header(*offer));
        }
    }
    const auto* meta = object_in(answer.content, "_meta");
    const auto* receipt = meta == nullptr ? nullptr : object_in(*meta, kReceiptMeta);
    if (receipt == nullptr) return out;
    out.headers.add(std::string(header::kPaymentResponse), dialect::to_header(*receipt));
    // A failed settlement that is passed through as a success is a failure.
    const auto* success = receipt->if_contains("success");
    if (success != nullptr && success->is_bool() && !success->get_bool()) {
        out.status = kPaymentRequired;
    }
    return out;
}

}  // namespace farthing::mcp
