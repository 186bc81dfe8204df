// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/daemon.hpp"

#include <fmt/format.h>

#include "farthing/net/body_fault.hpp"
#include "farthing/wallet/local_proxy.hpp"

namespace farthing::wallet {
namespace {

constexpr std::size_t kAnswerBytesMax = 16 << 20;
constexpr std::size_t kShownDefault = 20;
constexpr std::size_t kShownMax = 200;
constexpr std::size_t kAskedMax = 100;
constexpr std::uint64_t kMillis = 1'000;

net::Response refused(int status, std::string_view code, std::string_view detail,
                      std::string_view next) {
    const json::Object body{
        {"code", code}, {"detail", detail}, {"kind", "refused"}, {"next", next}};
    return json_response(status, json::Object{{"error", body}});
}

bool names_this_machine(const net::ServerRequest& request) {
    const auto host = request.headers.get("Host");
    if (!host) return false;
    const auto place = policy::read_place(fmt::format("http://{}/", *host));
    return place && place->is_loopback();
}

/// Why this is not for us to look at, whoever asks.
std::optional<net::Response> refuse_strangers(const net::ServerRequest& request, Door door) {
    // Only browsers send these; no program that was told to use us does.
    if (request.headers.has("Origin") || request.headers.has("Sec-Fetch-Site")) {
        return refused(403, "cross_site", "requests from web pages are not served",
                       "ask from a program of your own");
    }
    if (door == Door::loopback && !request.absolute && !names_this_machine(request)) {
        return refused(403, "wrong_host", "the Host header names another machine",
                       "ask 127.0.0.1 or localhost by its own name");
    }
    return std::nullopt;
}

/// Empty: none.
std::string shown_token(const net::ServerRequest& request, bool proxied) {
    const auto& headers = request.headers;
    const auto from = [&](std::string_view name) {
        const auto value = headers.get(name);
        return value ? token_in_credentials(*value) : std::nullopt;
    };
    if (const auto token = headers.get("Farthing-Token")) return std::string(*token);
    if (proxied) {
        if (auto token = from("Proxy-Authorization")) return *std::move(token);
    }
    // In the absolute form Authorization is between the program and the seller.
    if (request.absolute) return {};
    if (auto token = from("Authorization")) return *std::move(token);
    return {};
}

net::Response unauthorised(const net::ServerRequest& request, std::string_view detail) {
    const bool proxy = request.absolute.has_value();
    auto out = refused(proxy ? 407 : 401, "token_invalid", detail,
                       "the operator makes a token with `farthing wallet token new NAME`");
    out.headers.add(proxy ? "Proxy-Authenticate" : "WWW-Authenticate",
                    proxy ? "Basic realm=\"farthing\"" : "Bearer realm=\"farthing\"");
    return out;
}

std::string_view outcome_of(const Fetched& fetched) {
    if (!fetched.answer) return kind_name(kind_of(fetched.answer.error().code));
    return fetched.answer->payment ? "paid" : "free";
}

/// Whether this card may be used for requests there at all: nobody's errands are run with it.
Result<> check_place(const Card& card, const net::Url& url) {
    FARTHING_TRY(const auto place, policy::read_place(url.to_string()));
    if (place.host == url.host && card.is_for(place.vendor)) return {};
    return fail(Errc::not_allowed, fmt::format("the card is for {} only", card.vendor));
}

}  // namespace

/// Counts a request of a caller for as long as it is in hand.
class Daemon::Busy {
  public:
    Busy(Daemon& daemon, const TokenName& name)
        : daemon_(daemon),
          key_((name.kind == TokenName::Kind::card ? "card " : "agent ") + name.name),
          count_(++daemon.busy_[key_].requests) {
        daemon_.in_hand_gauge_.set(static_cast<double>(++daemon_.in_hand_));
    }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
    ~Busy() {
        const auto found = daemon_.busy_.find(key_);
        found->second.bytes -= bytes_;
        if (--found->second.requests == 0) daemon_.busy_.erase(found);
        daemon_.in_hand_gauge_.set(static_cast<double>(--daemon_.in_hand_));
    }
    [[nodiscard]] std::size_t count() const { return count_; }
    /// Of an answer that is kept until it has gone out. False when that is too much.
    [[nodiscard]] bool hold(std::size_t bytes) {
        auto& all = daemon_.busy_.find(key_)->second.bytes;
        if (bytes >
            daemon_.limits_.held_bytes_max - std::min(all, daemon_.limits_.held_bytes_max)) {
            return false;
        }
        all += bytes;
        bytes_ += bytes;
        return true;
    }
    void give_back(std::size_t bytes) {
        daemon_.busy_.find(key_)->second.bytes -= bytes;
        bytes_ -= bytes;
    }

