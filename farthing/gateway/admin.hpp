// SPDX-License-Identifier: Apache-2.0
// The gateway's own endpoints, on an address of their own so that they never hide a path of the
// origin: GET /healthz, /readyz, /metrics.
#pragma once

#include "farthing/gateway/site.hpp"
#include "farthing/io/env.hpp"
#include "farthing/net/server.hpp"

namespace farthing::gateway {

class Admin {
  public:
    /// Why payments cannot be taken now; nothing when they can.
    using Readiness = std::function<Task<std::vector<std::string>>()>;

    Admin(Env env, Readiness not_ready) : env_(env), not_ready_(std::move(not_ready)) {}
    Task<> handle(net::ServerRequest& request, net::Responder& responder);

  private:
    Task<net::Response> answer(std::string method, std::string path);

    Env env_;
    Readiness not_ready_;
};

/// Whether the facilitator settles every offer of the site. Errors: invalid_config naming the first
/// that it does not.
[[nodiscard]] Result<> check_supported(const Site& site, const v2::SupportedResponse& supported);

}  // namespace farthing::gateway
