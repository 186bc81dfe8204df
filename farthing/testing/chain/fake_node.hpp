// SPDX-License-Identifier: Apache-2.0
// FakeNode: a chain in memory as a node serves it, JSON-RPC over an HTTP client that opens no
// socket. EvmChain and everything above it run on it unchanged.
#pragma once

#include <functional>

#include "farthing/net/client.hpp"
#include "farthing/testing/chain/fake_chain.hpp"

namespace farthing::testing {

class FakeNode final : public net::Client {
  public:
    using Answer = std::expected<net::Response, net::RequestError>;
    using Opening = std::expected<std::unique_ptr<net::ResponseStream>, net::RequestError>;
    /// What the node answers to one call instead of the truth: the members beside `jsonrpc` and
    /// `id`, such as {"result": …} or {"error": …}. Nothing: the truth.
    using Lie = std::function<std::optional<json::Object>(std::string_view method,
                                                          const json::Array& params)>;

    explicit FakeNode(FakeChain& chain) : chain_(chain) {}

    Lie lie;
    std::optional<net::Response> instead;  ///< answers every request, whatever it is

    Task<Answer> fetch(net::Url url, net::Request request) override;
    Task<Answer> fetch(net::Url url, net::Request request,
                       std::chrono::milliseconds deadline) override;
    Task<Opening> open(net::Url url, net::Request request, net::BodySource body,
                       std::optional<std::uint64_t> length) override;

  private:
    Task<Result<json::Object>> answer(json::Object call);
    Task<Result<json::Object>> block_at(std::string tag);
    Task<Result<json::Object>> truth(std::string method, json::Array params);
    Task<Result<json::Object>> batch_read(std::string method, json::Array params);

    FakeChain& chain_;
};

}  // namespace farthing::testing
