// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/daemon_api.hpp"

#include <fmt/format.h>

#include <charconv>

#include "farthing/base/base64.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/net/hop_by_hop.hpp"
#include "farthing/wallet/tokens.hpp"

namespace farthing::wallet {
namespace {

constexpr std::size_t kHeadersMax = 100;

std::unexpected<Error> bad(std::string detail) {
    return fail(Errc::invalid_field, std::move(detail));
}

Result<net::Headers> headers_of(const json::Object& object) {
    if (object.size() > kHeadersMax) return bad(".headers: too many");
    net::Headers given;
    for (const auto& [name, value] : object) {
        const auto* text = value.if_string();
        if (text == nullptr) return bad(".headers: expected text for each name");
        given.add(std::string(name), std::string(*text));
    }
    return for_the_seller(given);
}

Result<net::Request> request_of(FetchCall& call) {
    net::Request out;
    if (call.headers) {
        FARTHING_TRY(out.headers, headers_of(*call.headers));
    }
    if (call.body && call.body_base64) return bad(".body: there is a bodyBase64 as well");
    if (call.body) out.body = std::move(*call.body);
    if (call.body_base64) {
        auto bytes = from_base64(*call.body_base64);
        if (!bytes) return bad(".bodyBase64: " + bytes.error().detail);
        out.body = std::move(*bytes);
    }
    const bool has_body = call.body.has_value() || call.body_base64.has_value();
    out.method = call.method.value_or(has_body ? "POST" : "GET");
    return out;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == '%' && i + 2 < text.size();
        const int high = escape ? hex_digit(text[i + 1]) : -1;
        const int low = escape ? hex_digit(text[i + 2]) : -1;
        if (high >= 0 && low >= 0) {
            out.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        } else {
            out.push_back(text[i] == '+' ? ' ' : text[i]);
        }
    }
    return out;
}

/// Names once each; several values of a name as an array.
json::Object headers_json(const net::Headers& headers) {
    json::Object out;
    for (const auto& [name, value] : headers) {
        const auto key = net::folded(name);
        // Whatever a seller sends, the answer stays JSON.
        json::Value text(is_utf8(value) ? value : printable(value, value.size()));
        auto* const before = out.if_contains(key);
        if (before == nullptr) {
            out.emplace(key, std::move(text));
        } else if (auto* const array = before->if_array()) {
            array->push_back(std::move(text));
        } else {
            json::Array both;
            both.push_back(std::move(*before));
            both.push_back(std::move(text));
            *before = std::move(both);
        }
    }
    return out;
}

/// Whether it is no longer as JSON text than in base64: a control character takes six bytes.
bool is_plain_text(std::string_view body) {
    const auto controls = std::ranges::count_if(body, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t';
    });
    return static_cast<std::size_t>(controls) <= body.size() / 16 && is_utf8(body);
}

}  // namespace

net::Headers for_the_seller(const net::Headers& given) {
    net::Headers out;
    for (const auto& [name, value] : net::without_hop_by_hop(given)) {
        const auto plain = net::folded(name);
        if (plain.starts_with("farthing-")) continue;
        if (plain == "authorization" && token_in_credentials(value)) continue;
        out.add(name, value);
    }
    return out;
}

Result<> check_errand(const Errand& errand) {
    constexpr std::size_t bytes_max = 1'000;
    if (errand.task.size() > bytes_max) return bad("task: over 1000 bytes");
    if (errand.reason.size() > bytes_max) return bad("reason: over 1000 bytes");
    return {};
}

Result<std::chrono::milliseconds> parse_wait(std::string_view seconds) {
    std::uint64_t number = 0;
    const auto* const end = seconds.data() + seconds.size();
    const auto parsed = std::from_chars(seconds.data(), end, number);
    if (seconds.empty() || parsed.ec != std::errc{} || parsed.ptr != end ||
        number > kWaitSecondsMax) {
        return bad(fmt::format("wait: expected seconds, at most {}", kWaitSecondsMax));
    }
    return std::chrono::seconds(number);
}

Result<Order> parse_fetch_call(std::string_view text) {
    const json::Limits limits{.bytes_max = kCallBytesMax, .depth_max = 4, .values_max = 1'000};
    FARTHING_TRY(const auto value, json::parse(text, limits));
    FARTHING_TRY(auto call, json::decode<FetchCall>(value, json::Path(json::Unknown::refuse)));
    Order out;
    auto url = net::parse_url(call.url);
    if (!url) return bad(".url: " + url.error().detail);
    out.url = *std::move(url);
    FARTHING_TRY(out.request, request_of(call));
    out.errand.task = std::move(call.task).value_or("");
    out.errand.reason = std::move(call.reason).value_or("");
    FARTHING_CHECK(check_errand(out.errand));
    if (call.max_amount) {
        auto limit = parse_max_amount(*call.max_amount);
        if (!limit) return bad(".maxAmount: " + limit.error().detail);
        out.max_amount = *std::move(limit);
    }
    out.again = call.again.value_or(false);
    if (call.wait) {
        FARTHING_TRY(out.wait, parse_wait(std::to_string(*call.wait)));
    }
    return out;
}

std::optional<std::string> query_parameter(std::string_view target, std::string_view name) {
    const auto mark = target.find('?');
    if (mark == std::string_view::npos) return std::nullopt;
    auto rest = target.substr(mark + 1);
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const auto equals = std::min(pair.find('='), pair.size());
        if (pair.substr(0, equals) != name) continue;
        return decoded(pair.substr(std::min(equals + 1, pair.size())));
    }
    return std::nullopt;
}

