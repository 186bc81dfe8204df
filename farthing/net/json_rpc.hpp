// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 2.0 over HTTP, single calls and batches. Source: JSON-RPC 2.0 specification.
#pragma once

#include "farthing/json/value.hpp"
#include "farthing/net/client.hpp"

namespace farthing::net {

/// An `error` member the node answered with.
struct RpcError {
    std::int64_t code = 0;
    std::string message;
    json::Value data;
};

/// Either the node's `result`, or its `error` (an answer), or a failure to get any answer (Error).
using RpcAnswer = std::expected<json::Value, RpcError>;

struct RpcCall {
    std::string method;
    json::Array params;
};

class JsonRpc {
  public:
    /// Every call ends within `timeout`. Answers over `body_bytes_max`, not JSON, with a wrong id,
    /// or neither result nor error are rpc_failed, never results.
    JsonRpc(Client& client, Url endpoint, std::chrono::milliseconds timeout);

    /// Errors: rpc_failed (HTTP status, HTML, truncated, wrong id), timed_out, connection_failed.
    Task<Result<RpcAnswer>> call(RpcCall call);
    /// Answers in the order of the calls whatever the node's order was; a missing one fails the
    /// whole batch.
    Task<Result<std::vector<RpcAnswer>>> batch(std::vector<RpcCall> calls);
    [[nodiscard]] const Url& endpoint() const { return endpoint_; }
    /// The Retry-After of an answer with status 429 or 503, in seconds only; told once, zero when
    /// there was none.
    std::chrono::milliseconds take_retry_after() {
        return std::exchange(retry_after_, std::chrono::milliseconds{0});
    }

  private:
    Task<Result<json::Value>> exchange(std::string body);

    Client& client_;
    Url endpoint_;
    std::chrono::milliseconds timeout_;
    std::uint64_t next_id_ = 1;
    std::chrono::milliseconds retry_after_{0};
};

/// Parses one answer or a batch of them: the pure part, fuzzed. `ids` are the ids sent, in order.
[[nodiscard]] Result<std::vector<RpcAnswer>> parse_rpc_answers(
    const json::Value& body, const std::vector<std::uint64_t>& ids, bool batch);

}  // namespace farthing::net
