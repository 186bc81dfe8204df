// SPDX-License-Identifier: Apache-2.0
// An MCP server without a transport: messages in, answers out. Source: MCP specification
// 2025-11-25 (lifecycle, tools, ping, cancellation), and the revisions before it.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "farthing/mcp/message.hpp"
#include "farthing/mcp/tool.hpp"

namespace farthing::mcp {

struct ServerInfo {
    std::string name;
    std::string title;
    std::string version;
    std::string instructions;  ///< for the model, about all tools together
};

/// One client, from its initialize on.
class Session {
  public:
    explicit Session(std::string agent) : agent_(std::move(agent)) {}
    [[nodiscard]] const std::string& agent() const { return agent_; }
    /// Empty before initialize.
    [[nodiscard]] const std::string& version() const { return version_; }

  private:
    friend class Server;
    std::string agent_;
    std::string version_;
    std::map<std::string, std::shared_ptr<Call>> calls_;  ///< under way, by id
};

class Server {
  public:
    /// At once, of one session.
    static constexpr std::size_t kCallsMax = 32;

    Server(Env env, Loop& loop, ServerInfo info, std::vector<Tool> tools);

    /// The answer to a message or a batch; nothing when none is due: to a notification, and to a
    /// call that was cancelled. `session` lives until the task ends.
    Task<std::optional<json::Value>> handle(json::Value message, std::shared_ptr<Session> session);
    /// The session is about to end: its calls wait for nothing any more.
    static void hurry(Session& session);

  private:
    Task<std::optional<json::Value>> handle_one(const json::Value& value,
                                                std::shared_ptr<Session> session);
    Task<std::optional<json::Value>> handle_batch(json::Array batch,
                                                  std::shared_ptr<Session> session);
    [[nodiscard]] std::expected<json::Object, Fault> answer(const Message& message,
                                                            Session& session) const;
    [[nodiscard]] std::expected<json::Object, Fault> initialize(const json::Object& params,
                                                                Session& session) const;
    [[nodiscard]] json::Object list() const;
    Task<std::optional<json::Value>> call(Message message, std::shared_ptr<Session> session);

    Env env_;
    Loop& loop_;
    ServerInfo info_;
    std::vector<Tool> tools_;
};

}  // namespace farthing::mcp
