// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/routes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/facilitator/request_timeout.hpp"
#include "farthing/net/body_fault.hpp"
#include "farthing/wire/dialect.hpp"

namespace farthing::facilitator {
namespace {

constexpr std::size_t kBodyBytesMax = 256 << 10;
constexpr std::size_t kIdempotencyKeyBytesMax = 256;
constexpr json::Limits kBodyLimits{.bytes_max = kBodyBytesMax, .depth_max = 26, .values_max = 8000};

net::Response json_response(int status, const json::Value& body) {
    net::Response response;
    response.status = status;
    response.headers.add("Content-Type", "application/json");
    response.body = json::to_text(body);
    return response;
}

net::Response error_response(int status, std::string_view message) {
    return json_response(status, json::Object{{"error", message}});
}

/// Status of an error on our own endpoints: business failures are answers with 200, these are not.
int status_of(const Error& error) {
    if (error.code == Errc::no_such_mechanism) return 500;  // what the reference wrappers answer
    switch (kind_of(error.code)) {
        case Kind::invalid:
            return error.code == Errc::too_large ? 413 : 400;
        case Kind::unavailable:
            return 503;
        default:
            return 500;
    }
}

Result<v2::Payment> read_payment(std::string_view body) {
    FARTHING_TRY(const auto value, json::parse(body, kBodyLimits));
    return dialect::facilitator_request(value);
}

/// What is no request: 400 with the member and what was expected. A mechanism that nobody
/// registered is said in the reference's words.
net::Response unreadable(const Error& error) {
    const bool own_words =
        error.code == Errc::missing_parameters || error.code == Errc::no_such_mechanism;
    if (own_words) return error_response(status_of(error), error.detail);
    return error_response(status_of(error), to_string(error));
}

/// Empty when there is none. Errors: invalid_header.
Result<std::string> idempotency_key_of(const net::Headers& headers) {
    const auto key = headers.get("Idempotency-Key").value_or("");
    if (key.size() > kIdempotencyKeyBytesMax) {
        return fail(Errc::invalid_header,
                    fmt::format("Idempotency-Key: expected at most {} bytes, got {}",
                                kIdempotencyKeyBytesMax, key.size()));
    }
    if (!std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; })) {
        return fail(Errc::invalid_header,
                    "Idempotency-Key: expected printable ASCII without spaces");
    }
    return std::string(key);
}

std::string path_of(const std::string& target) { return target.substr(0, target.find('?')); }

}  // namespace

Service::Service(Env env, Facilitator& facilitator, Access& access, Readiness not_ready,
                 std::chrono::milliseconds settle_timeout)
    : env_(env),
      facilitator_(facilitator),
      access_(access),
      not_ready_(std::move(not_ready)),
      settle_timeout_(settle_timeout),
      verify_(endpoint("verify")),
      settle_(endpoint("settle")),
      other_(endpoint("other")) {}

Service::Endpoint Service::endpoint(const std::string& name) {
    const std::vector<double> buckets{0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1,
                                      0.3,    1,      3,     10,    30,   60};
    return {env_.metrics.counter("farthing_facilitator_requests_total", "Requests",
                                 {{"endpoint", name}}),
            env_.metrics.histogram("farthing_facilitator_request_seconds", "Time to answer",
                                   buckets, {{"endpoint", name}})};
}

Task<> Service::handle(net::ServerRequest& request, net::Responder& responder) {
    const auto began = env_.clock.steady_now();
    auto told = co_await answer(request);
    const auto path = path_of(request.target);
    auto& metrics = path == "/verify" ? verify_ : path == "/settle" ? settle_ : other_;
    metrics.requests.add();
    metrics.seconds.observe(std::chrono::duration<double>(env_.clock.steady_now() - began).count());
    if (&metrics != &other_ && env_.log.enabled(Level::debug)) {
        env_.log.debug("request", {{"path", path},
                                   {"status", told.response.status},
                                   {"key", told.key},
                                   {"denied", told.denied}});
    }
    auto sent = co_await responder.send(std::move(told.response));
    if (sent) co_return;
    env_.log.debug("client_gone", {{"path", path}, {"key", told.key}});
    if (told.settled) facilitator_.unheard(*told.settled);
}

Task<Service::Told> Service::answer(net::ServerRequest& request) {
    const auto path = path_of(request.target);
    const bool get = request.method == "GET" || request.method == "HEAD";
    const bool post = request.method == "POST";
    if (path == "/verify" || path == "/settle") {
        if (!post) co_return error_response(405, "expected POST");
        auto told = co_await answer_about_payment(request, path == "/settle");
        co_return told;
    }
    if (path == "/supported" && get) {
        auto response = co_await supported();
        co_return response;
    }
    if (path == "/healthz" && get) co_return json_response(200, json::Object{{"status", "ok"}});
    if (path == "/readyz" && get) {
        auto response = co_await ready();
        co_return response;
    }
    if (path == "/metrics" && get) {
        net::Response response;
        response.headers.add("Content-Type", "text/plain; version=0.0.4");
        response.body = env_.metrics.expose();
        co_return response;
    }
    const bool known =
        path == "/supported" || path == "/healthz" || path == "/readyz" || path == "/metrics";
    if (known) co_return error_response(405, "expected GET");
    co_return error_response(404,
                             "no such endpoint: POST /verify, POST /settle, GET /supported, "
                             "/healthz, /readyz, /metrics");
}

