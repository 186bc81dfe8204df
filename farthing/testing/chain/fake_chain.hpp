// SPDX-License-Identifier: Apache-2.0
// FakeChain: an EVM chain in memory, for the faults that no real node produces when asked to: a
// pool with nonce order and replacement, mining at once or on demand, reorganisations, and a fault
// for any request.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>

#include "farthing/evm/transaction.hpp"
#include "farthing/io/clock.hpp"
#include "farthing/testing/chain/fake_evm.hpp"

namespace farthing::testing {

/// The requests of the Chain interface.
enum class Op : std::uint8_t {
    chain_id,
    head,
    blocks,
    fees,
    balance,
    pending_nonce,
    mined_nonce,
    read,
    estimate_gas,
    send,
    receipts,
    logs,
    count_
};

/// What goes wrong with one request.
struct Fault {
    enum class Kind : std::uint8_t {
        none,
        no_answer,        ///< the request never arrives
        no_answer_after,  ///< it is carried out, and the answer is lost
        says,             ///< send: not taken, and `said` is the answer
        says_after,       ///< send: taken, and `said` is the answer all the same
        hidden,           ///< blocks, receipts, logs: none of them is there yet
    };
    Kind kind = Kind::none;
    std::chrono::milliseconds delay{0};  ///< before anything happens
    chain::SendResult said;

    static Fault slow(std::chrono::milliseconds by) { return {Kind::none, by, {}}; }
    static Fault no_answer() { return {Kind::no_answer, {}, {}}; }
    static Fault no_answer_after() { return {Kind::no_answer_after, {}, {}}; }
    static Fault says(chain::Taken taken, std::string message) {
        return {Kind::says, {}, {taken, std::move(message)}};
    }
    static Fault says_after(chain::Taken taken, std::string message) {
        return {Kind::says_after, {}, {taken, std::move(message)}};
    }
    static Fault hidden() { return {Kind::hidden, {}, {}}; }
};

using PooledTransaction = ReadTransaction;

struct MinedTransaction {
    PooledTransaction transaction;
    chain::Receipt receipt;
    SteadyTime at;
};

/// What becomes of the transactions of blocks that are no more.
enum class Fate : std::uint8_t {
    pooled,   ///< they wait in the pool again
    dropped,  ///< nobody knows them any more
};

/// One loop. `clock` drives block times and delays.
class FakeChain final : public chain::Chain {
  public:
    FakeChain(Clock& clock, Network network);

    // The world the test sets up.
    FakeEvm evm;
    bool auto_mine = true;                      ///< what can be mined is mined at once
    std::chrono::milliseconds latency{0};       ///< of every request
    std::chrono::milliseconds receipts_lag{0};  ///< a receipt appears so long after its block
    U256 base_fee = 1'000'000'000;              ///< wei per gas
    std::uint64_t transfer_gas = 60'000;        ///< what every call costs
    /// How far these heads are behind the newest block; nothing: the node does not know the tag.
    std::optional<std::uint64_t> safe_depth = 4;
    std::optional<std::uint64_t> finalized_depth = 8;
    int reverts_at_mining = 0;                     ///< the next transactions mined revert
    std::function<Fault(Op)> faults;               ///< asked when nothing is queued
    std::function<void(chain::Receipt&)> falsify;  ///< lies told in receipts
    void fail_next(Op op, Fault fault) { queued_[index(op)].push_back(std::move(fault)); }
    void set_wei(const Address& account, const U256& wei) { wei_[account] = wei; }

    /// Mines everything that can be mined, in one block. Returns how many.
    std::size_t mine();
    void mine_blocks(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) mine();
    }
    /// The last `depth` blocks, at most 64, were never there: with their effects on tokens,
    /// balances and nonces, and with what the test itself has set in `evm` since the first of them.
    /// The chain is shorter until more is mined.
    void reorganise(std::size_t depth, Fate fate = Fate::pooled);
    /// Forgets what waits in the pool, as nodes do under pressure.
    void drop_pool() { pool_.clear(); }
    /// What another process broadcasts.
    chain::SendResult inject(ByteView raw) { return take(raw); }

    // What happened.
    [[nodiscard]] std::size_t asked(Op op) const { return asked_[index(op)]; }
    [[nodiscard]] const std::vector<MinedTransaction>& mined() const { return mined_; }
    [[nodiscard]] const chain::Receipt* receipt_of(const Bytes32& hash) const;
    [[nodiscard]] std::size_t pooled() const;
    [[nodiscard]] std::uint64_t height() const { return blocks_.back().number; }
    [[nodiscard]] std::uint64_t nonce_of(const Address& account) const;
    /// Counting what waits in the pool.
    [[nodiscard]] std::uint64_t next_nonce_of(const Address& account) const;

    // The interface.
    [[nodiscard]] const Network& network() const override { return network_; }
    Task<Result<std::uint64_t>> chain_id() override;
    using Chain::head;
    /// The newest head's time is now, as if an empty block came every moment.
    Task<Result<chain::Head>> head(chain::HeadAt at) override;
    Task<Result<std::vector<std::optional<chain::Head>>>> blocks(
        std::vector<std::uint64_t> numbers) override;
    Task<Result<chain::Fees>> fees() override;
    Task<Result<U256>> balance(Address account) override;
    Task<Result<std::uint64_t>> pending_nonce(Address account) override;
    Task<Result<std::uint64_t>> mined_nonce(Address account) override;
    Task<Result<std::vector<chain::CallResult>>> read(std::vector<chain::Read> reads) override;
    Task<Result<std::expected<std::uint64_t, chain::Revert>>> estimate_gas(Call call,
                                                                           Address from) override;
    Task<Result<chain::SendResult>> send(Bytes raw) override;
    Task<Result<std::vector<std::optional<chain::Receipt>>>> receipts(
        std::vector<Bytes32> hashes) override;
    Task<Result<std::vector<chain::Log>>> logs(chain::LogFilter filter) override;

  private:
    using Pool = std::map<Address, std::map<std::uint64_t, PooledTransaction>>;
    /// The world as it was before a block.
    struct Before {
        FakeEvm evm;
        std::map<Address, U256> wei;
        std::map<Address, std::uint64_t> nonces;
    };
    static std::size_t index(Op op) { return static_cast<std::size_t>(op); }
    /// Counts the request and lets its delay pass.
    Task<Fault> arrive(Op op);
    chain::SendResult take(ByteView raw);
    void begin_block();
    void mine_one(const PooledTransaction& transaction);
    [[nodiscard]] chain::CallResult answer(const chain::Read& read);
    [[nodiscard]] std::uint64_t timestamp() const;

    Clock& clock_;
    Network network_;
    std::array<std::deque<Fault>, static_cast<std::size_t>(Op::count_)> queued_;
    std::array<std::size_t, static_cast<std::size_t>(Op::count_)> asked_{};
    std::map<Address, U256> wei_;
    std::map<Address, std::uint64_t> nonces_;
    Pool pool_;
    std::vector<MinedTransaction> mined_;
    std::vector<chain::Head> blocks_;  ///< the first has number 1
    std::deque<Before> before_;        ///< of the last blocks
    std::uint64_t forks_ = 0;          ///< so that no block of one branch is one of another
};

}  // namespace farthing::testing
