// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/register.hpp"

#include "farthing/gateway/kept_answer.hpp"

namespace farthing::gateway {
namespace {

/// A gateway that was killed holds its payments off for as long; one that cannot renew it in time
/// takes no new ones.
constexpr std::chrono::milliseconds kLease{10'000};
constexpr std::chrono::milliseconds kRenewEvery{3'000};
constexpr int kRenewalsPerSweep = 10;
constexpr std::size_t kSweptAtOnce = 1'000;
constexpr std::size_t kBarredMax = 65'536;

std::chrono::seconds in_seconds(std::chrono::milliseconds time) {
    return std::chrono::ceil<std::chrono::seconds>(time);
}

}  // namespace

/// What holds need of their register, also when it ends before them.
struct Register::Core {
    Env env;
    Durable durable;
    BookLimits limits;
    PaymentBook book;
    TaskGroup writes;
    bool closed = false;

    [[nodiscard]] scheme::UnixSeconds now() const {
        return static_cast<scheme::UnixSeconds>(env.clock.now().time_since_epoch().count());
    }
    [[nodiscard]] scheme::UnixSeconds after(std::chrono::milliseconds time) const {
        return now() + static_cast<std::uint64_t>(in_seconds(time).count());
    }
    Task<> end(scheme::PaymentKey key, Hold::End how);
};

Task<> Register::Core::end(scheme::PaymentKey key, Hold::End how) {
    auto& store = *durable.purchases;
    Result<> done;
    switch (how) {
        case Hold::End::nothing:
            co_return;
        case Hold::End::forget:
            done = co_await store.forget(key);
            break;
        case Hold::End::release:
            done = co_await store.release(key);
            break;
        case Hold::End::use:
            done = co_await store.spend(key, after(limits.used_for));
            break;
    }
    // Nothing is lost: it stays with us until we are gone, and is then what was last written.
    if (!done) env.log.warn("purchase_not_ended", {{"reason", to_string(done.error())}});
}

Register::Register(Env env, Loop& loop, Durable durable, BookLimits limits)
    : core_(
          new Core{env, std::move(durable), limits, PaymentBook(limits), TaskGroup(loop), false}) {}

Register::~Register() { core_->closed = true; }

Register::Hold Register::enter(const scheme::PaymentKey& key) {
    return {core_, key, core_->book.enter(key, core_->env.clock.steady_now())};
}

Task<Result<>> Register::open() {
    if (core_->durable.purchases == nullptr) co_return Result<>{};
    auto done = co_await renew();
    co_return done;
}

Task<Result<>> Register::renew() {
    auto& [purchases, leases, node] = core_->durable;
    auto held = co_await leases->acquire(store::node_lease(node), kLease);
    if (!held) co_return fail(std::move(held).error());
    if (!*held) co_return fail(Errc::io_failed, "store: another node has our name");
    co_return Result<>{};
}

Task<> Register::run(std::function<Task<>()> round) {
    if (core_->durable.purchases == nullptr) co_return;
    for (int i = 1;; ++i) {
        co_await core_->env.clock.sleep(kRenewEvery);
        const auto renewed = co_await renew();
        if (!renewed) {
            core_->env.log.warn("lease_not_renewed", {{"reason", to_string(renewed.error())}});
            continue;
        }
        if (i % kRenewalsPerSweep == 0) co_await sweep();
        co_await round();
    }
}

Task<> Register::sweep() {
    const auto now = core_->now();
    for (std::size_t count = kSweptAtOnce; count == kSweptAtOnce;) {
        const auto swept = co_await core_->durable.purchases->sweep(now, kSweptAtOnce);
        if (!swept) {
            core_->env.log.warn("purchases_not_swept", {{"reason", to_string(swept.error())}});
            co_return;
        }
        count = *swept;
    }
}

Task<Result<std::vector<store::Purchase>>> Register::owed() {
    if (core_->durable.purchases == nullptr) co_return std::vector<store::Purchase>{};
    auto found = co_await core_->durable.purchases->owed(kSweptAtOnce);
    co_return found;
}

Task<Result<>> Register::bar(Address payer) {
    if (core_->durable.purchases == nullptr) co_return Result<>{};
    auto done = co_await core_->durable.purchases->bar(payer, now());
    co_return done;
}

Task<Result<std::vector<Address>>> Register::barred() {
    if (core_->durable.purchases == nullptr) co_return std::vector<Address>{};
    auto found = co_await core_->durable.purchases->barred(kBarredMax);
    co_return found;
}

const PaymentBook& Register::book() const { return core_->book; }

scheme::UnixSeconds Register::now() const { return core_->now(); }

Task<> Register::drain() { co_await core_->writes.join(); }

Task<> Register::close() {
    auto& [purchases, leases, node] = core_->durable;
    if (purchases == nullptr) co_return;
    const auto done = co_await leases->release(store::node_lease(node));
    if (!done) core_->env.log.warn("lease_not_released", {{"reason", to_string(done.error())}});
}

Register::Hold::Hold(std::shared_ptr<Core> core, const scheme::PaymentKey& key,
                     PaymentBook::Ticket ticket)
    : core_(std::move(core)),
      key_(key),
      ticket_(std::move(ticket)),
      standing_(ticket_.standing()) {}

Register::Hold::Hold(Hold&& other) noexcept
    : core_(std::move(other.core_)),
      key_(other.key_),
      ticket_(std::move(other.ticket_)),
      standing_(other.standing_),
      end_(std::exchange(other.end_, End::nothing)) {}

Register::Hold::~Hold() {
    if (end_ == End::nothing || core_->closed) return;
    auto ending = core_->end(key_, end_);
    core_->writes.spawn(std::move(ending));
}

Task<Result<>> Register::Hold::claim(bool only_known) {
    auto* store = core_->durable.purchases;
    if (store == nullptr || end_ != End::nothing) co_return Result<>{};
    auto claim = co_await store->claim(key_, only_known, core_->after(core_->limits.kept_for));
    if (!claim) co_return fail(std::move(claim).error());
    switch (claim->standing) {
        case store::PurchaseStore::Standing::in_hand:
            standing_ = Standing::in_hand;
            co_return Result<>{};
        case store::PurchaseStore::Standing::used:
            standing_ = Standing::used;
            ticket_.use(core_->env.clock.steady_now());
            co_return Result<>{};
        case store::PurchaseStore::Standing::waiting: {
            end_ = End::release;
            auto adopted = adopt(claim->kept);
            co_return adopted;
        }
        case store::PurchaseStore::Standing::fresh:
            break;
    }
    if (only_known) co_return Result<>{};
    end_ = End::forget;
    if (standing_ != Standing::waiting) co_return Result<>{};
    // Only the book knows of it: the store had failed.
    const auto known = waiting();
    auto written = co_await write(known, true);
    co_return written;
}

/// What the store says goes before what the book says, which only fills its gaps.
Result<> Register::Hold::adopt(const store::Purchase& kept) {
    FARTHING_TRY(auto waiting, waiting_from(kept));
    const auto& limits = core_->limits;
    if (standing_ == Standing::waiting && ticket_.waiting().request == waiting.request) {
        const auto& known = ticket_.waiting();
        if (!waiting.answer) waiting.answer = known.answer;
        if (!waiting.receipt) waiting.receipt = known.receipt;
        if (waiting.transaction.empty()) waiting.transaction = known.transaction;
    }
    // It waits no longer than it would have without us.
    const auto now = core_->now();
    const std::chrono::seconds left(kept.until > now ? kept.until - now : 0);
    const auto since = std::min(left, in_seconds(limits.kept_for)) - limits.kept_for;
    standing_ = Standing::waiting;
    ticket_.keep(std::move(waiting), core_->env.clock.steady_now() + since);
    return {};
}

Task<Result<>> Register::Hold::keep(Waiting waiting, bool with_answer) {
    ticket_.keep(waiting, core_->env.clock.steady_now());
    auto written = co_await write(waiting, with_answer);
    co_return written;
}

Task<Result<>> Register::Hold::write(const Waiting& waiting, bool with_answer) {
    if (end_ == End::nothing) co_return Result<>{};
    auto purchase = to_purchase(key_, waiting, with_answer, core_->limits.kept_bytes_max);
    purchase.until = core_->after(core_->limits.kept_for);
    auto kept = co_await core_->durable.purchases->keep(std::move(purchase));
    if (kept) {
        end_ = End::release;
        co_return kept;
    }
    if (kept.error().code == Errc::intent_not_ours) end_ = End::nothing;
    core_->env.log.warn("purchase_not_kept", {{"reason", to_string(kept.error())}});
    co_return kept;
}

void Register::Hold::use() {
    ticket_.use(core_->env.clock.steady_now());
    if (end_ != End::nothing) end_ = End::use;
}

void Register::Hold::forget() {
    ticket_.forget();
    if (end_ != End::nothing) end_ = End::forget;
}

}  // namespace farthing::gateway
