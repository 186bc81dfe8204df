// SPDX-License-Identifier: Apache-2.0
// The stdio transport: one JSON message a line, in and out. Source: MCP specification 2025-11-25,
// "Transports".
#pragma once

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <deque>

#include "farthing/io/task_group.hpp"
#include "farthing/mcp/server.hpp"

namespace farthing::mcp {

class Stdio {
  public:
    /// Takes both descriptors over.
    Stdio(Env env, Loop& loop, Server& server, int in, int out);

    /// Until the input ends, the output is closed, or `stop`. Calls in hand are finished and
    /// answered.
    Task<> run();
    /// Reads no more.
    void stop();

  private:
    using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

    Task<> read(TaskGroup& calls);
    void take(std::string_view piece, TaskGroup& calls);
    void take_line(std::string line, TaskGroup& calls);
    Task<> serve(json::Value message);
    void put(const json::Value& message);
    Task<> write();

    Env env_;
    Server& server_;
    Descriptor in_;
    Descriptor out_;
    TaskGroup writer_;
    Loop& loop_;
    std::shared_ptr<Session> session_ = std::make_shared<Session>("");
    std::string line_;
    bool skipping_ = false;  ///< the rest of a line that is too long
    std::deque<std::string> queue_;
    std::size_t queued_bytes_ = 0;
    Timer changed_;  ///< cancelled when the queue grows or shrinks
    bool ending_ = false;
    bool broken_ = false;  ///< nobody reads what we write
};

}  // namespace farthing::mcp
