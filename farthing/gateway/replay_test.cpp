// SPDX-License-Identifier: Apache-2.0
// One payment buys one answer, whatever is repeated, broken off or asked at once.
#include <doctest/doctest.h>

#include "farthing/gateway/test_shop.hpp"

using namespace farthing;
using namespace farthing::gateway;
using namespace farthing::gateway::test;
using namespace std::chrono_literals;

namespace {

Result<v2::SettleResponse> settle_error(Errc code, std::string detail = {}) {
    return fail(code, std::move(detail));
}

}  // namespace

TEST_CASE("replay: a payment that has bought its answer buys nothing more") {
    Shop shop;
    const auto payment = Shop::pay(shop.payment());
    CHECK(shop.ask("GET", "/weather", payment)->status() == 200);
    const auto again = shop.ask("GET", "/weather", payment);
    CHECK(again->status() == 402);
    CHECK(again->error() == "invalid_exact_evm_nonce_already_used");
    CHECK(shop.facilitator.verdicts.calls() == 1);
    CHECK(shop.origin.answers.calls() == 1);
    // When the memory of it ends, the facilitator is asked, and the chain knows by then.
    shop.clock.advance(11min);
    shop.facilitator.verdicts.set({invalid("invalid_exact_evm_nonce_already_used")});
    CHECK(shop.ask("GET", "/weather", payment)->error() == "invalid_exact_evm_nonce_already_used");
    CHECK(shop.facilitator.verdicts.calls() == 2);
}

TEST_CASE("replay: another spelling of the same payment is the same payment") {
    Shop shop;
    auto payment = shop.payment();
    CHECK(shop.ask("GET", "/weather", Shop::pay(payment))->status() == 200);
    CHECK(shop.ask("GET", "/weather", Shop::pay_v1(payment))->error() ==
          "invalid_exact_evm_nonce_already_used");
    auto payload = payment.payment().payload;
    payload.payload["authorization"].as_object()["from"] = payment.authorization.from.to_lower();
    payload.other.emplace("note", "not the same bytes");
    const auto header = dialect::to_header(payload);
    CHECK(
        shop.ask("GET", "/weather", {{std::string(header::kPaymentSignature), header}})->error() ==
        "invalid_exact_evm_nonce_already_used");
    CHECK(shop.origin.answers.calls() == 1);
}

TEST_CASE("replay: a payment is in hand once, at every step") {
    for (const auto step : {"verify", "origin", "settle"}) {
        Shop shop;
        const std::string_view at = step;
        const auto hold = [&](bool on) {
            if (at == "verify") shop.facilitator.verdicts.hold(on);
            if (at == "origin") shop.origin.answers.hold(on);
            if (at == "settle") shop.facilitator.settlements.hold(on);
        };
        hold(true);
        const auto payment = Shop::pay(shop.payment());
        const auto first = shop.start("GET", "/weather", payment);
        CHECK(!first->done);
        const auto second = shop.ask("GET", "/weather", payment);
        CHECK(second->status() == 409);
        CHECK(second->text() == R"({"error":"payment_in_flight"})");
        CHECK(second->header("Retry-After") == "1");
        // Somebody else's payment is not held up.
        hold(false);
        shop.settle_down();
        CHECK(first->status() == 200);
        CHECK(shop.ask("GET", "/weather", payment)->status() == 402);
        CHECK(shop.origin.answers.calls() == 1);
        CHECK(shop.facilitator.settlements.calls() == 1);
    }
}

TEST_CASE("replay: a payment that was refused, or whose origin failed, can be used again") {
    Shop shop;
    const auto payment = Shop::pay(shop.payment());
    shop.facilitator.verdicts.set({invalid("invalid_exact_evm_insufficient_balance"), valid()});
    CHECK(shop.ask("GET", "/weather", payment)->status() == 402);
    shop.origin.answers.set({OriginScript::status(500, "broken"),
                             OriginScript::fails(Errc::timed_out), OriginScript::ok("the goods")});
    CHECK(shop.ask("GET", "/weather", payment)->status() == 500);
    CHECK(shop.ask("GET", "/weather", payment)->status() == 504);
    CHECK(shop.ask("GET", "/weather", payment)->status() == 200);
    CHECK(shop.facilitator.settlements.calls() == 1);
}

