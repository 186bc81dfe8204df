// SPDX-License-Identifier: Apache-2.0
// A signer elsewhere: a node or wallet with eth_signTypedData_v4, or web3signer. It sees what is
// signed, and what it answers is believed only when it is the wallet's signature of exactly that.
#pragma once

#include "farthing/net/json_rpc.hpp"
#include "farthing/wallet/settings.hpp"
#include "farthing/wallet/signer.hpp"

namespace farthing::wallet {

class RemoteSigner final : public Signer {
  public:
    /// `config` is valid. The client outlives this.
    RemoteSigner(net::Client& client, const SignerConfig& config);
    [[nodiscard]] Address address() const override { return address_; }
    /// Errors: connection_failed, timed_out, rpc_failed (no signature), invalid_signature (another
    /// one than was asked for).
    Task<Result<Bytes>> sign(eip712::Signable what) override;

  private:
    Task<Result<std::string>> ask_rpc(json::Object data);
    Task<Result<std::string>> ask_web3signer(Bytes preimage);

    net::Client& client_;
    net::Url url_;
    bool web3signer_;
    Address address_;
    std::chrono::milliseconds timeout_;
};

/// `text` as a signature of `digest` by `address`, as it goes on the wire. Errors:
/// invalid_signature.
[[nodiscard]] Result<Bytes> check_signature(std::string_view text, const Bytes32& digest,
                                            const Address& address);

}  // namespace farthing::wallet
