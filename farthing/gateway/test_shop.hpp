// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: a gateway between a scripted origin and a scripted facilitator, and
// a client that asks without sockets. Faults that no real part produces when told to.
#pragma once

#include <deque>

#include "farthing/base/base64.hpp"
#include "farthing/gateway/gateway.hpp"
#include "farthing/testing/capture_log.hpp"
#include "farthing/testing/manual_clock.hpp"
#include "farthing/testing/payments.hpp"
#include "farthing/testing/seeded_random.hpp"
#include "farthing/wire/headers.hpp"

namespace farthing::gateway::test {

using farthing::testing::Crafted;

/// Answers from a list, the last one for ever. While `held`, calls wait.
template <class T>
class Script {
  public:
    explicit Script(Loop& loop) : changed_(loop) {}

    void set(std::vector<T> answers) { answers_.assign(answers.begin(), answers.end()); }
    void hold(bool on) {
        held_ = on;
        changed_.notify();
    }
    [[nodiscard]] int calls() const { return calls_; }

    Task<T> next() {
        ++calls_;
        while (held_) co_await changed_.wait();
        auto answer = answers_.front();
        if (answers_.size() > 1) answers_.pop_front();
        co_return answer;
    }

  private:
    std::deque<T> answers_;
    bool held_ = false;
    int calls_ = 0;
    Signal changed_;
};

inline constexpr std::string_view kTransaction =
    "0xabababababababababababababababababababababababababababababababab";

inline v2::VerifyResponse valid() {
    v2::VerifyResponse out;
    out.is_valid = true;
    return out;
}
inline v2::VerifyResponse invalid(std::optional<std::string> reason) {
    v2::VerifyResponse out;
    out.invalid_reason = std::move(reason);
    return out;
}
inline v2::SettleResponse settled() {
    v2::SettleResponse out;
    out.success = true;
    out.transaction = kTransaction;
    out.network = "eip155:84532";
    return out;
}
inline v2::SettleResponse unsettled(std::string reason, std::string transaction = {}) {
    v2::SettleResponse out;
    out.error_reason = std::move(reason);
    out.transaction = std::move(transaction);
    out.network = "eip155:84532";
    return out;
}

class ScriptedFacilitator final : public facilitator::Facilitator {
  public:
    explicit ScriptedFacilitator(Loop& loop) : verdicts(loop), settlements(loop) {
        verdicts.set({valid()});
        settlements.set({settled()});
    }
    Task<Result<v2::VerifyResponse>> verify(v2::Payment payment) override {
        seen.push_back(std::move(payment));
        co_return co_await verdicts.next();
    }
    Task<Result<v2::SettleResponse>> settle(v2::Payment, facilitator::Asking asking) override {
        keys.push_back(std::move(asking.idempotency_key));
        patiences.push_back(asking.patience);
        co_return co_await settlements.next();
    }
    Task<Result<v2::SupportedResponse>> supported() override { co_return v2::SupportedResponse{}; }

    Script<Result<v2::VerifyResponse>> verdicts;
    Script<Result<v2::SettleResponse>> settlements;
    std::vector<v2::Payment> seen;
    std::vector<std::chrono::milliseconds> patiences;  ///< of the same
    std::vector<std::string> keys;  ///< idempotency keys of the settlements asked for
};

/// What an origin answers: a head and pieces, and maybe a fault instead of the end, or of all.
struct OriginScript {
    net::Response head;
    std::vector<std::string> pieces;
    std::optional<Error> fault;
    bool fault_before_head = false;
    std::optional<std::uint64_t> length;

    static OriginScript ok(std::string body) {
        OriginScript out;
        out.head.headers.add("Content-Type", "text/plain");
        out.length = body.size();
        out.pieces = {std::move(body)};
        return out;
    }
    static OriginScript status(int code, std::string body) {
        auto out = ok(std::move(body));
        out.head.status = code;
        return out;
    }
    static OriginScript fails(Errc code) {
        OriginScript out;
        out.fault = Error{code, "scripted"};
        out.fault_before_head = true;
        return out;
    }
};

class ScriptedStream final : public net::ResponseStream {
  public:
    explicit ScriptedStream(OriginScript script) : script_(std::move(script)) {}
    [[nodiscard]] const net::Response& head() const override { return script_.head; }
    [[nodiscard]] std::optional<std::uint64_t> content_length() const override {
        return script_.length;
    }
    Task<Result<std::string>> read() override {
        if (next_ < script_.pieces.size()) co_return script_.pieces[next_++];
        if (script_.fault) co_return fail(*script_.fault);
        co_return std::string();
    }

