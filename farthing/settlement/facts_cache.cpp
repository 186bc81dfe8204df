// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/facts_cache.hpp"

#include <algorithm>

#include "farthing/crypto/keccak.hpp"

namespace farthing::settlement {
namespace {

const Bytes32& transfer_topic() {
    static const Bytes32 topic = keccak256(std::string_view("Transfer(address,address,uint256)"));
    return topic;
}

const Bytes32& used_topic() {
    static const Bytes32 topic = keccak256(std::string_view("AuthorizationUsed(address,bytes32)"));
    return topic;
}

const Bytes32& canceled_topic() {
    static const Bytes32 topic =
        keccak256(std::string_view("AuthorizationCanceled(address,bytes32)"));
    return topic;
}

Bytes32 word(const Address& address) {
    Bytes32 out;
    std::ranges::copy(address.data, out.data.begin() + 12);
    return out;
}

Address address_in(const Bytes32& word) {
    Address out;
    std::copy(word.data.begin() + 12, word.data.end(), out.data.begin());
    return out;
}

}  // namespace

FactsCache::Payer* FactsCache::find(const Account& account) {
    const auto found = payers_.find(account);
    return found == payers_.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> FactsCache::follow(const Account& account) {
    if (!head_) return std::nullopt;
    auto [entry, added] = payers_.try_emplace(account);
    if (added) {
        entry->second.born = entry->second.id = next_id_++;
        entry->second.followed_from = head_->timestamp;
        count(1);
        if (!head_) return std::nullopt;
    }
    return entry->second.id;
}

void FactsCache::count(std::size_t items) {
    items_ += items;
    if (items_ > kItemsMax) forget_all();
}

void FactsCache::drop_if_empty(const Account& account) {
    const auto* payer = find(account);
    if (payer == nullptr || payer->balance || !payer->used.empty() || !payer->unused.empty() ||
        !payer->paid.empty())
        return;
    payers_.erase(account);
    --items_;
}

std::vector<chain::LogFilter> FactsCache::questions(const chain::Head& head) {
    asked_id_ = next_id_;
    if (!head_ || head.number <= head_->number || head.number - head_->number > kGapMax) return {};
    chain::LogFilter all;
    all.from_block = head_->number - std::min(head_->number, kOverlap - 1);
    all.to_block = head.number;
    for (const auto& [token, domain] : tokens_) all.addresses.push_back(token);
    if (payers_.empty()) return {};
    all.topics.push_back({transfer_topic(), used_topic(), canceled_topic()});
    if (payers_.size() > kFilteredPayersMax) return {all};
    std::set<Bytes32> payers;
    for (const auto& [account, payer] : payers_) payers.insert(word(account.payer));
    const std::vector<Bytes32> words(payers.begin(), payers.end());
    auto outgoing = all;
    outgoing.topics.push_back(words);
    auto incoming = std::move(all);
    incoming.topics.front() = {transfer_topic()};
    incoming.topics.emplace_back();
    incoming.topics.push_back(words);
    return {std::move(outgoing), std::move(incoming)};
}

/// Whether the chain is not the one that was followed.
bool FactsCache::is_broken(const chain::Head& head, const std::map<Place, Seen>& there) const {
    if (head.number < head_->number || head.number - head_->number > kGapMax) return true;
    if (head.number == head_->number) return head.hash != head_->hash;
    if (head.number == head_->number + 1 && head.parent_hash != head_->hash) return true;
    if (payers_.empty()) return false;
    const auto from = head_->number - std::min(head_->number, kOverlap - 1);
    return std::ranges::any_of(seen_, [&](const auto& each) {
        if (each.first.first < from) return false;
        const auto now = there.find(each.first);
        return now == there.end() || now->second != each.second;
    });
}

void FactsCache::advance(const chain::Head& head, const std::vector<chain::Log>& logs) {
    std::map<Place, Seen> there;
    for (const auto& each : logs) {
        there.insert_or_assign({each.block_number, each.index},
                               Seen{each.block_hash, each.transaction});
    }
    if (head_ && is_broken(head, there)) forget_all();
    if (head_ && head.number == head_->number) return;
    for (const auto& each : logs) {
        if (!seen_.contains({each.block_number, each.index})) take(each.event);
    }
    if (head_) {
        // Who came while the question was on its way was not in it.
        for (auto& [account, payer] : payers_) {
            if (payer.born < asked_id_) continue;
            items_ -= payer.used.size() + payer.unused.size() + payer.paid.size();
            payer = Payer();
            payer.born = payer.id = next_id_++;
            payer.followed_from = head.timestamp;
        }
    }
    seen_ = std::move(there);
    head_ = head;
}

void FactsCache::take(const chain::Event& event) {
    if (event.topics.size() < 3) return;
    const auto first = address_in(event.topics[1]);
    if (event.topics[0] == transfer_topic()) {
        forget_balance({event.address, first});
        forget_balance({event.address, address_in(event.topics[2])});
        return;
    }
    if (event.topics[0] != used_topic() && event.topics[0] != canceled_topic()) return;
    auto* payer = find({event.address, first});
    if (payer == nullptr) return;
    const auto& nonce = event.topics[2];
    items_ -= payer->unused.erase(nonce);
    if (payer->used.insert(nonce).second) count(1);
}

void FactsCache::forget_all() {
    payers_.clear();
    seen_.clear();
    head_.reset();
    items_ = 0;
}

void FactsCache::forget_balance(const Account& account) {
    auto* payer = find(account);
    if (payer == nullptr) return;
    payer->balance.reset();
    // An answer that is on its way may be from before.
    payer->id = next_id_++;
}

void FactsCache::forget_nonce(const Account& account, const Bytes32& nonce) {
    if (auto* payer = find(account)) items_ -= payer->unused.erase(nonce);
}

}  // namespace farthing::settlement
