// SPDX-License-Identifier: Apache-2.0
// The streamable HTTP transport: POST /mcp, one message a request, answered with JSON; no streams
// of ours (GET is 405). Source: MCP specification 2025-11-25, "Transports".
//
// Whoever can speak to us can spend: a page in the operator's browser can reach a loopback address,
// also under a name of its own (DNS rebinding). So a request needs a token, one of the names in
// `hosts` as its Host, and, when it has an Origin, one of those there as well.
#pragma once

#include "farthing/mcp/server.hpp"
#include "farthing/net/server.hpp"

namespace farthing::mcp {

class Http {
  public:
    /// The name of the agent whose token this is.
    using Identify = std::function<Task<std::optional<std::string>>(std::string token)>;
    static constexpr std::size_t kSessionsMax = 256;
    /// Of one agent: it makes room for itself first.
    static constexpr std::size_t kSessionsOfOneMax = 16;
    static constexpr unsigned kCallsOfOneMax = 16;  ///< at a time
    /// Unused for this long, a session makes room for others.
    static constexpr std::chrono::hours kIdleMax{8};

    Http(Env env, Server& server, Identify identify)
        : env_(env), server_(server), identify_(std::move(identify)) {}

    /// `127.0.0.1:8403`: what Host, and the Origin of a page of ours, may say. Lower case.
    void answer_to(std::vector<std::string> hosts) { hosts_ = std::move(hosts); }
    Task<> handle(net::ServerRequest& request, net::Responder& responder);
    /// We are about to end: calls wait for nothing any more.
    void hurry();

  private:
    struct Visit {
        std::shared_ptr<Session> session;
        SteadyTime used;
        unsigned calls = 0;
    };
    using Visits = std::map<std::string, Visit>;

    Task<net::Response> answer(net::ServerRequest& request);
    Task<net::Response> post(net::ServerRequest& request, const std::string& agent);
    Task<net::Response> start(json::Value message, const std::string& agent);
    [[nodiscard]] std::optional<net::Response> refuse_stranger(
        const net::ServerRequest& request) const;
    [[nodiscard]] std::expected<Visits::iterator, net::Response> visit_of(
        const net::ServerRequest& request, const std::string& agent);
    Task<net::Response> call(json::Value message, Visits::iterator visit);
    bool make_room(const std::string& agent);
    bool evict_idle(const std::string* of);

    Env env_;
    Server& server_;
    Identify identify_;
    std::vector<std::string> hosts_;
    Visits visits_;
    std::map<std::string, unsigned> calls_;  ///< under way, by agent
};

/// `127.0.0.1:PORT`, `localhost:PORT` and `[::1]:PORT`.
[[nodiscard]] std::vector<std::string> loopback_hosts(std::string_view port);

}  // namespace farthing::mcp