  private:
    OriginScript script_;
    std::size_t next_ = 0;
};

class ScriptedOrigin final : public net::Client {
  public:
    explicit ScriptedOrigin(Loop& loop) : answers(loop) {
        answers.set({OriginScript::ok("the goods")});
    }

    Task<std::expected<net::Response, net::RequestError>> fetch(net::Url, net::Request) override {
        std::terminate();  // the gateway reads every answer as it comes
    }
    Task<std::expected<net::Response, net::RequestError>> fetch(
        net::Url, net::Request, std::chrono::milliseconds) override {
        std::terminate();
    }
    Task<std::expected<std::unique_ptr<net::ResponseStream>, net::RequestError>> open(
        net::Url url, net::Request request, net::BodySource body,
        std::optional<std::uint64_t>) override {
        while (body) {
            auto piece = co_await body();
            if (!piece) co_return std::unexpected(net::RequestError{piece.error(), {}});
            if (piece->empty()) break;
            request.body += *piece;
        }
        seen.emplace_back(std::move(url), std::move(request));
        auto script = co_await answers.next();
        if (script.fault_before_head)
            co_return std::unexpected(net::RequestError{*script.fault, net::Sent::maybe});
        co_return std::make_unique<ScriptedStream>(std::move(script));
    }

    Script<OriginScript> answers;
    std::vector<std::pair<net::Url, net::Request>> seen;
};

class ScriptedBody final : public net::BodyReader {
  public:
    explicit ScriptedBody(std::string body) : body_(std::move(body)) {}
    Task<Result<std::string>> read() override {
        if (fault) co_return fail(*fault);
        co_return std::exchange(body_, {});
    }
    Task<Result<std::string>> read_all(std::size_t bytes_max) override {
        if (fault) co_return fail(*fault);
        if (body_.size() > bytes_max) co_return fail(Errc::too_large, "the body");
        co_return std::exchange(body_, {});
    }
    std::optional<Error> fault;

  private:
    std::string body_;
};

/// Collects an answer; with `gone`, nothing arrives.
class CapturingResponder final : public net::Responder {
  public:
    bool gone = false;
    bool left_early = false;
    net::Response answer{.status = 0};
    std::optional<std::uint64_t> length;
    bool finished = false;
    bool aborted = false;

    Task<Result<>> send(net::Response response) override {
        answer = std::move(response);
        return done();
    }
    Task<Result<>> send_head(net::Response head, std::optional<std::uint64_t> its) override {
        answer = std::move(head);
        length = its;
        if (gone) co_return fail(Errc::closed);
        co_return Result<>{};
    }
    Task<Result<>> send_piece(std::string piece) override {
        answer.body += piece;
        if (gone) co_return fail(Errc::closed);
        co_return Result<>{};
    }
    Task<Result<>> finish() override { return done(); }
    Task<Result<>> send_raw(std::shared_ptr<const std::string> bytes) override {
        const auto head_end = bytes->find("\r\n\r\n");
        answer.status = std::stoi(bytes->substr(9, 3));
        auto at = bytes->find("\r\n") + 2;
        while (at < head_end) {
            const auto colon = bytes->find(": ", at);
            const auto end = bytes->find("\r\n", at);
            answer.headers.add(bytes->substr(at, colon - at),
                               bytes->substr(colon + 2, end - colon - 2));
            at = end + 2;
        }
        answer.body = bytes->substr(head_end + 4);
        return done();
    }
    [[nodiscard]] bool started() const override { return answer.status != 0; }
    void abort() override { aborted = true; }
    [[nodiscard]] bool client_gone() override { return left_early; }

  private:
    Task<Result<>> done() {
        finished = !gone;
        if (gone) co_return fail(Errc::closed);
        co_return Result<>{};
    }
};

/// A request under way, and its answer once `done`.
struct Asked {
    explicit Asked(std::string text) : body(std::move(text)) {}
    net::ServerRequest request;
    ScriptedBody body;
    CapturingResponder responder;
    bool done = false;

