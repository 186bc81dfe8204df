// SPDX-License-Identifier: Apache-2.0
// Mandate: the pact that counts at this moment. Its files are compared before each decision, so
// that a process that runs for months pays by what the operator signed last, and by nothing as soon
// as what stands there is not signed.
#pragma once

#include "farthing/wallet/folder.hpp"
#include "farthing/wallet/spending.hpp"

namespace farthing::wallet {

/// One pact in force, and what is decided by it.
struct Terms {
    policy::Pact pact;
    Spending spending;
};

/// One loop.
class Mandate {
  public:
    /// `agent` signs payments, `op` pacts and approvals. The ledger outlives this.
    Mandate(ledger::Ledger& ledger, Folder folder, const Address& agent, const Address& op)
        : ledger_(ledger), folder_(std::move(folder)), agent_(agent), op_(op) {}

    /// Errors: those of Folder::load_rules. Then nothing may be paid, whatever counted before.
    [[nodiscard]] Result<std::shared_ptr<Terms>> now();
    [[nodiscard]] const Address& agent() const { return agent_; }
    [[nodiscard]] const Address& op() const { return op_; }

  private:
    ledger::Ledger& ledger_;
    Folder folder_;
    Address agent_;
    Address op_;
    PactText read_;  ///< what `terms_` were made of
    std::shared_ptr<Terms> terms_;
};

}  // namespace farthing::wallet
