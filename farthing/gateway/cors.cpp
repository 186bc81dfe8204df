// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/cors.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/gateway/responses.hpp"
#include "farthing/wire/headers.hpp"

namespace farthing::gateway {

std::string allowed_origin(const CorsConfig& cors, const net::Headers& request) {
    if (cors.allow_origins.empty()) return {};
    const auto origin = request.get("Origin");
    if (!origin) return {};
    if (cors.allow_origins.front() == "*") return "*";
    const auto found = std::ranges::find(cors.allow_origins, *origin);
    return found == cors.allow_origins.end() ? std::string() : *found;
}

std::optional<std::string_view> preflight_method(std::string_view method,
                                                 const net::Headers& headers) {
    if (method != "OPTIONS" || !headers.has("Origin")) return std::nullopt;
    return headers.get("Access-Control-Request-Method");
}

void allow_reading(net::Headers& headers, const CorsConfig& cors, const std::string& allowed) {
    // The answer depends on who asks, also when this one may not read it.
    const bool by_origin = !cors.allow_origins.empty() && cors.allow_origins.front() != "*";
    if (by_origin) headers.add("Vary", "Origin");
    if (allowed.empty() || headers.has("Access-Control-Allow-Origin")) return;
    headers.set("Access-Control-Allow-Origin", allowed);
}

net::Response preflight_answer(const CorsConfig& cors, const std::string& allowed,
                               std::string_view method) {
    if (allowed.empty()) return json_error(403, "this web origin is not on cors.allow_origins");
    net::Response response;
    response.status = 204;
    allow_reading(response.headers, cors, allowed);
    response.headers.add("Access-Control-Allow-Methods", std::string(method));
    // The last one is a quirk of the reference clients. Source: protocol.md section 4.
    auto names = fmt::format("Content-Type, {}, {}, Access-Control-Expose-Headers",
                             header::kPaymentSignature, header::kPaymentV1);
    for (const auto& name : cors.allow_headers) names.append(", ").append(name);
    response.headers.add("Access-Control-Allow-Headers", std::move(names));
    response.headers.add("Access-Control-Max-Age", "600");
    return response;
}

}  // namespace farthing::gateway
