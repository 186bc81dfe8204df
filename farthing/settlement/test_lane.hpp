// SPDX-License-Identifier: Apache-2.0
// A lane alone, for its tests.
#pragma once

#include <doctest/doctest.h>

#include "farthing/evm/transaction.hpp"
#include "farthing/settlement/lane.hpp"
#include "farthing/testing/world.hpp"

namespace farthing::settlement {

using chain::Taken;
using testing::ChainWorld;
using testing::development_key;
using testing::Fault;
using testing::Op;
using State = Submission::State;

/// A lane alone.
struct LaneWorld : ChainWorld {
    explicit LaneWorld(LaneConfig config = roomy(), QueueConfig batches = {})
        : queue(env, loop, chain.network(), batches),
          lane(env, loop, chain, intents, queue, development_key(kGasKey), config) {
        running.spawn(lane.run());
    }
    ~LaneWorld() { stop(); }

    store::MemoryIntents intents{std::make_shared<store::MemoryTable>(clock), "this node"};
    Queue queue;
    Lane lane;

    static LaneConfig roomy() {
        LaneConfig config;
        config.in_flight_max = 1'000;
        return config;
    }
    std::shared_ptr<Submission> submit(std::uint64_t payer = 0) {
        return queue.submit(payment(payer)->transfer(), 100'000);
    }
    bool ends(const std::shared_ptr<Submission>& submission,
              std::chrono::milliseconds within = std::chrono::minutes(2)) {
        return run_until([&] { return submission->is_final(); }, within);
    }
    /// What another process does with the same key.
    void foreign_transaction(std::uint64_t nonce, std::uint64_t max_fee = 5'000'000'000,
                             std::uint64_t tip = 2'000'000) {
        const Transaction fields{.chain_id = 84532,
                                 .nonce = nonce,
                                 .max_priority_fee_per_gas = U256(tip),
                                 .max_fee_per_gas = U256(max_fee),
                                 .gas_limit = 100'000,
                                 .to = Address{{7}},
                                 .value = {},
                                 .data = {}};
        const auto taken = chain.inject(sign(fields, development_key(kGasKey)).raw).taken;
        REQUIRE(taken == Taken::accepted);
    }
    std::vector<std::uint64_t> mined_nonces() const {
        std::vector<std::uint64_t> out;
        for (const auto& each : chain.mined()) out.push_back(each.transaction.fields.nonce);
        return out;
    }
};

inline std::vector<std::uint64_t> up_to(std::uint64_t count) {
    std::vector<std::uint64_t> out;
    for (std::uint64_t i = 0; i < count; ++i) out.push_back(i);
    return out;
}

}  // namespace farthing::settlement
