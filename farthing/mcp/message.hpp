// SPDX-License-Identifier: Apache-2.0
// The messages of MCP: JSON-RPC 2.0 with an id that is text or a whole number. Pure. Source: MCP
// specification 2025-11-25, "Base Protocol"; JSON-RPC 2.0.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "farthing/json/value.hpp"

namespace farthing::mcp {

/// What one message may cost. A request's body travels in it.
inline constexpr json::Limits kMessageLimits{
    .bytes_max = 1 << 20, .depth_max = 32, .values_max = 10'000};
inline constexpr std::size_t kIdBytesMax = 256;
inline constexpr std::size_t kBatchMax = 32;

/// JSON-RPC 2.0 section 5.1.
inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;

/// The revisions we speak, newest first.
inline constexpr std::array<std::string_view, 4> kProtocolVersions{"2025-11-25", "2025-06-18",
                                                                   "2025-03-26", "2024-11-05"};
/// Whether messages of this revision may come in arrays: up to 2025-03-26.
[[nodiscard]] bool has_batches(std::string_view version);

/// An `error` member, and the id of what it answers: null when that could not be read.
struct Fault {
    json::Value id;
    int code = kInvalidRequest;
    std::string message;
};

struct Message {
    enum class Kind : std::uint8_t {
        request,
        notification,
        answer,  ///< to something we might have asked
    };
    Kind kind = Kind::request;
    json::Value id;  ///< of a request or an answer
    std::string method;
    json::Object params;
};

/// Errors: kParseError, with what is wrong and where.
[[nodiscard]] std::expected<json::Value, Fault> parse_text(std::string_view text);
/// Errors: kInvalidRequest, kInvalidParams (params that are no object).
[[nodiscard]] std::expected<Message, Fault> read_message(const json::Value& value);

[[nodiscard]] json::Value to_json(const Fault& fault);
[[nodiscard]] json::Value answer_to(const json::Value& id, json::Object result);

}  // namespace farthing::mcp
