// SPDX-License-Identifier: Apache-2.0
// Facilitator: what verifies a payment and settles it. The gateway knows this interface; behind it
// is the embedded one (local.hpp) or one somewhere else (remote.hpp).
#pragma once

#include <chrono>

#include "farthing/io/task.hpp"
#include "farthing/wire/v2.hpp"

namespace farthing::facilitator {

/// How a settlement is asked for.
struct Asking {
    std::chrono::milliseconds patience{60'000};
    /// Known to the asker alone, the same in every call for one payment: who lost the answer hears
    /// it again, and nobody else does. Empty for none. Travels as `Idempotency-Key`
    /// (draft-ietf-httpapi-idempotency-key-header).
    std::string idempotency_key;
};

class Facilitator {
  public:
    virtual ~Facilitator() = default;

    /// Whether the payment would settle now. A refusal is an answer (`is_valid` false), not an
    /// error. Errors: facilitator_failed (an answer that is none: its text belongs in the 402),
    /// facilitator_invalid_data and the kind `unavailable` (502 at a resource server): nothing
    /// happened.
    virtual Task<Result<v2::VerifyResponse>> verify(v2::Payment payment) = 0;

    /// Moves the money, and returns when the outcome is known or the patience is over. Asking again
    /// for the same payment never pays twice: it answers what became of the first. `success` false
    /// with `settlement_pending`, and every error of kind `unknown`, mean that the payment may yet
    /// happen: ask again, never tell the payer to pay again. Errors of kind `unavailable` mean that
    /// nothing was sent.
    virtual Task<Result<v2::SettleResponse>> settle(v2::Payment payment, Asking asking) = 0;

    /// The answer to a settlement could not be handed over: the next who asks shall have it.
    virtual void unheard(const v2::Payment& payment);

    virtual Task<Result<v2::SupportedResponse>> supported() = 0;
};

inline void Facilitator::unheard(const v2::Payment& /*payment*/) {}

}  // namespace farthing::facilitator
