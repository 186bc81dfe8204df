// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/redirect.hpp"

#include <array>

#include "farthing/wire/headers.hpp"

namespace farthing::wallet {
namespace {

constexpr std::array<std::string_view, 6> kCredentials{
    "Authorization",  "Proxy-Authorization",     "Cookie",
    "SIGN-IN-WITH-X", header::kPaymentSignature, header::kPaymentV1};
constexpr std::array<std::string_view, 4> kBodyHeaders{"Content-Type", "Content-Length",
                                                       "Content-Encoding", "Transfer-Encoding"};

bool becomes_get(int status, std::string_view method) {
    if (method == "GET" || method == "HEAD") return false;
    return status == 303 || ((status == 301 || status == 302) && method == "POST");
}

}  // namespace

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::optional<Step> next_step(const net::Url& url, const net::Request& request,
                              const net::Response& response, Redirects policy) {
    if (policy == Redirects::never || !is_redirect(response.status)) return std::nullopt;
    const auto location = response.headers.get("Location");
    if (!location) return std::nullopt;
    auto target = net::resolve_url(url, *location);
    if (!target) return std::nullopt;
    const bool same_origin = target->origin() == url.origin();
    if (!same_origin && policy == Redirects::same_origin) return std::nullopt;
    if (url.scheme == "https" && target->scheme != "https") return std::nullopt;
    Step step{std::move(*target), request, same_origin};
    if (becomes_get(response.status, request.method)) {
        step.request.method = "GET";
        step.request.body.clear();
        for (const auto each : kBodyHeaders) step.request.headers.remove(each);
    }
    if (!same_origin) {
        for (const auto each : kCredentials) step.request.headers.remove(each);
    }
    // The new place has a host of its own.
    step.request.headers.remove("Host");
    return step;
}

}  // namespace farthing::wallet
