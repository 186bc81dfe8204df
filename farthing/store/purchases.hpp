// SPDX-License-Identifier: Apache-2.0
// Purchases: payments that buy an answer of a gateway, and what was kept for them. What several
// gateways must not do twice, and what must outlive the one that did it.
#pragma once

#include <string>
#include <vector>

#include "farthing/base/result.hpp"
#include "farthing/io/task.hpp"
#include "farthing/scheme/scheme.hpp"

namespace farthing::store {

/// What is kept of a payment whose answer is there. Texts are as their gateway wrote them.
struct Purchase {
    scheme::PaymentKey key;
    Bytes32 request;                    ///< what it pays for
    std::optional<std::string> answer;  ///< the origin's; empty when it was not to be kept, and
                                        ///< nothing in `keep` to leave what is there
    std::string receipt;                ///< of the settlement; empty as long as it is not known
    std::string transaction;            ///< broadcast, as far as known
    std::string idempotency_key;        ///< of its settlement
    bool may_have_been_sent = true;
    scheme::UnixSeconds until = 0;  ///< then it may be forgotten
    /// Of a debt, whose answer was handed out before it was settled: what settles it without the
    /// payer, and by when. Nobody forgets it before `due` is 0 again.
    std::string payment;
    scheme::UnixSeconds due = 0;

    friend bool operator==(const Purchase&, const Purchase&) = default;
};

inline constexpr std::string_view kLeaseIsOver = "store: the lease of this node is over";

/// Made for one gateway, which is alive as long as it has the lease of its name (leases.hpp). Each
/// method is atomic, and durable and the same for every gateway when it returns. Errors of all:
/// io_failed: it is not known whether it happened.
class PurchaseStore {
  public:
    virtual ~PurchaseStore() = default;

    enum class Standing : std::uint8_t {
        fresh,    ///< never seen, or nothing came of it
        waiting,  ///< something is kept for it
        in_hand,  ///< another living gateway has it
        used,     ///< it has bought its answer
    };
    struct Claim {
        Standing standing = Standing::fresh;
        Purchase kept;  ///< of one that waits
    };

    /// Takes it in hand, unless its standing forbids it. With `only_known`, one that is not there
    /// is not made. Errors: io_failed also when this gateway's
    /// own lease is over, as its claim would hold nobody off.
    virtual Task<Result<Claim>> claim(scheme::PaymentKey key, bool only_known,
                                      scheme::UnixSeconds until) = 0;
    /// From now on it waits whatever becomes of the gateway that has it in hand. Errors:
    /// intent_not_ours, when that is no longer this one.
    virtual Task<Result<>> keep(Purchase purchase) = 0;
    /// Out of hand; what was kept waits. What is another gateway's stays as it is, here and below.
    virtual Task<Result<>> release(scheme::PaymentKey key) = 0;
    /// It has bought its answer, which is dropped.
    virtual Task<Result<>> spend(scheme::PaymentKey key, scheme::UnixSeconds until) = 0;
    /// Nothing came of it.
    virtual Task<Result<>> forget(scheme::PaymentKey key) = 0;
    /// Debts that no living gateway has in hand, the oldest first: their keys and payments.
    virtual Task<Result<std::vector<Purchase>>> owed(std::size_t most) = 0;
    /// Who did not pay a debt, from now on.
    virtual Task<Result<>> bar(Address payer, scheme::UnixSeconds since) = 0;
    virtual Task<Result<std::vector<Address>>> barred(std::size_t most) = 0;
    /// Forgets at most `most` of those whose time is over and that no living gateway has in hand;
    /// returns how many.
    virtual Task<Result<std::size_t>> sweep(scheme::UnixSeconds now, std::size_t most) = 0;
};

}  // namespace farthing::store
