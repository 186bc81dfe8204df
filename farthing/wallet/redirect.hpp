// SPDX-License-Identifier: Apache-2.0
// Where a redirect leads, and what may go there with the request. Pure. Source: RFC 9110 section
// 15.4.
#pragma once

#include <optional>

#include "farthing/net/http.hpp"

namespace farthing::wallet {

enum class Redirects : std::uint8_t {
    never,
    same_origin,  ///< scheme, host and port stay
    any,          ///< also to other hosts; never from https to http
};

struct Step {
    net::Url url;
    net::Request request;
    bool same_origin = true;
};

/// Whether an answer with this status sends us elsewhere, if we go.
[[nodiscard]] bool is_redirect(int status);

/// The request that follows `response`, or nothing when it is no redirect, names no place we can
/// go, or `policy` forbids it: then the response is the answer. 303, and 301 and 302 after POST,
/// become GET without a body, as everywhere. To another origin the request goes without
/// credentials: no Authorization, Cookie, or payment header.
[[nodiscard]] std::optional<Step> next_step(const net::Url& url, const net::Request& request,
                                            const net::Response& response, Redirects policy);

}  // namespace farthing::wallet