  private:
    Daemon& daemon_;
    std::string key_;
    std::size_t count_;
    std::size_t bytes_ = 0;
};

/// An answer of the API, whole: the answers of one token together have a limit.
class Daemon::Basket final : public Sink {
  public:
    explicit Basket(Busy& busy) : busy_(busy) {}
    Result<> begin(const net::Response&, std::optional<std::uint64_t>) override { return {}; }
    Result<> write(std::string_view piece) override {
        if (body.size() + piece.size() > kAnswerBytesMax) {
            return fail(Errc::too_large, "an answer of more than 16 MiB: the proxy streams it");
        }
        if (!busy_.hold(piece.size())) {
            return fail(Errc::too_large,
                        "the answers in hand of this token are too large together: ask for fewer "
                        "at once, or through the proxy, which streams");
        }
        body += piece;
        return {};
    }
    bool restart() override {
        busy_.give_back(body.size());
        body.clear();
        return true;
    }
    std::string body;

  private:
    Busy& busy_;
};

Daemon::Daemon(Env env, Account& account, Tokens tokens, DaemonLimits limits)
    : env_(env),
      account_(account),
      tokens_(std::move(tokens)),
      limits_(limits),
      in_hand_gauge_(env.metrics.gauge("farthing_wallet_requests_in_hand",
                                       "Requests of agents that are not answered yet")) {}

void Daemon::count(std::string_view way, std::string_view outcome) {
    env_.metrics
        .counter("farthing_wallet_requests_total", "Requests of agents, by way in and outcome",
                 {{"way", std::string(way)}, {"outcome", std::string(outcome)}})
        .add();
}

/// A client that sends all it has through its proxy sends us our own address, too.
bool Daemon::is_for_us(const net::Url& url) const {
    const bool is_here = url.host == "127.0.0.1" || url.host == "localhost" || url.host == "[::1]";
    return url.scheme == "http" && is_here && port_ != 0 && url.port == port_;
}

Task<> Daemon::handle(net::ServerRequest& request, net::Responder& responder, Door door) {
    if (request.absolute && is_for_us(*request.absolute)) request.absolute.reset();
    auto answer = refuse_strangers(request, door);
    auto proxied = proxied_url(request);
    if (!answer && !proxied) answer = error_response(proxied.error());
    if (!answer && !*proxied && request.target == "/healthz") {
        answer = json_response(200, json::Object{{"status", "ok"}});
    }
    if (!answer) {
        co_await serve(request, responder, *std::move(proxied));
        co_return;
    }
    const auto sent = co_await responder.send(*std::move(answer));
    if (!sent) env_.log.debug("client_gone");
}

Task<> Daemon::serve(net::ServerRequest& request, net::Responder& responder,
                     std::optional<net::Url> proxied) {
    auto token = shown_token(request, proxied.has_value());
    auto caller = co_await authenticate(std::move(token));
    std::optional<net::Response> answer;
    if (!caller) {
        count(proxied ? "proxy" : "api", "no_token");
        answer = caller.error().code == Errc::api_key_invalid
                     ? unauthorised(request, caller.error().detail)
                     : error_response(caller.error());
    }
    if (!answer) {
        Busy busy(*this, caller->name);
        if (busy.count() > limits_.in_hand_max) {
            answer = refused(429, "rate_limited", "too many requests of this token at once",
                             "nothing was paid; wait for the others to end");
        } else if (proxied) {
            co_await relay(request, responder, *std::move(proxied), *std::move(caller));
            co_return;
        } else {
            answer = co_await call(request, *std::move(caller), busy);
        }
        // Counted until it is out.
        const auto sent = co_await responder.send(*std::move(answer));
        if (!sent) env_.log.debug("client_gone");
        co_return;
    }
    const auto sent = co_await responder.send(*std::move(answer));
    if (!sent) env_.log.debug("client_gone");
}

Task<Result<Daemon::Caller>> Daemon::authenticate(std::string token) {
    const auto unknown = [](std::string_view what) {
        return fail(Errc::api_key_invalid, std::string(what));
    };
    if (token.empty()) co_return unknown("a token is needed");
    auto name = read_token(token);
    if (!name) co_return unknown("this is no token of this wallet");
    Caller out;
    out.name = *std::move(name);
    if (out.name.kind == TokenName::Kind::agent) {
        if (!tokens_.agent_of(token)) co_return unknown("this is no token of this wallet");
        out.token = std::move(token);
        co_return out;
    }
    const auto terms = account_.mandate().now();
    if (!terms) {
        env_.log.error("pact_not_in_force", {{"reason", to_string(terms.error())}});
        co_return fail(Errc::shutting_down, "the wallet cannot pay now");
    }
    auto card = co_await (*terms)->spending.card(out.name.name);
    if (!card) co_return fail(Errc::shutting_down, "the wallet cannot pay now");
    if (!*card || !is_token_of(token, (*card)->token)) {
        co_return unknown("this is no card of this wallet");
    }
    const auto now = static_cast<std::uint64_t>(env_.clock.now().time_since_epoch().count());
    if ((*card)->revoked) co_return unknown("the card was taken back");
    if ((*card)->expires <= now * kMillis) co_return unknown("the card has expired");
    out.card = *std::move(card);
    co_return out;
}

Task<net::Response> Daemon::call(net::ServerRequest& request, Caller caller, Busy& busy) {
    const auto path = request.target.substr(0, request.target.find('?'));
    const bool fetches = path == "/v1/fetch";
    const bool quotes = path == "/v1/quote";
    if (fetches || quotes) {
        if (request.method != "POST") {
            co_return refused(405, "method", "expected POST", "send it with POST");
        }
        co_return co_await fetch(request, std::move(caller), quotes, busy);
    }
    const bool known = path == "/v1/limits" || path == "/v1/payments" || path == "/v1/approvals" ||
                       path == "/metrics";
    if (!known) {
        co_return refused(404, "not_found", "no such endpoint",
                          "see /v1/fetch, /v1/quote, /v1/limits, /v1/payments, /v1/approvals");
    }
    if (request.method != "GET") co_return refused(405, "method", "expected GET", "use GET");
    if (caller.holds_card()) {
        co_return refused(403, "card", "a card pays, and reads nothing of the wallet",
                          "ask whoever gave you the card");
    }
    co_return co_await read(request.target, std::move(caller));
}

/// In the name of who calls, and where a card may go.
Result<> Daemon::take_on(Order& order, const Caller& caller) {
    if (!caller.holds_card()) {
        order.errand.agent = caller.name.name;
        order.may_pay = [this, token = caller.token, name = caller.name.name] {
            return tokens_.agent_of(token) == name;
        };
        return {};
    }
    order.errand.card = caller.name.name;
    // The vendor is all that a card reaches, also by way of a redirect.
    if (order.redirects == Redirects::any) order.redirects = Redirects::same_origin;
    return check_place(*caller.card, order.url);
}

Task<Fetched> Daemon::pay(Order order, const Caller& caller, Sink* sink) {
    if (auto fits = take_on(order, caller); !fits) {
        Fetched out{fail(std::move(fits).error()), {}, {}, {}};
        co_return out;
    }
    auto fetched = co_await account_.fetch(std::move(order), sink);
    if (fetched.decided) {
        env_.log.info("wallet_decided",
                      {{"decision", fetched.decided->seq},
                       {"verdict", policy::to_text(fetched.decided->decision.verdict)},
                       {"condition", fetched.decided->decision.condition},
                       {caller.holds_card() ? "card" : "agent", caller.name.name},
                       {"outcome", outcome_of(fetched)}});
    }
    co_return fetched;
}

net::Response Daemon::failed(const Fetched& fetched, const Caller& caller) {
    const auto code = fetched.answer.error().code;
    auto advice = advise(fetched);
    const int status = status_of(code, advice.approval.has_value());
    if (kind_of(code) == Kind::unknown || code == Errc::internal) {
        env_.log.error("wallet_outcome", {{"error", to_string(fetched.answer.error())}});
    }
    if (caller.holds_card()) advice = for_card_holder(std::move(advice), code);
    return json_response(status, json::Object{{"error", json::encode(advice)}});
}

Task<net::Response> Daemon::fetch(net::ServerRequest& request, Caller caller, bool quote,
                                  Busy& busy) {
    auto body = co_await request.body->read_all(limits_.body_bytes_max);
    if (!body) {
        co_return refused(net::status_of_body_fault(body.error()), "body",
                          "the body of the request did not come whole, or is too large",
                          "send at most 8 MiB of JSON");
    }
    auto order = parse_fetch_call(*body);
    if (!order) co_return error_response(order.error());
    order->max_time = limits_.fetch_time;
    if (quote) {
        const auto fits = take_on(*order, caller);
        if (!fits) co_return error_response(fits.error());
        auto quoted = co_await account_.quote(*std::move(order));
        count("quote", quoted ? "ok" : kind_name(kind_of(quoted.error().code)));
        // A card's holder is not told what the pact says.
        if (quoted && caller.holds_card() && quoted->forecast) {
            const auto verdict = quoted->forecast->verdict;
            quoted->forecast.emplace().verdict = verdict;
        }
        if (quoted) co_return json_response(200, to_json(*quoted));
        const Fetched none{fail(quoted.error()), {}, {}, {}};
        co_return failed(none, caller);
    }
    Basket basket(busy);
    auto fetched = co_await pay(*std::move(order), caller, &basket);
    count("api", outcome_of(fetched));
    if (!fetched.answer) co_return failed(fetched, caller);
    fetched.answer->response.body = std::move(basket.body);
    if (caller.holds_card()) fetched.decided.reset();
    co_return json_response(200, to_json(*fetched.answer, fetched.decided));
}

Task<net::Response> Daemon::read(std::string target, Caller caller) {
    const auto parameter = [&](std::string_view name) {
        return query_parameter(target, name).value_or("");
    };
    const auto path = target.substr(0, target.find('?'));
    json::Array items;
    if (path == "/metrics") {
        net::Response out;
        out.headers.add("Content-Type", "text/plain; version=0.0.4");
        out.body = env_.metrics.expose();
        co_return out;
    }
    if (path == "/v1/limits") {
        auto limits = co_await account_.limits(parameter("vendor"), parameter("task"));
        if (!limits) co_return error_response(limits.error());
        for (const auto& each : *limits) items.push_back(json::encode(each));
        co_return json_response(200, json::Object{{"limits", std::move(items)}});
    }
    if (path == "/v1/approvals") {
        auto waiting = co_await account_.waiting(kAskedMax, caller.name.name);
        if (!waiting) co_return error_response(waiting.error());
        for (const auto& each : *waiting) {
            items.push_back(to_json(ledger::Payment{.entry = each, .state = ledger::State::asked}));
        }
        co_return json_response(200, json::Object{{"approvals", std::move(items)}});
    }
    std::size_t limit = kShownDefault;
    if (const auto text = query_parameter(target, "limit")) {
        const auto number = u256_from_decimal(*text);
        const auto small = number ? number->to_u64() : std::nullopt;
        if (!small || *small == 0 || *small > kShownMax) {
            co_return error_response(
                Error{Errc::invalid_field, fmt::format("limit: expected 1 to {}", kShownMax)});
        }
        limit = *small;
    }
    ledger::Filter filter;
    filter.vendor = parameter("vendor");
    filter.task = parameter("task");
    auto payments = co_await account_.payments(std::move(filter), limit, caller.name.name);
    if (!payments) co_return error_response(payments.error());
    for (const auto& each : *payments) items.push_back(to_json(each));
    co_return json_response(200, json::Object{{"payments", std::move(items)}});
}

Task<> Daemon::relay(net::ServerRequest& request, net::Responder& responder, net::Url url,
                     Caller caller) {
    std::optional<net::Response> answer;
    const auto below_us = request.absolute ? std::nullopt : std::optional(url);
    auto order = proxied_order(std::move(url), request);
    if (!order) answer = error_response(order.error());
    if (!answer && request.method == "TRACE") {
        answer = refused(405, "method", "TRACE is not passed on", "use another method");
    }
    if (!answer && request.has_body) {
        // Whole, for it may have to be sent twice: unpaid, and then with the payment.
        auto body = co_await request.body->read_all(limits_.body_bytes_max);
        if (body) {
            order->request.body = *std::move(body);
        } else {
            answer = refused(net::status_of_body_fault(body.error()), "body",
                             "the body of the request did not come whole, or is too large",
                             "send at most 8 MiB");
        }
    }
    if (!answer) {
        Relay sink(responder, request.method == "HEAD", below_us);
        const auto fetched = co_await pay(*std::move(order), caller, &sink);
        count("proxy", outcome_of(fetched));
        if (fetched.answer) {
            const auto finished = co_await sink.finish();
            if (!finished) env_.log.debug("client_gone");
            co_return;
        }
        if (responder.started()) {
            // What has come so far must not look complete.
            responder.abort();
            co_return;
        }
        answer = failed(fetched, caller);
    }
    const auto sent = co_await responder.send(*std::move(answer));
    if (!sent) env_.log.debug("client_gone");
}

}  // namespace farthing::wallet
