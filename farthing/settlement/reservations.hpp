// SPDX-License-Identifier: Apache-2.0
// Reservations: what of a payer's balance is spoken for by payments that were verified or are being
// settled. Without them ten authorisations over one balance would all pass.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "farthing/evm/u256.hpp"
#include "farthing/io/clock.hpp"
#include "farthing/scheme/scheme.hpp"

namespace farthing::settlement {

struct ReservationsConfig {
    /// After this a verified payment that nobody settles blocks no other.
    std::chrono::milliseconds reserve_for{60'000};
    /// How long a payment that has ended still counts against balances asked before its end: longer
    /// than any question takes and than any answer is remembered.
    std::chrono::milliseconds ended_for{60'000};
    std::size_t all_max = 100'000;
};

/// One chain, one executor. One reservation for each (token, payer, nonce): rivals for a nonce
/// share it, since at most one of them happens.
class Reservations {
  public:
    Reservations(Clock& clock, ReservationsConfig config) : clock_(clock), config_(config) {}

    /// A moment in the order of what happens here: taken before a balance is asked for.
    [[nodiscard]] std::uint64_t mark() const { return sequence_; }
    /// A balance, and the mark from before it was asked for.
    struct Known {
        U256 balance;
        std::uint64_t mark = 0;
    };
    /// A place that a payment has.
    struct Taken {
        U256 room;               ///< what all places here leave of the balance
        bool is_shared = false;  ///< other nodes know of it
    };
    /// Speaks for the payment's amount, until the authorisation expires, `reserve_for` is over or
    /// the payment has ended; a payment that has its place keeps it as it is. Errors:
    /// exact_insufficient_balance when the balance does not cover it beside the others; overloaded
    /// when there is no room: those that are there keep their places.
    Result<Taken> reserve(const scheme::Opened& payment, const Known& known);
    /// Other nodes know of it.
    void share(const scheme::PaymentKey& key);
    /// They have left no room for it: as if it had never been reserved, unless its settlement has
    /// begun.
    void withdraw(const scheme::PaymentKey& key);
    /// Its settlement has begun: it keeps its place, or takes one whatever the balance, until
    /// `end`.
    void begin(const scheme::Opened& payment);
    /// It was settled or has failed. It counts no more against balances asked for from now on.
    void end(const scheme::PaymentKey& key);
    /// How many there are.
    [[nodiscard]] std::size_t size() const { return size_; }

  private:
    struct Account {
        Address token;
        Address payer;
        friend bool operator==(const Account&, const Account&) = default;
    };
    struct AccountHash {
        std::size_t operator()(const Account& account) const noexcept {
            return std::hash<Address>{}(account.payer) ^ std::hash<Address>{}(account.token);
        }
    };
    struct Place {
        U256 amount;
        SteadyTime until;
        bool is_shared = false;
    };
    struct Ended {
        U256 amount;
        std::uint64_t at;  ///< in the sequence
        SteadyTime until;
    };
    struct Places {
        std::unordered_map<Bytes32, Place> by_nonce;
        std::vector<Ended> ended;
        U256 sum;  ///< of by_nonce; of more than 256 bits, the most there is
        SteadyTime earliest = SteadyTime::max();  ///< before it nothing expires

        [[nodiscard]] bool is_empty() const { return by_nonce.empty() && ended.empty(); }
    };
    static Account account_of(const scheme::PaymentKey& key) { return {key.token, key.payer}; }

    [[nodiscard]] SteadyTime expiry_of(const scheme::Opened& payment) const;
    void add(Places& places, const Bytes32& nonce, Place place);
    [[nodiscard]] Place* find(const scheme::PaymentKey& key);
    /// Takes away what has expired, and reckons again.
    void prune(Places& places);
    void prune_all();

    Clock& clock_;
    ReservationsConfig config_;
    std::unordered_map<Account, Places, AccountHash> accounts_;
    std::size_t size_ = 0;
    std::uint64_t sequence_ = 0;
    SteadyTime next_prune_;
};

}  // namespace farthing::settlement
