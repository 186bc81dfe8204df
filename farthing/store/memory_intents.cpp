// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/memory_intents.hpp"

#include <algorithm>

namespace farthing::store {

Task<Result<std::optional<Intent>>> MemoryIntents::begin(Intent intent) {
    auto& place = intents_[intent.key];
    if (place.stands()) co_return std::optional(place);
    place = std::move(intent);
    co_return std::optional<Intent>{};
}

Task<Result<>> MemoryIntents::add_broadcast(scheme::PaymentKey key, Broadcast broadcast) {
    const auto found = intents_.find(key);
    if (found == intents_.end()) co_return fail(Errc::io_failed, "no such intent");
    found->second.broadcasts.push_back(std::move(broadcast));
    co_return Result<>{};
}

Task<Result<>> MemoryIntents::end(scheme::PaymentKey key, Ending ending) {
    const auto found = intents_.find(key);
    if (found == intents_.end() || found->second.state != Intent::State::open) {
        co_return Result<>{};
    }
    // A failed one is never asked about again, and memory is all there is.
    if (ending.state == Intent::State::failed) {
        intents_.erase(found);
        co_return Result<>{};
    }
    auto& intent = found->second;
    intent.state = ending.state;
    intent.transaction = ending.transaction;
    intent.ended_at = ending.at;
    co_return Result<>{};
}

Task<Result<bool>> MemoryIntents::tell(scheme::PaymentKey key) {
    const auto found = intents_.find(key);
    if (found == intents_.end() || found->second.state != Intent::State::settled) co_return false;
    intents_.erase(found);
    co_return true;
}

/// What was told is gone from here: who settles remembers it for as long as it can be untold.
Task<Result<>> MemoryIntents::untell(scheme::PaymentKey /*key*/) { co_return Result<>{}; }

Task<Result<std::vector<Intent>>> MemoryIntents::unfinished(Network network) {
    std::vector<Intent> out;
    for (const auto& [key, intent] : intents_) {
        if (key.network == network) out.push_back(intent);
    }
    std::ranges::sort(out, [](const Intent& a, const Intent& b) {
        return std::tie(a.begun_at, a.key) < std::tie(b.begun_at, b.key);
    });
    co_return out;
}

}  // namespace farthing::store
