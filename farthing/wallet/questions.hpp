// SPDX-License-Identifier: Apache-2.0
// Questions: decisions that asked the operator and wait for an answer. The same question is asked
// once, however often a program repeats it, and no program asks without end.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "farthing/ledger/ledger.hpp"

namespace farthing::wallet {

class Questions {
  public:
    /// At the same time, of one program or card.
    static constexpr std::size_t kWaitingMax = 20;
    static constexpr ledger::UnixMillis kStands = 24ULL * 3'600 * 1'000;
    /// The newest are remembered: older ones are asked again.
    static constexpr std::size_t kRememberedMax = 10'000;

    /// The next entry, of any kind.
    void apply(const ledger::Entry& entry);
    /// The one that stands for this question: asked within a day and not answered, or denied.
    [[nodiscard]] std::optional<ledger::Seq> standing(const ledger::Decision& question,
                                                      ledger::UnixMillis now) const;
    /// How many of whoever asks this one wait for an answer.
    [[nodiscard]] std::size_t waiting(const ledger::Decision& question,
                                      ledger::UnixMillis now) const;

  private:
    struct Asked {
        ledger::Seq seq = 0;
        ledger::UnixMillis time = 0;
        Bytes32 content;
        std::string agent, card;
        std::optional<ledger::Approved> answer;
    };
    std::deque<Asked> asked_;
};

}  // namespace farthing::wallet
