// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/gateway.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/hex.hpp"
#include "farthing/facilitator/request_timeout.hpp"
#include "farthing/gateway/cors.hpp"
#include "farthing/gateway/responses.hpp"

namespace farthing::gateway {
namespace {

constexpr std::size_t kRequestIdMax = 64;

/// Counts a request while it is in hand.
class InHand {
  public:
    InHand(std::uint64_t& count, Gauge& gauge) : count_(count), gauge_(gauge) { set(count_ + 1); }
    InHand(const InHand&) = delete;
    InHand& operator=(const InHand&) = delete;
    ~InHand() { set(count_ - 1); }

  private:
    void set(std::uint64_t to) {
        count_ = to;
        gauge_.set(static_cast<double>(to));
    }
    std::uint64_t& count_;
    Gauge& gauge_;
};

bool is_request_id(std::string_view text) {
    const auto is_good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    return !text.empty() && text.size() <= kRequestIdMax && std::ranges::all_of(text, is_good);
}

Ending ending_of(Streamed streamed) {
    switch (streamed) {
        case Streamed::complete:
        case Streamed::client_gone:
            return Ending::passed;
        case Streamed::no_answer:
        case Streamed::broken_off:
            break;
    }
    return Ending::origin_failed;
}

}  // namespace

GatewayRules rules_of(const Config& config) {
    GatewayRules rules;
    const bool is_remote = config.facilitator.url.has_value();
    rules.checkout.request_body_bytes_max = config.limits.request_body_bytes_max;
    rules.checkout.response_body_bytes_max = config.limits.response_body_bytes_max;
    // A remote one says itself when it gives up waiting; leaving earlier only loses its answer.
    rules.checkout.settle_patience =
        is_remote ? config.facilitator.timeout : config.facilitator.settle_patience;
    rules.checkout.facilitator_remembers = !is_remote;
    rules.checkout.settle_window = config.deferred.settle_window;
    const auto money = [](const std::string& text) {
        return scheme::parse_money(text).value_or(scheme::Money{});
    };
    rules.checkout.credit = {money(config.deferred.per_payer), money(config.deferred.per_pay_to),
                             money(config.deferred.total)};
    rules.book.kept_bytes_max = config.limits.kept_bytes_max;
    rules.book.kept_for = config.limits.kept_for;
    return rules;
}

Gateway::Gateway(Env env, Loop& loop, net::Client& origin, facilitator::Facilitator& facilitator,
                 std::shared_ptr<const Site> site, GatewayRules rules, Durable durable)
    : env_(env),
      origin_(origin),
      metrics_(env.metrics),
      payments_(env, loop, std::move(durable), rules.book),
      settlements_(loop),
      checkout_({env, loop, origin, facilitator, payments_, metrics_, settlements_},
                rules.checkout) {
    Bytes prefix(4);
    env_.random.fill(prefix);
    id_prefix_ = to_hex_digits(prefix);
    use(std::move(site));
}

void Gateway::use(std::shared_ptr<const Site> site) {
    live_ = std::make_shared<Live>(env_.metrics, std::move(site));
}

Task<Result<>> Gateway::open() {
    auto opened = co_await payments_.open();
    if (opened) co_await checkout_.take_over_debts();
    co_return opened;
}

Task<> Gateway::run() {
    std::function<Task<>()> round = [this] { return checkout_.take_over_debts(); };
    co_await payments_.run(std::move(round));
}

Task<> Gateway::drain() {
    co_await settlements_.join();
    co_await payments_.drain();
}

std::string Gateway::request_id(const net::Headers& headers, bool trusted) {
    if (trusted) {
        if (const auto given = headers.get("X-Request-Id"); given && is_request_id(*given))
            return std::string(*given);
    }
    return fmt::format("{}-{}", id_prefix_, ++id_next_);
}

Result<Gateway::Visit> Gateway::receive(net::ServerRequest& request, net::Responder& responder) {
    const auto& site = *live_->site;
    FARTHING_TRY(auto target, read_target(request.target));
    FARTHING_TRY(auto client,
                 view_client(request.headers, request.peer_ip, site.public_url, site.trusted));
    FARTHING_CHECK(check_host(client.host));
    FARTHING_TRY(const auto route, site.table.find(request.method, target.path));
    auto id = request_id(request.headers, client.trusted);
    return Visit{request,           responder,     live_, std::move(target),
                 std::move(client), std::move(id), route};
}

Task<> Gateway::handle(net::ServerRequest& request, net::Responder& responder) {
    auto visit = receive(request, responder);
    if (!visit) {
        live_->counters.count(std::nullopt, Ending::bad_request);
        auto sent = co_await responder.send(json_error(400, visit.error().detail));
        if (!sent) env_.log.debug("client_gone");
        co_return;
    }
    const auto& site = *visit->live->site;
    if (!site.cors.allow_origins.empty()) {
        if (const auto method = preflight_method(request.method, request.headers)) {
            // The route that the real request will be of.
            const auto route = site.table.find(*method, visit->target.path);
            if (!visit->route && route) visit->route = *route;
            if (visit->route && !site.routes[*visit->route].is_free) {
                co_await answer_preflight(*visit);
                co_return;
            }
        }
    }
    if (!visit->route || site.routes[*visit->route].is_free) {
        co_await pass(*visit);
        co_return;
    }
    auto presented = read_payment(request.headers);
    if (!presented) {
        co_await reject(*visit, 400, to_string(presented.error()));
        co_return;
    }
    if (presented->unreadable && !presented->payment) {
        env_.log.info("payment_unreadable", {{"id", visit->id},
                                             {"route", site.routes[*visit->route].name},
                                             {"reason", to_string(*presented->unreadable)}});
    }
    if (!presented->payment) {
        co_await ask_to_pay(*visit);
        co_return;
    }
    co_await sell(*visit, *std::move(presented->payment));
}

Task<> Gateway::reject(Visit& visit, int status, std::string message) {
    visit.live->counters.count(visit.route, Ending::bad_request);
    auto response = json_error(status, message);
    response.headers.add("X-Request-Id", visit.id);
    const auto sent = co_await visit.responder.send(std::move(response));
    if (!sent) env_.log.debug("client_gone", {{"id", visit.id}});
}

Task<> Gateway::answer_preflight(Visit& visit) {
    const auto& cors = visit.live->site->cors;
    const auto& headers = visit.request.headers;
    visit.live->counters.count(visit.route, Ending::preflight);
    const auto method = preflight_method(visit.request.method, headers).value_or("");
    auto response = preflight_answer(cors, allowed_origin(cors, headers), method);
    const auto sent = co_await visit.responder.send(std::move(response));
    if (!sent) env_.log.debug("client_gone", {{"id", visit.id}});
}

OriginRequest Gateway::origin_request(const Visit& visit) {
    const auto& site = *visit.live->site;
    OriginRequest out;
    out.url = site.origin_of(visit.route ? &site.routes[*visit.route] : nullptr);
    out.url.target = visit.target.forward;
    out.request.method = visit.request.method;
    out.request.headers =
        to_origin(visit.request.headers, visit.client, visit.request.peer_ip, visit.id);
    return out;
}

Task<> Gateway::pass(Visit& visit) {
    const auto live = visit.live;
    std::function<void(net::Response&)> decorate = [&visit](net::Response& response) {
        const auto& cors = visit.live->site->cors;
        response.headers.set("X-Request-Id", visit.id);
        allow_reading(response.headers, cors, allowed_origin(cors, visit.request.headers));
    };
    const auto streamed = co_await stream_through(origin_, origin_request(visit), visit.request,
                                                  visit.responder, std::move(decorate), env_.log);
    live->counters.count(visit.route, ending_of(streamed));
}

Task<> Gateway::ask_to_pay(Visit& visit) {
    const auto index = *visit.route;
    const auto& site = *visit.live->site;
    const auto url = visit.client.url(visit.target.raw);
    const auto allowed = allowed_origin(site.cors, visit.request.headers);
    const auto make = [&] {
        auto response =
            payment_required(site.routes[index], url, wire_code(Errc::payment_required));
        allow_reading(response.headers, site.cors, allowed);
        return to_wire(response);
    };
    auto bytes = visit.live->unpaid.get(index, allowed, url, make);
    visit.live->counters.count(index, Ending::unpaid);
    const auto sent = co_await visit.responder.send_raw(std::move(bytes));
    if (!sent) env_.log.debug("client_gone", {{"id", visit.id}});
}

Task<> Gateway::sell(Visit& visit, dialect::Received payment) {
    const InHand in_hand(in_hand_, metrics_.in_hand);
    const auto began = env_.clock.steady_now();
    const auto& site = *visit.live->site;
    Sale sale{site.routes[*visit.route],
              visit.client.url(visit.target.raw),
              origin_request(visit),
              visit.request.has_body ? visit.request.body : nullptr,
              [&visit] { return visit.responder.client_gone(); },
              facilitator::request_timeout(visit.request.headers)};
    auto answered = co_await checkout_.run(std::move(sale), std::move(payment));
    auto response = std::move(answered.answer.response);
    const auto length = answered.answer.length;
    response.headers.set("X-Request-Id", visit.id);
    allow_reading(response.headers, site.cors, allowed_origin(site.cors, visit.request.headers));
    const auto status = response.status;
    Result<> sent;
    if (length) {
        sent = co_await visit.responder.send_head(std::move(response), length);
        if (sent) sent = co_await visit.responder.finish();
    } else {
        sent = co_await visit.responder.send(std::move(response));
    }
    if (sent) {
        checkout_.delivered(answered);
    } else if (answered.ending == Ending::paid) {
        answered.ending = Ending::undelivered;
    }
    answered.answer.response.status = status;
    visit.live->counters.count(visit.route, answered.ending);
    log_sale(visit, answered, env_.clock.steady_now() - began);
    answered.settlement.reset();
    metrics_.waiting.set(static_cast<double>(payments_.book().waiting_count()));
    metrics_.kept_bytes.set(static_cast<double>(payments_.book().kept_bytes()));
}

void Gateway::log_sale(const Visit& visit, const Answered& answered,
                       std::chrono::steady_clock::duration time) const {
    const auto* wanted = answered.requirements;
    const bool ours_to_mend =
        answered.ending == Ending::origin_failed || answered.ending == Ending::facilitator_failed ||
        answered.ending == Ending::pending || answered.ending == Ending::undelivered ||
        answered.ending == Ending::store_failed;
    env_.log.write(ours_to_mend ? Level::warn : Level::info, "paid_request",
                   {{"id", visit.id},
                    {"route", visit.live->site->routes[*visit.route].name},
                    {"method", visit.request.method},
                    {"ending", name_of(answered.ending)},
                    {"status", answered.answer.response.status},
                    {"reason", answered.reason},
                    {"payer", answered.payer},
                    {"amount", wanted == nullptr ? "" : wanted->amount.to_decimal()},
                    {"asset", wanted == nullptr ? "" : wanted->asset},
                    {"network", wanted == nullptr ? "" : wanted->network.id},
                    {"transaction", answered.transaction},
                    {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(time).count()}});
}

}  // namespace farthing::gateway
