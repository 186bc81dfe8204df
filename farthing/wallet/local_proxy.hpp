// SPDX-License-Identifier: Apache-2.0
// The local proxy's parts: which URL a request is for, what its headers tell us and what of them
// goes on, and the answer on its way back. docs/wallet.md, "The local proxy".
#pragma once

#include "farthing/net/server.hpp"
#include "farthing/wallet/account.hpp"

namespace farthing::wallet {

/// `GET http://host/path`, as HTTP_PROXY makes it, or `GET /https://host/path`; nothing when it is
/// neither. Errors: invalid_argument.
[[nodiscard]] Result<std::optional<net::Url>> proxied_url(const net::ServerRequest& request);

/// What the headers Farthing-Task, -Reason, -Tool, -Max-Amount, -Wait and -Again say, and the
/// request without them, without hop-by-hop fields and without our token. The body is left to the
/// caller. An Authorization with a token of ours is ours as well. Errors: invalid_field.
[[nodiscard]] Result<Order> proxied_order(net::Url url, const net::ServerRequest& request);

/// The seller's answer to the client, piece by piece. In the path form, of a request for `asked`,
/// all sellers are one host to the client, which may not mix them up: redirects stay with us, for
/// it would take our token along, and cookies are not passed on.
class Relay final : public Sink {
  public:
    Relay(net::Responder& to, bool is_head, std::optional<net::Url> asked = {})
        : to_(to), is_head_(is_head), asked_(std::move(asked)) {}
    Result<> begin(const net::Response& head, std::optional<std::uint64_t> length) override;
    Result<> write(std::string_view piece) override;
    Task<Result<>> flushed() override;
    /// As long as the client has heard nothing of it.
    bool restart() override;
    /// After the last piece.
    Task<Result<>> finish();

  private:
    net::Responder& to_;
    bool is_head_;
    std::optional<net::Url> asked_;
    std::optional<net::Response> head_;
    std::optional<std::uint64_t> length_;
    std::string waiting_;
};

}  // namespace farthing::wallet
