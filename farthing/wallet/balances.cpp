// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/balances.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "farthing/evm/eip3009.hpp"
#include "farthing/ledger/payments.hpp"
#include "farthing/net/http.hpp"
#include "farthing/wallet/alerts.hpp"

namespace farthing::wallet {
namespace {

using ledger::Entry;
using ledger::Seq;
using ledger::Transaction;

/// So many of the newest payments are looked through for assets.
constexpr std::size_t kLookBack = 1'000;
/// A chain and a ledger that move under a snapshot are looked at again so often.
constexpr int kAttempts = 5;

/// One token of one account.
struct Holding {
    std::string network;
    std::string asset;
    std::string payer;
    friend auto operator<=>(const Holding&, const Holding&) = default;
};

/// A payment whose execution matters for a snapshot.
struct Spent {
    Seq decision = 0;
    U256 amount;
    Bytes32 nonce;
    std::uint64_t valid_before = 0;
    bool settled = false;
};

/// What the ledger says of a holding at one moment.
struct Books {
    std::optional<Entry> before;  ///< the snapshot before
    std::vector<Spent> spent;     ///< settled since then, or signed and open
    Seq upto = 0;
};

Result<std::set<Holding>> holdings(Transaction& transaction, const std::string& network) {
    std::set<Holding> out;
    const ledger::Filter allowed{.kind = "decision", .verdict = ledger::Verdict::allow};
    FARTHING_TRY(const auto decisions, transaction.newest(allowed, kLookBack));
    for (const auto& each : decisions) {
        const auto& decision = std::get<ledger::Decision>(each.event);
        if (decision.network == network)
            out.insert({decision.network, decision.asset, decision.payer});
    }
    FARTHING_TRY(const auto balances, transaction.newest({.kind = "balance"}, kLookBack));
    for (const auto& each : balances) {
        const auto& balance = std::get<ledger::Balance>(each.event);
        if (balance.network == network) out.insert({network, balance.asset, balance.payer});
    }
    return out;
}

bool belongs(const ledger::Decision& decision, const Holding& holding) {
    return decision.network == holding.network && decision.asset == holding.asset &&
           decision.payer == holding.payer;
}

Spent spent_of(const ledger::Payment& payment) {
    Spent out{.decision = payment.entry.seq,
              .amount = payment.decision().amount,
              .nonce = {},
              .settled = payment.settled.has_value()};
    if (payment.signature) {
        out.nonce = payment.signature->nonce;
        out.valid_before = payment.signature->valid_before;
    }
    return out;
}

/// The newest snapshot of this holding; there are few of each.
Result<std::optional<Entry>> last_balance(Transaction& transaction, const Holding& holding) {
    FARTHING_TRY(auto entries, transaction.newest({.kind = "balance"}, kLookBack));
    for (auto each = entries.rbegin(); each != entries.rend(); ++each) {
        const auto& balance = std::get<ledger::Balance>(each->event);
        if (balance.network == holding.network && balance.asset == holding.asset &&
            balance.payer == holding.payer) {
            return std::optional(std::move(*each));
        }
    }
    return std::optional<Entry>{};
}

Result<Books> books_of(Transaction& transaction, const Holding& holding) {
    Books out;
    FARTHING_TRY(const auto last, transaction.last());
    out.upto = last.seq;
    FARTHING_TRY(out.before, last_balance(transaction, holding));
    const auto since = out.before ? out.before->seq : 0;
    const auto add_settled = [&](const Entry& entry) -> Result<> {
        FARTHING_TRY(const auto found, transaction.find(*ledger::decision_of(entry.event)));
        if (!found) return {};
        FARTHING_TRY(const auto payment, ledger::payment_of(transaction, *found));
        if (payment.signature && belongs(payment.decision(), holding))
            out.spent.push_back(spent_of(payment));
        return {};
    };
    FARTHING_CHECK(transaction.for_each({.kind = "settled"}, since, add_settled));
    const ledger::Filter open{.kind = "decision", .reserved = true};
    FARTHING_CHECK(
        ledger::for_each_payment(transaction, open, [&](const ledger::Payment& each) -> Result<> {
            if (each.signature && belongs(each.decision(), holding))
                out.spent.push_back(spent_of(each));
            return {};
        }));
    return out;
}

/// What the chain says, at one block.
struct Seen {
    chain::Head head;
    U256 amount;
    std::vector<bool> used;  ///< of each Spent
};

Task<Result<std::optional<Seen>>> look(chain::Chain& chain, Holding holding,
                                       const std::vector<Spent>& spent) {
    const auto token = parse_address(holding.asset);
    const auto payer = parse_address(holding.payer);
    if (!token || !payer) co_return fail(Errc::ledger_altered, "a payment without addresses");
    std::vector<chain::Read> reads;
    reads.push_back(chain::Read::of(erc20::balance_of(*token, *payer)));
    for (const auto& each : spent) {
        reads.push_back(chain::Read::of(eip3009::authorization_state(*token, *payer, each.nonce)));
    }
    FARTHING_CO_TRY(const auto before, co_await chain.head());
    FARTHING_CO_TRY(const auto answers, co_await chain.read(std::move(reads)));
    FARTHING_CO_TRY(const auto after, co_await chain.head());
    std::optional<Seen> out;
    if (before.hash != after.hash) co_return out;
    Seen seen{.head = after, .amount = {}, .used = {}};
    for (std::size_t i = 0; i < answers.size(); ++i) {
        constexpr std::size_t word = 32;
        if (!answers[i] || answers[i]->size() != word)
            co_return fail(Errc::rpc_failed, "balanceOf: no answer of a token");
        Bytes32 bytes;
        std::ranges::copy(*answers[i], bytes.data.begin());
        const auto value = U256::from_bytes(bytes);
        if (i == 0) {
            seen.amount = value;
        } else {
            seen.used.push_back(!value.is_zero());
        }
    }
    out = std::move(seen);
    co_return out;
}

/// A node that has not seen what the snapshot before has: what was paid between them is in neither
/// of the balances' sums, and would be missing at the next one.
Result<> not_behind(const Books& books, const Seen& seen) {
    if (!books.before) return {};
    const auto block = std::get<ledger::Balance>(books.before->event).block;
    if (seen.head.number >= block) return {};
    return fail(Errc::rpc_failed,
                fmt::format("the node is at block {}, and the last balance is of block {}: no "
                            "balance was written",
                            seen.head.number, block));
}

U256 sum(const U256& a, const U256& b) { return a.checked_add(b).value_or(U256::max()); }

std::string amount_text(const U256& amount, const Asset* asset) {
    return asset == nullptr ? amount.to_decimal() + " atomic units"
                            : scheme::describe(amount, *asset);
}

bool is_low(const U256& amount, const Asset* asset, const std::optional<scheme::Money>& low) {
    if (!low || asset == nullptr) return false;
    if (!low->symbol.empty() && !net::equal_no_case(low->symbol, asset->symbol)) return false;
    const auto least = scheme::to_atomic(*low, asset->decimals);
    return least && amount < *least;
}

ledger::Alert alert_named(std::string_view name, std::string text) {
    ledger::Alert out;
    out.name = name;
    out.text = std::move(text);
    return out;
}

/// What was seen against what is written, in one transaction. Nothing when the ledger has moved
/// meanwhile.
struct Writing {
    Holding holding;
    Books books;
    Seen seen;
    const Asset* asset = nullptr;
    std::optional<scheme::Money> low;