    [[nodiscard]] int status() const { return responder.answer.status; }
    [[nodiscard]] const std::string& text() const { return responder.answer.body; }
    [[nodiscard]] std::string header(std::string_view name) const {
        return std::string(responder.answer.headers.get(name).value_or(""));
    }
    /// A base64 JSON header, decoded; null when it is not there.
    [[nodiscard]] json::Value decoded(std::string_view name) const {
        if (!responder.answer.headers.has(name)) return nullptr;
        return json::parse(from_base64(header(name)).value()).value();
    }
    /// The error in PAYMENT-REQUIRED.
    [[nodiscard]] std::string error() const {
        const auto value = decoded(header::kPaymentRequired);
        return value.is_object() ? std::string(value.at("error").as_string()) : "";
    }
};

inline constexpr std::string_view kShopConfig = R"(
listen = "127.0.0.1:0"
origin = "http://origin.test:3000"
network = "base-sepolia"
pay_to = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
trusted_proxies = ["10.0.0.0/8"]
[facilitator]
url = "http://facilitator.test"
[limits]
request_body_bytes_max = 100
response_body_bytes_max = 1000
kept_bytes_max = 4000
[[route]]
match = "GET /weather"
description = "Weather"
mime_type = "application/json"
price = "$0.001"
[[route]]
match = "POST /report"
price = "$0.001"
[[route]]
match = "/files/public/*"
free = true
[[route]]
match = "/files/*"
price = "$0.002"
)";

class Shop {
  public:
    explicit Shop(std::string_view config_text = kShopConfig,
                  std::function<void(GatewayRules&)> adjust = {}, Durable durable = {}) {
        auto config = config_from_toml<Config>(config_text, "shop.toml");
        invariant(config.has_value(), "the shop's configuration is good");
        auto rules = rules_of(*config);
        if (adjust) adjust(rules);
        gateway = std::make_unique<Gateway>(env, loop, origin, facilitator,
                                            make_site(*config).value(), rules, std::move(durable));
        running.spawn(open());
        settle_down();
    }
    ~Shop() {
        // Whatever a test has left held ends by its cancellation.
        running.cancel();
        farthing::testing::ManualClock::run_ready(loop);
    }
    Shop(const Shop&) = delete;
    Shop& operator=(const Shop&) = delete;

    farthing::testing::ManualClock clock;
    Loop loop;
    farthing::testing::SeededRandom random{7};
    farthing::testing::CaptureLog log;
    Metrics metrics;
    Env env{clock, random, log, metrics};
    ScriptedOrigin origin{loop};
    ScriptedFacilitator facilitator{loop};
    std::unique_ptr<Gateway> gateway;
    TaskGroup running{loop};

    using Headers = std::vector<std::pair<std::string, std::string>>;

    /// Starts a request; it goes as far as it can.
    std::shared_ptr<Asked> start(std::string method, std::string target, Headers headers = {},
                                 std::string body = {}, bool client_gone = false) {
        auto asked = std::make_shared<Asked>(body);
        asked->responder.gone = client_gone;
        auto& request = asked->request;
        request.method = std::move(method);
        request.target = std::move(target);
        request.headers.add("Host", "shop.test");
        for (auto& [name, value] : headers) request.headers.add(name, value);
        request.peer_ip = "192.0.2.1";
        request.has_body = !body.empty();
        if (!body.empty()) request.content_length = body.size();
        request.body = &asked->body;
        running.spawn(handle(asked));
        settle_down();
        return asked;
    }
    /// The same, and it must have come to its end.
    std::shared_ptr<Asked> ask(std::string method, std::string target, Headers headers = {},
                               std::string body = {}) {
        auto asked =
            start(std::move(method), std::move(target), std::move(headers), std::move(body));
        invariant(asked->done, "the request ends without waiting for anything");
        return asked;
    }
    void settle_down() { farthing::testing::ManualClock::run_ready(loop); }

    /// A payment nobody has seen before, good for the routes at $0.001.
    Crafted payment() {
        const auto key = farthing::testing::development_key(1);
        return Crafted::from(address_of(key), clock.unix_seconds(), random.bytes32())
            .sign_with(key);
    }
    static Headers pay(const Crafted& payment) {
        return {{std::string(header::kPaymentSignature),
                 dialect::to_header(payment.payment().payload)}};
    }
    static Headers pay_v1(const Crafted& payment) {
        auto payload = payment.payment().payload;
        payload.accepted = json::Object{{"scheme", "exact"}, {"network", "eip155:84532"}};
        const auto body = dialect::payment_to_json(1, payload).value();
        return {{std::string(header::kPaymentV1), to_base64(json::to_text(body))}};
    }

  private:
    Task<> open() {
        const auto opened = co_await gateway->open();
        invariant(opened.has_value(), "a gateway in memory opens");
    }
    Task<> handle(std::shared_ptr<Asked> asked) {
        co_await gateway->handle(asked->request, asked->responder);
        asked->done = true;
    }
};

}  // namespace farthing::gateway::test
