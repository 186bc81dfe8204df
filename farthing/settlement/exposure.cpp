// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/exposure.hpp"

namespace farthing::settlement {

Exposure::Hold::Hold(Exposure& exposure, const scheme::Opened& payment)
    : state_(exposure.state_), key_(payment.key()), amount_(payment.amount()) {
    auto& held = exposure.state_->held[{key_.token, key_.payer}];
    // A sum beyond 256 bits is beyond every balance: it stays where it is, and so does the part.
    if (const auto sum = held.checked_add(amount_)) {
        held = *sum;
    } else {
        amount_ = U256();
    }
}

void Exposure::Hold::release() {
    const auto state = state_.lock();
    if (!state) return;
    state_.reset();
    const auto found = state->held.find({key_.token, key_.payer});
    // Payments of nothing leave no trace.
    if (found != state->held.end()) {
        found->second = found->second.checked_sub(amount_).value_or(U256());
        if (found->second.is_zero()) state->held.erase(found);
    }
    state->changed.notify();
}

U256 Exposure::of(const scheme::Opened& payment) const {
    const auto found = state_->held.find({payment.key().token, payment.key().payer});
    return found == state_->held.end() ? U256() : found->second;
}

}  // namespace farthing::settlement
