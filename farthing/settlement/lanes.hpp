// SPDX-License-Identifier: Apache-2.0
// Lanes: the keys that settle on one chain, and the queue they all work off.
#pragma once

#include <memory>
#include <vector>

#include "farthing/settlement/lane.hpp"

namespace farthing::settlement {

/// One executor.
class Lanes {
  public:
    /// At least one key.
    Lanes(Env env, Loop& loop, chain::Chain& chain, store::IntentStore& intents,
          std::vector<PrivateKey> keys, LaneConfig lane, QueueConfig queue);

    [[nodiscard]] const Network& network() const { return network_; }
    [[nodiscard]] Queue& queue() { return queue_; }
    /// As whom calls are simulated.
    [[nodiscard]] const Address& address() const { return lanes_.front()->address(); }
    [[nodiscard]] const std::vector<std::unique_ptr<Lane>>& all() const { return lanes_; }
    /// See Lane::resume. Null when no lane has the key that signed.
    SubmissionPtr resume(Call call, const scheme::PaymentKey& payment,
                         const std::vector<store::Broadcast>& versions);
    Task<> run();
    /// Whether this node has a key to send with.
    [[nodiscard]] bool has_key() const;
    [[nodiscard]] std::size_t in_flight() const;  ///< transactions

  private:
    Loop& loop_;
    Network network_;
    Queue queue_;
    std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace farthing::settlement
