// SPDX-License-Identifier: Apache-2.0
// A client that does not reach into the local network for a stranger: whoever may name a URL (a
// model, and so every page it reads) could otherwise read the machine's own services with it.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <functional>

#include "farthing/net/client.hpp"

namespace farthing::net {

/// Of the public Internet: not loopback, private, link-local, shared, multicast or reserved, also
/// where an IPv6 address only wraps an IPv4 one. Source: IANA's special-purpose address registries.
[[nodiscard]] bool is_public(const asio::ip::address& address);

/// Whether this URL may lead to an address that is not public.
using MayBeLocal = std::function<bool(const Url& url)>;

/// A client that asks at each connection, of the address that the name was resolved to. Errors of
/// requests besides the client's own: not_allowed.
[[nodiscard]] std::unique_ptr<Client> make_fenced_client(Env env, Loop& loop, ClientConfig config,
                                                         MayBeLocal may_be_local);

}  // namespace farthing::net
