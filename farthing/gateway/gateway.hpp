// SPDX-License-Identifier: Apache-2.0
// Gateway: what happens to a request, from its path to its answer.
#pragma once

#include "farthing/gateway/checkout.hpp"

namespace farthing::gateway {

struct GatewayRules {
    CheckoutRules checkout;
    BookLimits book;
};

[[nodiscard]] GatewayRules rules_of(const Config& config);

/// One loop. Outlives the server that calls `handle`; await `drain` before it ends.
class Gateway {
  public:
    Gateway(Env env, Loop& loop, net::Client& origin, facilitator::Facilitator& facilitator,
            std::shared_ptr<const Site> site, GatewayRules rules, Durable durable = {});

    /// Before the first request. Errors: io_failed (the store).
    Task<Result<>> open();
    /// What has to be done now and then, until cancelled.
    Task<> run();
    /// After the last request: what this gateway had in hand is free for others.
    Task<> close() { return payments_.close(); }

    Task<> handle(net::ServerRequest& request, net::Responder& responder);
    /// For requests from now on; those in hand keep the site they began with.
    void use(std::shared_ptr<const Site> site);
    /// Until the settlements in hand are over, also those whose request is gone.
    Task<> drain();
    /// A configuration was not taken over.
    void count_failed_reload() { metrics_.reloads_failed_total.add(); }

  private:
    /// A site in use, with what is remembered of it.
    struct Live {
        Live(Metrics& metrics, std::shared_ptr<const Site> with)
            : site(std::move(with)), counters(metrics, *site) {}
        std::shared_ptr<const Site> site;
        RouteCounters counters;
        UnpaidAnswers unpaid;
    };
    /// What is known of a request before anything is done about it.
    struct Visit {
        net::ServerRequest& request;
        net::Responder& responder;
        std::shared_ptr<Live> live;
        RequestTarget target;
        ClientView client;
        std::string id;
        std::optional<std::size_t> route;  ///< that matched
    };

    [[nodiscard]] Result<Visit> receive(net::ServerRequest& request, net::Responder& responder);
    Task<> reject(Visit& visit, int status, std::string message);
    Task<> answer_preflight(Visit& visit);
    Task<> pass(Visit& visit);
    Task<> ask_to_pay(Visit& visit);
    Task<> sell(Visit& visit, dialect::Received payment);
    void log_sale(const Visit& visit, const Answered& answered,
                  std::chrono::steady_clock::duration time) const;
    [[nodiscard]] std::string request_id(const net::Headers& headers, bool trusted);
    [[nodiscard]] static OriginRequest origin_request(const Visit& visit);

    Env env_;
    net::Client& origin_;
    GatewayMetrics metrics_;
    Register payments_;
    TaskGroup settlements_;
    Checkout checkout_;
    std::shared_ptr<Live> live_;
    std::string id_prefix_;
    std::uint64_t id_next_ = 0;
    std::uint64_t in_hand_ = 0;
};

}  // namespace farthing::gateway
