// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/responses.hpp"

#include <fmt/format.h>

#include <array>

#include "farthing/base/base64.hpp"
#include "farthing/wire/dialect.hpp"
#include "farthing/wire/headers.hpp"

namespace farthing::gateway {
namespace {

constexpr int kPaymentRequired = 402;
constexpr int kAllowanceRequired = 412;
constexpr std::string_view kAllowanceCode = "permit2_allowance_required";
constexpr std::chrono::seconds kPendingRetry{2};

net::Response json_response(int status, const json::Value& body) {
    net::Response response;
    response.status = status;
    response.headers.add("Content-Type", "application/json");
    response.body = json::to_text(body);
    return response;
}

/// The texts that version 1 servers use. Source: protocol.md 5.11.
std::string_view v1_error(std::string_view error) {
    if (error == wire_code(Errc::payment_required)) return "X-PAYMENT header is required";
    if (error == wire_code(Errc::no_matching_requirements))
        return "Unable to find matching payment requirements";
    return error;
}

std::string_view without_query(std::string_view url) { return url.substr(0, url.find('?')); }

/// `{}` when no entry has a network that version 1 can name.
json::Value v1_body(const Route& route, std::string_view url, std::string_view error) {
    json::Array accepts;
    for (const auto& offer : route.offers) {
        if (!offer.as_v1) continue;
        auto entry = *offer.as_v1;
        entry.emplace("resource", route.resource ? *route.resource : without_query(url));
        accepts.emplace_back(std::move(entry));
    }
    if (accepts.empty()) return json::Object{};
    return json::Object{
        {"x402Version", 1}, {"error", v1_error(error)}, {"accepts", std::move(accepts)}};
}

std::string_view receipt_header(std::uint64_t x402_version) {
    return x402_version == v2::kVersion ? header::kPaymentResponse : header::kPaymentResponseV1;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

}  // namespace

net::Response json_error(int status, std::string_view message) {
    return json_response(status, json::Object{{"error", message}});
}

net::Response try_again(int status, std::string_view message, std::chrono::seconds after) {
    auto response = json_error(status, message);
    response.headers.add("Retry-After", std::to_string(after.count()));
    response.headers.add("Cache-Control", "no-store");
    return response;
}

net::Response payment_required(const Route& route, std::string_view url, std::string_view error) {
    v2::PaymentRequired required;
    required.error = error;
    auto info = route.info;
    info.url = route.resource ? *route.resource : std::string(url);
    required.resource = json::encode(info).as_object();
    for (const auto& offer : route.offers) required.accepts.push_back(offer.as_json);
    const bool allowance = error == kAllowanceCode;
    auto response = json_response(allowance ? kAllowanceRequired : kPaymentRequired,
                                  v1_body(route, url, error));
    response.headers.add(std::string(header::kPaymentRequired), dialect::to_header(required));
    response.headers.add("Cache-Control", "no-store");
    expose_payment_headers(response.headers);
    return response;
}

net::Response not_settled(const Route& route, std::string_view url, std::uint64_t x402_version,
                          const v2::SettleResponse& receipt) {
    const auto reason = receipt.error_reason.value_or("");
    auto response =
        json_response(kPaymentRequired, x402_version == v2::kVersion ? json::Value(json::Object{})
                                                                     : v1_body(route, url, reason));
    add_receipt(response.headers, x402_version, receipt);
    response.headers.add("Cache-Control", "no-store");
    expose_payment_headers(response.headers);
    return response;
}

net::Response still_pending(std::uint64_t x402_version, const v2::SettleResponse& receipt) {
    auto response = try_again(503, wire_code(Errc::settlement_pending), kPendingRetry);
    json::Object body{{"error", wire_code(Errc::settlement_pending)},
                      {"message",
                       "the payment was sent and its outcome is not known yet: send the "
                       "same payment again, do not make a new one"}};
    if (!receipt.transaction.empty()) body.emplace("transaction", receipt.transaction);
    response.body = json::to_text(body);
    add_receipt(response.headers, x402_version, receipt);
    expose_payment_headers(response.headers);
    return response;
}

void add_receipt(net::Headers& headers, std::uint64_t x402_version, v2::SettleResponse receipt) {
    // Between facilitator and server only. Source: protocol.md 2.1.
    receipt.other.erase("extensionResponses");
    headers.set(receipt_header(x402_version), dialect::to_header(receipt));
}

void make_private(net::Headers& headers) {
    std::string kept;
    auto rest = std::string_view();
    const auto value = headers.joined("Cache-Control");
    rest = value;
    while (!rest.empty()) {
        const auto end = std::min(rest.find(','), rest.size());
        const auto directive = trimmed(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (net::equal_no_case(directive, "private") || directive.empty()) continue;
        // What tells shared caches to keep it contradicts `private`.
        if (net::equal_no_case(directive, "public")) continue;
        if (directive.size() > 8 && net::equal_no_case(directive.substr(0, 9), "s-maxage="))
            continue;
        kept.append(kept.empty() ? "" : ", ").append(directive);
    }
    headers.set("Cache-Control", kept.empty() ? "private" : kept + ", private");
}

void expose_payment_headers(net::Headers& headers) {
    static const std::string names =
        fmt::format("{}, {}, {}", header::kPaymentRequired, header::kPaymentResponse,
                    header::kPaymentResponseV1);
    const auto before = headers.joined("Access-Control-Expose-Headers");
    headers.set("Access-Control-Expose-Headers", before.empty() ? names : before + ", " + names);
}

std::string to_wire(const net::Response& response) {
    auto out =
        fmt::format("HTTP/1.1 {} {}\r\n", response.status, net::reason_phrase(response.status));
    for (const auto& [name, value] : response.headers) {
        out.append(name).append(": ").append(value).append("\r\n");
    }
    out.append(fmt::format("Content-Length: {}\r\n\r\n", response.body.size()));
    return out.append(response.body);
}

}  // namespace farthing::gateway
