// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/reservations.hpp"

#include <algorithm>

namespace farthing::settlement {
namespace {

/// How often everything is looked through for what has expired, so that a full table costs little.
constexpr std::chrono::seconds kPruneEvery{1};
constexpr std::size_t kManyPlaces = 64;

U256 sum_of(const U256& one, const U256& other) {
    return one.checked_add(other).value_or(U256::max());
}

}  // namespace

SteadyTime Reservations::expiry_of(const scheme::Opened& payment) const {
    const auto now = static_cast<scheme::UnixSeconds>(clock_.now().time_since_epoch().count());
    const auto limit = payment.valid_before();
    const auto most = static_cast<scheme::UnixSeconds>(config_.reserve_for.count()) / 1'000 + 1;
    const auto left = std::chrono::seconds(limit > now ? std::min(limit - now, most) : 0);
    return clock_.steady_now() + std::min<std::chrono::milliseconds>(left, config_.reserve_for);
}

void Reservations::prune(Places& places) {
    const auto now = clock_.steady_now();
    if (now < places.earliest) return;
    size_ -=
        std::erase_if(places.by_nonce, [&](const auto& each) { return each.second.until <= now; });
    size_ -= std::erase_if(places.ended, [&](const auto& each) { return each.until <= now; });
    places.sum = U256();
    places.earliest = SteadyTime::max();
    for (const auto& [nonce, place] : places.by_nonce) {
        places.sum = sum_of(places.sum, place.amount);
        places.earliest = std::min(places.earliest, place.until);
    }
    for (const auto& each : places.ended) {
        places.earliest = std::min(places.earliest, each.until);
    }
    // With many there is always one that has just expired.
    const bool many = places.by_nonce.size() + places.ended.size() > kManyPlaces;
    if (many) places.earliest = std::max(places.earliest, now + kPruneEvery);
}

void Reservations::prune_all() {
    if (clock_.steady_now() < next_prune_) return;
    next_prune_ = clock_.steady_now() + kPruneEvery;
    for (auto each = accounts_.begin(); each != accounts_.end();) {
        prune(each->second);
        each = each->second.is_empty() ? accounts_.erase(each) : std::next(each);
    }
}

Result<Reservations::Taken> Reservations::reserve(const scheme::Opened& payment,
                                                  const Known& known) {
    const auto& amount = payment.amount();
    if (amount > known.balance) return fail(Errc::exact_insufficient_balance);
    if (amount.is_zero()) return Taken{known.balance, true};
    if (size_ >= config_.all_max) prune_all();
    const auto account = account_of(payment.key());
    auto at = accounts_.find(account);
    U256 others;
    Place* own = nullptr;
    if (at != accounts_.end()) {
        auto& places = at->second;
        prune(places);
        others = places.sum;
        if (const auto found = places.by_nonce.find(payment.key().nonce);
            found != places.by_nonce.end()) {
            own = &found->second;
            others = others.saturating_sub(own->amount);
        }
        // In the order of the sequence.
        for (auto each = places.ended.rbegin(); each != places.ended.rend(); ++each) {
            if (each->at <= known.mark) break;
            others = sum_of(others, each->amount);
        }
    }
    const auto wanted = own == nullptr ? amount : std::max(own->amount, amount);
    const auto all = others.checked_add(wanted);
    if (!all || *all > known.balance) {
        return fail(Errc::exact_insufficient_balance,
                    "the rest of the balance is reserved for payments that were verified or are "
                    "being settled");
    }
    if (own != nullptr) {
        if (wanted != own->amount) at->second.earliest = SteadyTime::min();
        own->is_shared = own->is_shared && wanted == own->amount;
        own->amount = wanted;
        return Taken{known.balance.saturating_sub(*all), own->is_shared};
    }
    if (size_ >= config_.all_max) {
        return fail(Errc::overloaded, "too many verified payments wait to be settled");
    }
    add(accounts_[account], payment.key().nonce, {amount, expiry_of(payment)});
    return Taken{known.balance.saturating_sub(*all), false};
}

Reservations::Place* Reservations::find(const scheme::PaymentKey& key) {
    const auto at = accounts_.find(account_of(key));
    if (at == accounts_.end()) return nullptr;
    const auto found = at->second.by_nonce.find(key.nonce);
    return found == at->second.by_nonce.end() ? nullptr : &found->second;
}

void Reservations::share(const scheme::PaymentKey& key) {
    if (auto* place = find(key)) place->is_shared = true;
}

void Reservations::withdraw(const scheme::PaymentKey& key) {
    auto* place = find(key);
    if (place == nullptr || place->until == SteadyTime::max()) return;
    place->until = clock_.steady_now();
    auto& places = accounts_.at(account_of(key));
    places.earliest = SteadyTime::min();
    prune(places);
    if (places.is_empty()) accounts_.erase(account_of(key));
}

void Reservations::add(Places& places, const Bytes32& nonce, Place place) {
    places.by_nonce.emplace(nonce, place);
    ++size_;
    places.sum = sum_of(places.sum, place.amount);
    places.earliest = std::min(places.earliest, place.until);
}

void Reservations::begin(const scheme::Opened& payment) {
    if (payment.amount().is_zero()) return;
    auto& places = accounts_[account_of(payment.key())];
    const auto found = places.by_nonce.find(payment.key().nonce);
    if (found == places.by_nonce.end()) {
        add(places, payment.key().nonce, {payment.amount(), SteadyTime::max(), true});
        return;
    }
    found->second = {std::max(found->second.amount, payment.amount()), SteadyTime::max(), true};
    places.earliest = SteadyTime::min();
}

void Reservations::end(const scheme::PaymentKey& key) {
    const auto at = accounts_.find(account_of(key));
    if (at == accounts_.end()) return;
    auto& places = at->second;
    if (const auto found = places.by_nonce.find(key.nonce); found != places.by_nonce.end()) {
        places.ended.push_back(
            {found->second.amount, ++sequence_, clock_.steady_now() + config_.ended_for});
        places.earliest = places.sum == U256::max()
                              ? SteadyTime::min()
                              : std::min(places.earliest, places.ended.back().until);
        places.sum = places.sum.saturating_sub(found->second.amount);
        places.by_nonce.erase(found);
    }
    prune(places);
    if (places.is_empty()) accounts_.erase(at);
}

}  // namespace farthing::settlement
