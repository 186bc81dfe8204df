// SPDX-License-Identifier: Apache-2.0
// Ledger: what happened to the money, append-only and hash-chained, in one SQLite file that several
// processes share. What is decided on it is decided and written within one transaction.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "farthing/ledger/entry.hpp"
#include "farthing/ledger/statements.hpp"
#include "farthing/store/database.hpp"

namespace farthing::ledger {

/// The file within a wallet's folder.
inline constexpr std::string_view kFileName = "ledger.db";

/// The last entry of a ledger, or of a part of it. All zero before the first.
struct Head {
    Seq seq = 0;
    Bytes32 hash;
    UnixMillis time = 0;
    friend bool operator==(const Head&, const Head&) = default;
};

[[nodiscard]] inline Head head_at(const Entry& entry) {
    return {entry.seq, entry.hash, entry.time};
}

/// Which entries. What is said about a vendor, task, payer or verdict goes for decisions, and for
/// what became of them.
struct Filter {
    std::string kind, vendor, task, payer;
    std::optional<Verdict> verdict;
    std::optional<UnixMillis> from;   ///< not before
    std::optional<UnixMillis> until;  ///< before
    bool reserved = false;            ///< decisions neither settled nor released
};

/// What somebody made of all entries up to `at`.
struct Checkpoint {
    Head at;
    std::string text;
    friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// One transaction. Everything that is read is of one moment, and includes what was appended
/// before. Errors of all: io_failed, ledger_altered (what is there was not written by us).
class Transaction {
  public:
    Transaction(soci::session& session, Statements& statements, UnixMillis clock)
        : session_(session), statements_(statements), clock_(clock) {}
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    [[nodiscard]] Result<Head> last();
    /// What decisions go by: the clock, or the newest entry when that is later, for a clock that
    /// jumps back opens no window twice.
    [[nodiscard]] Result<UnixMillis> now();
    /// Whether these entries continue from there: false when the entry that somebody has read as
    /// `head` was undone (its transaction failed), or is another one.
    [[nodiscard]] Result<bool> continues(const Head& head);

    /// In order. `each` may fail, which ends it.
    using Visitor = std::function<Result<>(const Entry&)>;
    Result<> for_each(const Filter& filter, Seq after, const Visitor& each);
    Result<> since(Seq after, const Visitor& each) { return for_each({}, after, each); }
    /// At most `limit`, oldest first: those that follow `after`, or the newest.
    [[nodiscard]] Result<std::vector<Entry>> read(const Filter& filter, Seq after,
                                                  std::size_t limit);
    [[nodiscard]] Result<std::vector<Entry>> newest(const Filter& filter, std::size_t limit);
    [[nodiscard]] Result<std::optional<Entry>> find(Seq seq);
    /// Everything that is about this decision, in order.
    [[nodiscard]] Result<std::vector<Entry>> about(Seq decision);

    /// Writes the next entry, at `now`. What follows a decision has to fit it: signed and released
    /// while it is reserved, settled once and also after a release (the chain knows better),
    /// approval when it asked. Errors: invalid_argument (does not fit), invalid_field, too_large
    /// (texts, numbers); then nothing was written.
    Result<Entry> append(Event event);

    /// For the last entry. The two newest are kept.
    Result<> put_checkpoint(const std::string& text);
    /// The newest that is whole and belongs to these entries: a damaged one is as good as none.
    [[nodiscard]] Result<std::optional<Checkpoint>> last_checkpoint();

    /// How far `reader` has come; nothing when it has not begun.
    [[nodiscard]] Result<std::optional<Seq>> cursor(const std::string& reader);
    Result<> put_cursor(const std::string& reader, Seq seq);

    /// Reads everything after `from` and says where it ends: each entry canonical, its hash right,
    /// linked to the one before, in order; checkpoints and, from the first entry on, reservations
    /// as they follow from it.
    /// Errors: ledger_altered with the first entry that is not as it was written.
    Result<Head> verify(const Head& from = {});

  private:
    struct Query;
    Result<std::vector<Entry>> select(Query query);
    Result<> check_fits(const Event& event);
    Result<bool> is_reserved(Seq decision);
    Result<> check_reserved();

    soci::session& session_;
    Statements& statements_;
    UnixMillis clock_;
    std::optional<Head> head_;
};

/// Tasks of one loop.
class Ledger {
  public:
    /// Makes the file when it is not there (mode 0600); its folder must be. Errors: io_failed,
    /// invalid_argument (nothing to read), invalid_config (made by a newer program).
    static Result<std::unique_ptr<Ledger>> open(Env env, Loop& loop,
                                                const std::filesystem::path& folder,
                                                store::Access access = store::Access::serve);

    /// What was given to it is still done.
    ~Ledger() { database_->stop(); }
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    /// Runs `work(Transaction&)`, which returns a Result, while no other process writes; durable
    /// when this returns a value. Those that wait at the same time share one sync of the disk, one
    /// after the other, each on what the ones before it appended. On the ledger's own thread: what
    /// the work uses is used by works only. It may be run several times, of which the last counts:
    /// whoever keeps something of the entries in memory asks `continues` first. Once begun it is
    /// finished, even if the waiting task is cancelled, so it owns what it uses. Errors: the
    /// work's, which leaves nothing behind; io_failed (disk full, locked, …).
    template <class Work>
    auto transact(Work work) -> Task<std::invoke_result_t<Work&, Transaction&>> {
        using Out = std::invoke_result_t<Work&, Transaction&>;
        const auto out = std::make_shared<std::optional<Out>>();
        store::Database::Work job = [this, out, work = std::move(work),
                                     clock = clock_now()](soci::session& session) mutable {
            Transaction transaction(session, statements_, clock);
            return run(work, *out, transaction);
        };
        auto done = co_await database_->run(std::move(job));
        if (!done) co_return fail(std::move(done).error());
        co_return std::move(**out);
    }
    /// The same without a loop, for command lines.
    template <class Work>
    auto transact_now(Work work) -> std::invoke_result_t<Work&, Transaction&> {
        std::optional<std::invoke_result_t<Work&, Transaction&>> out;
        FARTHING_CHECK(database_->run_now([&](soci::session& session) {
            Transaction transaction(session, statements_, clock_now());
            return run(work, out, transaction);
        }));
        return std::move(*out);
    }

    /// Whether the file is whole, as the database sees it. Errors: io_failed.
    Result<> check_file() { return database_->check(); }

  private:
    Ledger(Clock& clock, std::unique_ptr<store::Database> database)
        : clock_(clock), database_(std::move(database)) {}
    [[nodiscard]] UnixMillis clock_now() const;

    template <class Work, class Out>
    static Result<> run(Work& work, std::optional<Out>& out, Transaction& transaction) {
        out.emplace(work(transaction));
        if (!*out) return fail(out->error());
        return {};
    }

    Clock& clock_;
    std::unique_ptr<store::Database> database_;
    Statements statements_;  ///< of the database's thread
};

}  // namespace farthing::ledger
