// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/mandate.hpp"

namespace farthing::wallet {

Result<std::shared_ptr<Terms>> Mandate::now() {
    // A few kilobytes from the system's cache: cheaper than to trust a file's time.
    FARTHING_TRY(auto text, folder_.read_pact());
    if (terms_ && text == read_) return terms_;
    terms_.reset();
    FARTHING_TRY(auto rules, folder_.rules_of(text, op_, agent_));
    auto pact = rules.pact();
    terms_ =
        std::make_shared<Terms>(std::move(pact), Spending(ledger_, std::move(rules), agent_, op_));
    read_ = std::move(text);
    return terms_;
}

}  // namespace farthing::wallet
