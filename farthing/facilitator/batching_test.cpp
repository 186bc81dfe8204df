// SPDX-License-Identifier: Apache-2.0
// Through what a facilitator sends its batches.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "farthing/base/hex.hpp"
#include "farthing/evm/batch_contract.hpp"
#include "farthing/facilitator/local.hpp"
#include "farthing/testing/chain/fake_node.hpp"
#include "farthing/testing/world.hpp"

namespace farthing::facilitator {
namespace {

constexpr const char* kKeyName = "FARTHING_TEST_BATCHING_KEY";

struct BatchingWorld : testing::ChainWorld {
    BatchingWorld() {
        setenv(kKeyName, to_hex(testing::development_key(kGasKey).reveal()).c_str(), 1);
        NetworkConfig network;
        network.id = evm_network(84532);
        network.rpc = std::string("http://127.0.0.1:1");
        network.key = SecretSource{.env = kKeyName, .file = {}};
        Config config;
        config.network.push_back(network);
        auto made = LocalFacilitator::make(env, loop, node, config);
        REQUIRE(made);
        local = *std::move(made);
        running.spawn(local->run());
    }
    ~BatchingWorld() {
        stop();
        unsetenv(kKeyName);
    }

    testing::FakeNode node{chain};
    std::unique_ptr<LocalFacilitator> local;
};

}  // namespace

TEST_CASE(
    "facilitator: our batch contract is used where exactly its code is, also when it comes later") {
    std::ifstream file(std::string(std::getenv("FARTHING_SOURCE_DIR")) +
                       "/contracts/artifacts/Batch.json");
    const auto artifact = json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
    REQUIRE(artifact);
    const auto code = artifact->as_object().at("deployedBytecode");
    BatchingWorld world;
    const auto through = [&] {
        std::vector<json::Value> said;
        for (const auto& line : world.log.lines()) {
            if (line.event == "batches_go_through") said.push_back(line.fields.at("contract"));
        }
        return said;
    };
    const json::Value theirs("multicall3");
    const json::Value ours("ours");
    // The chain in memory has something else there.
    CHECK(world.run(world.local->check_chains()));
    CHECK(through() == std::vector{theirs});
    world.advance(std::chrono::hours(1));
    CHECK(through() == std::vector{theirs});
    world.node.lie = [&](std::string_view method, const json::Array& params) {
        std::optional<json::Object> told;
        const json::Value address(batch_contract::kAddress.to_lower());
        if (method == "eth_getCode" && params.at(0) == address)
            told = json::Object{{"result", code}};
        return told;
    };
    world.advance(std::chrono::minutes(11));
    CHECK(through() == std::vector{theirs, ours});
    world.node.lie = nullptr;
    world.advance(std::chrono::minutes(11));
    CHECK(through() == std::vector{theirs, ours, theirs});
}

}  // namespace farthing::facilitator