TEST_CASE("replay: a pending payment settles when it comes again, and the origin ran once") {
    Shop shop;
    const auto payment = Shop::pay(shop.payment());
    shop.facilitator.settlements.set({unsettled("settlement_pending")});
    const auto first = shop.ask("GET", "/weather", payment);
    CHECK(first->status() == 503);
    CHECK(first->header("Retry-After") == "2");
    CHECK(shop.ask("GET", "/weather", payment)->status() == 503);
    shop.facilitator.settlements.set({settled()});
    const auto last = shop.ask("GET", "/weather", payment);
    CHECK(last->status() == 200);
    CHECK(last->text() == "the goods");
    CHECK(last->decoded(header::kPaymentResponse).at("success") == json::Value(true));
    CHECK(shop.origin.answers.calls() == 1);
    CHECK(shop.facilitator.verdicts.calls() == 1);
    CHECK(shop.ask("GET", "/weather", payment)->error() == "invalid_exact_evm_nonce_already_used");
}

TEST_CASE("replay: a pending payment says which transaction it waits for") {
    Shop shop;
    const auto payment = Shop::pay(shop.payment());
    shop.facilitator.settlements.set({unsettled("settlement_pending", std::string(kTransaction)),
                                      settle_error(Errc::settlement_pending, "no answer")});
    const auto asked = shop.ask("GET", "/weather", payment);
    CHECK(asked->status() == 503);
    CHECK(asked->decoded(header::kPaymentResponse).at("transaction").as_string() == kTransaction);
    CHECK(asked->text().contains(kTransaction));
}

TEST_CASE("replay: a pending payment pays for the request it was sent with and for no other") {
    Shop shop;
    const auto payment = Shop::pay(shop.payment());
    shop.facilitator.settlements.set({unsettled("settlement_pending")});
    CHECK(shop.ask("POST", "/report", payment, "one")->status() == 503);
    shop.facilitator.settlements.set({settled()});
    const auto refused = [&](std::string method, std::string target, std::string body) {
        const auto asked = shop.ask(std::move(method), std::move(target), payment, std::move(body));
        return asked->status() == 409 &&
               asked->text() == R"({"error":"payment_for_another_request"})";
    };
    CHECK(refused("POST", "/report", "two"));
    CHECK(refused("POST", "/report", ""));
    CHECK(refused("POST", "/report?x", "one"));
    CHECK(refused("GET", "/weather", ""));
    CHECK(shop.ask("POST", "/report", payment, "one")->status() == 200);
    CHECK(shop.origin.answers.calls() == 1);
}

TEST_CASE("replay: nonsense, or no answer at all, to /settle leaves the payment waiting") {
    for (const auto code : {Errc::facilitator_invalid_data, Errc::connection_failed}) {
        Shop shop;
        const auto payment = Shop::pay(shop.payment());
        shop.facilitator.settlements.set({settle_error(code, "x"), settled()});
        CHECK(shop.ask("GET", "/weather", payment)->status() == 502);
        CHECK(shop.ask("GET", "/weather", payment)->status() == 200);
        CHECK(shop.origin.answers.calls() == 1);
        CHECK(shop.facilitator.verdicts.calls() == 1);
    }
}

TEST_CASE("replay: a payment that turned out to have failed may be made anew") {
    Shop shop;
    const auto payment = Shop::pay(shop.payment());
    shop.facilitator.settlements.set(
        {settle_error(Errc::settlement_pending),
         unsettled("invalid_exact_evm_transaction_failed", std::string(kTransaction))});
    CHECK(shop.ask("GET", "/weather", payment)->status() == 503);
    const auto asked = shop.ask("GET", "/weather", payment);
    CHECK(asked->status() == 402);
    CHECK(asked->decoded(header::kPaymentResponse).at("errorReason").as_string() ==
          "invalid_exact_evm_transaction_failed");
}

TEST_CASE("replay: a facilitator that forgets may say 'used' of the payment it settled") {
    for (const bool remembers : {false, true}) {
        Shop shop(kShopConfig,
                  [&](GatewayRules& rules) { rules.checkout.facilitator_remembers = remembers; });
        const auto payment = Shop::pay(shop.payment());
        shop.facilitator.settlements.set({settle_error(Errc::settlement_pending),
                                          unsettled("invalid_exact_evm_nonce_already_used")});
        CHECK(shop.ask("GET", "/weather", payment)->status() == 503);
        // Nobody is told to pay again while it cannot be excluded that they have paid.
        CHECK(shop.ask("GET", "/weather", payment)->status() == (remembers ? 402 : 503));
    }
    // The first time it is what it says.
    Shop shop;
    shop.facilitator.settlements.set({unsettled("invalid_exact_evm_nonce_already_used")});
    CHECK(shop.ask("GET", "/weather", Shop::pay(shop.payment()))->status() == 402);
}

