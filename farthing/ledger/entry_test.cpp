// SPDX-License-Identifier: Apache-2.0
#include "farthing/ledger/entry.hpp"

#include "farthing/base/hex.hpp"
#include "farthing/ledger/test_ledger.hpp"

namespace farthing::ledger {

TEST_CASE("ledger: the canonical form of an entry is what docs/wallet.md says") {
    Entry entry{.seq = 2, .time = 1'800'000'000'000, .event = Signed{1, {}, {}, 1'800'000'600}};
    const std::string zero = "0x" + std::string(64, '0');
    const auto body = R"({"seq":2,"time":1800000000000,"previous":")" + zero +
                      R"(","kind":"signed","decision":1,"signature":")" + zero + R"(","nonce":")" +
                      zero + R"(","validBefore":1800000600})";
    CHECK(to_body(entry) == body);
    const auto parsed = parse_body(body);
    REQUIRE(parsed.has_value());
    // printf '%s' BODY | sha256sum
    entry.hash = hash_of_body(body);
    CHECK(*parsed == entry);
}

TEST_CASE("ledger: any other text than the canonical one is refused") {
    Entry entry{.seq = 1, .time = 5, .event = Alert{"name", "text", "", {}}};
    const auto good = to_body(entry);
    REQUIRE(parse_body(good).has_value());
    const auto changed = [&](std::string_view from, std::string_view to) {
        auto text = good;
        const auto at = text.find(from);
        REQUIRE(at != std::string::npos);
        return text.replace(at, from.size(), to);
    };
    CHECK(parse_body(changed(",", ", ")).error().detail == "not in canonical form");
    CHECK(parse_body(changed("\"text\":\"text\"", "\"text\":\"te\\u0078t\"")).error().detail ==
          "not in canonical form");
    CHECK(parse_body(changed("{", "{\"more\":1,")).error().detail == "not in canonical form");
    CHECK(parse_body(changed("alert", "alarm")).error().detail.starts_with(".kind: expected"));
    CHECK(parse_body(changed("\"vendor\":\"\"", "\"vendor\":5"))
              .error()
              .detail.starts_with(".vendor"));
    CHECK(parse_body(changed("\"time\":5", "\"time\":253402300800000")).error().detail ==
          ".time: after the year 9999");
    CHECK(parse_body(good + " ").error().detail == "not in canonical form");
    CHECK_FALSE(parse_body("[]").has_value());
    CHECK_FALSE(parse_body("").has_value());
}

TEST_CASE("ledger: texts are kept as given, within limits") {
    auto decision = decision_of(Verdict::refuse);
    decision.reason = "\x1b[31mred\u202e\t\x7f \U0001F4B8 \u0001";
    Entry entry{.seq = 1, .time = 5, .event = decision};
    const auto parsed = parse_body(to_body(entry));
    REQUIRE(parsed.has_value());
    CHECK(std::get<Decision>(parsed->event) == decision);

    decision.reason = std::string(kTextMax, '\x01');
    CHECK(check_texts(decision));
    entry.event = decision;
    CHECK(parse_body(to_body(entry)).has_value());
    decision.reason.push_back('x');
    CHECK(check_texts(decision).error() == Error{Errc::too_large, ".reason: more than 4096 bytes"});
    decision.reason = "\xff";
    CHECK(check_texts(decision).error() == Error{Errc::invalid_field, ".reason: not UTF-8"});
}

TEST_CASE(
    "ledger: what was asked and who approved it are kept, and left out where there is nothing") {
    Entry entry{.seq = 3, .time = 5, .event = decision_of(Verdict::ask)};
    CHECK(to_body(entry).find("asked") == std::string::npos);
    auto decision = decision_of(Verdict::ask);
    decision.asked = {"vendors", "vendor:*.example:day"};
    entry.event = decision;
    const auto parsed = parse_body(to_body(entry));
    REQUIRE(parsed.has_value());
    CHECK(std::get<Decision>(parsed->event) == decision);
    decision.asked->emplace_back("\xff");
    CHECK(check_texts(decision).error() == Error{Errc::invalid_field, ".asked: not UTF-8"});

    Approval approval{3, Approved::approved, "me", "", 60'000};
    entry.event = approval;
    CHECK(to_body(entry).ends_with(R"("expires":60000})"));
    approval.signature = Bytes{1, 2, 255};
    entry.event = approval;
    CHECK(to_body(entry).ends_with(R"("expires":60000,"signature":"0x0102ff"})"));
    CHECK(std::get<Approval>(parse_body(to_body(entry))->event) == approval);
}

}  // namespace farthing::ledger
