// SPDX-License-Identifier: Apache-2.0
// PaymentBook: one payment buys one answer. Remembers which payments are in hand, which have bought
// something, and which wait for an outcome, with the answer they are for.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <optional>

#include "farthing/gateway/forward.hpp"
#include "farthing/scheme/scheme.hpp"

namespace farthing::gateway {

/// What a payment waits for: its settlement to become known, or its answer to be taken.
struct Waiting {
    Bytes32 request;                             ///< which request it pays for (print_of)
    std::shared_ptr<const OriginAnswer> answer;  ///< the origin's; null when it had to be dropped
    std::optional<v2::SettleResponse> receipt;   ///< settled: only the delivery failed
    std::string transaction;                     ///< broadcast, as far as known
    bool may_have_been_sent = true;  ///< false: every try so far ended before anything was
    std::string idempotency_key;     ///< of its settlement: facilitator::Asking
    bool has_run = true;             ///< the origin has given an answer, kept or not
    std::string payment;             ///< of a debt: what settles it without the payer
    scheme::UnixSeconds due = 0;     ///< of a debt
};

/// Of the answer; 0 without one.
[[nodiscard]] std::size_t bytes_of(const Waiting& waiting);

/// What identifies a request: method, path, query and body.
[[nodiscard]] Bytes32 print_of(std::string_view method, std::string_view target,
                               std::string_view body);

struct BookLimits {
    std::size_t entries_max = 65'536;  ///< of those that have bought, and of those that wait
    std::size_t kept_bytes_max = 64 << 20;
    std::chrono::milliseconds kept_for{15 * 60'000};
    /// By then every node that is asked has seen the nonce used.
    std::chrono::milliseconds used_for{10 * 60'000};
};

/// One executor.
class PaymentBook {
  public:
    using Time = std::chrono::steady_clock::time_point;
    enum class Standing : std::uint8_t {
        fresh,    ///< never seen: it is now in hand, by the ticket
        waiting,  ///< seen before, and what it waits for is in the ticket; now in hand again
        in_hand,  ///< another request has it
        used,     ///< it has bought its answer
    };
    class Ticket;

    explicit PaymentBook(BookLimits limits) : limits_(limits) {}
    PaymentBook(const PaymentBook&) = delete;
    PaymentBook& operator=(const PaymentBook&) = delete;

    /// Takes the payment in hand, unless its standing forbids it.
    [[nodiscard]] Ticket enter(const scheme::PaymentKey& key, Time now);

    [[nodiscard]] std::size_t waiting_count() const { return waiting_order_.size(); }
    [[nodiscard]] std::size_t kept_bytes() const { return kept_bytes_; }

  private:
    enum class State : std::uint8_t { in_hand, waiting, used };
    using Order = std::list<scheme::PaymentKey>;
    struct Slot {
        State state = State::in_hand;
        std::unique_ptr<Waiting> waiting;  ///< of those that wait; what has bought is small
        Time until;
        Order::iterator place;  ///< in the order of its state
    };
    using Slots = std::map<scheme::PaymentKey, Slot>;

    void expire(Time now);
    void drop_oldest(Order& order);
    void put_waiting(Slots::iterator slot, Waiting waiting, Time now);
    void put_used(Slots::iterator slot, Time now);
    void shrink();

    BookLimits limits_;
    Slots slots_;
    Order waiting_order_;  ///< oldest first
    Order used_order_;
    std::size_t kept_bytes_ = 0;
};

/// A payment in hand. When it ends, the payment is put where the last call said: forgotten at
/// first, or waiting when it was waiting before.
class PaymentBook::Ticket {
  public:
    Ticket(Ticket&& other) noexcept;
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

    [[nodiscard]] Standing standing() const { return standing_; }
    /// What it waits for. Only when `waiting`, and until `keep`.
    [[nodiscard]] const Waiting& waiting() const { return *end_waiting_; }

    /// From now on the payment may happen, or has: it waits, whatever becomes of the request.
    void keep(Waiting waiting, Time now);
    /// It has bought its answer.
    void use(Time now);
    /// It is proved that nothing happened.
    void forget();

  private:
    friend class PaymentBook;
    Ticket(PaymentBook* book, Slots::iterator slot, Standing standing)
        : book_(book), slot_(slot), standing_(standing) {}

    PaymentBook* book_;  ///< null when the payment is not in hand by this ticket
    Slots::iterator slot_;
    Standing standing_;
    enum class End : std::uint8_t { forget, wait, use };
    End end_ = End::forget;
    std::optional<Waiting> end_waiting_;
    Time end_time_;
};

}  // namespace farthing::gateway
