// SPDX-License-Identifier: Apache-2.0
// A folder with a ledger in it, and events to write.
#pragma once

#include <doctest/doctest.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <unistd.h>

#include "farthing/io/task_group.hpp"
#include "farthing/ledger/ledger.hpp"
#include "farthing/testing/capture_log.hpp"
#include "farthing/testing/manual_clock.hpp"
#include "farthing/testing/seeded_random.hpp"
#include "farthing/testing/temporary_folder.hpp"

namespace farthing::ledger {

struct Folder : testing::TemporaryFolder {
    [[nodiscard]] std::string file() const { return (path / kFileName).string(); }
    /// As anybody could who may write the file.
    [[nodiscard]] soci::session raw() const {
        return soci::session(soci::sqlite3, "timeout=10 db=" + file());
    }
};

struct Setting {
    testing::ManualClock clock;
    testing::SeededRandom random{1};
    testing::CaptureLog log;
    Metrics metrics;
    Loop loop;
    Env env{clock, random, log, metrics};
    Folder folder;

    std::unique_ptr<Ledger> open(store::Access access = store::Access::serve) {
        return open(folder.path, access);
    }
    std::unique_ptr<Ledger> open(const std::filesystem::path& path,
                                 store::Access access = store::Access::serve) {
        auto opened = Ledger::open(env, loop, path, access);
        REQUIRE_MESSAGE(opened.has_value(), to_string(opened.error()));
        return *std::move(opened);
    }
    template <class T>
    T run(Task<T> task) {
        loop.restart();
        return run_blocking(loop, std::move(task));
    }
};

inline Decision decision_of(Verdict verdict, std::string vendor = "api.example") {
    Decision out;
    out.verdict = verdict;
    out.condition = "per_day_max";
    out.why = "0.04 of $0.05 are left today";
    out.method = "GET";
    out.url = "https://api.example/v1/weather?city=Z\u00fcrich&q=\"a\\b\"\n";
    out.vendor = std::move(vendor);
    out.host = "api.example";
    out.network = "eip155:84532";
    out.asset = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
    out.payer = "0x857b06519E91e3A54538791bDbb0E22373e36b66";
    out.pay_to = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
    out.amount = U256(10'000);
    out.value = U256(10'000'000'000'000'000);
    out.pact.data[31] = 7;
    out.task = "weather report";
    out.reason = "=needed for the morning mail";
    return out;
}

inline Entry append(Ledger& ledger, Event event) {
    auto entry =
        ledger.transact_now([&](Transaction& transaction) { return transaction.append(event); });
    REQUIRE_MESSAGE(entry.has_value(), to_string(entry.error()));
    return *std::move(entry);
}

/// One of each kind, and a payment with each fate.
inline void fill(Ledger& ledger) {
    append(ledger, PactChange{Change::made, {}, "0xoperator", "first"});
    const auto paid = append(ledger, decision_of(Verdict::allow)).seq;
    append(ledger, Signed{paid, {}, {}, 1'800'000'600});
    append(ledger, Settled{paid, Bytes32{}, true, 200, ""});
    const auto asked = append(ledger, decision_of(Verdict::ask, "new.example")).seq;
    const auto answer = append(ledger, Approval{asked, Approved::approved, "me", "", 0}).seq;
    auto approved = decision_of(Verdict::allow, "new.example");
    approved.approval = answer;
    const auto dropped = append(ledger, approved).seq;
    append(ledger, Released{dropped, "never_signed", 500});
    append(ledger, decision_of(Verdict::refuse));
    append(ledger, Balance{"eip155:84532", "0xasset", "0xpayer", U256(5), U256(6), 99});
    append(ledger, Alert{"balance_low", "5 left", "", {}});
    append(ledger, CardChange{Change::made, "c1", {}, U256(5), "api.example", "t", 1, 0});
    append(ledger, Pin{"api.example", "api.example", "eip155:84532", "0xasset", "0xto", ""});
    append(ledger, decision_of(Verdict::allow));
}

}  // namespace farthing::ledger
