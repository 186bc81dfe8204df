// SPDX-License-Identifier: Apache-2.0
#include "app/wallet_account.hpp"

#include <fmt/format.h>

#include "app/key.hpp"
#include "app/named_file.hpp"
#include "farthing/chain/evm_chain.hpp"
#include "farthing/io/config.hpp"
#include "farthing/wallet/keystore.hpp"
#include "farthing/wallet/remote_signer.hpp"

namespace farthing::app {
namespace {

constexpr std::chrono::milliseconds kChainTimeout{10'000};
constexpr std::chrono::milliseconds kConnectTimeout{10'000};
/// A settlement may take as long as the chain does.
constexpr std::chrono::milliseconds kAnswerTimeout{120'000};

struct AssetFile {
    std::vector<Asset> asset;
    static constexpr std::array<std::string_view, 1> required{"asset"};
    static constexpr auto fields() { return std::tuple{field("asset", &AssetFile::asset)}; }
};

}  // namespace

Result<AssetTable> load_assets(const std::string& file) {
    auto table = AssetTable::built_in();
    if (file.empty()) return table;
    FARTHING_TRY(auto listed, load_config<AssetFile>(file));
    for (auto& each : listed.asset) FARTHING_CHECK(table.add(std::move(each)));
    return table;
}

Result<> check_key_file(const std::string& file) {
    FARTHING_TRY(const auto text, read_file(file, wallet::kKeystoreBytesMax));
    const auto claimed = wallet::claimed_address(text);
    if (!claimed) return fail(claimed.error().code, file + ": " + claimed.error().detail);
    return {};
}

bool is_loopback(const std::string& address) {
    auto host = address.substr(0, address.rfind(':'));
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    boost::system::error_code wrong;
    const auto ip = asio::ip::make_address(host, wrong);
    return !wrong && ip.is_loopback();
}

void add_account_options(CLI::App& command, AccountOptions& options) {
    const std::function<std::string(const std::string&)> readable = why_unreadable;
    add_wallet_option(command, options.wallet);
    command
        .add_option("--password-file", options.password_file,
                    "the key's password (default: FARTHING_PASSWORD, else it is asked for)")
        ->check(readable);
    command
        .add_option("--assets", options.assets_file,
                    "TOML file with [[asset]] tables: tokens to pay with besides the known ones")
        ->check(readable);
    command
        .add_option("--ca-file,--cacert", options.ca_file,
                    "certificates to trust, PEM (default: the system's)")
        ->check(readable);
}

Result<std::unique_ptr<OpenAccount>> open_account(World& world, const AccountOptions& options) {
    auto out = std::make_unique<OpenAccount>();
    out->folder = wallet_folder(options.wallet);
    FARTHING_TRY(out->assets, load_assets(options.assets_file));
    // Everything that can be wrong without the password is said before it is asked for.
    FARTHING_TRY(out->wallet, open_wallet(world, out->folder));
    FARTHING_TRY(const auto elsewhere, signer_elsewhere(out->folder));
    if (elsewhere) {
        net::ClientConfig signers;
        signers.ca_file = options.ca_file;
        out->signers = net::Client::make(world.env(), world.loop, std::move(signers));
        out->signer = std::make_unique<wallet::RemoteSigner>(*out->signers, *elsewhere);
    } else {
        const auto file = out->folder.key_file();
        FARTHING_CHECK(check_key_file(file));
        FARTHING_TRY(const auto password, read_password(options.password_file, Password::known));
        FARTHING_TRY(auto key, wallet::load_key(file, password));
        out->signer = std::make_unique<wallet::LocalSigner>(std::move(key));
    }
    if (out->signer->address() != out->wallet.agent) {
        return fail(
            Errc::invalid_argument,
            fmt::format("the key file says that it is of {}, and it is of {}",
                        out->wallet.agent.to_checksum(), out->signer->address().to_checksum()));
    }
    net::ClientConfig client;
    client.connect_timeout = kConnectTimeout;
    client.response_timeout = kAnswerTimeout;
    client.read_timeout = kAnswerTimeout;
    client.ca_file = options.ca_file;
    out->client = net::Client::make(world.env(), world.loop, std::move(client));
    wallet::Account::Parts parts{*out->client,         *out->signer, *out->wallet.ledger,
                                 *out->wallet.mandate, out->assets,  {}};
    out->account = std::make_unique<wallet::Account>(world.env(), std::move(parts));
    return out;
}

Result<std::optional<scheme::Money>> low_limit(const wallet::Settings& settings) {
    if (!settings.balance_low) return std::nullopt;
    FARTHING_TRY(auto low, scheme::parse_money(*settings.balance_low));
    return low;
}

Task<Result<Looked>> reconcile_with(ledger::Ledger& ledger, std::uint64_t now, net::Client& client,
                                    net::Url rpc, const AssetTable& assets,
                                    std::optional<scheme::Money> low) {
    chain::EvmChain asked(Network{}, client, rpc, kChainTimeout);
    const auto id = co_await asked.chain_id();
    if (!id) co_return fail(id.error());
    chain::EvmChain chain(evm_network(*id), client, std::move(rpc), kChainTimeout);
    auto open = co_await wallet::reconcile(ledger, now, &chain);
    if (!open) co_return fail(open.error());
    auto balances = co_await wallet::take_balances(ledger, chain, assets, std::move(low));
    if (!balances) co_return fail(balances.error());
    co_return Looked{*open, *std::move(balances)};
}

}  // namespace farthing::app
