// SPDX-License-Identifier: Apache-2.0
// `farthing deploy-batch`: put our contract for batches on the chains of a facilitator.
#include <fmt/format.h>

#include <cstdio>

#include "app/batch_code.hpp"
#include "app/commands/commands.hpp"
#include "app/key.hpp"
#include "app/named_file.hpp"
#include "app/world.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/chain/evm_chain.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/evm/batch_contract.hpp"
#include "farthing/evm/transaction.hpp"
#include "farthing/facilitator/config.hpp"
#include "farthing/settlement/fees.hpp"

namespace farthing::app {
namespace {

constexpr std::uint64_t kWeiPerGwei = 1'000'000'000;
constexpr std::chrono::seconds kMiningLimit{180};
constexpr std::chrono::seconds kLookAgain{1};

struct Options {
    std::string config_file;
    std::string network;  ///< empty: all
    bool dry_run = false;
};

/// One chain.
class Deployer {
  public:
    Deployer(World& world, chain::Chain& chain, PrivateKey key, U256 fee_max)
        : world_(world), chain_(chain), key_(std::move(key)), fee_max_(fee_max) {}

    Task<Result<>> deploy(bool dry_run) {
        auto there = co_await is_there();
        if (!there) co_return fail(std::move(there).error());
        if (*there) {
            say("is deployed already");
            co_return Result<>{};
        }
        auto planned = co_await plan();
        if (!planned) co_return fail(std::move(planned).error());
        const auto cost = fees_.max_fee.checked_mul(U256(gas_)).value_or(U256::max());
        say(fmt::format("wants {} gas, at most {} wei, of {}", gas_, cost.to_decimal(),
                        address_of(key_).to_checksum()));
        if (dry_run) co_return Result<>{};
        auto sent = co_await send();
        if (!sent) co_return sent;
        auto now_there = co_await is_there();
        if (!now_there) co_return fail(std::move(now_there).error());
        if (!*now_there) co_return fail(Errc::rpc_failed, "mined, and the code is not there");
        say("deployed");
        co_return Result<>{};
    }

  private:
    void say(const std::string& what) const {
        fmt::print("{}: {} {}\n", chain_.network().id, batch_contract::kAddress.to_checksum(),
                   what);
        std::fflush(stdout);
    }

    Task<Result<bool>> is_there() {
        std::vector<chain::Read> reads;
        reads.push_back(chain::Read::code_of(batch_contract::kAddress));
        reads.push_back(chain::Read::code_of(batch_contract::kDeployer));
        auto found = co_await chain_.read(std::move(reads));
        if (!found) co_return fail(std::move(found).error());
        const auto& ours = found->front();
        const auto& deployer = found->back();
        if (ours && keccak256(*ours) == batch_contract::kCodeHash) co_return true;
        if (!deployer || deployer->empty()) {
            co_return fail(Errc::invalid_config,
                           fmt::format("the deterministic deployer {} is not on this chain: it has "
                                       "to be put there first",
                                       batch_contract::kDeployer.to_checksum()));
        }
        co_return false;
    }

    Task<Result<>> plan() {
        auto estimate = co_await chain_.estimate_gas(call_, address_of(key_));
        if (!estimate) co_return fail(std::move(estimate).error());
        if (!*estimate) {
            co_return fail(Errc::rpc_error,
                           "the deployment would fail: " + estimate->error().message);
        }
        gas_ = **estimate + **estimate / 10;
        auto fees = co_await chain_.fees();
        if (!fees) co_return fail(std::move(fees).error());
        FARTHING_CO_TRY(fees_, settlement::fees_within(*fees, fee_max_));
        co_return Result<>{};
    }

