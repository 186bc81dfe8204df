// SPDX-License-Identifier: Apache-2.0
// Pages of other web origins that pay. Pure. Source: the Fetch standard, "CORS protocol".
#pragma once

#include "farthing/gateway/config.hpp"
#include "farthing/net/http.hpp"

namespace farthing::gateway {

/// The value of Access-Control-Allow-Origin for this request; empty for none.
[[nodiscard]] std::string allowed_origin(const CorsConfig& cors, const net::Headers& request);

/// Whether the request is a preflight, and for which method.
[[nodiscard]] std::optional<std::string_view> preflight_method(std::string_view method,
                                                               const net::Headers& headers);

/// Adds what lets the page read the answer, unless the origin has said so itself.
void allow_reading(net::Headers& headers, const CorsConfig& cors, const std::string& allowed);

/// 204 with what the page may send, or 403.
[[nodiscard]] net::Response preflight_answer(const CorsConfig& cors, const std::string& allowed,
                                             std::string_view method);

}  // namespace farthing::gateway
