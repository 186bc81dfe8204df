// SPDX-License-Identifier: Apache-2.0
// What a paid tool answers, said as HTTP says it, so that one Payer buys both: a result that asks
// for payment is a 402, the receipt in `_meta` is a PAYMENT-RESPONSE. Pure. Source: protocol.md
// section 14.1.
#pragma once

#include "farthing/json/value.hpp"
#include "farthing/net/http.hpp"

namespace farthing::mcp {

inline constexpr std::string_view kPaymentMeta = "x402/payment";
inline constexpr std::string_view kReceiptMeta = "x402/payment-response";

/// An answer to tools/call: the `result` or the `error` of a message, as it came.
struct ToolAnswer {
    json::Object content;
    bool is_rpc_error = false;
    [[nodiscard]] bool is_error() const;
};

/// The answer in a message. Errors: protocol_violation.
[[nodiscard]] Result<ToolAnswer> read_tool_answer(const json::Object& message);

/// 402 when it asks for payment, or says that a payment failed; else 500 for an error, which
/// nobody is charged for, and 200. The body is the offer of a version 1 seller, or nothing.
[[nodiscard]] net::Response as_http(const ToolAnswer& answer);

}  // namespace farthing::mcp
