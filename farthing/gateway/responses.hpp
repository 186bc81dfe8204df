// SPDX-License-Identifier: Apache-2.0
// The answers a gateway gives in its own name, and what it adds to an origin's. Pure. Source:
// protocol.md sections 5.3, 5.4 and 5.11.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "farthing/gateway/site.hpp"
#include "farthing/net/http.hpp"

namespace farthing::gateway {

/// `{"error": message}`.
[[nodiscard]] net::Response json_error(int status, std::string_view message);
/// The same with Retry-After.
[[nodiscard]] net::Response try_again(int status, std::string_view message,
                                      std::chrono::seconds after);

/// 402, or 412 when a Permit2 allowance is missing: the version 2 offer in PAYMENT-REQUIRED, and
/// one that version 1 clients read in the body. `url` is what the client asked for.
[[nodiscard]] net::Response payment_required(const Route& route, std::string_view url,
                                             std::string_view error);

/// 402 for a payment that did not settle: its receipt, and a body that shows nothing of the
/// origin's. In version 1 the offer again, as its clients expect.
[[nodiscard]] net::Response not_settled(const Route& route, std::string_view url,
                                        std::uint64_t x402_version,
                                        const v2::SettleResponse& receipt);

/// 503 for a payment whose fate is open: asking again with the same payment costs nothing.
[[nodiscard]] net::Response still_pending(std::uint64_t x402_version,
                                          const v2::SettleResponse& receipt);

/// PAYMENT-RESPONSE, or X-PAYMENT-RESPONSE in version 1. What the origin said under these names is
/// gone by then (proxy.hpp).
void add_receipt(net::Headers& headers, std::uint64_t x402_version, v2::SettleResponse receipt);

/// `private` into Cache-Control: a paid answer must not be served to others.
void make_private(net::Headers& headers);

/// Lets pages of other origins read the payment headers.
void expose_payment_headers(net::Headers& headers);

/// `HTTP/1.1 402 …` for Responder::send_raw.
[[nodiscard]] std::string to_wire(const net::Response& response);

}  // namespace farthing::gateway
