// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/client_view.hpp"

#include <algorithm>

namespace farthing::gateway {
namespace {

constexpr std::size_t kHostBytesMax = 255;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// The element up to the first comma: what the proxy nearest to the client said.
std::string_view first_element(std::string_view list) {
    return trimmed(list.substr(0, list.find(',')));
}

/// Cuts one `name=value` off the front of a Forwarded element; the value may be quoted.
std::optional<std::pair<std::string_view, std::string>> take_pair(std::string_view& rest) {
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const auto name = trimmed(rest.substr(0, equals));
    rest.remove_prefix(equals + 1);
    std::string value;
    if (rest.starts_with('"')) {
        rest.remove_prefix(1);
        while (!rest.empty() && rest.front() != '"') {
            if (rest.front() == '\\' && rest.size() > 1) rest.remove_prefix(1);
            value.push_back(rest.front());
            rest.remove_prefix(1);
        }
        if (rest.empty()) return std::nullopt;
        rest.remove_prefix(1);
    } else {
        const auto end = std::min(rest.find_first_of(";,"), rest.size());
        value = trimmed(rest.substr(0, end));
        rest.remove_prefix(end);
    }
    rest = trimmed(rest);
    return std::pair{name, std::move(value)};
}

std::optional<std::string> said_by_proxy(const net::Headers& headers, std::string_view parameter,
                                         std::string_view fallback) {
    if (const auto forwarded = headers.get("Forwarded")) {
        return forwarded_parameter(*forwarded, parameter);
    }
    if (const auto value = headers.get(fallback)) return std::string(first_element(*value));
    return std::nullopt;
}

}  // namespace

std::optional<std::string> forwarded_parameter(std::string_view forwarded, std::string_view name) {
    auto rest = trimmed(forwarded);
    while (!rest.empty()) {
        auto pair = take_pair(rest);
        if (!pair) return std::nullopt;
        if (net::equal_no_case(pair->first, name)) return std::move(pair->second);
        if (!rest.starts_with(';')) return std::nullopt;  // the next element is another proxy's
        rest.remove_prefix(1);
    }
    return std::nullopt;
}

Result<ClientView> view_client(const net::Headers& headers, std::string_view peer_ip,
                               const std::optional<net::Url>& public_url,
                               const TrustedProxies& trusted) {
    ClientView view{"http", {}, trusted.contains(peer_ip)};
    if (public_url) {
        view.scheme = public_url->scheme;
        view.host = public_url->authority();
        return view;
    }
    const auto hosts = headers.all("Host");
    if (hosts.size() != 1) {
        return fail(Errc::invalid_header,
                    hosts.empty() ? "Host: missing" : "Host: given more than once");
    }
    view.host = hosts.front();
    if (!view.trusted) return view;
    if (auto proto = said_by_proxy(headers, "proto", "X-Forwarded-Proto")) {
        if (net::equal_no_case(*proto, "https")) view.scheme = "https";
    }
    if (auto host = said_by_proxy(headers, "host", "X-Forwarded-Host"); host && !host->empty()) {
        view.host = std::move(*host);
    }
    return view;
}

Result<> check_host(std::string_view host) {
    const auto is_host_char = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-._~[]:").contains(c);
    };
    if (host.empty() || host.size() > kHostBytesMax || !std::ranges::all_of(host, is_host_char)) {
        return fail(Errc::invalid_header, "Host: expected a name or an address, and maybe a port");
    }
    return {};
}

}  // namespace farthing::gateway
