// SPDX-License-Identifier: Apache-2.0
// The operator's yes to one decision that asked: signed with the operator's key, because whoever
// may write to the wallet's folder could write an entry as well.
#pragma once

#include "farthing/ledger/entry.hpp"
#include "farthing/policy/decide.hpp"

namespace farthing::wallet {

/// What is signed. `asked` is an entry of a decision; its hash stands for all that it says.
[[nodiscard]] Bytes32 approval_digest(const ledger::Entry& asked, const Address& agent,
                                      ledger::UnixMillis expires);
/// Errors: invalid_argument when the entry is no decision that asked, or one that nobody can
/// approve.
[[nodiscard]] Result<ledger::Approval> approve(const ledger::Entry& asked, const Address& agent,
                                               ledger::UnixMillis expires, const PrivateKey& key);
/// What `approval`, an entry about `asked`, lets through; nothing when it was not signed by `op`.
/// `id` is that of the approval's entry.
[[nodiscard]] std::optional<policy::Approval> granted_by(const ledger::Entry& approval,
                                                         const ledger::Entry& asked,
                                                         const Address& agent, const Address& op);

}  // namespace farthing::wallet
