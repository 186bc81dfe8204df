// SPDX-License-Identifier: Apache-2.0
// Spending: the one place where a payment of the agent is decided and accounted for.
//
// Each decision is made inside one transaction of the ledger: what other processes wrote since is
// read, the pact is asked, and the answer is written. An allow is a reservation, durable before
// anybody hears of it; it counts as spent until it is settled (then for ever) or released on proof.
#pragma once

#include <memory>

#include "farthing/ledger/ledger.hpp"
#include "farthing/policy/decide.hpp"
#include "farthing/wallet/card.hpp"

namespace farthing::wallet {

/// What the agent wants to pay for.
struct Wish {
    policy::Request request;
    std::string reason;  ///< for the ledger; that there is one may matter, what it says never
    std::string agent;   ///< for the ledger: whose token asked
    std::string card;    ///< the id of the card that it is spent by; empty: none
};

struct Decided {
    policy::Decision decision;
    ledger::Seq seq = 0;  ///< of its entry; what an approval names
};

/// Tasks of the ledger's loop.
class Spending {
  public:
    /// `rules` of a pact whose signature was checked; `agent` signs, `op` approves.
    Spending(ledger::Ledger& ledger, policy::Rules rules, const Address& agent, const Address& op);

    /// Signs what is allowed, and says what is noted of it; on the ledger's thread.
    using Sign = std::function<ledger::Signed()>;
    /// With `sign` an allowed payment is signed and noted within the same transaction. Errors:
    /// io_failed, ledger_altered; too_large or invalid_field (a text that the ledger does not
    /// take). Then nothing is reserved, unless the error is write_unknown.
    Task<Result<Decided>> decide(Wish wish, Sign sign = {});
    /// What `decide` would decide now. Nothing is written.
    Task<Result<policy::Decision>> forecast(Wish wish);
    /// What became of it: signed (before the signature leaves this process, if not with the
    /// decision), settled or released.
    /// Errors: invalid_argument when it does not fit, as a signature for what was released.
    Task<Result<>> record(ledger::Event event);
    /// The card of this id as it stands, also one that can no longer be used.
    Task<Result<std::optional<Card>>> card(std::string id);
    /// The limits as they stand.
    Task<Result<std::vector<policy::Standing>>> standings(std::string vendor, std::string task);

  private:
    struct State;

    ledger::Ledger& ledger_;
    std::shared_ptr<State> state_;  ///< used by works of the ledger only
};

}  // namespace farthing::wallet