TEST_CASE(
    "replay: once a payment may have been sent, only a named transaction proves that it failed") {
    const auto pending = unsettled("settlement_pending", std::string(kTransaction));
    const Result<v2::SettleResponse> second_answers[]{
        unsettled("settlement_pending"),
        unsettled("unexpected_settle_error"),
        unsettled("invalid_exact_evm_transaction_simulation_failed"),
        unsettled("invalid_exact_evm_nonce_already_used"),
        settle_error(Errc::facilitator_failed, "Facilitator settle failed (429): busy"),
        settle_error(Errc::connection_failed, "refused"),
        settle_error(Errc::facilitator_invalid_data, "nonsense"),
        settle_error(Errc::settlement_pending, "no answer"),
    };
    for (const auto& second : second_answers) {
        Shop shop(kShopConfig,
                  [](GatewayRules& rules) { rules.checkout.facilitator_remembers = false; });
        const auto payment = Shop::pay(shop.payment());
        shop.facilitator.settlements.set({pending, second});
        const auto asked = shop.ask("GET", "/weather", payment);
        CHECK(asked->status() == 503);
        const auto receipt = asked->decoded(header::kPaymentResponse);
        REQUIRE(receipt.is_object());
        CHECK(receipt.at("errorReason").as_string() == "settlement_pending");
        CHECK(receipt.at("transaction").as_string() == kTransaction);
        // Later it is still the same payment, with the same answer of the origin.
        CHECK(shop.ask("GET", "/weather", payment)
                  ->decoded(header::kPaymentResponse)
                  .at("transaction")
                  .as_string() == kTransaction);
        shop.facilitator.settlements.set({settled()});
        CHECK(shop.ask("GET", "/weather", payment)->status() == 200);
        CHECK(shop.origin.answers.calls() == 1);
        // Every call for it was made by the same name.
        const auto& keys = shop.facilitator.keys;
        CHECK(keys.front().size() == 64);
        CHECK(std::ranges::all_of(keys, [&](const auto& key) { return key == keys.front(); }));
    }
}

TEST_CASE(
    "replay: a facilitator that was never reached has sent nothing, and is believed afterwards") {
    Shop shop(kShopConfig,
              [](GatewayRules& rules) { rules.checkout.facilitator_remembers = false; });
    const auto payment = Shop::pay(shop.payment());
    shop.facilitator.settlements.set({settle_error(Errc::connection_failed, "refused"),
                                      unsettled("invalid_exact_evm_insufficient_balance")});
    CHECK(shop.ask("GET", "/weather", payment)->status() == 502);
    CHECK(shop.ask("GET", "/weather", payment)->status() == 402);
}

TEST_CASE("replay: an answer that was not delivered is delivered once more, for the same money") {
    Shop shop;
    const auto payment = Shop::pay(shop.payment());
    const auto lost = shop.start("GET", "/weather", payment, {}, true);
    CHECK(lost->done);
    CHECK(!lost->responder.finished);
    const auto again = shop.ask("GET", "/weather", payment);
    CHECK(again->status() == 200);
    CHECK(again->text() == "the goods");
    CHECK(again->decoded(header::kPaymentResponse).at("transaction").as_string() == kTransaction);
    CHECK(shop.facilitator.settlements.calls() == 1);
    CHECK(shop.origin.answers.calls() == 1);
    CHECK(shop.ask("GET", "/weather", payment)->status() == 402);
}

TEST_CASE("replay: a settlement goes on when its request is cut off, and the answer waits") {
    Shop shop;
    shop.facilitator.settlements.hold(true);
    const auto payment = Shop::pay(shop.payment());
    TaskGroup cut(shop.loop);
    auto asked = shop.start("GET", "/weather", payment);
    CHECK(!asked->done);
    shop.running.cancel();
    shop.settle_down();
    CHECK(!asked->done);  // it ended by an exception, without an answer
    CHECK(asked->status() == 0);
    CHECK(shop.ask("GET", "/weather", payment)->status() == 409);
    shop.facilitator.settlements.hold(false);
    shop.settle_down();
    const auto again = shop.ask("GET", "/weather", payment);
    CHECK(again->status() == 200);
    CHECK(shop.facilitator.settlements.calls() == 1);
    CHECK(shop.origin.answers.calls() == 1);
}

TEST_CASE(
    "replay: a client that leaves during verification is not charged, and nothing is ordered") {
    Shop shop;
    shop.facilitator.verdicts.hold(true);
    const auto payment = Shop::pay(shop.payment());
    const auto asked = shop.start("GET", "/weather", payment);
    asked->responder.left_early = true;
    shop.facilitator.verdicts.hold(false);
    shop.settle_down();
    CHECK(asked->status() == 503);
    CHECK(shop.origin.answers.calls() == 0);
    CHECK(shop.facilitator.settlements.calls() == 0);
    CHECK(shop.ask("GET", "/weather", payment)->status() == 200);
}

