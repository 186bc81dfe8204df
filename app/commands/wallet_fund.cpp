// SPDX-License-Identifier: Apache-2.0
// `farthing wallet fund`: the faucet of a local development chain.
#include <fmt/format.h>

#include <cstdio>

#include "app/commands/commands.hpp"
#include "app/devnet_node.hpp"
#include "app/wallet_account.hpp"
#include "farthing/evm/assets.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/scheme/price.hpp"

namespace farthing::app {
namespace {

struct Options {
    std::string wallet;
    std::string amount = "$10";
    std::string rpc = "http://127.0.0.1:8545";
};

/// More than any trial needs, and less than what a mistake in digits makes.
constexpr std::uint64_t kDollarsMax = 1'000'000;

Task<Result<>> fund(World& world, net::Client& client, net::Url rpc, Address agent,
                    scheme::Money money) {
    DevnetNode node(world.clock, client, rpc);
    json::Array none;
    const auto id = co_await node.ask("eth_chainId", std::move(none));
    if (!id) {
        co_return fail(id.error().code,
                       fmt::format("{}: no chain answers there (`farthing devnet` starts one): {}",
                                   rpc.to_string(), id.error().detail));
    }
    const auto* text = id->if_string();
    const auto number = u256_from_quantity(text != nullptr ? std::string_view(*text) : "");
    const auto network = evm_network(number ? number->to_u64().value_or(0) : 0);
    const auto assets = AssetTable::built_in();
    const auto* usdc = assets.find_default(network);
    if (usdc == nullptr) {
        co_return fail(Errc::invalid_argument, network.id + " is no chain of `farthing devnet`");
    }
    const auto atomic = scheme::to_atomic(money, usdc->decimals);
    if (!atomic || atomic->is_zero()) {
        co_return fail(Errc::invalid_argument,
                       fmt::format("--amount: no amount of {}, which has {} decimals", usdc->symbol,
                                   usdc->decimals));
    }
    // Asked before anything is sent: where there is no token, sending would seem to work.
    auto minted = co_await node.balance(usdc->address, agent);
    if (minted) {
        auto sent = co_await node.mint(usdc->address, agent, *atomic);
        if (!sent) minted = fail(std::move(sent).error());
    }
    if (!minted) {
        co_return fail(minted.error().code, "only a chain of `farthing devnet` gives money away: " +
                                                minted.error().detail);
    }
    const json::Object line{{"address", agent.to_checksum()},
                            {"network", network.id},
                            {"asset", usdc->address.to_checksum()},
                            {"amount", atomic->to_decimal()}};
    std::printf("%s\n", json::to_text(line).c_str());
    co_return Result<>{};
}

int run_fund(const Options& options) {
    World world(Level::warn);
    const auto money = scheme::parse_money(options.amount);
    if (!money) return report({Errc::invalid_argument, "--amount: " + money.error().detail});
    const scheme::Money most{U256(kDollarsMax), 0, {}};
    constexpr unsigned finest = 18;
    const auto atomic = scheme::to_atomic(*money, finest);
    if (!atomic || atomic->is_zero() || scheme::exceeds(*atomic, finest, most)) {
        return report(
            {Errc::invalid_argument,
             fmt::format("--amount: expected more than nothing and at most ${}", kDollarsMax)});
    }
    auto rpc = net::parse_url(options.rpc);
    if (!rpc) return report({Errc::invalid_argument, "--rpc: " + rpc.error().detail});
    if (rpc->host != "localhost" && !is_loopback(rpc->authority())) {
        return report({Errc::invalid_argument,
                       "--rpc: expected a development chain on this machine, such as "
                       "http://127.0.0.1:8545"});
    }
    const auto agent = wallet_folder(options.wallet).load_agent();
    if (!agent) return report(agent.error());
    const auto client = net::Client::make(world.env(), world.loop, {});
    const auto done =
        run_blocking(world.loop, fund(world, *client, *std::move(rpc), *agent, *money));
    return done ? 0 : report(done.error());
}

}  // namespace

void add_wallet_fund(CLI::App& wallet, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = wallet.add_subcommand(
        "fund", "USDC for a wallet on a local development chain (`farthing devnet`)");
    add_wallet_option(*command, options->wallet);
    command->add_option("--amount", options->amount, "dollars")->capture_default_str();
    command->add_option("--rpc", options->rpc, "the chain, on this machine")->capture_default_str();
    command->callback([options, &run] { run = [options] { return run_fund(*options); }; });
}

}  // namespace farthing::app
