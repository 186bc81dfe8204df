// SPDX-License-Identifier: Apache-2.0
// `farthing devnet`: a real local chain with USDC at Base Sepolia's address and funded accounts.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <cstdio>
#include <filesystem>

#include "app/batch_code.hpp"
#include "app/child_process.hpp"
#include "app/commands/commands.hpp"
#include "app/devnet_accounts.hpp"
#include "app/devnet_contracts.hpp"
#include "app/devnet_node.hpp"
#include "app/world.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/evm/abi.hpp"
#include "farthing/evm/assets.hpp"
#include "farthing/evm/batch_contract.hpp"
#include "farthing/evm/eip3009.hpp"
#include "farthing/io/config.hpp"
#include "farthing/io/task_group.hpp"

namespace farthing::app {
namespace {

constexpr std::string_view kPermit2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3";
constexpr std::string_view kMulticall3 = "0xcA11bde05977b3631167028862bE2a173976CA11";
/// The code behind USDC's proxy, and the two slots of the proxy: contracts/src/DevUsdcProxy.sol.
constexpr std::string_view kUsdcCode = "0xF1a7000000000000000000000000000000000022";
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kProxySlots{
    {{"0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3",
      "0x000000000000000000000000f1a7000000000000000000000000000000000022"},
     {"0x10d6a54a4754c8869d6886b5f5d7fbfa5b4522237ea5c60d11bc4e7a1ff9390b",
      "0x000000000000000000000000f1a70000000000000000000000000000000000ad"}}};
constexpr std::uint64_t kChainId = 84532;
constexpr std::uint64_t kDollars = 1'000;
constexpr int kStatesKept = 64;  ///< how deep `anvil_reorg` and the like may go
constexpr std::chrono::seconds kStartLimit{30};

struct Options {
    std::uint16_t port = 8545;
    unsigned block_time = 0;
    std::string anvil;
    bool json = false;
};

/// A port that nobody listens on. Somebody may take it before anvil does; then anvil says so and we
/// end.
Result<std::uint16_t> free_port(std::uint16_t wanted) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(wanted);
    socklen_t size = sizeof address;
    const int reuse = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    const bool bound =
        fd >= 0 && bind(fd, generic, size) == 0 && getsockname(fd, generic, &size) == 0;
    if (fd >= 0) close(fd);
    if (!bound) {
        return fail(
            Errc::io_failed,
            fmt::format("port {} is in use: choose another with --port, or 0 for any free one",
                        wanted));
    }
    return ntohs(address.sin_port);
}

/// The source tree we stand in, and the one this program was built in: build/release/bin is three
/// folders down.
std::vector<std::filesystem::path> source_trees() {
    std::vector<std::filesystem::path> trees{"."};
    std::error_code error;
    const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    const auto build = folder.parent_path().parent_path();
    if (!error && build.filename() == "build") trees.push_back(build.parent_path());
    return trees;
}

/// --anvil, then PATH, then the npm packages of a source tree.
std::string find_anvil(const std::string& given) {
    if (!given.empty()) return given;
    const std::string path = std::getenv("PATH") == nullptr ? "" : std::getenv("PATH");
    for (std::size_t begin = 0; begin <= path.size();) {
        const auto end = std::min(path.find(':', begin), path.size());
        const auto file = std::filesystem::path(path.substr(begin, end - begin)) / "anvil";
        std::error_code ignored;
        if (std::filesystem::exists(file, ignored)) return file.string();
        begin = end + 1;
    }
    for (const auto& tree : source_trees()) {
        for (const auto* const folder : {"contracts", "tests/interop"}) {
            const auto file = tree / folder / "node_modules/.bin/anvil";
            std::error_code ignored;
            if (std::filesystem::exists(file, ignored)) return file.string();
        }
    }
    return "anvil";
}

/// Sets the chain up: contracts first, then their owner and the accounts' dollars.
class Installer {
  public:
    Installer(World& world, net::Client& client, net::Url rpc, ChildProcess& anvil)
        : world_(world), node_(world.clock, client, std::move(rpc)), anvil_(anvil) {}

