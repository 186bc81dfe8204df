// SPDX-License-Identifier: Apache-2.0
// The facilitator's HTTP endpoints. Source: protocol.md section 7.
#pragma once

#include "farthing/facilitator/access.hpp"
#include "farthing/facilitator/facilitator.hpp"
#include "farthing/io/env.hpp"
#include "farthing/net/server.hpp"

namespace farthing::facilitator {

/// What the endpoints need beside the facilitator itself.
class Service {
  public:
    /// `not_ready` answers why settlements cannot be made now, or nothing.
    using Readiness = std::function<Task<std::vector<std::string>>()>;

    Service(Env env, Facilitator& facilitator, Access& access, Readiness not_ready,
            std::chrono::milliseconds settle_timeout);

    /// POST /verify and POST /settle for who is let in; for everybody GET /supported, GET /healthz,
    /// GET /readyz, GET /metrics.
    Task<> handle(net::ServerRequest& request, net::Responder& responder);

  private:
    /// An answer, and the settlement that it tells of: one that nobody hears of is told again.
    struct Told {
        // NOLINTNEXTLINE(google-explicit-constructor): most answers tell of none
        Told(net::Response with) : response(std::move(with)) {}
        net::Response response;
        std::optional<v2::Payment> settled;
        std::string key;            ///< the name of the API key it was asked with
        std::string_view denied{};  ///< why it is not served, when that is who asks or how often
    };
    static Told denial(const Denied& denied, std::string key);
    Task<Told> answer(net::ServerRequest& request);
    Task<Told> answer_about_payment(net::ServerRequest& request, bool settles);
    Task<net::Response> verify(v2::Payment payment, std::string key);
    Task<Told> settle(v2::Payment payment, Asking asking, std::string key);
    Task<net::Response> supported();
    Task<net::Response> ready();

    struct Endpoint {
        Counter& requests;
        Histogram& seconds;
    };
    Endpoint endpoint(const std::string& name);

    Env env_;
    Facilitator& facilitator_;
    Access& access_;
    Readiness not_ready_;
    std::chrono::milliseconds settle_timeout_;
    Endpoint verify_;
    Endpoint settle_;
    Endpoint other_;
};

}  // namespace farthing::facilitator
