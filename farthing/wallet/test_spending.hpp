// SPDX-License-Identifier: Apache-2.0
// For tests: processes that spend from one ledger.
#pragma once

#include <doctest/doctest.h>

#include "farthing/policy/test_pacts.hpp"
#include "farthing/testing/capture_log.hpp"
#include "farthing/testing/manual_clock.hpp"
#include "farthing/testing/seeded_random.hpp"
#include "farthing/testing/temporary_folder.hpp"
#include "farthing/wallet/spending.hpp"

namespace farthing::wallet::test {

/// Anybody may be paid, five cents a day.
inline constexpr std::string_view kFiveCents =
    R"({"other_vendors": "allow", "limit": [{"amount": "$0.05", "per": "day"}]})";

inline PrivateKey key(std::uint8_t last) {
    Bytes32 bytes;
    bytes.data[31] = last;
    return make_key(bytes).value();
}

inline const Address kOperator = address_of(key(9));

/// One that shares a ledger with the others.
struct Process {
    std::unique_ptr<ledger::Ledger> ledger;
    std::unique_ptr<Spending> spending;
};

struct Setting {
    Process start(std::string_view pact, Clock& with) {
        Env env{with, random, log, metrics};
        auto opened = ledger::Ledger::open(env, loop, folder.path);
        REQUIRE_MESSAGE(opened.has_value(), to_string(opened.error()));
        Process out{*std::move(opened), nullptr};
        out.spending =
            std::make_unique<Spending>(*out.ledger, policy::testing::rules(pact),
                                       parse_address(policy::testing::kAgent).value(), kOperator);
        return out;
    }
    Process start(std::string_view pact = kFiveCents) { return start(pact, clock); }

    template <class T>
    T run(Task<T> task) {
        loop.restart();
        return run_blocking(loop, std::move(task));
    }
    Result<Decided> decide(Process& process, std::uint64_t amount = 10'000, Wish wish = {}) {
        wish.request = policy::testing::request(amount);
        return run(process.spending->decide(std::move(wish)));
    }
    policy::Verdict verdict(Process& process, std::uint64_t amount = 10'000) {
        const auto decided = decide(process, amount);
        REQUIRE_MESSAGE(decided.has_value(), to_string(decided.error()));
        return decided->decision.verdict;
    }
    Result<> record(Process& process, ledger::Event event) {
        return run(process.spending->record(std::move(event)));
    }
    std::string used(Process& process) {
        const auto all = run(process.spending->standings({}, {}));
        REQUIRE(all.has_value());
        return all->front().used;
    }
    std::vector<ledger::Entry> entries(Process& process, ledger::Filter filter = {}) {
        return process.ledger
            ->transact_now([&](ledger::Transaction& t) { return t.newest(filter, 10'000); })
            .value();
    }
    std::string kinds(Process& process) {
        std::string out;
        for (const auto& each : entries(process)) {
            out += std::string(out.empty() ? "" : " ") + std::string(kind_of(each.event));
        }
        return out;
    }
    [[nodiscard]] std::uint64_t now() const { return clock.unix_seconds(); }

    testing::ManualClock clock;
    testing::SeededRandom random{1};
    testing::CaptureLog log;
    Metrics metrics;
    Loop loop;
    testing::TemporaryFolder folder;
};

inline ledger::Signed signed_for(ledger::Seq decision) {
    ledger::Signed out;
    out.decision = decision;
    out.valid_before = 1'800'000'060;
    return out;
}

inline ledger::Settled settled_for(ledger::Seq decision) {
    ledger::Settled out;
    out.decision = decision;
    return out;
}

inline ledger::Released released_for(ledger::Seq decision) {
    ledger::Released out;
    out.decision = decision;
    out.why = "expired_unused";
    return out;
}

inline constexpr auto kAllow = policy::Verdict::allow;
inline constexpr auto kAsk = policy::Verdict::ask;
inline constexpr auto kRefuse = policy::Verdict::refuse;

}  // namespace farthing::wallet::test