    Task<Result<>> install(const Asset& usdc) {
        auto up = co_await wait_until_up();
        if (!up) co_return up;
        const auto token = usdc.address.to_checksum();
        const std::array<std::pair<std::string, const char*>, 4> codes{
            {{std::string(kUsdcCode), devnet::kDevUsdcCode},
             {token, devnet::kDevUsdcProxyCode},
             {std::string(kPermit2), devnet::kDevPermit2Code},
             {std::string(kMulticall3), devnet::kMulticall3Code}}};
        for (const auto& [address, code] : codes) {
            json::Array params;
            params.emplace_back(address);
            params.emplace_back(code);
            auto done = co_await node_.ask("anvil_setCode", std::move(params));
            if (!done) co_return fail(std::move(done).error());
        }
        for (const auto& [slot, value] : kProxySlots) {
            json::Array params;
            params.emplace_back(token);
            params.emplace_back(slot);
            params.emplace_back(value);
            auto done = co_await node_.ask("anvil_setStorageAt", std::move(params));
            if (!done) co_return fail(std::move(done).error());
        }
        const auto owner = parse_address(devnet::kAccounts.back().address).value_or(Address{});
        auto call = abi::call("initialize(address)", {owner});
        auto initialized = co_await node_.send(owner, usdc.address, std::move(call));
        if (!initialized) co_return initialized;
        const auto amount = U256(kDollars)
                                .checked_mul(power_of_ten(usdc.decimals).value_or(U256(1)))
                                .value_or(U256{});
        for (const auto& account : devnet::kAccounts) {
            const auto to = parse_address(account.address).value_or(Address{});
            auto minted = co_await node_.mint(usdc.address, to, amount);
            if (!minted) co_return minted;
        }
        auto batch = batch_contract::deployment(from_hex(kBatchInitCode).value_or(Bytes{}));
        auto deployed = co_await node_.send(owner, batch.to, std::move(batch.data));
        if (!deployed) co_return deployed;
        auto domain = co_await check_domain(usdc);
        co_return domain;
    }

  private:
    Task<Result<>> wait_until_up() {
        const auto deadline = world_.clock.steady_now() + kStartLimit;
        for (;;) {
            json::Array none;
            auto id = co_await node_.ask("eth_chainId", std::move(none));
            if (id && *id == json::Value(U256(kChainId).to_quantity())) co_return Result<>{};
            if (id) co_return fail(Errc::rpc_failed, "another chain answers on that port");
            if (!anvil_.running())
                co_return fail(Errc::io_failed, "anvil ended before it was ready");
            if (world_.clock.steady_now() > deadline)
                co_return fail(Errc::timed_out, "anvil did not start within 30 s");
            co_await world_.clock.sleep(std::chrono::milliseconds(20));
        }
    }

    Task<Result<>> check_domain(Asset usdc) {
        auto question = erc20::domain_separator(usdc.address);
        auto separator = co_await node_.read(std::move(question));
        if (!separator) co_return fail(std::move(separator).error());
        if (*separator != json::Value(to_hex(eip712::domain_separator(usdc.domain())))) {
            co_return fail(Errc::internal, "the installed USDC has another EIP-712 domain");
        }
        co_return Result<>{};
    }

