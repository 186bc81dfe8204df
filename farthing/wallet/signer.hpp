// SPDX-License-Identifier: Apache-2.0
// Signer: whoever holds the key. What is signed goes in, a signature comes out; the key itself
// never does.
#pragma once

#include "farthing/crypto/ecdsa.hpp"
#include "farthing/evm/typed_data.hpp"
#include "farthing/io/task.hpp"

namespace farthing::wallet {

class Signer {
  public:
    virtual ~Signer() = default;
    /// The account that pays.
    [[nodiscard]] virtual Address address() const = 0;
    /// The signature as it goes on the wire: 65 bytes for a plain account, whatever a contract
    /// wallet takes for one. Errors: the signer's own.
    virtual Task<Result<Bytes>> sign(eip712::Signable what) = 0;
};

/// A key in this process's memory.
class LocalSigner final : public Signer {
  public:
    explicit LocalSigner(PrivateKey key);
    [[nodiscard]] Address address() const override { return address_; }
    Task<Result<Bytes>> sign(eip712::Signable what) override;

  private:
    PrivateKey key_;
    Address address_;
};

}  // namespace farthing::wallet
