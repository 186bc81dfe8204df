// SPDX-License-Identifier: Apache-2.0
// FakeEvm: the few contracts a payment meets, executed in memory: one EIP-3009 token that behaves
// as USDC, ERC-1271 wallets with their factory, Multicall3 and our batch contract. A contract test
// holds it against the real ones on a development chain.
#pragma once

#include <expected>
#include <map>
#include <set>

#include "farthing/chain/chain.hpp"

namespace farthing::testing {

/// What a call did.
struct Executed {
    Bytes output;
    std::vector<chain::Event> events;
};

class FakeEvm {
  public:
    struct Token {
        std::string name = "USDC";
        std::string version = "2";
        std::map<Address, U256> balances;
        std::set<std::pair<Address, Bytes32>> used;
    };

    explicit FakeEvm(std::uint64_t chain_id);

    /// The token of the asset table on Base Sepolia, whatever the chain id.
    Address token_address;
    Address factory_address;
    Token token;
    bool token_deployed = true;
    std::map<Address, Address> wallets;  ///< contract wallet to its owner
    std::set<Address> refusing;          ///< contract wallets that accept no signature
    std::set<Address> reverting;         ///< contract wallets whose isValidSignature reverts

    [[nodiscard]] bool has_code(const Address& account) const;
    [[nodiscard]] U256 balance(const Address& account) const;
    [[nodiscard]] eip712::Domain domain() const;
    /// Where `deploy(owner, salt)` puts the wallet.
    [[nodiscard]] Address wallet_address(const Address& owner, const Bytes32& salt) const;
    [[nodiscard]] Call deploy_call(const Address& owner, const Bytes32& salt) const;

    /// All or nothing: a revert leaves no trace.
    std::expected<Executed, chain::Revert> execute(const Call& call, std::uint64_t timestamp);

  private:
    using Result = std::expected<Executed, chain::Revert>;
    Result run(const Call& call, std::uint64_t timestamp);
    Result run_token(const Bytes& data, std::uint64_t timestamp);
    Result run_transfer(const Bytes& data, std::uint64_t timestamp, bool split);
    Result run_wallet(const Address& wallet, const Bytes& data);
    Result run_factory(const Bytes& data);
    Result run_batch(const Bytes& data, std::uint64_t timestamp);
    Result run_multicall(const Bytes& data, std::uint64_t timestamp);
    [[nodiscard]] bool signed_by(const Address& account, const Bytes32& digest,
                                 const Bytes& signature) const;

    std::uint64_t chain_id_;
};

}  // namespace farthing::testing
