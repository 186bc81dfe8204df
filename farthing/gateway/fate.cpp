// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/fate.hpp"

#include <fmt/format.h>

namespace farthing::gateway {

Fate fate_of(const Result<v2::SettleResponse>& result) {
    if (result) {
        if (result->success) return Fate::settled;
        return result->error_reason == wire_code(Errc::settlement_pending) ? Fate::open
                                                                           : Fate::failed;
    }
    const auto code = result.error().code;
    if (code == Errc::facilitator_invalid_data) return Fate::unreadable;
    if (code == Errc::facilitator_failed) return Fate::failed;
    switch (kind_of(code)) {
        case Kind::refused:
        case Kind::invalid:
            return Fate::failed;
        case Kind::unavailable:
            return Fate::nothing_sent;
        case Kind::unknown:
        case Kind::internal:
            break;
    }
    return Fate::open;
}

Result<v2::SettleResponse> in_doubt(Result<v2::SettleResponse> answer, bool remembers) {
    const auto fate = fate_of(answer);
    if (fate == Fate::settled) return answer;
    if (fate == Fate::failed && answer && (remembers || !answer->transaction.empty()))
        return answer;
    v2::SettleResponse open;
    open.error_reason = wire_code(Errc::settlement_pending);
    open.error_message =
        fmt::format("the facilitator says {} of a payment it may have settled",
                    answer ? answer->error_reason.value_or("no") : to_string(answer.error()));
    if (answer) open.transaction = answer->transaction;
    return open;
}

}  // namespace farthing::gateway