net::Response json_response(int status, const json::Value& body) {
    net::Response out;
    out.status = status;
    out.headers.add("Content-Type", "application/json");
    out.headers.add("Cache-Control", "no-store");
    out.body = json::to_text(body);
    return out;
}

int status_of(Errc code, bool asks) {
    switch (code) {
        case Errc::not_allowed:
            return asks ? 402 : 403;
        case Errc::invalid_signature:
            return 403;
        case Errc::over_limit:
        case Errc::no_acceptable_offer:
        case Errc::payment_rejected:
            return 402;
        case Errc::payment_required:
            return 502;
        case Errc::timed_out:
            return 504;
        case Errc::io_failed:
        case Errc::overloaded:
        case Errc::shutting_down:
            return 503;
        default:
            break;
    }
    switch (kind_of(code)) {
        case Kind::invalid:
            return 400;
        case Kind::refused:
            return 403;
        case Kind::unavailable:
            return 502;
        case Kind::unknown:
            return 503;
        case Kind::internal:
            break;
    }
    return 500;
}

net::Response error_response(const Advice& advice, Errc code) {
    const int status = status_of(code, advice.approval.has_value());
    return json_response(status, json::Object{{"error", json::encode(advice)}});
}

net::Response error_response(const Error& error) {
    return error_response(advise(error), error.code);
}

json::Object to_json(const PaidResponse& answer, const std::optional<Decided>& decided) {
    json::Object out{{"status", answer.response.status},
                     {"url", answer.url.to_string()},
                     {"headers", headers_json(answer.response.headers)}};
    if (is_plain_text(answer.response.body)) {
        out["body"] = answer.response.body;
    } else {
        out["bodyBase64"] = to_base64(answer.response.body);
    }
    if (answer.payment) out["payment"] = json::encode(note_of(*answer.payment));
    if (decided) {
        out["decision"] = json::encode(decided->decision);
        out["decision"].as_object()["id"] = decided->seq;
    }
    return out;
}

json::Object to_json(const Quoted& quoted) {
    auto out = to_json(quoted.quote);
    if (!quoted.forecast) return out;
    out["wouldPay"] = quoted.forecast->verdict == policy::Verdict::allow;
    out["decision"] = json::encode(*quoted.forecast);
    return out;
}

json::Object to_json(const Quote& quote) {
    json::Object out{{"status", quote.response.status},
                     {"url", quote.url.to_string()},
                     {"wouldPay", quote.choice.chosen.has_value()}};
    if (quote.choice.chosen) out["chosen"] = *quote.choice.chosen;
    json::Array accepts;
    for (const auto& verdict : quote.choice.verdicts) {
        json::Object entry{{"payable", !verdict.refusal}};
        if (verdict.refusal) entry["reason"] = verdict.refusal->detail;
        if (const auto& wanted = verdict.requirements) {
            entry["scheme"] = wanted->scheme;
            entry["network"] = wanted->network.id;
            entry["amount"] = wanted->amount.to_decimal();
            entry["asset"] = wanted->asset;
            entry["payTo"] = wanted->pay_to;
            if (verdict.asset != nullptr) {
                entry["price"] = scheme::describe(wanted->amount, *verdict.asset);
            }
        }
        accepts.emplace_back(std::move(entry));
    }
    out["accepts"] = std::move(accepts);
    return out;
}

json::Object to_json(const ledger::Payment& payment) {
    auto decision = json::encode(payment.decision());
    auto out = std::move(decision.as_object());
    out["id"] = payment.entry.seq;
    out["time"] = ledger::time_text(payment.entry.time);
    out["state"] = ledger::to_text(payment.state);
    if (payment.signature) {
        out["nonce"] = json::encode(payment.signature->nonce);
        out["validBefore"] = std::to_string(payment.signature->valid_before);
    }
    if (payment.settled) {
        out["delivered"] = payment.settled->delivered;
        out["status"] = payment.settled->status;
        if (payment.settled->transaction) {
            out["transaction"] = json::encode(*payment.settled->transaction);
        }
    }
    if (payment.released) out["released"] = payment.released->why;
    return out;
}

}  // namespace farthing::wallet
