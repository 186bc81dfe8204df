// SPDX-License-Identifier: Apache-2.0
// `farthing wallet`: the agent's folder, and what is still open in it.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "app/commands/commands.hpp"
#include "app/new_key.hpp"
#include "app/wallet_account.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/wallet/balances.hpp"
#include "farthing/wallet/reconcile.hpp"
#include "farthing/wallet/settings.hpp"

namespace farthing::app {
namespace {

struct InitOptions {
    std::string wallet;
    std::string op;
    NewKey key;
    bool import = false;
    bool mnemonic = false;
    std::string signer;  ///< URL; then there is no key file
    std::string signer_kind = "json_rpc";
    std::string address;
};

struct ReconcileOptions {
    std::string wallet;
    std::string rpc;
    std::string assets;
};

bool on_terminal() { return isatty(STDOUT_FILENO) == 1; }

/// Made with nobody else's rights; one that is there keeps its own.
Result<> make_folder(const std::filesystem::path& path) {
    std::error_code code;
    if (std::filesystem::create_directories(path, code)) {
        std::filesystem::permissions(path, std::filesystem::perms::owner_all, code);
    }
    if (code) return fail(Errc::io_failed, fmt::format("{}: {}", path.string(), code.message()));
    return {};
}

/// Without a key: wallet.toml says who signs.
Result<Address> init_elsewhere(const InitOptions& options, const wallet::Folder& folder,
                               const Address& op) {
    const auto agent = parse_address(options.address);
    if (!agent) return fail(Errc::invalid_argument, "--address: " + agent.error().detail);
    if (*agent == op) {
        return fail(Errc::invalid_argument, "--operator: that is the agent's own address");
    }
    const auto file = folder.path / "wallet.toml";
    std::error_code code;
    for (const auto& each : {file, std::filesystem::path(folder.key_file())}) {
        if (std::filesystem::exists(each, code)) {
            return fail(Errc::invalid_argument, each.string() + ": is there already");
        }
    }
    const auto text = fmt::format("[signer]\nurl = {}\nkind = {}\naddress = {}\n",
                                  json::to_text(json::Value(options.signer)),
                                  json::to_text(json::Value(options.signer_kind)),
                                  json::to_text(json::Value(agent->to_checksum())));
    FARTHING_CHECK(config_from_toml<wallet::Settings>(text, file.string()));
    std::ofstream out(file, std::ios::binary);
    out << text;
    out.close();
    if (!out) return fail(Errc::io_failed, file.string() + ": cannot be written");
    FARTHING_CHECK(folder.save_operator(op));
    return *agent;
}

Result<Address> init(const InitOptions& options, const wallet::Folder& folder, World& world) {
    auto op = parse_address(options.op);
    if (!op) return fail(Errc::invalid_argument, "--operator: " + op.error().detail);
    FARTHING_CHECK(make_folder(folder.path));
    std::error_code code;
    if (std::filesystem::exists(folder.operator_file(), code)) {
        return fail(Errc::invalid_argument,
                    fmt::format("{}: there is a wallet already: choose another --wallet",
                                folder.path.string()));
    }
    if (!options.signer.empty()) return init_elsewhere(options, folder, *op);
    auto key = options.key;
    key.file = folder.key_file();
    key.from = options.mnemonic ? NewKey::From::mnemonic
               : options.import ? NewKey::From::given
                                : NewKey::From::random;
    FARTHING_TRY(const auto agent, make_key_file(key, world));
    if (agent == *op) {
        std::filesystem::remove(key.file, code);
        return fail(Errc::invalid_argument,
                    "--operator: that is the agent's own key, which could sign its own pacts");
    }
    // Last: without it there is no wallet.
    FARTHING_CHECK(folder.save_operator(*op));
    return agent;
}

int run_init(const InitOptions& options) {
    World world(Level::error);
    const auto folder = wallet_folder(options.wallet);
    const auto agent = init(options, folder, world);
    if (!agent) return report(agent.error());
    if (on_terminal()) {
        fmt::print(
            "{}\n\nNext: send it what it may spend, write its pact with `farthing pact new`, and "
            "have the operator\nsign that with `farthing pact sign`. Then `farthing pay --wallet "
            "{} URL`.\n",
            agent->to_checksum(), folder.path.string());
    } else {
        const json::Object line{{"address", agent->to_checksum()},
                                {"operator", parse_address(options.op)->to_checksum()},
                                {"folder", folder.path.string()}};
        fmt::print("{}\n", json::to_text(line));
    }
    return 0;
}

Result<Looked> reconcile(const ReconcileOptions& options, World& world) {
    const auto folder = wallet_folder(options.wallet);
    std::optional<net::Url> rpc;
    if (!options.rpc.empty()) {
        FARTHING_TRY(rpc, net::parse_url(options.rpc));
    }
    FARTHING_CHECK(folder.load_operator());
    FARTHING_TRY(const auto ledger, ledger::Ledger::open(world.env(), world.loop, folder.path));
    const auto now = static_cast<std::uint64_t>(world.clock.now().time_since_epoch().count());
    if (!rpc) {
        FARTHING_TRY(const auto open,
                     run_blocking(world.loop, wallet::reconcile(*ledger, now, nullptr)));
        return Looked{open, {}};
    }
    FARTHING_TRY(const auto settings, wallet::load_settings(folder));
    FARTHING_TRY(auto low, low_limit(settings));
    FARTHING_TRY(const auto assets, load_assets(options.assets));
    const auto client = net::Client::make(world.env(), world.loop, {});
    return run_blocking(world.loop,
                        reconcile_with(*ledger, now, *client, *rpc, assets, std::move(low)));
}

json::Object line_of(const wallet::Snapshot& snapshot) {
    const auto& balance = snapshot.balance;
    json::Object out{{"network", balance.network},
                     {"asset", balance.asset},
                     {"payer", balance.payer},
                     {"amount", balance.amount.to_decimal()},
                     {"block", balance.block}};
    if (balance.expected) out.emplace("expected", balance.expected->to_decimal());
    if (snapshot.missing) out.emplace("missing", snapshot.missing->to_decimal());
    if (snapshot.waits_for) out.emplace("waitsFor", *snapshot.waits_for);
    return out;
}

void print(const wallet::Snapshot& snapshot) {
    const auto& balance = snapshot.balance;
    fmt::print("{} {}: {} atomic units at block {}\n", balance.network, balance.asset,
               balance.amount.to_decimal(), balance.block);
    if (snapshot.missing) {
        fmt::print("  {} less than this ledger accounts for: money left without it\n",
                   snapshot.missing->to_decimal());
    }
    if (snapshot.waits_for) {
        fmt::print("  not written: payment {} has a receipt, and its signature is unused\n",
                   *snapshot.waits_for);
    }
}

int run_reconcile(const ReconcileOptions& options) {
    World world(Level::error);
    const auto done = reconcile(options, world);
    if (!done) return report(done.error());
    if (on_terminal()) {
        fmt::print("{} settled, {} released, {} still open\n", done->open.settled,
                   done->open.released, done->open.open);
        for (const auto& each : done->balances) print(each);
    } else {
        json::Array balances;
        for (const auto& each : done->balances) balances.push_back(line_of(each));
        const json::Object line{{"settled", done->open.settled},
                                {"released", done->open.released},
                                {"open", done->open.open},
                                {"balances", std::move(balances)}};
        fmt::print("{}\n", json::to_text(line));
    }
    return 0;
}

void add_init(CLI::App& wallet, Run& run) {
    auto options = std::make_shared<InitOptions>();
    auto* command = wallet.add_subcommand("init", "make a wallet: a folder with the agent's key");
    add_wallet_option(*command, options->wallet);
    command
        ->add_option("--operator", options->op,
                     "the address of the operator: only pacts and approvals that it signs count")
        ->required();
    command->add_option("--password-file", options->key.password_file,
                        "the key's password (default: FARTHING_PASSWORD, else it is asked for)");
    command->add_flag("--light", options->key.light,
                      "a key file that is quick to open, for us and for a thief");
    auto* import = command->add_flag("--import", options->import,
                                     "with the key in FARTHING_KEY or on stdin, not a new one");
    auto* mnemonic = command->add_flag("--mnemonic", options->mnemonic,
                                       "with the key of the words on stdin (BIP-39)");
    mnemonic->excludes(import);
    command->add_option("--index", options->key.index, "which of their keys (0)")->needs(mnemonic);
    auto* signer = command->add_option(
        "--signer", options->signer,
        "no key here: this signs, eth_signTypedData_v4 over JSON-RPC or web3signer");
    signer->excludes(import)->excludes(mnemonic);
    auto* address = command->add_option("--address", options->address, "whose key it has");
    signer->needs(address);
    address->needs(signer);
    command
        ->add_option("--signer-kind", options->signer_kind,
                     "json_rpc, or web3signer with the URL of the key (…/api/v1/eth1/sign/0x…)")
        ->needs(signer);
    command->callback([options, &run] { run = [options] { return run_init(*options); }; });
}

void add_reconcile(CLI::App& wallet, Run& run) {
    auto options = std::make_shared<ReconcileOptions>();
    auto* command = wallet.add_subcommand(
        "reconcile", "settle or release what is still reserved, as far as it is proved");
    add_wallet_option(*command, options->wallet);
    command->add_option("--rpc", options->rpc,
                        "a node of the chain that was paid on; without one only what was never "
                        "signed is released");
    command->add_option("--assets", options->assets,
                        "TOML file with [[asset]] tables: tokens besides the known ones");
    command->callback([options, &run] { run = [options] { return run_reconcile(*options); }; });
}

}  // namespace

void add_wallet(CLI::App& app, Run& run) {
    auto* wallet = app.add_subcommand("wallet", "the agent's wallet: its key, and what is open");
    wallet->require_subcommand(1);
    add_init(*wallet, run);
    add_reconcile(*wallet, run);
    add_wallet_serve(*wallet, run);
    add_wallet_token(*wallet, run);
    add_wallet_fund(*wallet, run);
    add_wallet_alerts(*wallet, run);
}

}  // namespace farthing::app
