// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <soci/soci.h>

#include <limits>
#include <set>

#include "farthing/base/hex.hpp"
#include "farthing/crypto/sha256.hpp"
#include "farthing/ledger/ledger.hpp"

namespace farthing::ledger {
namespace {

using soci::into;
using soci::use;

constexpr std::size_t kPage = 1'000;
constexpr int kCheckpointsKept = 2;

Error altered(Seq seq, std::string_view what) {
    return {Errc::ledger_altered, fmt::format("entry {}: {}", seq, what)};
}

/// What a row says, held against itself.
Result<Entry> entry_of(const std::string& seq, const std::string& hash, const std::string& body) {
    const auto at = u256_from_decimal(seq).value_or(U256{}).to_u64().value_or(0);
    auto entry = parse_body(body);
    if (!entry) return fail(altered(at, entry.error().detail));
    if (entry->seq != at) return fail(altered(at, fmt::format("says it is {}", entry->seq)));
    if (to_hex(entry->hash) != hash) return fail(altered(at, "not as it was written"));
    return *std::move(entry);
}

/// A WHERE clause and its parameters.
struct Clause {
    std::string sql;
    Statements::Values bindings;

    void bind(std::string name, std::uint64_t number) {
        bindings.emplace_back(std::move(name), fmt::to_string(number));
    }
    void add(std::string_view condition) {
        sql.append(sql.empty() ? " WHERE " : " AND ").append(condition);
    }
    /// Of a decision, and what became of it. The latter is looked up row by row: a set of all that
    /// a vendor ever sold would be made anew for each question.
    void match(std::string_view column, std::string text, bool decisions) {
        if (text.empty()) return;
        add(decisions ? fmt::format("{0} = :{0}", column)
                      : fmt::format("({0} = :{0} OR EXISTS (SELECT 1 FROM entries AS its WHERE "
                                    "its.seq = entries.decision AND its.{0} = :{0}))",
                                    column));
        bindings.emplace_back(column, std::move(text));
    }
};

Clause clause_of(const Filter& filter) {
    Clause out;
    const bool decisions = filter.kind == Decision::kind;
    const bool by_column =
        decisions && (!filter.vendor.empty() || !filter.task.empty() || filter.verdict.has_value());
    if (!filter.kind.empty()) {
        // Nearly everything is a decision: its index would keep the database from a better one.
        out.add(by_column ? "+kind = :kind" : "kind = :kind");
        out.bindings.emplace_back("kind", filter.kind);
    }
    out.match("vendor", filter.vendor, decisions);
    out.match("task", filter.task, decisions);
    out.match("payer", filter.payer, decisions);
    if (filter.verdict) {
        // One vendor or task says more than a verdict that most have.
        const bool is_known = decisions && !(filter.vendor.empty() && filter.task.empty());
        const std::string verdict(to_text(*filter.verdict));
        if (is_known) {
            out.add("+verdict = :verdict");
            out.bindings.emplace_back("verdict", verdict);
        } else {
            out.match("verdict", verdict, decisions);
        }
    }
    if (filter.from) {
        out.add("time >= CAST(:from AS INTEGER)");
        out.bind("from", *filter.from);
    }
    if (filter.until) {
        out.add("time < CAST(:until AS INTEGER)");
        out.bind("until", *filter.until);
    }
    if (filter.reserved) out.add("seq IN (SELECT seq FROM reserved)");
    return out;
}

enum class Order : std::uint8_t { oldest_first, newest_first };

std::string sum_of(const std::string& hash, const std::string& text) {
    return to_hex(sha256(hash + text));
}

}  // namespace

struct Transaction::Query {
    Clause clause;
    std::size_t limit = 1;
    Order order = Order::oldest_first;
};

Result<std::vector<Entry>> Transaction::select(Query query) {
    query.clause.bind("limit", query.limit);
    const auto sql = fmt::format(
        "SELECT seq, hash, body FROM entries{} ORDER BY seq{} LIMIT CAST(:limit AS INTEGER)",
        query.clause.sql, query.order == Order::newest_first ? " DESC" : "");
    std::vector<Entry> out;
    for (const auto& row : statements_.rows(session_, sql, 3, query.clause.bindings)) {
        FARTHING_TRY(auto entry, entry_of(row[0], row[1], row[2]));
        out.push_back(std::move(entry));
    }
    return out;
}

Result<Head> Transaction::last() {
    if (head_) return *head_;
    FARTHING_TRY(const auto newest, select({.order = Order::newest_first}));
    head_ = newest.empty() ? Head{} : head_at(newest[0]);
    return *head_;
}

Result<UnixMillis> Transaction::now() {
    FARTHING_TRY(const auto head, last());
    return std::max(clock_, head.time);
}

Result<bool> Transaction::continues(const Head& head) {
    FARTHING_TRY(const auto newest, last());
    if (head == newest || head.seq == 0) return head == newest || head == Head{};
    FARTHING_TRY(const auto entry, find(head.seq));
    return entry && head_at(*entry) == head;
}

/// A page at a time, so that `each` may use the connection.
Result<> Transaction::for_each(const Filter& filter, Seq after, const Visitor& each) {
    FARTHING_TRY(const auto head, last());
    while (after < head.seq) {
        FARTHING_TRY(const auto page, read(filter, after, kPage));
        for (const auto& entry : page) FARTHING_CHECK(each(entry));
        if (page.size() < kPage) return {};
        after = page.back().seq;
    }
    return {};
}

Result<std::vector<Entry>> Transaction::read(const Filter& filter, Seq after, std::size_t limit) {
    Query query{clause_of(filter), limit};
    query.clause.add("seq > CAST(:after AS INTEGER)");
    query.clause.bind("after", after);
    return select(std::move(query));
}

Result<std::vector<Entry>> Transaction::newest(const Filter& filter, std::size_t limit) {
    FARTHING_TRY(auto out, select({clause_of(filter), limit, Order::newest_first}));
    std::ranges::reverse(out);
    return out;
}

Result<std::optional<Entry>> Transaction::find(Seq seq) {
    Query query;
    query.clause.add("seq = CAST(:seq AS INTEGER)");
    query.clause.bind("seq", seq);
    FARTHING_TRY(auto found, select(std::move(query)));
    if (found.empty()) return std::optional<Entry>{};
    return std::optional(std::move(found[0]));
}

Result<std::vector<Entry>> Transaction::about(Seq decision) {
    constexpr std::size_t all = std::numeric_limits<std::int64_t>::max();
    Query query{.limit = all};
    query.clause.add("decision = CAST(:decision AS INTEGER)");
    query.clause.bind("decision", decision);
    return select(std::move(query));
}

Result<bool> Transaction::is_reserved(Seq decision) {
    return !statements_
                .rows(session_, "SELECT seq FROM reserved WHERE seq = CAST(:seq AS INTEGER)", 1,
                      {{"seq", fmt::to_string(decision)}})
                .empty();
}

Result<> Transaction::check_fits(const Event& event) {
    const auto seq = decision_of(event);
    if (!seq) return {};
    const auto misfit = [&](std::string_view why) {
        return fail(Errc::invalid_argument,
                    fmt::format("{} of decision {}: {}", kind_of(event), *seq, why));
    };
    FARTHING_TRY(const auto entry, find(*seq));
    const auto* decision = entry ? std::get_if<Decision>(&entry->event) : nullptr;
    if (decision == nullptr) return misfit("there is no such decision");
    if (std::holds_alternative<Alert>(event)) return {};
    if (std::holds_alternative<Approval>(event)) {
        return decision->verdict == Verdict::ask ? Result<>{} : misfit("it did not ask");
    }
    FARTHING_TRY(const auto reserved, is_reserved(*seq));
    if (reserved) return {};
    if (decision->verdict != Verdict::allow) return misfit("it did not allow a payment");
    FARTHING_TRY(const auto fate, about(*seq));
    const bool settled = std::ranges::any_of(
        fate, [](const Entry& each) { return std::holds_alternative<Settled>(each.event); });
    if (settled) return misfit("it is settled");
    return std::holds_alternative<Settled>(event) ? Result<>{} : misfit("it is released");
}

Result<Entry> Transaction::append(Event event) {
    FARTHING_CHECK(check_texts(event));
    FARTHING_CHECK(check_fits(event));
    FARTHING_TRY(const auto head, last());
    FARTHING_TRY(const auto time, now());
    Entry entry{head.seq + 1, time, head.hash, std::move(event), {}};
    const auto body = to_body(entry);
    // What could not be read again would stop the wallet for good: numbers above 2^53, say.
    FARTHING_TRY(entry, parse_body(body));
    const auto hash = to_hex(entry.hash);
    const auto seq = fmt::to_string(entry.seq);
    statements_.run(session_, "INSERT INTO entries (seq, hash, body) VALUES (:seq, :hash, :body)",
                    {{"seq", seq}, {"hash", hash}, {"body", body}});
    const auto* decision = std::get_if<Decision>(&entry.event);
    if (decision != nullptr && decision->verdict == Verdict::allow) {
        statements_.run(session_, "INSERT INTO reserved (seq) VALUES (:seq)", {{"seq", seq}});
    } else if (std::holds_alternative<Settled>(entry.event) ||
               std::holds_alternative<Released>(entry.event)) {
        statements_.run(session_, "DELETE FROM reserved WHERE seq = CAST(:seq AS INTEGER)",
                        {{"seq", fmt::to_string(*decision_of(entry.event))}});
    }
    head_ = head_at(entry);
    return entry;
}

Result<> Transaction::put_checkpoint(const std::string& text) {
    FARTHING_TRY(const auto head, last());
    const auto seq = static_cast<long long>(head.seq);
    const auto hash = to_hex(head.hash);
    const auto sum = sum_of(hash, text);
    session_ << "INSERT OR REPLACE INTO checkpoints (seq, hash, text, sum) VALUES (:seq, :hash, "
                ":text, :sum)",
        use(seq), use(hash), use(text), use(sum);
    session_ << fmt::format(
        "DELETE FROM checkpoints WHERE seq NOT IN (SELECT seq FROM checkpoints ORDER BY seq DESC "
        "LIMIT {})",
        kCheckpointsKept);
    return {};
}

Result<std::optional<Seq>> Transaction::cursor(const std::string& reader) {
    long long seq = 0;
    session_ << "SELECT seq FROM cursors WHERE reader = :reader", use(reader), into(seq);
    if (!session_.got_data()) return std::optional<Seq>{};
    return std::optional(static_cast<Seq>(seq));
}

Result<> Transaction::put_cursor(const std::string& reader, Seq seq) {
    const auto at = static_cast<long long>(seq);
    session_ << "INSERT OR REPLACE INTO cursors (reader, seq) VALUES (:reader, :seq)", use(reader),
        use(at);
    return {};
}

Result<std::optional<Checkpoint>> Transaction::last_checkpoint() {
    long long seq = 0;
    std::string hash, text, sum;
    std::optional<Checkpoint> found;
    soci::statement read = (session_.prepare << "SELECT c.seq, c.hash, c.text, c.sum FROM "
                                                "checkpoints c JOIN entries e ON e.seq = c.seq AND "
                                                "e.hash = c.hash ORDER BY c.seq DESC",
                            into(seq), into(hash), into(text), into(sum));
    for (read.execute(); !found && read.fetch();) {
        if (sum != sum_of(hash, text)) continue;
        found.emplace();
        found->at.seq = static_cast<Seq>(seq);
        found->text = text;
    }
    if (!found) return found;
    FARTHING_TRY(const auto entry, find(found->at.seq));
    if (!entry) return fail(altered(found->at.seq, "missing"));
    found->at = head_at(*entry);
    return found;
}

Result<Head> Transaction::verify(const Head& from) {
    if (from.seq > 0) {
        FARTHING_TRY(const auto good, continues(from));
        if (!good) return fail(altered(from.seq, "not the one that was named"));
    }
    auto head = from;
    FARTHING_CHECK(since(from.seq, [&](const Entry& entry) -> Result<> {
        if (entry.seq != head.seq + 1) return fail(altered(head.seq + 1, "missing"));
        if (entry.previous != head.hash) {
            return fail(altered(entry.seq, "does not follow the one before it"));
        }
        if (entry.time < head.time) return fail(altered(entry.seq, "is before the one before it"));
        head = head_at(entry);
        return {};
    }));
    long long last_checkpoint = 0;
    session_ << "SELECT COALESCE(MAX(seq), 0) FROM checkpoints", into(last_checkpoint);
    if (static_cast<Seq>(last_checkpoint) > head.seq) {
        return fail(altered(static_cast<Seq>(last_checkpoint),
                            "missing, though there is a checkpoint for it"));
    }
    // From the first entry only: it reads every decision.
    if (from.seq == 0) FARTHING_CHECK(check_reserved());
    return head;
}

/// Against the entries themselves.
Result<> Transaction::check_reserved() {
    long long wrong = 0;
    session_ << "SELECT COALESCE(MIN(seq), 0) FROM (SELECT seq, seq IN (SELECT seq FROM reserved) "
                "AS is_there, verdict IS 'allow' AND seq NOT IN (SELECT decision FROM entries "
                "WHERE kind IN ('settled', 'released')) AS belongs FROM entries WHERE kind = "
                "'decision' UNION ALL SELECT seq, 1, 0 FROM reserved WHERE seq NOT IN (SELECT seq "
                "FROM entries WHERE kind = 'decision')) WHERE is_there <> belongs",
        into(wrong);
    if (wrong == 0) return {};
    return fail(altered(static_cast<Seq>(wrong), "is reserved and should not be, or the opposite"));
}

}  // namespace farthing::ledger
