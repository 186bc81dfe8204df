// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/forward.hpp"

#include <algorithm>
#include <array>

#include "farthing/net/hop_by_hop.hpp"

namespace farthing::gateway {
namespace {

/// By these, some origin or framework takes another path or method than the request line's, or
/// serves another file than it was asked for.
constexpr std::array<std::string_view, 15> kOverrides{"x-http-method-override",
                                                      "x-http-method",
                                                      "x-method-override",
                                                      "x-original-url",
                                                      "x-original-uri",
                                                      "x-original-path",
                                                      "x-rewrite-url",
                                                      "x-rewrite-uri",
                                                      "x-original-method",
                                                      "x-envoy-original-path",
                                                      "script-name",
                                                      "x-script-name",
                                                      "path-info",
                                                      "x-sendfile-type",
                                                      "x-accel-mapping"};

/// Letters, digits and hyphens, as nginx asks it too. Origins that make variables of names write
/// `_` for everything else: `SCRIPT_NAME` is the path itself to some, `Remote.User` a login.
bool is_plain(std::string_view name) {
    return std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-';
    });
}

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

bool is_payment(std::string_view folded_name) {
    return folded_name.starts_with("payment-") || folded_name == "x-payment" ||
           folded_name.starts_with("x-payment-");
}

bool is_forwarded(std::string_view folded_name) {
    return folded_name == "forwarded" || folded_name == "x-real-ip" ||
           folded_name.starts_with("x-forwarded-");
}

std::string forwarded_element(const ClientView& client, std::string_view peer_ip) {
    std::string out = "for=";
    if (peer_ip.contains(':')) {
        out.append("\"[").append(peer_ip).append("]\"");
    } else {
        out.append(peer_ip);
    }
    return out.append(";host=\"").append(client.host).append("\";proto=").append(client.scheme);
}

void append_to_list(net::Headers& to, const net::Headers& from, bool keep, std::string_view name,
                    std::string_view value) {
    auto before = keep ? from.joined(name) : std::string();
    if (!before.empty()) before.append(", ");
    to.add(std::string(name), before.append(value));
}

}  // namespace

net::Headers to_origin(const net::Headers& from, const ClientView& client, std::string_view peer_ip,
                       std::string_view request_id) {
    net::Headers out;
    for (const auto& [name, value] : net::without_hop_by_hop(from)) {
        if (!is_plain(name)) continue;
        const auto plain = net::folded(name);
        if (is_payment(plain) || is_one_of(kOverrides, plain) || plain == "x-request-id") continue;
        if (is_forwarded(plain)) {
            // These four are written anew below; of the rest (-Port, -Prefix …) we add none.
            const bool rewritten = plain == "forwarded" || plain == "x-forwarded-for" ||
                                   plain == "x-forwarded-proto" || plain == "x-forwarded-host";
            if (rewritten || !client.trusted) continue;
        }
        out.add(name, value);
    }
    append_to_list(out, from, client.trusted, "X-Forwarded-For", peer_ip);
    out.add("X-Forwarded-Proto", client.scheme);
    out.add("X-Forwarded-Host", client.host);
    append_to_list(out, from, client.trusted, "Forwarded", forwarded_element(client, peer_ip));
    out.add("X-Request-Id", std::string(request_id));
    return out;
}

net::Headers from_origin(const net::Headers& from) {
    net::Headers out;
    for (const auto& [name, value] : net::without_hop_by_hop(from)) {
        const auto plain = net::folded(name);
        // Settlement-Overrides speaks to the server that settles. Source: protocol.md 5.10.
        if (is_payment(plain) || plain == "settlement-overrides" || plain == "x-request-id")
            continue;
        out.add(name, value);
    }
    return out;
}

}  // namespace farthing::gateway
