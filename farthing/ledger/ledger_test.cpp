// SPDX-License-Identifier: Apache-2.0
// What is written stays, in order, and is decided on by one at a time.
#include "farthing/ledger/ledger.hpp"

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "farthing/ledger/migrations.hpp"
#include "farthing/ledger/test_ledger.hpp"

namespace farthing::ledger {
namespace {

/// Decides as a wallet does: reserves as long as fewer than `budget` are.
auto reserve(std::size_t budget) {
    return [budget](Transaction& transaction) -> Result<Entry> {
        std::size_t spent = 0;
        FARTHING_CHECK(transaction.since(0, [&](const Entry& entry) -> Result<> {
            const auto* decision = std::get_if<Decision>(&entry.event);
            spent += decision != nullptr && decision->verdict == Verdict::allow ? 1 : 0;
            return {};
        }));
        return transaction.append(decision_of(spent < budget ? Verdict::allow : Verdict::refuse));
    };
}

std::size_t allowed(Ledger& ledger) {
    const auto entries = ledger.transact_now([](Transaction& transaction) {
        return transaction.read({.verdict = Verdict::allow}, 0, 100'000);
    });
    return entries.value().size();
}

Head verified(Ledger& ledger) {
    const auto head =
        ledger.transact_now([](Transaction& transaction) { return transaction.verify(); });
    REQUIRE_MESSAGE(head.has_value(), to_string(head.error()));
    return *head;
}

/// A process of its own, which ends with `work`.
template <class Work>
pid_t in_child(Work work) {
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(work());
    return child;
}

int ended(pid_t child) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

}  // namespace

TEST_CASE("ledger: entries are numbered, timed and linked, and there after a restart") {
    Setting world;
    Head head;
    {
        const auto ledger = world.open();
        fill(*ledger);
        const auto entries = ledger->transact_now(
            [](Transaction& transaction) { return transaction.read({}, 0, 100); });
        REQUIRE(entries.has_value());
        REQUIRE(entries->size() == 14);
        for (std::size_t i = 0; i < entries->size(); ++i) {
            const auto& each = (*entries)[i];
            CHECK(each.seq == i + 1);
            CHECK(each.time == 1'800'000'000'000);
            CHECK(each.previous == (i == 0 ? Bytes32{} : (*entries)[i - 1].hash));
        }
        head = verified(*ledger);
        CHECK(head == head_at(entries->back()));
    }
    const auto ledger = world.open();
    CHECK(verified(*ledger) == head);
    const auto mode = std::filesystem::status(world.folder.file()).permissions();
    CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("ledger: a clock that jumps back does not take the ledger back") {
    Setting world;
    world.clock.advance(std::chrono::hours(2));
    const auto late = append(*world.open(), Alert{});
    testing::ManualClock early;
    Env env{early, world.random, world.log, world.metrics};
    auto ledger = Ledger::open(env, world.loop, world.folder.path).value();
    CHECK(append(*ledger, Alert{}).time == late.time);
    early.advance(std::chrono::hours(3));
    CHECK(append(*ledger, Alert{}).time == late.time + 3'600'000);
}

TEST_CASE("ledger: of a hundred at once over a budget for ten, ten are allowed") {
    Setting world;
    const auto ledger = world.open();
    TaskGroup callers(world.loop);
    std::size_t decided = 0;
    const auto decide = [&]() -> Task<> {
        auto entry = co_await ledger->transact(reserve(10));
        decided += entry.has_value() ? 1 : 0;
    };
    const auto spoil = [&]() -> Task<> {
        auto work = [](Transaction& transaction) -> Result<Entry> {
            FARTHING_CHECK(transaction.append(Alert{"undone", "", "", {}}));
            return fail(Errc::invalid_argument, "no");
        };
        auto entry = co_await ledger->transact(work);
        CHECK(entry.error().detail == "no");
    };
    for (int i = 0; i < 100; ++i) {
        callers.spawn(decide());
        if (i % 30 == 7) callers.spawn(spoil());
    }
    run_blocking(world.loop, callers.join());
    CHECK(decided == 100);
    CHECK(allowed(*ledger) == 10);
    CHECK(verified(*ledger).seq == 100);
}

TEST_CASE("ledger: two connections in turn see each other's entries") {
    Setting world;
    const auto one = world.open();
    const auto two = world.open();
    for (int i = 0; i < 10; ++i) {
        REQUIRE(world.run(one->transact(reserve(7))));
        REQUIRE(world.run(two->transact(reserve(7))));
    }
    CHECK(allowed(*one) == 7);
    CHECK(verified(*two).seq == 20);
}

TEST_CASE("ledger: two processes at once over one budget spend it once") {
    Setting world;
    const auto spend = [&] {
        Setting mine;
        auto ledger = Ledger::open(mine.env, mine.loop, world.folder.path);
        if (!ledger) return 1;
        for (int i = 0; i < 60; ++i) {
            if (!mine.run((*ledger)->transact(reserve(50)))) return 2;
        }
        return 0;
    };
    const auto first = in_child(spend);
    const auto second = in_child(spend);
    CHECK(ended(first) == 0);
    CHECK(ended(second) == 0);
    const auto ledger = world.open();
    CHECK(allowed(*ledger) == 50);
    CHECK(verified(*ledger).seq == 120);
}

TEST_CASE("ledger: what was said to be durable is there after a SIGKILL") {
    Setting world;
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const auto child = in_child([&] {
        Setting mine;
        auto ledger = Ledger::open(mine.env, mine.loop, world.folder.path);
        while (ledger) {
            const auto entry = mine.run((*ledger)->transact(reserve(1'000)));
            if (!entry || ::write(pipe[1], &entry->hash, sizeof entry->hash) < 0) break;
        }
        return 1;
    });
    ::close(pipe[1]);
    std::vector<Bytes32> told;
    Bytes32 hash;
    while (::read(pipe[0], &hash, sizeof hash) == sizeof hash) {
        told.push_back(hash);
        if (told.size() == 30) ::kill(child, SIGKILL);
    }
    ::close(pipe[0]);
    CHECK(WTERMSIG(ended(child)) == SIGKILL);
    const auto ledger = world.open();
    CHECK(verified(*ledger).seq >= told.size());
    REQUIRE(told.size() >= 30);
    for (std::size_t i = 0; i < told.size(); ++i) {
        const auto entry =
            ledger->transact_now([&](Transaction& transaction) { return transaction.find(i + 1); });
        REQUIRE(entry.value().has_value());
        CHECK((*entry)->hash == told[i]);
    }
}

TEST_CASE("ledger: what follows a decision has to fit it") {
    Setting world;
    const auto ledger = world.open();
    const auto why = [&](const Event& event) {
        const auto entry = ledger->transact_now(
            [&](Transaction& transaction) { return transaction.append(event); });
        return entry ? std::string("fits") : entry.error().detail;
    };
    const auto refused = append(*ledger, decision_of(Verdict::refuse)).seq;
    const auto asked = append(*ledger, decision_of(Verdict::ask)).seq;
    const auto first = append(*ledger, decision_of(Verdict::allow)).seq;
    const auto second = append(*ledger, decision_of(Verdict::allow)).seq;
    CHECK(why(Signed{99}) == "signed of decision 99: there is no such decision");
    CHECK(why(Signed{refused}) == "signed of decision 1: it did not allow a payment");
    CHECK(why(Settled{asked}) == "settled of decision 2: it did not allow a payment");
    CHECK(why(Approval{first}) == "approval of decision 3: it did not ask");
    CHECK(why(Approval{asked}) == "fits");
    CHECK(why(Signed{first}) == "fits");
    CHECK(why(Settled{first}) == "fits");
    CHECK(why(Settled{first}) == "settled of decision 3: it is settled");
    CHECK(why(Released{first}) == "released of decision 3: it is settled");
    CHECK(why(Released{second}) == "fits");
    CHECK(why(Released{second}) == "released of decision 4: it is released");
    CHECK(why(Signed{second}) == "signed of decision 4: it is released");
    // The chain knows better.
    CHECK(why(Settled{second}) == "fits");
    CHECK(why(Alert{"late", "", "", second}) == "fits");
    Decision large = decision_of(Verdict::refuse);
    large.url = std::string(kTextMax + 1, 'x');
    CHECK(why(large) == ".url: more than 4096 bytes");
    CHECK(why(Approval{asked, Approved::approved, "", "", ~0ULL}).starts_with(".expires: "));
    CHECK(verified(*ledger).seq == 10);
}

TEST_CASE("ledger: filters, reservations and what became of a decision") {
    Setting world;
    const auto ledger = world.open();
    fill(*ledger);
    const auto seqs = [&](const Filter& filter) {
        const auto entries = ledger->transact_now(
            [&](Transaction& transaction) { return transaction.read(filter, 0, 100); });
        std::vector<Seq> out;
        for (const auto& each : entries.value()) out.push_back(each.seq);
        return out;
    };
    CHECK(seqs({.kind = "approval"}) == std::vector<Seq>{6});
    CHECK(seqs({.vendor = "new.example"}) == std::vector<Seq>{5, 6, 7, 8});
    CHECK(seqs({.vendor = "it's"}).empty());
    CHECK(seqs({.verdict = Verdict::refuse}) == std::vector<Seq>{9});
    CHECK(seqs({.reserved = true}) == std::vector<Seq>{14});
    CHECK(seqs({.from = 1'800'000'000'001}).empty());
    CHECK(seqs({.until = 1'800'000'000'001}).size() == 14);
    const auto fate =
        ledger->transact_now([](Transaction& transaction) { return transaction.about(2); });
    REQUIRE(fate.value().size() == 2);
    CHECK(std::get<Settled>((*fate)[1].event).delivered);
    const auto newest =
        ledger->transact_now([](Transaction& transaction) { return transaction.newest({}, 2); });
    REQUIRE(newest.value().size() == 2);
    CHECK((*newest)[0].seq == 13);
}

TEST_CASE("ledger: a checkpoint is believed when it is whole and belongs to these entries") {
    Setting world;
    const auto ledger = world.open();
    const auto put = [&](const std::string& text) {
        const auto entry = append(*ledger, Alert{});
        REQUIRE(ledger->transact_now(
            [&](Transaction& transaction) { return transaction.put_checkpoint(text); }));
        return Checkpoint{head_at(entry), text};
    };
    const auto last = [&] {
        return ledger
            ->transact_now([](Transaction& transaction) { return transaction.last_checkpoint(); })
            .value();
    };
    CHECK_FALSE(last().has_value());
    put("zero");
    const auto one = put("one");
    const auto two = put("{\"budget\":2}");
    CHECK(last() == two);
    auto raw = world.folder.raw();
    int count = 0;
    raw << "SELECT COUNT(*) FROM checkpoints", soci::into(count);
    CHECK(count == 2);
    raw << "UPDATE checkpoints SET text = '{\"budget\":9}' WHERE seq = 3";
    CHECK(last() == one);
    raw << "UPDATE checkpoints SET hash = 'x' WHERE seq = 2";
    CHECK_FALSE(last().has_value());
}

TEST_CASE("ledger: who keeps something in memory hears that what it had read was undone") {
    Setting world;
    const auto ledger = world.open();
    const auto first = head_at(append(*ledger, Alert{}));
    Head seen;
    auto undone = ledger->transact_now([&](Transaction& transaction) -> Result<Entry> {
        FARTHING_TRY(const auto entry, transaction.append(Alert{"a", "", "", {}}));
        seen = head_at(entry);
        return fail(Errc::io_failed, "lost");
    });
    CHECK_FALSE(undone.has_value());
    append(*ledger, Alert{"b", "", "", {}});
    const auto continues = [&](const Head& head) {
        return ledger
            ->transact_now([&](Transaction& transaction) { return transaction.continues(head); })
            .value();
    };
    CHECK(continues({}));
    CHECK(continues(first));
    CHECK_FALSE(continues(seen));
    CHECK_FALSE(continues({9, {}, 0}));
}

TEST_CASE("ledger: a full disk is an error that says so, and nothing is counted as written") {
    Folder folder;
    if (::mount("tmpfs", folder.path.c_str(), "tmpfs", 0, "size=1m") != 0) {
        MESSAGE("no tmpfs can be mounted here");
        return;
    }
    {
        Setting world;
        const auto ledger = world.open(folder.path);
        std::size_t written = 0;
        Result<Entry> last;
        while ((last = world.run(ledger->transact([](Transaction& transaction) {
            return transaction.append(Alert{"x", std::string(4'000, 'x'), "", {}});
        })))) {
            ++written;
            REQUIRE(written < 1'000);
        }
        CHECK(last.error().code == Errc::io_failed);
        CHECK_MESSAGE(last.error().detail.contains("full"), last.error().detail);
        CHECK(verified(*ledger).seq == written);
        CHECK(verified(*world.open(folder.path, store::Access::read)).seq == written);
    }
    CHECK(::umount(folder.path.c_str()) == 0);
}

TEST_CASE("ledger: a newer one is refused, and so is none to read") {
    Setting world;
    const auto nothing =
        Ledger::open(world.env, world.loop, world.folder.path, store::Access::read);
    REQUIRE_FALSE(nothing.has_value());
    CHECK(nothing.error().code == Errc::invalid_argument);
    append(*world.open(), Alert{});
    const auto known = migrations().size();
    world.folder.raw() << fmt::format("UPDATE schema_version SET version = {}", known + 1);
    for (const auto access : {store::Access::serve, store::Access::read}) {
        const auto newer = Ledger::open(world.env, world.loop, world.folder.path, access);
        REQUIRE_FALSE(newer.has_value());
        CHECK(newer.error().code == Errc::invalid_config);
        CHECK(newer.error().detail.contains(fmt::format("the ledger has version {}", known + 1)));
    }
}

}  // namespace farthing::ledger