TEST_CASE(
    "replay: a client that leaves while the origin works is charged, and can fetch what it paid "
    "for") {
    Shop shop;
    shop.origin.answers.hold(true);
    const auto payment = Shop::pay(shop.payment());
    const auto asked = shop.start("GET", "/weather", payment);
    asked->responder.left_early = true;
    asked->responder.gone = true;
    shop.origin.answers.hold(false);
    shop.settle_down();
    CHECK(shop.facilitator.settlements.calls() == 1);
    const auto again = shop.ask("GET", "/weather", payment);
    CHECK(again->status() == 200);
    CHECK(again->text().contains("the goods"));
    CHECK(shop.origin.answers.calls() == 1);
    CHECK(shop.facilitator.settlements.calls() == 1);
}

TEST_CASE("replay: a request cut off before its settlement is not charged") {
    for (const auto step : {"verify", "origin"}) {
        Shop shop;
        const bool at_verify = std::string_view(step) == "verify";
        if (at_verify) shop.facilitator.verdicts.hold(true);
        if (!at_verify) shop.origin.answers.hold(true);
        const auto payment = Shop::pay(shop.payment());
        const auto asked = shop.start("GET", "/weather", payment);
        shop.running.cancel();
        shop.settle_down();
        CHECK(asked->status() == 0);
        shop.facilitator.verdicts.hold(false);
        shop.origin.answers.hold(false);
        shop.settle_down();
        CHECK(shop.facilitator.settlements.calls() == 0);
        CHECK(shop.ask("GET", "/weather", payment)->status() == 200);
    }
}

TEST_CASE("replay: an answer too large to keep is asked for again before the payment settles") {
    Shop shop(kShopConfig, [](GatewayRules& rules) { rules.book.kept_bytes_max = 100; });
    shop.origin.answers.set({OriginScript::ok(std::string(500, 'x'))});
    const auto payment = Shop::pay(shop.payment());
    shop.facilitator.settlements.set({settle_error(Errc::settlement_pending)});
    CHECK(shop.ask("GET", "/weather", payment)->status() == 503);
    shop.origin.answers.set({OriginScript::fails(Errc::timed_out), OriginScript::ok("again")});
    CHECK(shop.ask("GET", "/weather", payment)->status() == 504);
    shop.facilitator.settlements.set({settled()});
    const auto last = shop.ask("GET", "/weather", payment);
    CHECK(last->text() == "again");
    CHECK(shop.facilitator.verdicts.calls() == 1);
    CHECK(shop.facilitator.settlements.calls() == 2);
}

TEST_CASE("replay: a settled payment never buys a second run of the origin") {
    Shop shop(kShopConfig, [](GatewayRules& rules) { rules.book.kept_bytes_max = 100; });
    shop.origin.answers.set({OriginScript::ok(std::string(500, 'x'))});
    const auto payment = Shop::pay(shop.payment());
    // It reads the answer and hangs up as if it had not.
    const auto first = shop.start("GET", "/weather", payment, {}, true);
    CHECK(first->done);
    const auto again = shop.ask("GET", "/weather", payment);
    CHECK(again->status() == 410);
    CHECK(again->decoded(header::kPaymentResponse).at("success") == json::Value(true));
    CHECK(shop.origin.answers.calls() == 1);
    CHECK(shop.ask("GET", "/weather", payment)->error() == "invalid_exact_evm_nonce_already_used");
}

TEST_CASE("replay: hanging up again and again does not keep a settled payment alive") {
    Shop shop(kShopConfig, [](GatewayRules& rules) { rules.book.kept_for = 10min; });
    const auto payment = Shop::pay(shop.payment());
    shop.start("GET", "/weather", payment, {}, true);
    shop.clock.advance(6min);
    CHECK(shop.start("GET", "/weather", payment, {}, true)->text() == "the goods");
    shop.clock.advance(6min);
    shop.facilitator.verdicts.set({invalid("invalid_exact_evm_nonce_already_used")});
    CHECK(shop.ask("GET", "/weather", payment)->status() == 402);
    CHECK(shop.origin.answers.calls() == 1);
}

TEST_CASE("replay: what waits is forgotten in the end, and then the chain is asked") {
    Shop shop;
    const auto payment = Shop::pay(shop.payment());
    shop.facilitator.settlements.set({settle_error(Errc::settlement_pending)});
    CHECK(shop.ask("GET", "/weather", payment)->status() == 503);
    shop.clock.advance(16min);
    CHECK(shop.ask("GET", "/weather", payment)->status() == 503);
    CHECK(shop.facilitator.verdicts.calls() == 2);
}
