// SPDX-License-Identifier: Apache-2.0
// The tokens a price in dollars can be paid with, and the ones a client signs for. Source:
// protocol.md section 3.1.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "farthing/base/fields.hpp"
#include "farthing/evm/address.hpp"
#include "farthing/evm/eip712.hpp"
#include "farthing/evm/network.hpp"

namespace farthing {

/// A token worth one dollar a unit, with the EIP-712 domain its authorisations are signed in.
struct Asset {
    Network network;
    Address address;
    std::string name;     ///< EIP-712 domain name
    std::string version;  ///< EIP-712 domain version
    std::string symbol;
    std::uint32_t decimals = 6;
    std::string transfer_method = "eip3009";  ///< or "permit2"
    bool eip2612 = false;

    static constexpr std::array<std::string_view, 5> required{"network", "address", "name",
                                                              "version", "symbol"};
    static constexpr auto fields() {
        using T = Asset;
        return std::tuple{field("network", &T::network),
                          field("address", &T::address),
                          field("name", &T::name),
                          field("version", &T::version),
                          field("symbol", &T::symbol),
                          field("decimals", &T::decimals),
                          field("transfer_method", &T::transfer_method),
                          field("eip2612", &T::eip2612)};
    }
    friend bool operator==(const Asset&, const Asset&) = default;
    [[nodiscard]] eip712::Domain domain() const;
};

/// The built-in table and what configuration adds. An entry with the same network and address
/// replaces.
class AssetTable {
  public:
    /// The table of protocol.md 3.1.
    [[nodiscard]] static AssetTable built_in();
    /// Errors: invalid_config (decimals over 36, unknown transfer method, non-EVM network).
    Result<> add(Asset asset);
    [[nodiscard]] const Asset* find(const Network& network, const Address& address) const;
    /// The first entry of the network, or the one with that symbol (upper-case comparison).
    [[nodiscard]] const Asset* find_default(const Network& network,
                                            std::string_view symbol = {}) const;
    [[nodiscard]] std::span<const Asset> all() const { return assets_; }

  private:
    std::vector<Asset> assets_;
};

}  // namespace farthing
