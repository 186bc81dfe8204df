// SPDX-License-Identifier: Apache-2.0
// What a call that may cost something says at its end: first what became of the money, then what
// came for it, then what to do next.
#pragma once

#include "farthing/mcp/tool.hpp"
#include "farthing/mcp/untrusted.hpp"
#include "farthing/wallet/advice.hpp"

namespace farthing::mcp {

struct Outcome {
    std::string money;  ///< `nothing_paid`, `paid`, `unknown`
    std::string what;
    std::optional<std::string> next;
    std::optional<std::string> price;
    std::optional<std::string> transaction;
    std::optional<std::uint32_t> status;
    std::optional<std::string> content_type;
    std::optional<Piece> content;
    std::optional<json::Object> error;  ///< wallet::Advice
    static constexpr auto fields() {
        using T = Outcome;
        return std::tuple{
            field("money", &T::money,
                  "nothing_paid, paid, or unknown: signed, and perhaps paid or still to be paid"),
            field("what", &T::what, "what happened, in words"),
            field("next", &T::next, "what to do now"),
            field("price", &T::price, "what was signed for"),
            field("transaction", &T::transaction, "in which it was paid"),
            field("status", &T::status, "of HTTP"),
            field("content_type", &T::content_type),
            field("content", &T::content, "what the seller sent"),
            field("error", &T::error, "code, kind, detail, decision, approval, payment")};
    }
};

/// The money's part of it. `command` is how the operator approves, up to the id: `farthing
/// approvals approve` and the wallet.
[[nodiscard]] Outcome outcome_of(const wallet::Fetched& fetched, const std::string& wallet);
/// For a model, with the content fenced.
[[nodiscard]] ToolResult to_result(const Outcome& outcome, std::string_view from, Random& random,
                                   bool is_error);
/// A call that cannot be made as it stands; nothing was done.
[[nodiscard]] ToolResult refuse_call(const Error& error);
/// A failure that has nothing to do with money.
[[nodiscard]] ToolResult failed_call(const Error& error);

}  // namespace farthing::mcp
