// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/terms.hpp"

#include <doctest/doctest.h>

using namespace farthing;
using namespace farthing::policy;

TEST_CASE("terms: an amount is its value, however it is written") {
    const Amount five{power_of_ten(16)->checked_mul(U256(5)).value(), ""};
    for (const auto* text :
         {"$0.05", "0.05", "$0.050", "$ 0.05", "0.05 USD", "0.05000000000000000000000000000"}) {
        CAPTURE(text);
        CHECK(parse_amount(text).value() == five);
    }
    CHECK(to_text(five) == "$0.05");
    CHECK(to_text(parse_amount("0.05 usdc").value()) == "0.05 USDC");
    CHECK(parse_amount("$0.000000000000000001").value().value == U256(1));
    CHECK(to_text(parse_amount("$1000000000000").value()) == "$1000000000000");
}

TEST_CASE("terms: an amount that cannot be kept exactly, or is no budget, is refused") {
    for (const auto* text : {"", "-1", "$", "1e3", "0.0000000000000000001", "1000000000001", "$1 $",
                             "1,5", "0x10", "99999999999999999999999999999999999999999999999"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_amount(text).has_value());
    }
}

TEST_CASE("terms: durations") {
    CHECK(parse_span("60m").value() == parse_span("1h").value());
    CHECK(to_text(parse_span("3600s").value()) == "1h");
    CHECK(to_text(parse_span("90s").value()) == "90s");
    CHECK(parse_span("366d").value().seconds == 31'622'400);
    for (const auto* text :
         {"0s", "367d", "1", "h", "1w", "-1h", "1.5h", "99999999999999999999s"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_span(text).has_value());
    }
}

TEST_CASE("terms: instants") {
    CHECK(parse_instant("2026-12-01T00:00:00Z").value().seconds == 1'796'083'200);
    CHECK(parse_instant("2026-12-01").value() == parse_instant("2026-12-01T00:00:00Z").value());
    CHECK(to_text(Instant{1'796'083'199}) == "2026-11-30T23:59:59Z");
    CHECK(to_text(parse_instant("2028-02-29").value()) == "2028-02-29T00:00:00Z");
    for (const auto* text :
         {"2027-02-29", "2026-13-01", "2026-12-01T24:00:00Z", "2026-12-01T00:00:00+01:00",
          "2026-12-01 00:00:00Z", "1969-12-31", "", "2026-12-01T00:00:00Zx"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_instant(text).has_value());
    }
}

TEST_CASE("terms: offsets, periods and verdicts come back as they were written") {
    for (const auto* text : {"+00:00", "+05:30", "-03:30", "+14:00", "-14:00"})
        CHECK(to_text(parse_offset(text).value()) == text);
    CHECK(parse_offset("-03:30").value().minutes == -210);
    for (const auto* text : {"+14:01", "05:30", "+5:30", "+05:60", "Z"})
        CHECK_FALSE(parse_offset(text).has_value());
    for (const auto* text : {"request", "day", "week", "month", "pact", "1h", "90s"})
        CHECK(to_text(parse_period(text).value()) == text);
    CHECK(parse_period("24h").value() == parse_period("1d").value());
    CHECK(parse_period("1d").value() != parse_period("day").value());
    for (const auto* text : {"year", "0s", "", "Day"}) CHECK_FALSE(parse_period(text).has_value());
    for (const auto* text : {"allow", "ask", "refuse"})
        CHECK(to_text(parse_verdict(text).value()) == text);
    CHECK_FALSE(parse_verdict("deny").has_value());
}
