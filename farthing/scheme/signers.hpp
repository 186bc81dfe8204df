// SPDX-License-Identifier: Apache-2.0
// Who signed what, remembered: recovering a signer costs more than all else in a verification, and
// a payment is judged several times in its life (verified, asked about again, settled).
#pragma once

#include <array>
#include <vector>

#include "farthing/crypto/ecdsa.hpp"
#include "farthing/evm/address.hpp"

namespace farthing::scheme {

/// Answers as `recover` does. What is remembered is found again by all that the answer depends on:
/// the digest, r, s and v. Bounded: an answer that was pushed out is worked out again.
class Signers {
  public:
    explicit Signers(std::size_t groups = 2048) : groups_max_(groups) {}

    /// Errors: invalid_signature; failures are not remembered.
    [[nodiscard]] Result<Address> signer_of(const Bytes32& digest, const Signature& signature);
    /// How often a signer had to be worked out.
    [[nodiscard]] std::uint64_t recoveries() const { return recoveries_; }

  private:
    struct Place {
        Bytes32 digest;
        Signature signature;
        Address signer;
        bool taken = false;
    };
    /// Places that one digest can be in, the newest first. Whoever makes digests meet there only
    /// has answers worked out again.
    using Group = std::array<Place, 4>;

    std::size_t groups_max_;
    std::vector<Group> groups_;  ///< empty until something is remembered
    std::uint64_t recoveries_ = 0;
};

}  // namespace farthing::scheme