    Task<Result<>> send() {
        auto nonce = co_await chain_.pending_nonce(address_of(key_));
        if (!nonce) co_return fail(std::move(nonce).error());
        const Transaction transaction{.chain_id = chain_.network().chain_id().value_or(0),
                                      .nonce = *nonce,
                                      .max_priority_fee_per_gas = fees_.priority_fee,
                                      .max_fee_per_gas = fees_.max_fee,
                                      .gas_limit = gas_,
                                      .to = call_.to,
                                      .value = {},
                                      .data = call_.data};
        const auto made = sign(transaction, key_);
        say("is sent in transaction " + to_hex(made.hash));
        auto taken = co_await chain_.send(made.raw);
        if (!taken) co_return fail(std::move(taken).error());
        if (taken->taken != chain::Taken::accepted) {
            co_return fail(Errc::rpc_error, "the node does not take it: " + taken->message);
        }
        const auto deadline = world_.clock.steady_now() + kMiningLimit;
        for (;;) {
            std::vector<Bytes32> hashes{made.hash};
            auto receipts = co_await chain_.receipts(std::move(hashes));
            if (receipts && receipts->front()) {
                if (receipts->front()->success) co_return Result<>{};
                co_return fail(Errc::rpc_error, "the deployment was mined and failed");
            }
            if (world_.clock.steady_now() > deadline) {
                co_return fail(Errc::timed_out, "not mined yet: run this again later");
            }
            co_await world_.clock.sleep(kLookAgain);
        }
    }

    World& world_;
    chain::Chain& chain_;
    PrivateKey key_;
    U256 fee_max_;
    Call call_ = batch_contract::deployment(from_hex(kBatchInitCode).value_or(Bytes{}));
    std::uint64_t gas_ = 0;
    chain::Fees fees_;
};

Task<Result<>> deploy_on(World& world, net::Client& client,
                         const facilitator::NetworkConfig& network, bool dry_run) {
    FARTHING_CO_TRY(auto url, net::parse_url(network.rpc.all.front()));
    chain::EvmChain chain(network.id, client, std::move(url), network.rpc_timeout);
    auto id = co_await chain.chain_id();
    if (!id) co_return fail(std::move(id).error());
    if (*id != network.id.chain_id()) {
        co_return fail(Errc::invalid_config,
                       fmt::format("the node at rpc is on eip155:{}: change id or rpc", *id));
    }
    FARTHING_CO_TRY(const auto text, network.key.all.front().load());
    FARTHING_CO_TRY(auto key, key_from_hex(text.reveal(), "key"));
    const auto fee_max = U256(network.max_fee_gwei).checked_mul(U256(kWeiPerGwei));
    Deployer deployer(world, chain, std::move(key), fee_max.value_or(U256::max()));
    auto deployed = co_await deployer.deploy(dry_run);
    co_return deployed;
}

int run_deploy(const Options& options) {
    const auto config = load_config<facilitator::Config>(options.config_file);
    if (!config) return report(config.error());
    World world(Level::warn);
    const auto client = net::Client::make(world.env(), world.loop, {});
    bool any = false;
    int worst = 0;
    for (const auto& network : config->network) {
        if (!options.network.empty() && network.id.id != options.network) continue;
        any = true;
        const auto done =
            run_blocking(world.loop, deploy_on(world, *client, network, options.dry_run));
        if (done) continue;
        worst = report({done.error().code, network.id.id + ": " + done.error().detail});
    }
    if (any) return worst;
    return report({Errc::invalid_argument, "--network: the configuration has no such network"});
}

}  // namespace

void add_deploy_batch(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand(
        "deploy-batch", "put the contract that makes batches cheaper on a facilitator's chains");
    const std::function<std::string(const std::string&)> is_readable = why_unreadable;
    command
        ->add_option("--config", options->config_file,
                     "the facilitator's TOML file: its networks, and the first key of each, which "
                     "pays")
        ->required()
        ->check(is_readable);
    command->add_option("--network", options->network, "only this one, such as eip155:8453");
    command->add_flag("--dry-run", options->dry_run,
                      "say where it goes and what it costs, and end");
    command->callback([options, &run] { run = [options] { return run_deploy(*options); }; });
}

}  // namespace farthing::app
