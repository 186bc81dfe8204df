// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/admin.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/gateway/responses.hpp"

namespace farthing::gateway {
namespace {

net::Response state(int status, std::string_view what, const std::vector<std::string>& reasons) {
    json::Object body{{"status", what}};
    if (!reasons.empty()) {
        json::Array why;
        for (const auto& reason : reasons) why.emplace_back(reason);
        body.emplace("reasons", std::move(why));
    }
    net::Response response;
    response.status = status;
    response.headers.add("Content-Type", "application/json");
    response.headers.add("Cache-Control", "no-store");
    response.body = json::to_text(body);
    return response;
}

/// Whether a kind's network, an id or a pattern such as `eip155:*`, takes `network` in.
bool takes_in(std::string_view kind, std::string_view network) {
    if (!kind.ends_with(":*")) return kind == network;
    kind.remove_suffix(1);
    return network.starts_with(kind);
}

}  // namespace

Task<> Admin::handle(net::ServerRequest& request, net::Responder& responder) {
    auto path = request.target.substr(0, request.target.find('?'));
    auto response = co_await answer(request.method, std::move(path));
    const auto sent = co_await responder.send(std::move(response));
    if (!sent) env_.log.debug("client_gone");
}

Task<net::Response> Admin::answer(std::string method, std::string path) {
    const bool known = path == "/healthz" || path == "/readyz" || path == "/metrics";
    if (!known) co_return json_error(404, "no such endpoint: /healthz, /readyz, /metrics");
    if (method != "GET" && method != "HEAD") co_return json_error(405, "expected GET");
    if (path == "/healthz") co_return state(200, "ok", {});
    if (path == "/metrics") {
        net::Response response;
        response.headers.add("Content-Type", "text/plain; version=0.0.4");
        response.body = env_.metrics.expose();
        co_return response;
    }
    const auto reasons = co_await not_ready_();
    co_return state(reasons.empty() ? 200 : 503, reasons.empty() ? "ready" : "not ready", reasons);
}

Result<> check_supported(const Site& site, const v2::SupportedResponse& supported) {
    for (const auto& route : site.routes) {
        for (const auto& [requirements, decimals, as_json, as_v1] : route.offers) {
            const auto settles = [&](const v2::SupportedKind& kind) {
                return kind.x402_version == v2::kVersion && kind.scheme == requirements.scheme &&
                       takes_in(kind.network, requirements.network.id);
            };
            if (std::ranges::any_of(supported.kinds, settles)) continue;
            return fail(Errc::invalid_config,
                        fmt::format("route \"{}\": the facilitator does not settle {} on {}: take "
                                    "another facilitator or leave that offer out",
                                    route.name, requirements.scheme, requirements.network.id));
        }
    }
    return {};
}

}  // namespace farthing::gateway
