// SPDX-License-Identifier: Apache-2.0
// Treasury: whoever decides over a payer's payments and accounts for them. A payer asks it before
// it signs, tells it before the signature leaves, and tells it the end; a payer without one pays
// what its rules choose.
#pragma once

#include <functional>
#include <string>

#include "farthing/evm/address.hpp"
#include "farthing/evm/network.hpp"
#include "farthing/evm/u256.hpp"
#include "farthing/io/clock.hpp"
#include "farthing/net/http.hpp"

namespace farthing::wallet {

/// A payment that was chosen and is not signed. Of what the seller said, price and address only,
/// and what it says that it sells, which can only hold a payment back.
struct Purchase {
    net::Url url;
    std::string claimed;  ///< the URL that the offer is for; empty when it names none
    std::string method;
    Network network;
    Address asset;
    Address pay_to;
    U256 amount;                 ///< atomic units
    std::uint64_t lifetime = 0;  ///< seconds until the signature expires
};

/// The name of a payment that was granted.
using Grant = std::uint64_t;

/// What a signature is known by.
struct Issued {
    Bytes32 hash;  ///< Keccak-256 of its bytes
    Bytes32 nonce;
    UnixTime valid_before;
};

/// Signs what was prepared: at once, from any thread, each time the same.
using Seal = std::function<Issued()>;

struct Receipted {
    Bytes32 transaction;
    bool delivered = false;  ///< the whole answer came, and it was no error
    int status = 0;          ///< 0 for none
};

class Treasury {
  public:
    virtual ~Treasury() = default;
    /// What was granted is reserved until one of the others takes it out, or for ever. With a seal
    /// it is signed and noted together with the grant, which is one wait for the disk instead of
    /// two: only what is granted is sealed, and `before_sending` is not called. Errors:
    /// not_allowed; whatever keeps it from being accounted for. After an error no signature leaves.
    virtual Task<Result<Grant>> before_signing(Purchase purchase, Seal seal) = 0;
    /// For a key that is elsewhere. An error keeps the signature here.
    virtual Task<Result<>> before_sending(Grant grant, Issued issued) = 0;
    /// No signature left this process, and none will.
    virtual Task<Result<>> never_sent(Grant grant) = 0;
    /// The seller's receipt is there. Any other end of a signed payment is not known: nobody calls.
    virtual Task<Result<>> settled(Grant grant, Receipted receipt) = 0;
};

}  // namespace farthing::wallet
