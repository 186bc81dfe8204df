// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/remote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "farthing/facilitator/request_timeout.hpp"
#include "farthing/wire/dialect.hpp"

namespace farthing::facilitator {
namespace {

constexpr std::size_t kExcerptMax = 200;
constexpr int kRedirectsMax = 3;
constexpr int kSupportedTries = 3;
constexpr std::chrono::milliseconds kRetryDelay{1'000};
constexpr std::chrono::milliseconds kRetryDelayMax{30'000};
constexpr json::Limits kAnswerLimits{.bytes_max = 1 << 20, .depth_max = 32, .values_max = 10'000};

bool is_success(const net::Response& response) {
    return response.status >= 200 && response.status < 300;
}

std::unexpected<Error> failed(std::string_view what, const net::Response& response,
                              const Result<json::Value>& body) {
    return fail(Errc::facilitator_failed,
                fmt::format("Facilitator {} failed ({}): {}", what, response.status,
                            excerpt(body ? json::to_text(*body) : response.body)));
}

bool has_member(const Result<json::Value>& body, std::string_view name) {
    const auto* object = body ? body->if_object() : nullptr;
    return object != nullptr && object->contains(name);
}

/// It does not serve us (no key, a wrong one, too often): that says nothing about the payment,
/// whatever else the answer says.
bool is_denial(const net::Response& response) {
    return response.status == 401 || response.status == 403 || response.status == 429;
}

std::unexpected<Error> denied(std::string_view what, const net::Response& response,
                              const Result<json::Value>& body) {
    const auto text = failed(what, response, body).error().detail;
    return fail(response.status == 429 ? Errc::overloaded : Errc::facilitator_denied, text);
}

/// A 2xx that is not what was asked for.
template <class T>
Result<T> read_success(std::string_view what, const net::Response& response,
                       const Result<json::Value>& body) {
    if (!body) {
        return fail(
            Errc::facilitator_invalid_data,
            fmt::format("Facilitator {} returned invalid JSON: {}", what, excerpt(response.body)));
    }
    auto decoded = json::decode<T>(*body);
    if (decoded) return decoded;
    return fail(
        Errc::facilitator_invalid_data,
        fmt::format("Facilitator {} returned invalid data: {}", what, excerpt(response.body)));
}

std::chrono::milliseconds retry_delay(const net::Response& response, int attempt) {
    const auto text = response.headers.get("Retry-After").value_or("");
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const bool is_number = error == std::errc{} && end == text.data() + text.size() && seconds > 0;
    const auto delay = is_number ? std::chrono::milliseconds(std::chrono::seconds(seconds))
                                 : std::chrono::milliseconds(kRetryDelay.count() << attempt);
    return std::min(delay, kRetryDelayMax);
}

}  // namespace

std::string excerpt(std::string_view text) {
    std::string out;
    bool gap = false;
    for (const char c : text) {
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            gap = !out.empty();
            continue;
        }
        if (gap) out.push_back(' ');
        gap = false;
        // The text goes into our JSON: nothing that might not be UTF-8.
        out.push_back(c > 0x20 && c < 0x7f ? c : '?');
        if (out.size() > kExcerptMax) break;
    }
    if (out.empty()) return "<empty response>";
    if (out.size() > kExcerptMax) {
        out.resize(kExcerptMax - 3);
        out.append("...");
    }
    return out;
}

Result<v2::VerifyResponse> read_verify_answer(const net::Response& response) {
    const auto body = json::parse(response.body, kAnswerLimits);
    if (is_success(response)) return read_success<v2::VerifyResponse>("verify", response, body);
    if (is_denial(response)) return denied("verify", response, body);
    if (!has_member(body, "isValid")) return failed("verify", response, body);
    auto answer = json::decode<v2::VerifyResponse>(*body);
    if (!answer) return failed("verify", response, body);
    // The one code that changes the status of our own answer. Source: protocol.md 5.3.
    if (answer->invalid_reason == "permit2_allowance_required") return answer;
    const auto reason = answer->invalid_reason.value_or("unknown reason");
    const auto message = answer->invalid_message.value_or("");
    return fail(Errc::facilitator_failed, message.empty() ? reason : reason + ": " + message);
}

Result<v2::SettleResponse> read_settle_answer(const net::Response& response) {
    const auto body = json::parse(response.body, kAnswerLimits);
    if (is_success(response)) return read_success<v2::SettleResponse>("settle", response, body);
    if (has_member(body, "success")) {
        auto answer = json::decode<v2::SettleResponse>(*body);
        const bool pending = answer && answer->error_reason == wire_code(Errc::settlement_pending);
        const bool sent = answer && (answer->success || pending || !answer->transaction.empty());
        // `success` with a failing status contradicts itself.
        if (answer && !answer->success && (sent || !is_denial(response))) return answer;
        if (sent && is_denial(response))
            return fail(Errc::settlement_pending, failed("settle", response, body).error().detail);
    }
    if (is_denial(response)) return denied("settle", response, body);
    auto failure = failed("settle", response, body);
    // It may have broken after it sent the transaction.
    if (response.status >= 500) return fail(Errc::settlement_pending, failure.error().detail);
    return failure;
}

RemoteFacilitator::RemoteFacilitator(Env env, net::Client& client, RemoteConfig config)
    : env_(env), client_(client), config_(std::move(config)) {
    auto& target = config_.url.target;
    target.resize(std::min(target.find('?'), target.size()));
    while (target.ends_with('/')) target.pop_back();
}

Task<RemoteFacilitator::Answer> RemoteFacilitator::exchange(Question question,
                                                            std::chrono::milliseconds deadline) {
    auto url = config_.url;
    url.target += question.endpoint;
    const auto began = env_.clock.steady_now();
    for (int hop = 0;; ++hop) {
        net::Request request;
        request.method = question.method;
        request.headers.add("Content-Type", "application/json");
        request.headers.add("Accept", "application/json");
        if (!question.idempotency_key.empty()) {
            request.headers.add("Idempotency-Key", "\"" + question.idempotency_key + "\"");
        }
        if (question.tells_timeout) {
            request.headers.add(std::string(kRequestTimeout), told_timeout(deadline));
        }
        for (const auto& [name, value] : config_.headers) {
            request.headers.set(name, value.reveal());
        }
        request.body = question.body;
        const auto spent =
            std::chrono::duration_cast<std::chrono::milliseconds>(env_.clock.steady_now() - began);
        const auto left = std::max(deadline - spent, std::chrono::milliseconds(1));
        auto answer = co_await client_.fetch(url, std::move(request), left);
        if (!answer) co_return answer;
        const bool redirect = answer->status == 307 || answer->status == 308;
        if (!redirect || hop == kRedirectsMax) co_return answer;
        const auto next = net::resolve_url(url, answer->headers.get("Location").value_or(""));
        if (!next || next->origin() != url.origin()) co_return answer;
        url = *next;
    }
}

Task<Result<v2::VerifyResponse>> RemoteFacilitator::verify(v2::Payment payment) {
    const auto body = dialect::facilitator_request_body(payment);
    if (!body) co_return fail(body.error());
    Question question{"POST", "/verify", json::to_text(*body), {}, false};
    auto answer = co_await exchange(std::move(question), config_.timeout);
    if (answer) co_return read_verify_answer(*answer);
    co_return fail(answer.error().error.code,
                   "Facilitator verify: " + to_string(answer.error().error));
}

Task<Result<v2::SettleResponse>> RemoteFacilitator::settle(v2::Payment payment, Asking asking) {
    const auto body = dialect::facilitator_request_body(payment);
    if (!body) co_return fail(body.error());
    Question question{"POST", "/settle", json::to_text(*body), asking.idempotency_key, true};
    const auto deadline = std::min(asking.patience, config_.timeout);
    auto answer = co_await exchange(std::move(question), deadline);
    if (answer) co_return read_settle_answer(*answer);
    const auto& [error, sent] = answer.error();
    const auto detail = "Facilitator settle: " + to_string(error);
    co_return fail(sent == net::Sent::maybe ? Errc::settlement_pending : error.code, detail);
}

Task<Result<v2::SupportedResponse>> RemoteFacilitator::supported() {
    for (int attempt = 0;; ++attempt) {
        Question question{"GET", "/supported", {}, {}, false};
        auto answer = co_await exchange(std::move(question), config_.timeout);
        if (!answer) {
            co_return fail(answer.error().error.code,
                           "Facilitator supported: " + to_string(answer.error().error));
        }
        const auto body = json::parse(answer->body, kAnswerLimits);
        if (is_success(*answer)) {
            co_return read_success<v2::SupportedResponse>("supported", *answer, body);
        }
        if (answer->status != 429 || attempt + 1 == kSupportedTries) {
            co_return failed("getSupported", *answer, body);
        }
        co_await env_.clock.sleep(retry_delay(*answer, attempt));
    }
}

}  // namespace farthing::facilitator
