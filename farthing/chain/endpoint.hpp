// SPDX-License-Identifier: Apache-2.0
// Endpoint: one of several nodes of a chain, and what is known of its health.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "farthing/chain/chain.hpp"
#include "farthing/io/env.hpp"

namespace farthing::chain {

struct EndpointsConfig {
    std::chrono::milliseconds timeout{10'000};   ///< of one call to one endpoint
    int failures_max = 5;                        ///< in a row: then its circuit opens
    std::chrono::milliseconds open_for{2'000};   ///< at first; doubled at each failed probe
    std::chrono::milliseconds open_max{60'000};  ///< and at most
    std::uint64_t lag_max = 3;  ///< blocks behind the best: then it is not believed
    std::chrono::milliseconds head_interval{1'000};   ///< between looks at everybody's head
    std::chrono::milliseconds head_max_age{15'000};   ///< after which a head says nothing
    std::chrono::milliseconds hedge_default{500};     ///< while too few latencies are known
    std::chrono::milliseconds hedge_min{20};          ///< a second endpoint is not asked sooner
    std::chrono::milliseconds nonce_patience{1'000};  ///< for the slower ones, after the first
};

/// How to reach one. `name` is what logs and metrics call it: never its URL, which may hold a key.
struct EndpointConfig {
    std::string name;
    std::unique_ptr<Chain> chain;
    /// How long it asked to be left alone in its last answer, once; zero: it did not.
    std::function<std::chrono::milliseconds()> take_retry_after;
};

/// One loop.
class Endpoint {
  public:
    Endpoint(Env env, EndpointConfig config, const EndpointsConfig& limits);

    [[nodiscard]] Chain& chain() { return *config_.chain; }
    [[nodiscard]] const std::string& name() const { return config_.name; }

    /// Whether it may be asked: its circuit is closed, or it is time for one probe.
    [[nodiscard]] bool is_usable() const;
    /// How long it usually takes: the 95th of a hundred of its recent latencies.
    [[nodiscard]] std::chrono::milliseconds usual_latency() const;
    /// The newest block that it is known to have; nothing: not known, or too long ago.
    [[nodiscard]] std::optional<std::uint64_t> head() const;
    void saw_block(std::uint64_t number);
    void tell_lag(std::uint64_t blocks) { lag_.set(static_cast<double>(blocks)); }

    /// A call to it begins; while its circuit is open, that is the probe.
    class Call {
      public:
        explicit Call(Endpoint& endpoint);
        Call(const Call&) = delete;
        Call& operator=(const Call&) = delete;
        ~Call() { endpoint_.probing_ = endpoint_.probing_ && !is_probe_; }
        void answered();
        /// It said that it cannot: no sign of ill health, and none of good.
        void declined() { endpoint_.failures_total_.add(); }
        void failed(std::string_view why);

      private:
        Endpoint& endpoint_;
        SteadyTime begun_;
        bool is_probe_;
    };
    /// Another one was asked later and was sooner.
    void overtaken() { fail_once("slower than the next one"); }

    bool identified = false;   ///< it said which chain it is on since its circuit closed last
    bool wrong_chain = false;  ///< and that was another one

  private:
    void fail_once(std::string_view why);
    [[nodiscard]] bool is_open() const { return failures_ >= limits_.failures_max; }

    Env env_;
    EndpointConfig config_;
    const EndpointsConfig& limits_;
    int failures_ = 0;  ///< in a row
    int pauses_ = 0;    ///< since it was well
    bool probing_ = false;
    SteadyTime not_before_ = SteadyTime::min();
    std::deque<std::chrono::milliseconds> latencies_;
    std::uint64_t head_ = 0;
    std::optional<SteadyTime> head_seen_;
    Counter& requests_total_;
    Counter& failures_total_;
    Histogram& latency_;
    Gauge& up_;
    Gauge& lag_;
};

}  // namespace farthing::chain
