// SPDX-License-Identifier: Apache-2.0
#include "farthing/ledger/payments.hpp"

#include "farthing/ledger/test_ledger.hpp"

namespace farthing::ledger {

TEST_CASE("ledger: a payment is a decision and what became of it") {
    Setting world;
    const auto ledger = world.open();
    fill(*ledger);
    std::vector<State> states;
    std::vector<std::string> rows;
    REQUIRE(ledger->transact_now([&](Transaction& transaction) {
        return for_each_payment(transaction, {}, [&](const Payment& payment) -> Result<> {
            states.push_back(payment.state);
            rows.push_back(to_csv(payment));
            return {};
        });
    }));
    CHECK(states == std::vector{State::settled, State::asked, State::released, State::refused,
                                State::reserved});
    REQUIRE(rows.size() == 5);
    CHECK(rows[0].starts_with("2,2027-01-15T08:00:00Z,allow,per_day_max,settled,"));
    CHECK(rows[0].contains(
        ",\"https://api.example/v1/weather?city=Z\u00fcrich&q=\"\"a\\b\"\"\n\",,eip155:84532,"));
    CHECK(rows[0].contains(",10000,0.01,weather report,'=needed for the morning mail,"));
    CHECK(rows[0].contains(",yes,200,"));
    CHECK(rows[0].ends_with("\r\n"));
    CHECK(rows[2].contains(",6,"));
    CHECK(rows[2].contains(",500,,never_signed,"));
}

TEST_CASE("ledger: a cell of a spreadsheet is text, whatever it says") {
    CHECK(csv_cell("plain") == "plain");
    CHECK(csv_cell("a,b") == "\"a,b\"");
    CHECK(csv_cell("say \"so\"") == "\"say \"\"so\"\"\"");
    CHECK(csv_cell("two\r\nlines") == "\"two\r\nlines\"");
    for (const auto* each : {"=1+1", "+1", "-1", "@SUM(A1)"}) {
        CHECK(csv_cell(each) == std::string("'") + each);
    }
    CHECK(csv_cell("\t=1") == "\"'\t=1\"");
    CHECK(csv_cell("=HYPERLINK(\"a\",\"b\")") == "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\"");
}

TEST_CASE("ledger: sums by vendor, task and day") {
    Setting world;
    const auto ledger = world.open();
    fill(*ledger);
    world.clock.advance(std::chrono::hours(24));
    const auto seq = append(*ledger, decision_of(Verdict::allow)).seq;
    append(*ledger, Settled{seq, {}, false, 500, "no answer"});
    const auto by = [&](By which, const Filter& filter = {}) {
        return ledger->transact_now([&](Transaction& t) { return report_by(t, filter, which); })
            .value();
    };
    const auto vendors = by(By::vendor);
    REQUIRE(vendors.size() == 2);
    const auto& sums = vendors.at("api.example");
    CHECK(sums.settled == 2);
    CHECK(sums.reserved == 1);
    CHECK(sums.refused == 1);
    CHECK(dollars(sums.spent_value) == "$0.02");
    CHECK(dollars(sums.reserved_value) == "$0.01");
    REQUIRE(sums.spent.size() == 1);
    CHECK(sums.spent.begin()->second == U256(20'000));
    CHECK(vendors.at("new.example").released == 1);
    CHECK(vendors.at("new.example").asked == 1);
    CHECK(by(By::task).at("weather report").settled == 2);
    const auto days = by(By::day);
    CHECK(days.at("2027-01-15").settled == 1);
    CHECK(days.at("2027-01-16").settled == 1);
    CHECK(by(By::day, {.from = parse_day("2027-01-16").value()}).size() == 1);
}

TEST_CASE("ledger: days") {
    CHECK(parse_day("1970-01-02").value() == 86'400'000);
    CHECK(day_text(parse_day("2028-02-29").value()) == "2028-02-29");
    CHECK(time_text(0) == "1970-01-01T00:00:00Z");
    CHECK(time_text(kTimeMax) == "9999-12-31T23:59:59Z");
    for (const auto* each : {"", "2027-02-29", "2027-13-01", "2027-1-01", "1969-12-31",
                             "2027-01-0x", "2027-01-011", "2027/01/01", "+027-01-01"}) {
        CAPTURE(each);
        CHECK_FALSE(parse_day(each).has_value());
    }
}

TEST_CASE("ledger: bars") {
    CHECK(bar(U256(0), U256(10), 4).empty());
    CHECK(bar(U256(10), U256(10), 4) == "████");
    CHECK(bar(U256(5), U256(10), 4) == "██");
    CHECK(bar(U256(1), U256(1'000'000), 4) == "▏");
    CHECK(bar(U256(9), U256(16), 1) == "▌");
    CHECK(bar(U256::max(), U256::max(), 2) == "██");
}

}  // namespace farthing::ledger
