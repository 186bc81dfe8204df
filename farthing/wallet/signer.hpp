// SPDX-License-Identifier: Apache-2.0
// Signer: whoever holds the key. What is signed goes in, a signature comes out; the key itself
// never does.
#pragma once

#include <functional>
#include <memory>

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
    /// The same at once, from any thread and for as long as somebody holds it; each time the same
    /// signature. Nothing when the key is elsewhere.
    using AtHand = std::function<Bytes(const Bytes32& digest)>;
    [[nodiscard]] virtual AtHand at_hand() const { return {}; }
};

/// A key in this process's memory.
class LocalSigner final : public Signer {
  public:
    explicit LocalSigner(PrivateKey key);
    [[nodiscard]] Address address() const override { return address_; }
    Task<Result<Bytes>> sign(eip712::Signable what) override;
    [[nodiscard]] AtHand at_hand() const override;

  private:
    std::shared_ptr<const PrivateKey> key_;
    Address address_;
};

}  // namespace farthing::wallet
