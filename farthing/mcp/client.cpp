// SPDX-License-Identifier: Apache-2.0
#include "farthing/mcp/client.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/base64.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/mcp/message.hpp"
#include "farthing/mcp/sse.hpp"
#include "farthing/wire/dialect.hpp"
#include "farthing/wire/headers.hpp"

namespace farthing::mcp {
namespace {

constexpr int kPaymentRequired = 402;
/// Of a notification.
constexpr std::uint64_t kNoAnswer = 0;
constexpr std::size_t kSessionBytesMax = 512;
/// For saying goodbye: the server may be gone.
constexpr std::chrono::milliseconds kGoodbye{2'000};

using Sent = net::Sent;

std::unexpected<net::RequestError> failed(Errc code, std::string detail, Sent sent) {
    return std::unexpected(net::RequestError{{code, std::move(detail)}, sent});
}

/// A response that is there already.
class Kept final : public net::ResponseStream {
  public:
    explicit Kept(net::Response response) : body_(std::move(response.body)) {
        head_ = std::move(response);
        head_.body.clear();
    }
    [[nodiscard]] const net::Response& head() const override { return head_; }
    [[nodiscard]] std::optional<std::uint64_t> content_length() const override {
        return body_.size();
    }
    Task<Result<std::string>> read() override { co_return std::exchange(body_, {}); }

  private:
    net::Response head_;
    std::string body_;
};

/// As much of a body as an offer may have; where it breaks off it is judged as far as it came.
Task<std::string> read_start(net::ResponseStream& stream) {
    std::string out;
    while (out.size() < dialect::kHeaderBytesMax) {
        const auto piece = co_await stream.read();
        if (!piece || piece->empty()) break;
        out += *piece;
    }
    co_return out;
}

/// Whether this is the answer to the request `id`, rather than one of the server's own messages.
bool answers(const json::Value& value, std::uint64_t id) {
    const auto message = read_message(value);
    if (!message || message->kind != Message::Kind::answer) return false;
    const auto* number = message->id.if_int64();
    return number != nullptr && std::cmp_equal(*number, id);
}

bool is_token(std::string_view text) {
    return !text.empty() && text.size() <= kSessionBytesMax &&
           std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

/// The payment of a request's header, as MCP carries it.
Result<std::optional<json::Value>> payment_in(const net::Headers& headers) {
    auto header = headers.get(header::kPaymentSignature);
    if (!header) header = headers.get(header::kPaymentV1);
    if (!header) return std::optional<json::Value>{};
    FARTHING_TRY(const auto text, from_base64(*header));
    FARTHING_TRY(auto payment, json::parse(text, dialect::kMessageLimits));
    return std::optional(std::move(payment));
}

}  // namespace

net::Request Client::make_request(const json::Object& message, const net::Headers& headers) const {
    net::Request out;
    out.method = "POST";
    out.headers.add("User-Agent", "farthing/" + version_);
    out.headers.add("Content-Type", "application/json");
    out.headers.add("Accept", "application/json, text/event-stream");
    if (!session_.empty()) out.headers.add("Mcp-Session-Id", session_);
    if (!protocol_.empty()) out.headers.add("MCP-Protocol-Version", protocol_);
    for (const auto& [name, value] : headers) out.headers.add(name, value);
    out.body = json::to_text(message);
    out.repeatable = false;
    return out;
}

Task<std::expected<Client::Answer, net::RequestError>> Client::post(json::Object message,
                                                                    std::uint64_t id,
                                                                    net::Headers headers) {
    auto request = make_request(message, headers);
    net::BodySource none;
    auto opened = co_await http_.open(server_, std::move(request), std::move(none), std::nullopt);
    if (!opened) co_return std::unexpected(std::move(opened).error());
    auto& stream = **opened;
    Answer out;
    out.http = stream.head();
    const bool is_success = out.http.status >= 200 && out.http.status < 300;
    if (!is_success || id == kNoAnswer) {
        out.http.body = co_await read_start(stream);
        co_return out;
    }
    auto answered = co_await read_answer(stream, id);
    if (!answered) {
        const auto& error = answered.error();
        co_return failed(error.code, server_.origin() + ": " + error.detail, Sent::maybe);
    }
    out.message = std::move(*answered);
    co_return out;
}

Task<Result<json::Object>> Client::read_answer(net::ResponseStream& stream, std::uint64_t id) {
    const auto type = stream.head().headers.get("Content-Type").value_or("");
    const bool is_events = type.starts_with("text/event-stream");
    EventReader events(kAnswerLimits.bytes_max);
    std::string whole;
    std::size_t bytes = 0;
    for (;;) {
        FARTHING_CO_TRY(const auto piece, co_await stream.read());
        if (piece.empty()) break;
        bytes += piece.size();
        if (bytes > kAnswerLimits.bytes_max) {
            co_return fail(Errc::too_large, "an answer over 8 MiB");
        }
        if (!is_events) {
            whole += piece;
            continue;
        }
        FARTHING_CO_TRY(const auto found, events.feed(piece));
        for (const auto& each : found) {
            auto value = json::parse(each, kAnswerLimits);
            // Progress, logs, pings and questions of the server's own are nothing to us.
            if (value && answers(*value, id)) co_return std::move(value->get_object());
        }
    }
    if (is_events) co_return fail(Errc::closed, "the stream ended before the answer");
    FARTHING_CO_TRY(auto value, json::parse(whole, kAnswerLimits));
    if (!answers(value, id)) {
        co_return fail(Errc::protocol_violation, "what came is not the answer to our request");
    }
    co_return std::move(value.get_object());
}

Task<std::expected<void, net::RequestError>> Client::initialize() {
    const auto id = next_id_++;
    json::Object hello{
        {"jsonrpc", "2.0"},
        {"id", id},
        {"method", "initialize"},
        {"params",
         json::Object{{"protocolVersion", kProtocolVersions.front()},
                      {"capabilities", json::Object{}},
                      {"clientInfo", json::Object{{"name", "farthing"}, {"version", version_}}}}}};
    // Whatever fails here, the tool was not called.
    auto answer = co_await post(std::move(hello), id, net::Headers());
    if (!answer) co_return failed(answer.error().error.code, answer.error().error.detail, Sent::no);
    const auto refuse = [&](std::string_view what) {
        return failed(
            Errc::protocol_violation,
            fmt::format("{} is no MCP server that we can use: {}", server_.origin(), what),
            Sent::no);
    };
    if (!answer->message) {
        co_return refuse(fmt::format("it answered {} to initialize", answer->http.status));
    }
    const auto* result = answer->message->if_contains("result");
    const auto* chosen = result == nullptr || !result->is_object()
                             ? nullptr
                             : result->get_object().if_contains("protocolVersion");
    if (chosen == nullptr || !chosen->is_string()) co_return refuse("it refused to initialize");
    const std::string protocol(std::string_view(chosen->get_string()));
    if (std::ranges::find(kProtocolVersions, protocol) == kProtocolVersions.end()) {
        co_return refuse("it speaks another revision of the protocol");
    }
    const auto session = answer->http.headers.get("Mcp-Session-Id");
    if (session && !is_token(*session)) co_return refuse("its session id is no token");
    session_ = session.value_or("");
    protocol_ = protocol;
    json::Object ready{{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}};
    auto noted = co_await post(std::move(ready), kNoAnswer, net::Headers());
    if (!noted) co_return failed(noted.error().error.code, noted.error().error.detail, Sent::no);
    co_return std::expected<void, net::RequestError>{};
}

Task<std::expected<Client::Answer, net::RequestError>> Client::request(std::string method,
                                                                       json::Object params,
                                                                       net::Headers headers) {
    if (protocol_.empty()) {
        auto ready = co_await initialize();
        if (!ready) co_return std::unexpected(std::move(ready).error());
    }
    // Each sending has an id of its own: a server may still hold the one whose answer was lost.
    const auto id = next_id_++;
    json::Object message{{"jsonrpc", "2.0"},
                         {"id", id},
                         {"method", std::move(method)},
                         {"params", std::move(params)}};
    co_return co_await post(std::move(message), id, std::move(headers));
}

Task<> Client::end() {
    if (session_.empty()) co_return;
    auto request = make_request({}, {});
    request.method = "DELETE";
    request.body.clear();
    const auto heard = co_await http_.fetch(server_, std::move(request), kGoodbye);
    static_cast<void>(heard);
    session_.clear();
    protocol_.clear();
}

Task<ToolLine::Opened> ToolLine::open(net::Url, net::Request request, net::BodySource,
                                      std::optional<std::uint64_t>) {
    answer_.reset();
    json::Object params{{"name", tool_}, {"arguments", arguments_}};
    net::Headers headers;
    if (pays_in_http_) {
        for (const auto name : {header::kPaymentSignature, header::kPaymentV1}) {
            if (const auto value = request.headers.get(name)) {
                headers.add(std::string(name), std::string(*value));
            }
        }
    } else {
        auto payment = payment_in(request.headers);
        if (!payment) co_return failed(payment.error().code, payment.error().detail, Sent::no);
        if (*payment) {
            params.emplace("_meta", json::Object{{kPaymentMeta, std::move(**payment)}});
        }
    }
    auto answered = co_await client_.request("tools/call", std::move(params), std::move(headers));
    if (!answered) co_return std::unexpected(std::move(answered).error());
    if (!answered->message) {
        if (answered->http.status == kPaymentRequired) pays_in_http_ = true;
        co_return std::make_unique<Kept>(std::move(answered->http));
    }
    auto answer = read_tool_answer(*answered->message);
    if (!answer) co_return failed(answer.error().code, answer.error().detail, Sent::maybe);
    auto response = as_http(*answer);
    // The receipt of a server that was paid in HTTP stands in its headers.
    if (pays_in_http_) {
        for (const auto value : answered->http.headers.all(header::kPaymentResponse)) {
            response.headers.add(std::string(header::kPaymentResponse), std::string(value));
        }
    }
    answer_ = std::move(*answer);
    co_return std::make_unique<Kept>(std::move(response));
}

Task<ToolLine::Fetched> ToolLine::fetch(net::Url url, net::Request request) {
    net::BodySource none;
    auto opened = co_await open(std::move(url), std::move(request), std::move(none), std::nullopt);
    if (!opened) co_return std::unexpected(std::move(opened).error());
    auto out = (*opened)->head();
    auto body = co_await (*opened)->read();
    if (body) out.body = std::move(*body);
    co_return out;
}

Task<ToolLine::Fetched> ToolLine::fetch(net::Url url, net::Request request,
                                        std::chrono::milliseconds deadline) {
    auto task = fetch(std::move(url), std::move(request));
    auto fetched = co_await finish_within(std::move(task), deadline);
    if (fetched) co_return *std::move(fetched);
    co_return failed(Errc::timed_out, "no answer in time", Sent::maybe);
}

std::string ToolLines::add(ToolLine& line) {
    auto name = std::to_string(next_++);
    lines_.emplace(name, &line);
    return name;
}

ToolLine& ToolLines::line_of(const net::Request& request) const {
    const auto found = lines_.find(std::string(request.headers.get(kHeader).value_or("")));
    invariant(found != lines_.end(), "a call of a tool has its line");
    return *found->second;
}

Task<ToolLine::Opened> ToolLines::open(net::Url url, net::Request request, net::BodySource body,
                                       std::optional<std::uint64_t> length) {
    auto& line = line_of(request);
    co_return co_await line.open(std::move(url), std::move(request), std::move(body), length);
}

Task<ToolLine::Fetched> ToolLines::fetch(net::Url url, net::Request request) {
    auto& line = line_of(request);
    co_return co_await line.fetch(std::move(url), std::move(request));
}

Task<ToolLine::Fetched> ToolLines::fetch(net::Url url, net::Request request,
                                         std::chrono::milliseconds deadline) {
    auto& line = line_of(request);
    co_return co_await line.fetch(std::move(url), std::move(request), deadline);
}

}  // namespace farthing::mcp
