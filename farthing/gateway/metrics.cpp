// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/metrics.hpp"

namespace farthing::gateway {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Ending::count_)> kNames{
    "passed",
    "unpaid",
    "refused",
    "busy",
    "paid",
    "deferred",
    "abandoned",
    "undelivered",
    "not_settled",
    "pending",
    "origin_refused",
    "origin_failed",
    "facilitator_failed",
    "store_failed",
    "bad_request",
    "preflight"};

Histogram& seconds(Metrics& metrics, const char* name, const char* help) {
    const std::vector<double> buckets{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 90};
    return metrics.histogram(name, help, buckets);
}

}  // namespace

std::string_view name_of(Ending ending) { return kNames[static_cast<std::size_t>(ending)]; }

RouteCounters::RouteCounters(Metrics& metrics, const Site& site) : metrics_(metrics) {
    for (const auto& route : site.routes) names_.push_back(route.name);
    names_.emplace_back("_none");
    rows_.resize(names_.size());
}

void RouteCounters::count(std::optional<std::size_t> route, Ending ending) {
    const auto index = route.value_or(names_.size() - 1);
    auto*& counter = rows_[index][static_cast<std::size_t>(ending)];
    if (counter == nullptr) {
        counter = &metrics_.counter(
            "farthing_gateway_requests_total", "Requests by route and how they ended",
            {{"route", names_[index]}, {"ending", std::string(name_of(ending))}});
    }
    counter->add();
}

GatewayMetrics::GatewayMetrics(Metrics& metrics)
    : verify_seconds(seconds(metrics, "farthing_gateway_verify_seconds",
                             "Time of the facilitator to verify a payment")),
      origin_seconds(seconds(metrics, "farthing_gateway_origin_seconds",
                             "Time of the origin for a whole answer to a paid request")),
      settle_seconds(seconds(metrics, "farthing_gateway_settle_seconds",
                             "Time of the facilitator to settle a payment")),
      in_hand(metrics.gauge("farthing_gateway_paid_requests_in_hand", "Paid requests in hand")),
      waiting(metrics.gauge("farthing_gateway_payments_waiting",
                            "Payments whose outcome is open or whose answer was not taken")),
      kept_bytes(
          metrics.gauge("farthing_gateway_kept_bytes", "Answers kept for payments that wait")),
      debts(metrics.gauge("farthing_gateway_debts", "Payments served on credit, not settled yet")),
      debts_unpaid_total(metrics.counter("farthing_gateway_debts_unpaid_total",
                                         "Payments served on credit that did not settle")),
      credit_refused_total(
          metrics.counter("farthing_gateway_credit_refused_total",
                          "Payments of deferred routes that were settled before the answer")),
      reloads_failed_total(metrics.counter("farthing_gateway_reloads_failed_total",
                                           "Configurations that were not taken over")) {}

void observe(Histogram& histogram, std::chrono::steady_clock::duration time) {
    histogram.observe(std::chrono::duration<double>(time).count());
}

}  // namespace farthing::gateway
