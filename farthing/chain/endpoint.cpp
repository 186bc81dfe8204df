// SPDX-License-Identifier: Apache-2.0
#include "farthing/chain/endpoint.hpp"

#include <algorithm>

namespace farthing::chain {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLatenciesKept = 64;
constexpr std::size_t kLatenciesMin = 16;  ///< fewer say nothing about the slowest
constexpr milliseconds kRetryAfterMax{60'000};

Labels labels(const EndpointConfig& config) {
    return {{"network", config.chain->network().id}, {"endpoint", config.name}};
}

}  // namespace

Endpoint::Endpoint(Env env, EndpointConfig config, const EndpointsConfig& limits)
    : env_(env),
      config_(std::move(config)),
      limits_(limits),
      requests_total_(env.metrics.counter("farthing_rpc_requests_total", "Requests to a node",
                                          labels(config_))),
      failures_total_(env.metrics.counter("farthing_rpc_failures_total",
                                          "Requests to a node without a good answer",
                                          labels(config_))),
      latency_(env.metrics.histogram("farthing_rpc_latency_seconds", "Time to a node's good answer",
                                     {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
                                     labels(config_))),
      up_(env.metrics.gauge("farthing_rpc_up", "Whether a node's circuit is closed",
                            labels(config_))),
      lag_(env.metrics.gauge("farthing_rpc_head_lag_blocks",
                             "Blocks that a node is behind the best of its chain",
                             labels(config_))) {
    up_.set(1);
}

bool Endpoint::is_usable() const {
    if (env_.clock.steady_now() < not_before_) return false;
    return !is_open() || !probing_;
}

milliseconds Endpoint::usual_latency() const {
    if (latencies_.size() < kLatenciesMin) return limits_.hedge_default;
    std::vector<milliseconds> sorted(latencies_.begin(), latencies_.end());
    const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() * 95 / 100);
    std::ranges::nth_element(sorted, at);
    return std::max(*at, limits_.hedge_min);
}

std::optional<std::uint64_t> Endpoint::head() const {
    const bool fresh = head_seen_ && env_.clock.steady_now() - *head_seen_ <= limits_.head_max_age;
    return fresh ? std::optional(head_) : std::nullopt;
}

void Endpoint::saw_block(std::uint64_t number) {
    // A lower one counts: a node that was reset to an older state is behind from then on.
    head_ = number;
    head_seen_ = env_.clock.steady_now();
}

Endpoint::Call::Call(Endpoint& endpoint)
    : endpoint_(endpoint),
      begun_(endpoint.env_.clock.steady_now()),
      is_probe_(endpoint.is_open() && !endpoint.probing_) {
    endpoint_.requests_total_.add();
    if (is_probe_) endpoint_.probing_ = true;
}

void Endpoint::Call::answered() {
    auto& at = endpoint_;
    const auto took = at.env_.clock.steady_now() - begun_;
    at.latency_.observe(std::chrono::duration<double>(took).count());
    at.latencies_.push_back(std::chrono::ceil<milliseconds>(took));
    if (at.latencies_.size() > kLatenciesKept) at.latencies_.pop_front();
    if (at.is_open()) {
        at.env_.log.info("rpc_circuit_closed",
                         {{"network", at.chain().network().id}, {"endpoint", at.name()}});
    }
    at.failures_ = 0;
    at.pauses_ = 0;
    at.not_before_ = SteadyTime::min();
    at.up_.set(1);
}

void Endpoint::Call::failed(std::string_view why) { endpoint_.fail_once(why); }

void Endpoint::fail_once(std::string_view why) {
    failures_total_.add();
    const auto now = env_.clock.steady_now();
    const auto asked_for = config_.take_retry_after ? config_.take_retry_after() : milliseconds{0};
    if (asked_for.count() > 0) {
        not_before_ = std::max(not_before_, now + std::min(asked_for, kRetryAfterMax));
    }
    const bool was_open = is_open();
    failures_ = std::min(failures_ + 1, limits_.failures_max);
    if (!is_open()) return;
    if (!was_open) {
        // It may be another node when it comes back.
        identified = false;
        up_.set(0);
        env_.log.warn("rpc_circuit_opened", {{"network", chain().network().id},
                                             {"endpoint", name()},
                                             {"failures", failures_},
                                             {"reason", why}});
    }
    if (now < not_before_) return;
    auto pause = limits_.open_for;
    for (int i = 0; i < pauses_ && pause < limits_.open_max; ++i) pause *= 2;
    ++pauses_;
    not_before_ = now + std::min(pause, limits_.open_max);
}

}  // namespace farthing::chain
