// SPDX-License-Identifier: Apache-2.0
// Payments as a payer makes them: known keys, fresh nonces, one offer.
#pragma once

#include <vector>

#include "farthing/crypto/ecdsa.hpp"
#include "farthing/evm/address.hpp"
#include "farthing/io/random.hpp"
#include "farthing/wire/dialect.hpp"

namespace farthing::bench {

struct PayerAccount {
    PrivateKey key;
    Address address;
};

/// The same accounts in every run; their keys are known to everybody.
[[nodiscard]] std::vector<PayerAccount> make_payers(std::size_t count);

/// The first entry of a PAYMENT-REQUIRED header. Errors: those of reading it.
struct Offer {
    dialect::Offered offered;
    v2::PaymentRequirements requirements;
};
[[nodiscard]] Result<Offer> read_offer(std::string_view header);

/// Signed for that entry, now, with a fresh nonce, good from `valid_after` on. Errors: the
/// scheme's.
[[nodiscard]] Result<v2::Payment> sign_payment(const Offer& offer, const PayerAccount& payer,
                                               Random& random, std::uint64_t now,
                                               std::uint64_t valid_after = 0);

}  // namespace farthing::bench