    World& world_;
    DevnetNode node_;
    ChildProcess& anvil_;
};

void print_ready(const Options& options, const std::string& rpc, const Asset& usdc) {
    if (options.json) {
        json::Array accounts;
        for (const auto& each : devnet::kAccounts) {
            accounts.emplace_back(json::Object{{"address", each.address}, {"key", each.key}});
        }
        const json::Object line{{"event", "devnet_ready"},
                                {"rpc", rpc},
                                {"chainId", kChainId},
                                {"usdc", usdc.address.to_checksum()},
                                {"permit2", kPermit2},
                                {"multicall3", kMulticall3},
                                {"batch", batch_contract::kAddress.to_checksum()},
                                {"accounts", std::move(accounts)}};
        std::printf("%s\n", json::to_text(line).c_str());
    } else {
        std::printf(
            "Local chain eip155:%llu (base-sepolia) at %s\nUSDC %s, %llu dollars on each account. "
            "Ctrl-C ends it.\n\n",
            static_cast<unsigned long long>(kChainId), rpc.c_str(),
            usdc.address.to_checksum().c_str(), static_cast<unsigned long long>(kDollars));
        std::printf(
            "Development keys, known to everybody: never send anything of value to them.\n");
        for (const auto& each : devnet::kAccounts) {
            std::printf("  %.*s  %.*s\n", static_cast<int>(each.address.size()),
                        each.address.data(), static_cast<int>(each.key.size()), each.key.data());
        }
    }
    std::fflush(stdout);
}

Task<Result<>> watch_child(World& world, ChildProcess& anvil) {
    while (anvil.running()) co_await world.clock.sleep(std::chrono::milliseconds(500));
    co_return fail(Errc::io_failed, "anvil ended by itself");
}

Task<Result<>> serve(World& world, Signals& signals, net::Client& client, const Options& options,
                     std::uint16_t port, ChildProcess& anvil) {
    using namespace asio::experimental::awaitable_operators;
    const auto assets = AssetTable::built_in();
    const auto* usdc = assets.find_default(evm_network(kChainId));
    invariant(usdc != nullptr, "Base Sepolia has a default asset");
    const auto rpc = fmt::format("http://127.0.0.1:{}", port);
    FARTHING_CO_TRY(auto url, net::parse_url(rpc));
    Installer installer(world, client, std::move(url), anvil);
    auto setting_up = co_await (installer.install(*usdc) || signals.until_told_to_stop(*world.log));
    const auto* const installed = std::get_if<0>(&setting_up);
    if (installed == nullptr) co_return Result<>{};
    if (!*installed) co_return *installed;
    print_ready(options, rpc, *usdc);
    auto ended = co_await (signals.until_told_to_stop(*world.log) || watch_child(world, anvil));
    if (const auto* why = std::get_if<1>(&ended)) co_return *why;
    co_return Result<>{};
}

int run_devnet(const Options& options) {
    auto port = free_port(options.port);
    if (!port) return report(port.error());
    const auto output =
        std::filesystem::temp_directory_path() / fmt::format("farthing-devnet-{}.log", getpid());
    std::vector<std::string> command{find_anvil(options.anvil), "--host", "127.0.0.1", "--port",
                                     std::to_string(*port), "--chain-id", std::to_string(kChainId),
                                     // Each block has a copy of everything: all of them would be
                                     // written to the disk, and a long run grow ever slower.
                                     "--prune-history", std::to_string(kStatesKept)};
    if (options.block_time > 0) {
        command.emplace_back("--block-time");
        command.push_back(std::to_string(options.block_time));
    }
    World world(Level::warn);
    // Before there is anything to clean up, until it is.
    Signals signals(world.loop);
    std::error_code ignored;
    auto anvil = ChildProcess::start(command, output.string());
    if (!anvil) {
        std::filesystem::remove(output, ignored);
        return report(
            {Errc::io_failed,
             anvil.error().detail +
                 ": install it with `npm ci` in contracts/ of the sources, or name it with "
                 "--anvil"});
    }
    const auto client = net::Client::make(world.env(), world.loop, {});
    const auto ended =
        run_blocking(world.loop, serve(world, signals, *client, options, *port, *anvil));
    anvil->stop();
    std::string said;
    if (auto text = read_file(output, 1 << 20); text && !ended) said = ": " + text->substr(0, 500);
    std::filesystem::remove(output, ignored);
    if (ended) return 0;
    return report({ended.error().code, ended.error().detail + said});
}

}  // namespace

void add_devnet(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand(
        "devnet", "a local chain with USDC and funded accounts, for trying things out");
    command->add_option("--port", options->port, "port on 127.0.0.1; 0 picks a free one")
        ->capture_default_str();
    command
        ->add_option("--block-time", options->block_time,
                     "seconds between blocks; 0 mines each transaction at once")
        ->capture_default_str();
    command->add_option("--anvil", options->anvil,
                        "the anvil program (default: from PATH, then contracts/node_modules of the "
                        "sources)");
    command->add_flag("--json", options->json, "say what is ready as one JSON line");
    command->callback([options, &run] { run = [options] { return run_devnet(*options); }; });
}

}  // namespace farthing::app
