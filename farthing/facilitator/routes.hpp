// SPDX-License-Identifier: Apache-2.0
// The facilitator's HTTP endpoints. Source: protocol.md section 7.
#pragma once

#include "farthing/facilitator/facilitator.hpp"
#include "farthing/io/env.hpp"
#include "farthing/net/server.hpp"

namespace farthing::facilitator {

/// What the endpoints need beside the facilitator itself.
class Service {
  public:
    /// `not_ready` answers why settlements cannot be made now, or nothing.
    using Readiness = std::function<Task<std::vector<std::string>>()>;

    Service(Env env, Facilitator& facilitator, Readiness not_ready,
            std::chrono::milliseconds settle_timeout);

    /// POST /verify, POST /settle, GET /supported, GET /healthz, GET /readyz, GET /metrics.
    Task<> handle(net::ServerRequest& request, net::Responder& responder);

  private:
    /// An answer, and the settlement that it tells of: one that nobody hears of is told again.
    struct Told {
        // NOLINTNEXTLINE(google-explicit-constructor): most answers tell of none
        Told(net::Response with) : response(std::move(with)) {}
        net::Response response;
        std::optional<v2::Payment> settled;
    };
    Task<Told> answer(net::ServerRequest& request);
    Task<net::Response> verify(std::string body);
    Task<Told> settle(std::string body, std::string idempotency_key);
    Task<net::Response> supported();
    Task<net::Response> ready();

    struct Endpoint {
        Counter& requests;
        Histogram& seconds;
    };
    Endpoint endpoint(const std::string& name);

    Env env_;
    Facilitator& facilitator_;
    Readiness not_ready_;
    std::chrono::milliseconds settle_timeout_;
    Endpoint verify_;
    Endpoint settle_;
    Endpoint other_;
};

}  // namespace farthing::facilitator