Service::Told Service::denial(const Denied& denied, std::string key) {
    const auto code = code_of(denied.why);
    json::Object body{{"error", wire_code(code)}, {"message", denied.message}};
    if (const auto member = member_of(denied.why); !member.empty()) body["field"] = member;
    const int status = code == Errc::rate_limited ? 429 : code == Errc::not_allowed ? 403 : 401;
    Told told(json_response(status, body));
    auto& headers = told.response.headers;
    if (status == 429) headers.add("Retry-After", std::to_string(denied.retry_after.count()));
    // RFC 6750 section 3: why, only to who tried.
    if (status == 401) {
        headers.add("WWW-Authenticate",
                    denied.why == Denial::no_key ? "Bearer" : "Bearer error=\"invalid_token\"");
    }
    told.key = std::move(key);
    told.denied = label_of(denied.why);
    return told;
}

Task<Service::Told> Service::answer_about_payment(net::ServerRequest& request, bool settles) {
    auto pass = access_.admit(request.headers, request.peer_ip);
    if (!pass) co_return denial(pass.error(), {});
    const auto with_key = [&](Told told) {
        told.key = pass->name;
        return told;
    };
    auto body = co_await request.body->read_all(kBodyBytesMax);
    if (!body) {
        co_return with_key(
            error_response(net::status_of_body_fault(body.error()), to_string(body.error())));
    }
    const auto idempotency_key = idempotency_key_of(request.headers);
    if (settles && !idempotency_key)
        co_return with_key(error_response(400, to_string(idempotency_key.error())));
    auto payment = read_payment(*body);
    if (!payment) co_return with_key(unreadable(payment.error()));
    if (const auto denied = access_.judge(*pass, *payment)) co_return denial(*denied, pass->name);
    if (settles) {
        const auto wanted = request_timeout(request.headers);
        Asking asking{wanted ? std::min(settle_timeout_, std::chrono::milliseconds(*wanted))
                             : settle_timeout_,
                      *idempotency_key};
        auto told = co_await settle(std::move(*payment), std::move(asking), pass->name);
        co_return with_key(std::move(told));
    }
    auto response = co_await verify(std::move(*payment), pass->name);
    co_return with_key(std::move(response));
}

Task<net::Response> Service::verify(v2::Payment payment, std::string key) {
    auto verdict = co_await facilitator_.verify(std::move(payment));
    if (verdict) co_return json_response(200, json::encode(*verdict));
    const auto& error = verdict.error();
    if (error.code == Errc::no_such_mechanism) co_return error_response(500, error.detail);
    env_.log.warn("verify_unavailable", {{"reason", to_string(error)}, {"key", key}});
    const v2::VerifyResponse response{
        .is_valid = false,
        .invalid_reason = std::string(wire_code(Errc::unexpected_verify_error)),
        .invalid_message = to_string(error)};
    co_return json_response(status_of(error), json::encode(response));
}

Task<Service::Told> Service::settle(v2::Payment payment, Asking asking, std::string key) {
    const auto network = dialect::network_in(payment.x402_version, payment.requirements.network);
    auto outcome = co_await facilitator_.settle(payment, std::move(asking));
    if (outcome) {
        Told told(json_response(200, json::encode(*outcome)));
        if (outcome->success) told.settled = std::move(payment);
        co_return told;
    }
    const auto& error = outcome.error();
    if (error.code == Errc::no_such_mechanism) co_return error_response(500, error.detail);
    env_.log.warn("settle_unavailable", {{"reason", to_string(error)}, {"key", key}});
    v2::SettleResponse response;
    const bool unknown = kind_of(error.code) == Kind::unknown;
    response.error_reason =
        wire_code(unknown ? Errc::settlement_pending : Errc::unexpected_settle_error);
    response.error_message = to_string(error);
    response.network = network;
    // Open, not failed: a status of 500 would be read as a failure.
    co_return json_response(unknown ? 200 : status_of(error), json::encode(response));
}

Task<net::Response> Service::supported() {
    auto kinds = co_await facilitator_.supported();
    if (!kinds) co_return error_response(status_of(kinds.error()), to_string(kinds.error()));
    co_return json_response(200, json::encode(*kinds));
}

Task<net::Response> Service::ready() {
    auto reasons = co_await not_ready_();
    if (reasons.empty()) co_return json_response(200, json::Object{{"status", "ready"}});
    json::Array why;
    for (const auto& reason : reasons) why.emplace_back(reason);
    co_return json_response(503,
                            json::Object{{"status", "not ready"}, {"reasons", std::move(why)}});
}

}  // namespace farthing::facilitator
