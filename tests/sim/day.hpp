// SPDX-License-Identifier: Apache-2.0
// A day of a settling process on a chain where anything goes wrong: slow, silent and forgetful
// nodes, answers lost before and after the deed, fee spikes, reorganisations, other processes with
// the same key, front-runners, a failing disk, impatient and vanishing askers, rivals for one
// nonce, and death between any two steps. After each step, and at its end, the books must balance.
#pragma once

#include <map>
#include <set>

#include "farthing/testing/mortal.hpp"

namespace farthing::sim {

using testing::ChainWorld;
using testing::Crafted;
using testing::Fault;
using testing::MortalNode;
using testing::Op;
using testing::SeededRandom;
using testing::StoreFault;
using State = settlement::Outcome::State;

/// What happened, so that a test can see that the days were neither all fair nor all foul.
struct Tally {
    std::size_t payments = 0;
    std::size_t settled = 0;
    std::size_t unknown = 0;
    std::size_t deaths = 0;
    std::size_t reorganisations = 0;
    std::size_t batches = 0;
    std::size_t told_in_vain = 0;
    std::chrono::seconds simulated{0};
    Tally& operator+=(const Tally& other);
};

/// The weather of a day, drawn from its seed.
struct Weather {
    explicit Weather(SeededRandom& dice);

    unsigned faults_percent;       ///< of the requests to the chain
    unsigned disk_faults_percent;  ///< of the requests to the store
    unsigned deaths_per_mille;     ///< of the steps of a process
    bool reorganises;
    bool spikes;
    std::size_t keys;  ///< of the facilitator
    std::chrono::milliseconds block_time;
};

/// A payment of the day, and everything that was said of it.
struct Story {
    std::shared_ptr<const scheme::Opened> payment;
    std::string record;
    std::vector<settlement::Outcome> answers;
    bool asked = false;
    bool front_run = false;
    int asking = 0;        ///< who waits for an answer of the living process
    bool said_no = false;  ///< the last answer was that it had failed, and nobody has asked since

    [[nodiscard]] bool was_told(State state) const {
        return std::ranges::any_of(answers, [&](const auto& a) { return a.state == state; });
    }
};

class Day {
  public:
    explicit Day(std::uint64_t seed);
    ~Day() { world_.stop(); }
    Day(const Day&) = delete;
    Day& operator=(const Day&) = delete;

    void live();
    /// Everything works again; every question that was left open is asked once more.
    void end();
    /// The books of the whole day.
    void check();
    [[nodiscard]] const Tally& tally() const { return tally_; }

  private:
    using StoryPtr = std::shared_ptr<Story>;

    void make_payers();
    void make_stories();
    void add_story(Crafted crafted, std::uint64_t payer);
    void be_born();
    [[nodiscard]] bool dies();
    void ask(const StoryPtr& story);
    Task<> listen(std::shared_ptr<MortalNode> node, StoryPtr story,
                  std::chrono::milliseconds patience);
    Fault fault(Op op);
    Fault send_fault();
    StoreFault disk_fault();
    std::chrono::milliseconds disk_delay();
    void disturb();
    void settle_down(int half_minutes);
    void foreign_transaction();
    void front_run();

    /// What holds at any moment.
    void check_now();
    void check_money() const;
    void check_uses();
    [[nodiscard]] bool may_be_undone() const;
    void check_proof(const Story& story, const settlement::Outcome& answer) const;
    void check_story(const Story& story) const;
    void check_refusal(const Story& story) const;
    void check_nonces() const;
    void count();

    SeededRandom dice_;
    SeededRandom fate_;  ///< of the process: apart, so that it can be switched off alone
    Weather weather_;
    ChainWorld world_;
    std::shared_ptr<store::MemoryTable> table_;
    testing::WorldConfig config_;
    TaskGroup askers_;
    std::vector<StoryPtr> stories_;
    /// The dead ones too: their tasks wait for ever.
    std::vector<std::shared_ptr<MortalNode>> nodes_;
    std::set<scheme::PaymentKey> told_in_vain_;
    U256 dollars_;
    SteadyTime outage_until_;
    SteadyTime spike_until_;
    SteadyTime born_at_;
    std::size_t mined_seen_ = 0;
    bool calm_ = false;
    Tally tally_;
};

}  // namespace farthing::sim
