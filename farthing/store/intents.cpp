// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/intents.hpp"

#include <fmt/format.h>

#include "farthing/base/hex.hpp"

namespace farthing::store {

std::string_view to_text(Intent::State state) {
    switch (state) {
        case Intent::State::open:
            return "open";
        case Intent::State::settled:
            return "settled";
        case Intent::State::failed:
            return "failed";
    }
    return "open";
}

Error not_ours(const scheme::PaymentKey& key, std::string_view why) {
    return {Errc::intent_not_ours,
            fmt::format("the payment with nonce {} {}", to_hex(key.nonce), why)};
}

}  // namespace farthing::store
