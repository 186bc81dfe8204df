// SPDX-License-Identifier: Apache-2.0
// The client's side of MCP over streamable HTTP: what a wallet needs to look at a server's tools
// and to call one. Source: MCP specification 2025-11-25, "Transports". Everything a server says is
// a stranger's text.
#pragma once

#include <map>

#include "farthing/mcp/paid_answer.hpp"
#include "farthing/net/client.hpp"

namespace farthing::mcp {

/// What an answer of a server may cost.
inline constexpr json::Limits kAnswerLimits{
    .bytes_max = 8 << 20, .depth_max = 64, .values_max = 200'000};

/// One session with one server. One call at a time.
class Client {
  public:
    /// `version` of the program. References outlive this.
    Client(net::Client& http, net::Url server, std::string version)
        : http_(http), server_(std::move(server)), version_(std::move(version)) {}

    /// Either what answers the request, or an HTTP answer that is no success (with its headers, and
    /// as much of its body as a payment may need).
    struct Answer {
        std::optional<json::Object> message;
        net::Response http;
    };
    /// `headers` are added to ours. Initializes the session before the first request. Errors: those
    /// of HTTP; protocol_violation, too_large: then the server may have acted.
    Task<std::expected<Answer, net::RequestError>> request(std::string method, json::Object params,
                                                           net::Headers headers);
    /// Tells the server that we are done; whether it heard it is its own affair.
    Task<> end();

  private:
    Task<std::expected<Answer, net::RequestError>> post(json::Object message, std::uint64_t id,
                                                        net::Headers headers);
    Task<std::expected<void, net::RequestError>> initialize();
    Task<Result<json::Object>> read_answer(net::ResponseStream& stream, std::uint64_t id);
    [[nodiscard]] net::Request make_request(const json::Object& message,
                                            const net::Headers& headers) const;

    net::Client& http_;
    net::Url server_;
    std::string version_;
    std::string session_;
    std::string protocol_;  ///< agreed on; empty before
    std::uint64_t next_id_ = 1;
};

/// A tool as a resource that a Payer can buy: each `open` calls it, with the payment that is in the
/// request's headers, in `_meta`. A server that asks for money in HTTP itself is paid there.
class ToolLine final : public net::Client {
  public:
    ToolLine(mcp::Client& client, std::string tool, json::Object arguments)
        : client_(client), tool_(std::move(tool)), arguments_(std::move(arguments)) {}

    using Opened = std::expected<std::unique_ptr<net::ResponseStream>, net::RequestError>;
    using Fetched = std::expected<net::Response, net::RequestError>;
    Task<Opened> open(net::Url url, net::Request request, net::BodySource body,
                      std::optional<std::uint64_t> length) override;
    Task<Fetched> fetch(net::Url url, net::Request request) override;
    Task<Fetched> fetch(net::Url url, net::Request request,
                        std::chrono::milliseconds deadline) override;

    /// What the tool said last; nothing when HTTP failed.
    [[nodiscard]] const std::optional<ToolAnswer>& answer() const { return answer_; }

  private:
    mcp::Client& client_;
    std::string tool_;
    json::Object arguments_;
    std::optional<ToolAnswer> answer_;
    bool pays_in_http_ = false;
};

/// All calls under way as one client, so that one Account knows of them all. Which of them a
/// request is for stands in a header that never leaves.
class ToolLines final : public net::Client {
  public:
    static constexpr std::string_view kHeader = "Farthing-Line";

    /// The header's value; until `remove`.
    [[nodiscard]] std::string add(ToolLine& line);
    void remove(const std::string& name) { lines_.erase(name); }

    Task<ToolLine::Opened> open(net::Url url, net::Request request, net::BodySource body,
                                std::optional<std::uint64_t> length) override;
    Task<ToolLine::Fetched> fetch(net::Url url, net::Request request) override;
    Task<ToolLine::Fetched> fetch(net::Url url, net::Request request,
                                  std::chrono::milliseconds deadline) override;

  private:
    [[nodiscard]] ToolLine& line_of(const net::Request& request) const;

    std::map<std::string, ToolLine*> lines_;
    std::uint64_t next_ = 1;
};

}  // namespace farthing::mcp
