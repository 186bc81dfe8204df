// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/quotes.hpp"

#include <algorithm>

namespace farthing::wallet {
namespace {

constexpr std::chrono::hours kKept{1};
constexpr std::size_t kRequestsMax = 10'000;
/// Of one quote: a seller may list as many offers as a header holds.
constexpr std::size_t kPricesMax = 32;

}  // namespace

std::optional<U256> price_in(const std::vector<QuotedPrice>& quoted, const Network& network,
                             const Address& asset) {
    std::optional<U256> lowest;
    for (const auto& each : quoted) {
        if (each.network != network || each.asset != asset) continue;
        if (!lowest || each.amount < *lowest) lowest = each.amount;
    }
    return lowest;
}

void Quotes::note(const Bytes32& request, const Quote& quote, UnixTime now) {
    Noted noted{now, {}};
    for (const auto& verdict : quote.choice.verdicts) {
        if (!verdict.requirements || verdict.asset == nullptr) continue;
        if (noted.prices.size() == kPricesMax) break;
        noted.prices.push_back(
            {verdict.requirements->network, verdict.asset->address, verdict.requirements->amount});
    }
    // What asks for nothing now may well ask later: that is a price, and no rise of one.
    if (noted.prices.empty()) {
        noted_.erase(request);
        return;
    }
    if (!noted_.contains(request)) make_room(now);
    noted_.insert_or_assign(request, std::move(noted));
}

std::vector<QuotedPrice> Quotes::of(const Bytes32& request, UnixTime now) const {
    const auto found = noted_.find(request);
    if (found == noted_.end() || found->second.time + kKept <= now) return {};
    return found->second.prices;
}

void Quotes::make_room(UnixTime now) {
    if (noted_.size() < kRequestsMax) return;
    std::erase_if(noted_, [&](const auto& each) { return each.second.time + kKept <= now; });
    if (noted_.size() < kRequestsMax) return;
    noted_.erase(
        std::ranges::min_element(noted_, {}, [](const auto& each) { return each.second.time; }));
}

}  // namespace farthing::wallet
