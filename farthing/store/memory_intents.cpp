// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/memory_intents.hpp"

#include <algorithm>

namespace farthing::store {
namespace {

std::vector<Intent> oldest_first(std::vector<Intent> intents) {
    std::ranges::sort(intents, [](const Intent& a, const Intent& b) {
        return std::tie(a.begun_at, a.key) < std::tie(b.begun_at, b.key);
    });
    return intents;
}

}  // namespace

Task<Result<std::optional<Intent>>> MemoryIntents::begin(Intent intent) {
    const auto found = table_->intents.find(intent.key);
    if (found != table_->intents.end()) {
        const auto& there = found->second;
        const bool open = there.state == Intent::State::open;
        if (there.stands() || (open && is_of_another(there))) co_return std::optional(there);
    }
    intent.owner = node_;
    table_->intents.insert_or_assign(intent.key, std::move(intent));
    co_return std::optional<Intent>{};
}

Task<Result<>> MemoryIntents::add_broadcast(std::vector<scheme::PaymentKey> keys,
                                            Broadcast broadcast) {
    if (keys.empty()) co_return fail(Errc::invalid_argument, "a transaction without a payment");
    for (const auto& key : keys) {
        const auto found = table_->intents.find(key);
        if (found == table_->intents.end()) co_return fail(not_ours(key, kNotRecorded));
        const auto& there = found->second;
        if (there.state != Intent::State::open) co_return fail(not_ours(key, kHasEnded));
        if (there.owner != node_) co_return fail(not_ours(key, kOfAnotherNode));
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        auto& all = table_->intents.at(keys[i]).broadcasts;
        broadcast.position = static_cast<std::uint32_t>(i);
        if (std::ranges::find(all, broadcast.hash, &Broadcast::hash) == all.end()) {
            all.push_back(broadcast);
        }
    }
    co_return Result<>{};
}

Task<Result<>> MemoryIntents::drop_broadcast(std::vector<scheme::PaymentKey> keys, Bytes32 hash) {
    std::vector<Intent*> there;
    for (const auto& key : keys) {
        const auto found = table_->intents.find(key);
        if (found == table_->intents.end()) continue;
        if (found->second.owner != node_) co_return fail(not_ours(key, kOfAnotherNode));
        there.push_back(&found->second);
    }
    for (auto* each : there) {
        std::erase_if(each->broadcasts, [&](const auto& sent) { return sent.hash == hash; });
    }
    co_return Result<>{};
}

Task<Result<>> MemoryIntents::end(scheme::PaymentKey key, Ending ending) {
    const auto found = table_->intents.find(key);
    if (found == table_->intents.end() || found->second.state != Intent::State::open) {
        co_return Result<>{};
    }
    auto& intent = found->second;
    if (ending.print && *ending.print != intent.print) co_return Result<>{};
    if (is_of_another(intent)) co_return fail(not_ours(key, kOfAnotherNode));
    if (ending.if_unsent && !intent.broadcasts.empty()) co_return Result<>{};
    // What the dead one has sent may be mined yet: who adopts it finds out.
    const bool is_foreign = intent.owner != node_ && !intent.broadcasts.empty();
    if (is_foreign && ending.state == Intent::State::failed) {
        co_return fail(not_ours(key, kOfAnotherNode));
    }
    intent.state = ending.state;
    intent.transaction = ending.transaction;
    intent.reason = std::move(ending.reason);
    intent.detail = std::move(ending.detail);
    intent.ended_at = ending.at;
    if (ending.state == Intent::State::failed) table_->forget_later(key);
    co_return Result<>{};
}

Task<Result<std::optional<Intent>>> MemoryIntents::find(scheme::PaymentKey key) {
    const auto found = table_->intents.find(key);
    if (found == table_->intents.end()) co_return std::optional<Intent>{};
    co_return std::optional(found->second);
}

Task<Result<bool>> MemoryIntents::tell(scheme::PaymentKey key, std::string asker) {
    const auto found = table_->intents.find(key);
    if (found == table_->intents.end() || found->second.state != Intent::State::settled) {
        co_return false;
    }
    auto& intent = found->second;
    if (intent.told && (asker.empty() || intent.told_to != asker)) co_return false;
    if (!intent.told) table_->forget_later(key);
    intent.told = true;
    intent.told_to = std::move(asker);
    co_return true;
}

Task<Result<>> MemoryIntents::untell(scheme::PaymentKey key) {
    const auto found = table_->intents.find(key);
    if (found != table_->intents.end()) found->second.told = false;
    co_return Result<>{};
}

Task<Result<>> MemoryIntents::hand_over(scheme::PaymentKey key) {
    const auto found = table_->intents.find(key);
    if (found == table_->intents.end()) co_return fail(not_ours(key, kNotRecorded));
    auto& intent = found->second;
    if (intent.state != Intent::State::open) co_return fail(not_ours(key, kHasEnded));
    if (intent.owner != node_) co_return fail(not_ours(key, kOfAnotherNode));
    if (!intent.broadcasts.empty()) co_return fail(not_ours(key, kWasBroadcast));
    intent.owner.clear();
    co_return Result<>{};
}

Task<Result<>> MemoryIntents::reopen(scheme::PaymentKey key, Bytes32 gone) {
    const auto found = table_->intents.find(key);
    if (found == table_->intents.end()) co_return fail(not_ours(key, kNotRecorded));
    auto& intent = found->second;
    if (intent.state != Intent::State::settled || intent.transaction != gone) {
        co_return fail(not_ours(key, kHasNotSettled));
    }
    intent.state = Intent::State::open;
    intent.owner = node_;
    intent.transaction.reset();
    intent.ended_at = 0;
    co_return Result<>{};
}

Task<Result<std::vector<Intent>>> MemoryIntents::adopt(Network network) {
    std::vector<Intent> out;
    for (auto& [key, intent] : table_->intents) {
        if (key.network != network || intent.state != Intent::State::open) continue;
        if (intent.owner == node_ || table_->is_living(intent.owner)) continue;
        const bool handed_over = intent.owner.empty();
        intent.owner = node_;
        out.push_back(intent);
        out.back().handed_over = handed_over;
    }
    co_return oldest_first(std::move(out));
}

Task<Result<std::vector<Intent>>> MemoryIntents::settled_since(Network network,
                                                               scheme::UnixSeconds time) {
    std::vector<Intent> out;
    for (const auto& [key, intent] : table_->intents) {
        const bool settled = intent.state == Intent::State::settled && intent.ended_at >= time;
        if (key.network == network && settled) out.push_back(intent);
    }
    std::ranges::sort(out, std::greater{}, &Intent::ended_at);
    if (out.size() > kSettledMax) out.resize(kSettledMax);
    co_return out;
}

Task<Result<std::vector<Intent>>> MemoryIntents::mine(Network network) {
    std::vector<Intent> out;
    for (const auto& [key, intent] : table_->intents) {
        const bool open = intent.state == Intent::State::open && intent.owner == node_;
        if (key.network == network && open) out.push_back(intent);
    }
    co_return oldest_first(std::move(out));
}

Task<Result<std::vector<Intent>>> MemoryIntents::unheard(Network network) {
    std::vector<Intent> out;
    for (const auto& [key, intent] : table_->intents) {
        if (key.network == network && intent.is_unheard()) out.push_back(intent);
    }
    co_return oldest_first(std::move(out));
}

}  // namespace farthing::store