    Result<std::optional<Snapshot>> operator()(Transaction& transaction) const {
        Snapshot out;
        bool moved = false;
        FARTHING_CHECK(
            transaction.for_each({.kind = "settled"}, books.upto, [&](const Entry&) -> Result<> {
                moved = true;
                return {};
            }));
        if (moved) return std::optional<Snapshot>{};
        out.balance.network = holding.network;
        out.balance.asset = holding.asset;
        out.balance.payer = holding.payer;
        out.balance.amount = seen.amount;
        out.balance.block = seen.head.number;
        U256 gone;
        for (std::size_t i = 0; i < books.spent.size(); ++i) {
            const auto& each = books.spent[i];
            const bool may_leave = !seen.used[i] && seen.head.timestamp <= each.valid_before;
            if (each.settled && may_leave) out.waits_for = each.decision;
            if (!each.settled && seen.used[i]) FARTHING_CHECK(settle(transaction, each.decision));
            // A receipt of a payment that was never executed, and cannot be any more, moved
            // nothing.
            if (seen.used[i]) gone = sum(gone, each.amount);
        }
        if (out.waits_for) return std::optional(std::move(out));
        FARTHING_CHECK(compare(transaction, gone, out));
        return std::optional(std::move(out));
    }

  private:
    static Result<> settle(Transaction& transaction, Seq decision) {
        ledger::Settled event;
        event.decision = decision;
        event.note = "the chain says that it was used";
        auto noted = transaction.append(std::move(event));
        if (!noted) return fail(std::move(noted).error());
        return {};
    }

