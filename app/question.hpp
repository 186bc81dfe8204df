// SPDX-License-Identifier: Apache-2.0
// What the pact asked the operator about: all that a yes lets through, and what became of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "farthing/ledger/ledger.hpp"

namespace farthing::app {

struct Question {
    ledger::Entry asked;                     ///< of the decision
    std::string state;                       ///< `waiting`, `approved`, `denied`, `expired`, `used`
    std::optional<ledger::Seq> used_by;      ///< the payment that the approval was for
    std::optional<std::string> paid_before;  ///< the vendor's address until then, if it changed
    [[nodiscard]] const ledger::Decision& decision() const {
        return std::get<ledger::Decision>(asked.event);
    }
};

/// `asked` is the entry of a decision that asked.
[[nodiscard]] Result<Question> look_at(ledger::Transaction& transaction, ledger::Entry asked);
/// Those that wait, oldest first, and then the newest of the others.
[[nodiscard]] Result<std::vector<Question>> newest_questions(ledger::Transaction& transaction);
/// The numbers of those that wait: `waiting now: 13, 15`.
[[nodiscard]] Result<std::string> waiting_text(ledger::Transaction& transaction);

[[nodiscard]] json::Object to_json(const Question& question);
/// Several lines for a terminal.
[[nodiscard]] std::string to_text(const Question& question);

}  // namespace farthing::app
