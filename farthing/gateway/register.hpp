// SPDX-License-Identifier: Apache-2.0
// Register: the payments of a gateway, in its own book and in the store that it may share with
// other gateways. The book is quick and ends with the process; what the store holds outlives it,
// and is the same for all.
#pragma once

#include "farthing/gateway/payment_book.hpp"
#include "farthing/io/env.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/store/leases.hpp"
#include "farthing/store/purchases.hpp"

namespace farthing::gateway {

/// Where payments outlive the process. `purchases` null: nowhere.
struct Durable {
    store::PurchaseStore* purchases = nullptr;
    store::LeaseStore* leases = nullptr;
    std::string node;  ///< by which both know this gateway
};

/// One loop.
class Register {
  public:
    Register(Env env, Loop& loop, Durable durable, BookLimits limits);
    Register(const Register&) = delete;
    Register& operator=(const Register&) = delete;
    ~Register();

    class Hold;
    /// What the book says; takes the payment in hand unless its standing forbids it.
    [[nodiscard]] Hold enter(const scheme::PaymentKey& key);

    /// Before the first payment: this gateway lives. Errors: io_failed.
    Task<Result<>> open();
    /// Goes on living, and forgets what is over, until cancelled; `round` is run now and then.
    Task<> run(std::function<Task<>()> round);
    /// Until what was begun is written.
    Task<> drain();
    /// After everything else: what this gateway had in hand is free.
    Task<> close();

    /// Debts that no living gateway cares for. Errors: io_failed.
    Task<Result<std::vector<store::Purchase>>> owed();
    /// Who does not pay, for all gateways. Errors: io_failed.
    Task<Result<>> bar(Address payer);
    Task<Result<std::vector<Address>>> barred();
    [[nodiscard]] scheme::UnixSeconds now() const;

    [[nodiscard]] const PaymentBook& book() const;

  private:
    struct Core;
    Task<Result<>> renew();
    Task<> sweep();

    std::shared_ptr<Core> core_;
};

/// A payment in hand. When it ends, the payment is put where the last call said.
class Register::Hold {
  public:
    using Standing = PaymentBook::Standing;
    Hold(Hold&& other) noexcept;
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    Hold& operator=(Hold&&) = delete;
    ~Hold();

    [[nodiscard]] Standing standing() const { return standing_; }
    /// What is kept of it outlives this process.
    [[nodiscard]] bool is_durable() const { return end_ != End::nothing; }
    /// What it waits for. Only when `waiting`.
    [[nodiscard]] const Waiting& waiting() const { return ticket_.waiting(); }

    /// In hand with all gateways, unless another one knows better: then its standing is another one
    /// from now on. With `only_known` a payment that nobody knows is not taken. Errors: io_failed.
    Task<Result<>> claim(bool only_known = false);
    /// From now on the payment may happen, or has: it waits, whatever becomes of the request or of
    /// this process. `with_answer`: when the answer is another one than before. Errors: io_failed
    /// (the book of this process has it all the same), intent_not_ours (another gateway has it).
    Task<Result<>> keep(Waiting waiting, bool with_answer);
    /// It has bought its answer.
    void use();
    /// It is proved that nothing happened.
    void forget();

  private:
    friend class Register;
    enum class End : std::uint8_t { nothing, forget, release, use };
    Hold(std::shared_ptr<Core> core, const scheme::PaymentKey& key, PaymentBook::Ticket ticket);
    Task<Result<>> write(const Waiting& waiting, bool with_answer);
    Result<> adopt(const store::Purchase& kept);

    std::shared_ptr<Core> core_;
    scheme::PaymentKey key_;
    PaymentBook::Ticket ticket_;
    Standing standing_;
    End end_ = End::nothing;  ///< of its row in the store
};

}  // namespace farthing::gateway