    Result<> compare(Transaction& transaction, const U256& gone, Snapshot& out) const {
        bool was_low = false;
        if (books.before) {
            const auto& before = std::get<ledger::Balance>(books.before->event);
            out.balance.expected = before.amount.saturating_sub(gone);
            const auto accounted = sum(seen.amount, gone);
            if (accounted < before.amount) out.missing = before.amount.saturating_sub(accounted);
            was_low = is_low(before.amount, asset, low);
        }
        out.low = !was_low && is_low(seen.amount, asset, low);
        FARTHING_CHECK(transaction.append(out.balance));
        const auto has =
            fmt::format("{} at block {}", amount_text(seen.amount, asset), seen.head.number);
        if (out.missing) {
            FARTHING_CHECK(transaction.append(alert_named(
                alert::kDifference,
                fmt::format("{} left {} on {} without this ledger: it has {}, at least {} were "
                            "expected",
                            amount_text(*out.missing, asset), holding.payer, holding.network, has,
                            amount_text(*out.balance.expected, asset)))));
        }
        if (out.low) {
            FARTHING_CHECK(transaction.append(
                alert_named(alert::kBalanceLow,
                            fmt::format("{} on {} has {}", holding.payer, holding.network, has))));
        }
        return {};
    }
};

Task<Result<Snapshot>> snapshot_of(ledger::Ledger& ledger, chain::Chain& chain, Holding holding,
                                   const Asset* asset, std::optional<scheme::Money> low) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        auto read = [holding](Transaction& transaction) { return books_of(transaction, holding); };
        FARTHING_CO_TRY(auto books, co_await ledger.transact(std::move(read)));
        FARTHING_CO_TRY(auto seen, co_await look(chain, holding, books.spent));
        if (!seen) continue;
        FARTHING_CO_CHECK(not_behind(books, *seen));
        Writing work{holding, std::move(books), std::move(*seen), asset, low};
        FARTHING_CO_TRY(auto written, co_await ledger.transact(std::move(work)));
        if (written) co_return *std::move(written);
    }
    co_return fail(Errc::rpc_failed,
                   "the chain or the ledger moved each time that a balance was read: try again");
}

}  // namespace

Task<Result<std::vector<Snapshot>>> take_balances(ledger::Ledger& ledger, chain::Chain& chain,
                                                  const AssetTable& assets,
                                                  std::optional<scheme::Money> low) {
    auto read = [network = chain.network().id](Transaction& transaction) {
        return holdings(transaction, network);
    };
    FARTHING_CO_TRY(const auto found, co_await ledger.transact(std::move(read)));
    std::vector<Snapshot> out;
    for (const auto& each : found) {
        const auto address = parse_address(each.asset);
        if (!address) co_return fail(Errc::ledger_altered, "a payment without addresses");
        const auto* asset = assets.find(chain.network(), *address);
        FARTHING_CO_TRY(auto one, co_await snapshot_of(ledger, chain, each, asset, low));
        out.push_back(std::move(one));
    }
    co_return out;
}

}  // namespace farthing::wallet
