// SPDX-License-Identifier: Apache-2.0
// What a gateway counts. Labels are route names of the configuration and the words below.
#pragma once

#include <array>
#include <chrono>
#include <string_view>
#include <vector>

#include "farthing/gateway/site.hpp"
#include "farthing/io/metrics.hpp"

namespace farthing::gateway {

/// How a request ended.
enum class Ending : std::uint8_t {
    passed,              ///< free, and passed through
    unpaid,              ///< 402: no payment came
    refused,             ///< 402 or 412: a payment came and was not good
    busy,                ///< 409: the same payment was in hand, or paid for another request
    paid,                ///< settled, and the answer released
    deferred,            ///< released on credit
    abandoned,           ///< the client was gone before anything was settled
    undelivered,         ///< settled, and the client was gone
    not_settled,         ///< 402 after the origin ran
    pending,             ///< the settlement's outcome is open
    origin_refused,      ///< the origin answered 400 or more: nothing was settled
    origin_failed,       ///< no whole answer of the origin
    facilitator_failed,  ///< no answer of the facilitator, and nothing happened
    store_failed,        ///< payments could not be recorded, and nothing happened
    bad_request,         ///< 4xx of ours
    preflight,
    count_,
};
[[nodiscard]] std::string_view name_of(Ending ending);

/// Counters of one site, by route and ending.
class RouteCounters {
  public:
    RouteCounters(Metrics& metrics, const Site& site);
    /// `route` is the index in the site; nothing for requests that no route matches.
    void count(std::optional<std::size_t> route, Ending ending);

  private:
    using Row = std::array<Counter*, static_cast<std::size_t>(Ending::count_)>;
    Metrics& metrics_;
    std::vector<std::string> names_;
    std::vector<Row> rows_;  ///< the last one for no route
};

/// Times and levels of the whole gateway.
struct GatewayMetrics {
    explicit GatewayMetrics(Metrics& metrics);

    Histogram& verify_seconds;
    Histogram& origin_seconds;
    Histogram& settle_seconds;
    Gauge& in_hand;     ///< paid requests
    Gauge& waiting;     ///< payments whose outcome is open, or whose answer was not taken
    Gauge& kept_bytes;  ///< of their answers
    Gauge& debts;       ///< served on credit and not settled yet
    Counter& debts_unpaid_total;
    Counter& credit_refused_total;
    Counter& reloads_failed_total;
};

/// Observes the time since `began`.
void observe(Histogram& histogram, std::chrono::steady_clock::duration time);

}  // namespace farthing::gateway
