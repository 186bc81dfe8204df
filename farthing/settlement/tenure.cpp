// SPDX-License-Identifier: Apache-2.0
#include "farthing/settlement/tenure.hpp"

#include <algorithm>

namespace farthing::settlement {
namespace {

std::string lease_of(const Lane& lane, const Network& network) {
    return "key/" + network.id + "/" + lane.address().to_lower();
}

}  // namespace

Tenure::Tenure(Env env, store::LeaseStore& leases, std::string node, TenureConfig config)
    : env_(env), leases_(leases), node_(std::move(node)), config_(config) {}

void Tenure::add(Lanes& lanes, Settler& settler) {
    for (const auto& lane : lanes.all()) lane->set_ours_until(env_.clock.steady_now());
    chains_.push_back({&lanes, &settler});
}

/// A part of the lease is left to the answer's way back, and to clocks that run at other speeds.
SteadyTime Tenure::until(SteadyTime asked_at) const {
    return asked_at + config_.ttl - config_.ttl / 4;
}

Task<Result<>> Tenure::begin() {
    auto renewed = co_await renew();
    co_return renewed;
}

Task<> Tenure::run() {
    auto renew_at = env_.clock.steady_now() + config_.renew;
    while (!ended_) {
        co_await env_.clock.sleep(config_.look);
        if (ended_) co_return;
        if (env_.clock.steady_now() >= renew_at) {
            const auto renewed = co_await renew();
            if (!renewed) {
                env_.log.error("leases_not_renewed", {{"reason", renewed.error().detail}});
            }
            renew_at = env_.clock.steady_now() + config_.renew;
        }
        // A node alone looks when it renews: nobody hands anything over to it.
        if (nodes_ > 1) co_await adopt();
    }
}

Task<> Tenure::end() {
    ended_ = true;
    const auto now = env_.clock.steady_now();
    for (const auto& chain : chains_) {
        for (const auto& lane : chain.lanes->all()) lane->set_ours_until(now);
    }
    const auto released = co_await leases_.release_all();
    if (!released) {
        env_.log.warn("leases_not_released", {{"reason", released.error().detail}});
    }
}

Task<Result<>> Tenure::renew() {
    auto alive = co_await leases_.acquire(store::node_lease(node_), config_.ttl);
    if (!alive) co_return fail(std::move(alive).error());
    auto prefix = store::node_lease("");
    auto nodes = co_await leases_.count(std::move(prefix));
    if (!nodes) co_return fail(std::move(nodes).error());
    const auto before = std::exchange(nodes_, std::max<std::size_t>(1, *nodes));
    // Nobody looks after what the one that is no more has settled lately.
    if (nodes_ < before) {
        for (const auto& chain : chains_) chain.settler->recall_soon();
    }
    for (const auto& chain : chains_) co_await share_out(chain, nodes_);
    if (nodes_ == 1) co_await adopt();
    co_return Result<>{};
}

/// As many keys as others have; a node too many for the keys hands its payments over.
Task<> Tenure::share_out(Chain chain, std::size_t nodes) {
    const auto& lanes = chain.lanes->all();
    const auto share = (lanes.size() + nodes - 1) / nodes;
    auto held = static_cast<std::size_t>(
        std::ranges::count_if(lanes, [](const auto& each) { return each->is_ours(); }));
    for (const auto& lane : lanes) {
        const auto name = lease_of(*lane, chain.lanes->network());
        const auto now = env_.clock.steady_now();
        const bool ours = lane->is_ours();
        if (ours && held > share && lane->in_flight() == 0) {
            lane->set_ours_until(now);
            --held;
            // Not released: it expires. What is being signed at this moment still has its time.
            continue;
        }
        if (!ours && held >= share) continue;
        const auto got = co_await leases_.acquire(name, config_.ttl);
        if (!got) continue;  // it ends by itself
        lane->set_ours_until(*got ? until(now) : now);
        if (*got && !ours) ++held;
        if (!*got && ours) --held;
    }
}

Task<> Tenure::adopt() {
    for (const auto& chain : chains_) {
        if (!chain.lanes->has_key()) continue;
        const auto adopted = co_await chain.settler->adopt();
        if (!adopted) {
            env_.log.error("intents_not_adopted", {{"reason", adopted.error().detail}});
        }
    }
}

}  // namespace farthing::settlement
