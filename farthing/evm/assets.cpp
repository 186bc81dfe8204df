// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/assets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace farthing {
namespace {

struct Row {
    std::uint64_t chain_id;
    std::string_view address;
    std::string_view name;
    std::string_view version;
    std::string_view symbol;
    std::uint32_t decimals;
    bool permit2;
    bool eip2612;
};

// The order within a chain matters: the first is the default.
constexpr std::array kRows{
    Row{1, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "USD Coin", "2", "USDC", 6, false, false},
    Row{8453, "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "USD Coin", "2", "USDC", 6, false,
        false},
    Row{84532, "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "USDC", "2", "USDC", 6, false, false},
    Row{43114, "0xB97EF9Ef8734C71904D8002F8b6Bc66Dd9c48a6E", "USD Coin", "2", "USDC", 6, false,
        false},
    Row{137, "0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", "USD Coin", "2", "USDC", 6, false,
        false},
    Row{42161, "0xaf88d065e77c8cC2239327C5EDb3A432268e5831", "USD Coin", "2", "USDC", 6, false,
        false},
    Row{421614, "0x75faf114eafb1BDbe2F0316DF893fd58CE46AA4d", "USD Coin", "2", "USDC", 6, false,
        false},
    Row{143, "0x754704Bc059F8C67012fEd69BC8A327a5aafb603", "USDC", "2", "USDC", 6, false, false},
    Row{4326, "0xFAfDdbb3FC7688494971a79cc65DCa3EF82079E7", "MegaUSD", "1", "MegaUSD", 18, true,
        true},
    Row{988, "0x779Ded0c9e1022225f8E0630b35a9b54bE713736", "USDT0", "1", "USDT0", 6, false, false},
    Row{2201, "0x78Cf24370174180738C5B8E352B6D14c83a6c9A9", "USDT0", "1", "USDT0", 6, false, false},
    Row{31612, "0xdD468A1DDc392dcdbEf6db6e34E89AA338F9F186", "Mezo USD", "1", "mUSD", 18, true,
        true},
    Row{31611, "0x118917a40FAF1CD7a13dB0Ef56C86De7973Ac503", "Mezo USD", "1", "mUSD", 18, true,
        true},
    Row{723487, "0x33ad9e4BD16B69B5BFdED37D8B5D9fF9aba014Fb", "Stable Coin", "1", "SBC", 6, true,
        true},
    Row{72344, "0x33ad9e4BD16B69B5BFdED37D8B5D9fF9aba014Fb", "Stable Coin", "1", "SBC", 6, true,
        true},
    Row{36900, "0x9cb8142aEBBcdc60AF7c97Af897A67A8f3CA71C2", "USDC.e", "2", "USDC.e", 6, false,
        false},
    Row{190415, "0x401eCb1D350407f13ba348573E5630B83638E30D", "Bridged USDC", "2", "USDC.e", 6,
        false, false},
    Row{181228, "0x401eCb1D350407f13ba348573E5630B83638E30D", "Bridged USDC", "2", "USDC.e", 6,
        false, false},
    Row{50, "0xfA2958CB79b0491CC627c1557F441eF849Ca8eb1", "USDC", "2", "USDC", 6, false, false},
    Row{51, "0xb5AB69F7bBada22B28e79C8FFAECe55eF1c771D4", "USDC", "2", "USDC", 6, false, false},
    Row{38833, "0xA5b8BF902b2844dA17d4506cc827F7F1681735E7", "USDC", "1", "USDC", 6, true, false},
    Row{14, "0xe7cd86e13AC4309349F30B3435a9d337750fC82D", "USD\u20ae0", "1", "USDT0", 6, false,
        false},
    Row{42220, "0xcebA9300f2b948710d2653dD7B07f33A8B32118C", "USDC", "2", "USDC", 6, false, false},
    Row{42220, "0x48065fbBE25f71C9282ddf5e1cD6D6A887483D5e", "Tether USD", "1", "USDT", 6, false,
        false},
    Row{42220, "0xD2ab3C9A02DBBAB236BfEC45D1d755DF4267F771", "Tether America USD", "1", "USAT", 6,
        false, false},
    Row{11142220, "0x01C5C0122039549AD1493B8220cABEdD739BC44E", "USDC", "2", "USDC", 6, false,
        false},
    Row{1329, "0xe15fC38F6D8c56aF07bbCBe3BAf5708A2Bf42392", "USDC", "2", "USDC", 6, false, false},
    Row{1328, "0x4fCF1784B31630811181f670Aea7A7bEF803eaED", "USDC", "2", "USDC", 6, false, false},
};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool same_symbol(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, upper, upper);
}

}  // namespace

eip712::Domain Asset::domain() const {
    return {name, version, U256(network.chain_id().value_or(0)), address};
}

AssetTable AssetTable::built_in() {
    AssetTable table;
    for (const auto& row : kRows) {
        const auto address = parse_address(row.address);
        invariant(address.has_value(), "built-in asset addresses parse");
        table.assets_.push_back({.network = evm_network(row.chain_id),
                                 .address = *address,
                                 .name = std::string(row.name),
                                 .version = std::string(row.version),
                                 .symbol = std::string(row.symbol),
                                 .decimals = row.decimals,
                                 .transfer_method = row.permit2 ? "permit2" : "eip3009",
                                 .eip2612 = row.eip2612});
    }
    return table;
}

Result<> AssetTable::add(Asset asset) {
    if (!asset.network.chain_id()) {
        return fail(Errc::invalid_config,
                    fmt::format("asset {}: expected an eip155 network", asset.symbol));
    }
    if (asset.decimals > 36) {
        return fail(Errc::invalid_config,
                    fmt::format("asset {}: expected at most 36 decimals", asset.symbol));
    }
    if (asset.transfer_method != "eip3009" && asset.transfer_method != "permit2") {
        return fail(
            Errc::invalid_config,
            fmt::format("asset {}: expected transfer_method eip3009 or permit2", asset.symbol));
    }
    const auto same = [&](const Asset& each) {
        return each.network == asset.network && each.address == asset.address;
    };
    if (const auto old = std::ranges::find_if(assets_, same); old != assets_.end()) {
        *old = std::move(asset);
    } else {
        assets_.push_back(std::move(asset));
    }
    return {};
}

const Asset* AssetTable::find(const Network& network, const Address& address) const {
    for (const auto& each : assets_) {
        if (each.network == network && each.address == address) return &each;
    }
    return nullptr;
}

const Asset* AssetTable::find_default(const Network& network, std::string_view symbol) const {
    for (const auto& each : assets_) {
        if (each.network == network && (symbol.empty() || same_symbol(each.symbol, symbol)))
            return &each;
    }
    return nullptr;
}

}  // namespace farthing
