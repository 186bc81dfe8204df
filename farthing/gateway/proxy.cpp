// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/proxy.hpp"

#include "farthing/gateway/responses.hpp"
#include "farthing/net/body_fault.hpp"

namespace farthing::gateway {
namespace {

/// The body of the client's request, and what went wrong with it: net cannot tell that from a
/// fault of the origin's.
struct RequestBody {
    net::BodyReader* reader = nullptr;
    std::optional<Error> fault;

    Task<Result<std::string>> read() {
        auto piece = co_await reader->read();
        if (!piece) fault = piece.error();
        co_return piece;
    }
};

bool is_head(const OriginRequest& request) { return request.request.method == "HEAD"; }

/// Passes the pieces of the answer on.
Task<Streamed> pump(net::ResponseStream& from, net::Responder& to) {
    for (;;) {
        auto piece = co_await from.read();
        if (!piece) {
            to.abort();
            co_return Streamed::broken_off;
        }
        if (piece->empty()) break;
        const auto sent = co_await to.send_piece(*std::move(piece));
        if (!sent) co_return Streamed::client_gone;
    }
    const auto sent = co_await to.finish();
    co_return sent ? Streamed::complete : Streamed::client_gone;
}

}  // namespace

OriginFailure describe_failure(const Error& cause) {
    switch (cause.code) {
        case Errc::timed_out:
            return {504, "the origin did not answer in time", cause};
        case Errc::connection_failed:
            return {502, "the origin cannot be reached", cause};
        case Errc::too_large:
            return {502, "the origin's answer is larger than this gateway takes", cause};
        case Errc::closed:
            return {502, "the origin broke off its answer", cause};
        default:
            return {502, "the origin's answer cannot be understood", cause};
    }
}

Task<std::expected<OriginAnswer, OriginFailure>> fetch_whole(net::Client& client,
                                                             OriginRequest request,
                                                             std::uint64_t body_bytes_max) {
    const bool head = is_head(request);
    auto opened = co_await client.open(std::move(request.url), std::move(request.request),
                                       net::BodySource(), std::nullopt);
    if (!opened) co_return std::unexpected(describe_failure(opened.error().error));
    auto& stream = **opened;
    OriginAnswer answer;
    answer.response.status = stream.head().status;
    answer.response.headers = from_origin(stream.head().headers);
    if (head) answer.length = stream.content_length();
    for (;;) {
        auto piece = co_await stream.read();
        if (!piece) co_return std::unexpected(describe_failure(piece.error()));
        if (piece->empty()) co_return answer;
        if (piece->size() > body_bytes_max - answer.response.body.size()) {
            co_return std::unexpected(describe_failure({Errc::too_large, "response body"}));
        }
        answer.response.body.append(*piece);
    }
}

Task<Streamed> stream_through(net::Client& client, OriginRequest to, net::ServerRequest& request,
                              net::Responder& responder,
                              std::function<void(net::Response&)> decorate, Log& log) {
    RequestBody body{request.body, std::nullopt};
    net::BodySource source;
    if (request.has_body) source = [&body] { return body.read(); };
    const bool head = is_head(to);
    auto opened = co_await client.open(std::move(to.url), std::move(to.request), std::move(source),
                                       request.content_length);
    if (!opened) {
        const auto failure = describe_failure(opened.error().error);
        log.warn("origin_failed", {{"reason", to_string(failure.cause)}});
        auto answer = body.fault
                          ? json_error(net::status_of_body_fault(*body.fault), "request body")
                          : json_error(failure.status, failure.message);
        decorate(answer);
        const auto sent = co_await responder.send(std::move(answer));
        co_return sent && !body.fault ? Streamed::no_answer : Streamed::client_gone;
    }
    auto& stream = **opened;
    net::Response answer;
    answer.status = stream.head().status;
    answer.headers = from_origin(stream.head().headers);
    decorate(answer);
    const auto length = stream.content_length();
    auto sent = co_await responder.send_head(std::move(answer), length);
    if (!sent) co_return Streamed::client_gone;
    if (head) {
        sent = co_await responder.finish();
        co_return sent ? Streamed::complete : Streamed::client_gone;
    }
    auto streamed = co_await pump(stream, responder);
    co_return streamed;
}

}  // namespace farthing::gateway
