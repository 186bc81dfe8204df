// SPDX-License-Identifier: Apache-2.0
// Daemon: one wallet for several programs, over HTTP. Who asks is known by a token or a card, and
// pays by the same decision as everybody else. Two ways in: the API under /v1, and the local proxy
// (local_proxy.hpp). docs/wallet.md, "The daemon".
//
// A web page in the operator's browser can reach a loopback address, and make a name of its own
// lead there: what carries an Origin, comes from another site, or names a host that is not this
// machine is refused before anything else is looked at.
#pragma once

#include <map>

#include "farthing/net/server.hpp"
#include "farthing/wallet/daemon_api.hpp"
#include "farthing/wallet/tokens.hpp"

namespace farthing::wallet {

/// How a connection came.
enum class Door : std::uint8_t { unix_socket, loopback };

struct DaemonLimits {
    std::size_t body_bytes_max = kCallBytesMax;  ///< of a request
    /// Of one token or card at the same time, those that wait for the operator included.
    std::size_t in_hand_max = 64;
    std::chrono::milliseconds fetch_time{300'000};  ///< one attempt by the API
    /// Of one token or card: all answers of the API that it has not taken yet.
    std::size_t held_bytes_max = 64 << 20;
};

/// One loop.
class Daemon {
  public:
    /// The account outlives this.
    Daemon(Env env, Account& account, Tokens tokens, DaemonLimits limits = {});

    Task<> handle(net::ServerRequest& request, net::Responder& responder, Door door);
    /// Requests that have been taken and not been answered.
    [[nodiscard]] std::size_t in_hand() const { return in_hand_; }
    /// The port of its loopback address, once it is known.
    void listens_on(std::uint16_t port) { port_ = port; }

  private:
    /// Who asks.
    struct Caller {
        TokenName name;
        std::string token;  ///< of an agent
        std::optional<Card> card;
        [[nodiscard]] bool holds_card() const { return card.has_value(); }
    };
    class Busy;
    class Basket;
    struct Load {
        std::size_t requests = 0;
        std::size_t bytes = 0;
    };

    Task<> serve(net::ServerRequest& request, net::Responder& responder,
                 std::optional<net::Url> proxied);
    Task<Result<Caller>> authenticate(std::string token);
    Task<net::Response> call(net::ServerRequest& request, Caller caller, Busy& busy);
    Task<net::Response> fetch(net::ServerRequest& request, Caller caller, bool quote, Busy& busy);
    Task<net::Response> read(std::string target, Caller caller);
    Task<> relay(net::ServerRequest& request, net::Responder& responder, net::Url url,
                 Caller caller);
    [[nodiscard]] bool is_for_us(const net::Url& url) const;
    Result<> take_on(Order& order, const Caller& caller);
    Task<Fetched> pay(Order order, const Caller& caller, Sink* sink);
    net::Response failed(const Fetched& fetched, const Caller& caller);
    void count(std::string_view way, std::string_view outcome);

    Env env_;
    Account& account_;
    Tokens tokens_;
    DaemonLimits limits_;
    std::map<std::string, Load> busy_;
    std::uint16_t port_ = 0;
    std::size_t in_hand_ = 0;
    Gauge& in_hand_gauge_;
};

}  // namespace farthing::wallet
