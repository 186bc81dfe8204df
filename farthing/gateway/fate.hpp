// SPDX-License-Identifier: Apache-2.0
// Fate: what a facilitator's answer to a settlement means for the money. Pure.
#pragma once

#include "farthing/base/result.hpp"
#include "farthing/wire/v2.hpp"

namespace farthing::gateway {

/// How a settlement stands, from the facilitator's answer.
enum class Fate : std::uint8_t {
    settled,
    failed,        ///< it has not happened and will not
    open,          ///< it may have happened
    unreadable,    ///< the same; the facilitator's answer was none
    nothing_sent,  ///< it has not happened, and may be tried again
};
[[nodiscard]] Fate fate_of(const Result<v2::SettleResponse>& result);

/// The answer to a settlement that an earlier call may have sent already. Only two things end the
/// doubt: a success, and a failure of a transaction that is named, or said by a facilitator that
/// answers what became of the first call (`remembers`). Everything else (busy, down, "nonce already
/// used", nonsense) would be said of a payment that has moved its money too.
[[nodiscard]] Result<v2::SettleResponse> in_doubt(Result<v2::SettleResponse> answer,
                                                  bool remembers);

}  // namespace farthing::gateway
