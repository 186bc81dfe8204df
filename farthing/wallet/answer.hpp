// SPDX-License-Identifier: Apache-2.0
// What a server's answer to a paid request means for the money. Pure. Source: protocol.md sections
// 5.3 and 6.
#pragma once

#include <chrono>
#include <optional>

#include "farthing/wallet/receipt.hpp"

namespace farthing::wallet {

struct Answer {
    enum class Meaning : std::uint8_t {
        settled,    ///< the receipt is there and is ours
        unproved,   ///< no failure, and no receipt: the resource, or a redirect to it
        unsettled,  ///< the request failed and nothing says that it was paid for
        pending,    ///< the transfer was sent and is not known to have ended: ask again
        busy,       ///< something between us and the settlement failed: ask again
        rejected,   ///< the payment was refused
        forged,     ///< the receipt contradicts what we signed
    };

    Meaning meaning = Meaning::unsettled;
    std::optional<Bytes32> transaction;  ///< when the server names one
    std::optional<Error> error;          ///< for pending, busy, rejected and forged
    /// How long the server asks us to wait.
    std::optional<std::chrono::seconds> retry_after;
};

/// `response.body` is needed for statuses 402, 409, 412 and 503 only, and may be cut off.
[[nodiscard]] Answer read_answer(const net::Response& response, const Signed& ours);

/// Retry-After in seconds, an hour at the most. A date is ignored: it would make our clock and the
/// server's argue.
[[nodiscard]] std::optional<std::chrono::seconds> retry_after(const net::Headers& headers);

/// Statuses whose body read_answer looks at.
[[nodiscard]] bool body_matters(int status);

}  // namespace farthing::wallet
