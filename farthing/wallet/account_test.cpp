// SPDX-License-Identifier: Apache-2.0
// An account: what every way in shares, and the pact as it is at each decision.
#include "farthing/wallet/account.hpp"

#include "farthing/wallet/advice.hpp"
#include "farthing/wallet/approval.hpp"
#include "farthing/wallet/test_wallet.hpp"

using namespace farthing;
using namespace farthing::wallet;
using namespace farthing::wallet::test;

namespace {

std::string asking() {
    auto text = std::string(kPact);
    text.insert(text.find("[[limit]]"), "ask_above = \"$0.0005\"\n");
    return text;
}

/// The operator's yes to what was asked last, as soon as it is asked.
Task<> approve_when_asked(OpenTestWallet& wallet, bool yes) {
    for (;;) {
        auto waiting = co_await wallet.account->waiting(10);
        REQUIRE(waiting.has_value());
        if (waiting->empty()) {
            co_await wallet.bench.clock.sleep(std::chrono::milliseconds(5));
            continue;
        }
        ledger::Approval answer;
        answer.decision = waiting->front().seq;
        if (yes) {
            auto signed_by = approve(waiting->front(), wallet.signer.address(), 0, test_key(9));
            REQUIRE(signed_by.has_value());
            answer = *std::move(signed_by);
        }
        auto work = [answer](ledger::Transaction& t) { return t.append(answer); };
        auto written = co_await wallet.ledger->transact(std::move(work));
        REQUIRE(written.has_value());
        co_return;
    }
}

Fetched fetch_waiting(OpenTestWallet& wallet, Seller& seller, std::optional<bool> answer,
                      std::chrono::milliseconds wait) {
    TaskGroup operators(wallet.bench.loop);
    if (answer) operators.spawn(approve_when_asked(wallet, *answer));
    Order order{seller.url(), {}, {}, {}, Redirects::any, wait};
    auto task = [](OpenTestWallet& in, Order what, TaskGroup& group) -> Task<Fetched> {
        auto out = co_await in.account->fetch(std::move(what));
        co_await group.join();
        co_return out;
    };
    return wallet.bench.run(Buyer::ended(task(wallet, std::move(order), operators), {&seller}));
}

}  // namespace

TEST_CASE("account: pays within the pact, and the ledger says for whom") {
    OpenTestWallet wallet;
    Seller seller(wallet.bench.loop, {offer(), paid()});
    const auto got = wallet.fetch(
        seller, {.task = "mail", .tool = {}, .reason = "why", .agent = "writer", .card = {}});
    REQUIRE(got.answer.has_value());
    CHECK(got.answer->response.body == "goods");
    REQUIRE(got.decided.has_value());
    CHECK(got.payment->nonce == got.answer->payment->nonce);
    auto payments = wallet.bench.run(wallet.account->payments({}, 10)).value();
    REQUIRE(payments.size() == 1);
    CHECK(payments[0].state == ledger::State::settled);
    CHECK(payments[0].decision().agent == "writer");
    CHECK(payments[0].decision().task == "mail");
    const auto limits = wallet.bench.run(wallet.account->limits({}, {})).value();
    REQUIRE(limits.size() == 1);
    CHECK(limits[0].used == "$0.001");
}

TEST_CASE("account: the caller's own maximum holds besides") {
    OpenTestWallet wallet;
    Seller seller(wallet.bench.loop, {offer()});
    Order order{seller.url(), {}, {}, scheme::parse_money("$0.0001").value()};
    auto task = wallet.account->fetch(std::move(order));
    const auto got = wallet.bench.run(Buyer::ended(std::move(task), {&seller}));
    REQUIRE(!got.answer);
    CHECK(got.answer.error().code == Errc::over_limit);
    CHECK(wallet.entries().empty());
    CHECK(advise(got).code == "over_limit");
}

TEST_CASE("account: a refusal says what decided and what would help") {
    OpenTestWallet wallet;
    Seller seller(wallet.bench.loop, {offer(entry("20000"))});
    const auto got = wallet.fetch(seller);
    REQUIRE(!got.answer);
    const auto advice = advise(got);
    CHECK(advice.code == "not_allowed");
    CHECK(advice.kind == "refused");
    REQUIRE(advice.decision.has_value());
    CHECK(advice.decision->condition == "per_request");
    CHECK(!advice.approval);
    CHECK(advice.next.starts_with("nothing was paid"));
    CHECK(wallet.signer.count == 0);
}

TEST_CASE("account: a pact that is altered or gone pays nothing from then on") {
    OpenTestWallet wallet;
    const auto refused = [&] {
        Seller seller(wallet.bench.loop, {offer(), paid()});
        const auto got = wallet.fetch(seller);
        return got.answer ? std::string("paid") : std::string(wire_code(got.answer.error().code));
    };
    CHECK(refused() == "paid");
    auto altered = std::string(kPact);
    altered.replace(altered.find("$0.05"), 5, "$9.05");
    wallet.write_pact(altered);
    CHECK(refused() == "invalid_signature");
    wallet.sign_pact(altered, 8);
    CHECK(refused() == "invalid_signature");
    std::filesystem::remove(wallet.folder.path / "pact.sig");
    CHECK(refused() == "invalid_signature");
    wallet.write_pact("version = 1\n");
    CHECK(refused() == "invalid_config");
    std::filesystem::remove(wallet.folder.path / "pact.toml");
    CHECK(refused() == "invalid_argument");
    wallet.sign_pact(altered);
    CHECK(refused() == "paid");
    CHECK(wallet.signer.count == 2);
}

TEST_CASE("account: a pact that is replaced during a request decides over it") {
    OpenTestWallet wallet;
    // The seller alters the pact before it asks for the payment.
    net::test::Peer peer(wallet.bench.loop, [&](net::test::Wire& wire, int) -> Task<> {
        co_await wire.read_to("\r\n\r\n");
        wallet.write_pact(std::string(kPact) +
                          "\n# altered\n[[rate]]\npayments = 9\nper = \"1m\"\n");
        co_await wire.send(offer().bytes);
        wire.close();
    });
    Order order{peer.url("/paid"), {}, {}, {}};
    auto task = [](OpenTestWallet& in, Order what, net::test::Peer& from) -> Task<Fetched> {
        auto out = co_await in.account->fetch(std::move(what));
        co_await from.stop();
        co_return out;
    };
    const auto got = wallet.bench.run(task(wallet, std::move(order), peer));
    REQUIRE(!got.answer);
    CHECK(got.answer.error().code == Errc::invalid_signature);
    CHECK(wallet.signer.count == 0);
}

TEST_CASE("account: revoked in the ledger by another process, it counts at once") {
    OpenTestWallet wallet;
    Seller first(wallet.bench.loop, {offer(), paid()});
    REQUIRE(wallet.fetch(first).answer.has_value());
    ledger::PactChange change;
    change.change = ledger::Change::revoked;
    change.pact = policy::pact_hash(wallet.mandate->now().value()->pact);
    auto other = ledger::Ledger::open(wallet.bench.env, wallet.bench.loop, wallet.folder.path);
    REQUIRE((*other)->transact_now([&](ledger::Transaction& t) { return t.append(change); }));
    Seller second(wallet.bench.loop, {offer(), paid()});
    const auto got = wallet.fetch(second);
    REQUIRE(!got.answer);
    CHECK(got.decided->decision.code == "revoked");
    CHECK(wallet.signer.count == 1);
}

TEST_CASE("account: waits for the operator, and goes on once it is approved") {
    OpenTestWallet wallet(asking());
    Seller seller(wallet.bench.loop, {offer(), offer(), paid()});
    const auto got = fetch_waiting(wallet, seller, true, std::chrono::seconds(15));
    REQUIRE_MESSAGE(got.answer.has_value(), to_string(got.answer.error()));
    CHECK(got.answer->response.body == "goods");
    CHECK(wallet.signer.count == 1);
    CHECK(wallet.bench.run(wallet.account->waiting(10)).value().empty());
}

TEST_CASE("account: a wait ends with a clear answer") {
    SUBCASE("denied") {
        OpenTestWallet wallet(asking());
        Seller seller(wallet.bench.loop, {offer()});
        const auto got = fetch_waiting(wallet, seller, false, std::chrono::seconds(15));
        REQUIRE(!got.answer);
        CHECK(got.answered == Answered::denied);
        const auto advice = advise(got);
        REQUIRE(advice.approval.has_value());
        CHECK(advice.approval->answer == "denied");
        CHECK(advice.next.contains("said no"));
    }
    SUBCASE("nobody answers") {
        OpenTestWallet wallet(asking());
        Seller seller(wallet.bench.loop, {offer()});
        const auto got = fetch_waiting(wallet, seller, std::nullopt, std::chrono::milliseconds(30));
        REQUIRE(!got.answer);
        CHECK(got.answered == Answered::not_yet);
        CHECK(advise(got).approval->id == got.decided->seq);
        CHECK(wallet.bench.run(wallet.account->waiting(10)).value().size() == 1);
    }
}

TEST_CASE("account: what may have been paid is said with its authorisation") {
    OpenTestWallet wallet;
    Seller seller(wallet.bench.loop, {offer(), lost()});
    const auto got = wallet.fetch(seller);
    REQUIRE(!got.answer);
    const auto advice = advise(got);
    CHECK(advice.kind == "unknown");
    REQUIRE(advice.payment.has_value());
    CHECK(advice.payment->nonce == got.payment->nonce);
    CHECK(advice.next.starts_with("do not pay for it again"));
}

TEST_CASE("account: a payment with an unknown end is not repeated blindly") {
    OpenTestWallet wallet;
    Seller seller(wallet.bench.loop, {offer(), lost(), offer(), paid(), offer(), paid()});
    const auto url = seller.url();
    const auto ask = [&](std::string agent, bool again) {
        Order order{url, {}, {.agent = std::move(agent)}, {}};
        order.again = again;
        return wallet.bench.run(wallet.account->fetch(std::move(order)));
    };
    const auto first = ask("writer", false);
    REQUIRE(!first.answer);
    const auto second = ask("writer", false);
    REQUIRE(!second.answer);
    CHECK(second.answer.error().code == Errc::outcome_unknown);
    CHECK(second.answer.error().detail.contains("not sent again"));
    CHECK(advise(second).payment->nonce == first.payment->nonce);
    CHECK(seller.got.size() == 2);
    CHECK(wallet.signer.count == 1);
    // Another caller's is another request; and who insists pays.
    CHECK(ask("reader", false).answer.has_value());
    CHECK(ask("writer", true).answer.has_value());
    CHECK(wallet.signer.count == 3);
    wallet.bench.run(seller.stop());
}

TEST_CASE("account: a restart does not forget what may have been paid") {
    OpenTestWallet wallet;
    Seller seller(wallet.bench.loop, {offer(), lost(), offer(), paid(), offer(), paid()});
    const auto url = seller.url();
    const auto ask = [&](std::string body, bool again) {
        Order order{url, {}, {.agent = "writer"}, {}};
        order.request.method = "POST";
        order.request.body = std::move(body);
        order.again = again;
        return wallet.bench.run(wallet.account->fetch(std::move(order)));
    };
    const auto first = ask("one", false);
    REQUIRE(!first.answer);
    SUBCASE("reserved") {}
    SUBCASE("the chain has said meanwhile that it was paid") {
        ledger::Settled settled;
        settled.decision = first.decided->seq;
        REQUIRE(
            wallet.ledger->transact_now([&](ledger::Transaction& t) { return t.append(settled); }));
    }
    wallet.reopen();
    const auto second = ask("one", false);
    REQUIRE(!second.answer);
    CHECK(second.answer.error().code == Errc::outcome_unknown);
    CHECK(second.answer.error().detail.contains("before this program started"));
    CHECK(second.answer.error().detail.contains("$0.001 USDC to"));
    REQUIRE(second.payment.has_value());
    CHECK(second.payment->nonce == first.payment->nonce);
    CHECK(second.payment->valid_before == first.payment->valid_before);
    CHECK(wallet.signer.count == 1);
    // Another request is another matter, and what was paid for is not open.
    CHECK(ask("two", false).answer.has_value());
    CHECK(ask("one", true).answer.has_value());
    wallet.bench.run(seller.stop());
    wallet.reopen();
    Seller later(wallet.bench.loop, {});
    Order order{later.url(), {}, {.agent = "writer"}, {}};
    wallet.bench.run(Buyer::ended(wallet.account->fetch(std::move(order)), {&later}));
    CHECK(later.got.size() == 1);
}

TEST_CASE("account: a quote says what the pact would say, and writes nothing") {
    OpenTestWallet wallet(asking());
    Seller seller(wallet.bench.loop,
                  {offer(), offer(entry("400")), answer(200, {}, "free"), offer(entry("20000"))});
    const auto verdict = [&] {
        Order order{seller.url(), {}, {}, {}};
        auto quoted = wallet.bench.run(wallet.account->quote(std::move(order)));
        REQUIRE_MESSAGE(quoted.has_value(), to_string(quoted.error()));
        return quoted->forecast ? std::string(policy::to_text(quoted->forecast->verdict)) : "none";
    };
    CHECK(verdict() == "ask");
    CHECK(verdict() == "allow");
    CHECK(verdict() == "none");
    CHECK(verdict() == "refuse");
    CHECK(wallet.entries().empty());
    wallet.bench.run(seller.stop());
}

TEST_CASE("account: a price above its quote is asked about") {
    OpenTestWallet wallet;
    Seller seller(wallet.bench.loop, {offer(), offer(entry("1001")), offer(), paid(), offer(),
                                      offer(entry("1001")), paid(), offer(entry("900")), paid()});
    const auto order = [&](std::string agent) {
        return Order{seller.url(), {}, {.agent = std::move(agent)}, {}};
    };
    const auto fetch = [&](std::string agent) {
        return wallet.bench.run(wallet.account->fetch(order(std::move(agent))));
    };
    REQUIRE(wallet.bench.run(wallet.account->quote(order("writer"))).has_value());
    const auto dearer = fetch("writer");
    REQUIRE(!dearer.answer);
    REQUIRE(dearer.decided.has_value());
    CHECK(dearer.decided->decision.code == "price_above_quote");
    CHECK(dearer.decided->decision.verdict == policy::Verdict::ask);
    CHECK(wallet.signer.count == 0);
    CHECK(fetch("writer").answer.has_value());
    // Its own quote, not anybody's; and what is cheaper is fine.
    REQUIRE(wallet.bench.run(wallet.account->quote(order("writer"))).has_value());
    CHECK(fetch("reader").answer.has_value());
    CHECK(fetch("writer").answer.has_value());
    wallet.bench.run(seller.stop());
}

TEST_CASE("account: what failed without a receipt is not repeated blindly") {
    const auto lost = std::string("HTTP/1.1 500 Oops\r\nContent-Length: 10\r\n\r\nabc");
    for (const auto& reply : {answer(500), answer(404), answer(402), Reply{lost}}) {
        OpenTestWallet wallet;
        // One port, as a seller that goes on would have.
        Seller seller(wallet.bench.loop, {offer(), reply, reply, reply, reply, reply});
        Order order{seller.url(), {}, {}, {}};
        std::vector<Fetched> got;
        auto both = [&]() -> Task<bool> {
            auto first = order;
            got.push_back(co_await wallet.account->fetch(std::move(first)));
            auto second = order;
            got.push_back(co_await wallet.account->fetch(std::move(second)));
            co_return true;
        };
        REQUIRE(wallet.bench.run(Buyer::ended(both(), {&seller})));
        CHECK(wallet.signer.count == 1);
        REQUIRE(!got[1].answer);
        CHECK(got[1].answer.error().code == Errc::outcome_unknown);
        if (reply.bytes == lost) {
            REQUIRE(!got[0].answer);
            CHECK(got[0].answer.error().code == Errc::outcome_unknown);
        }
    }
}

TEST_CASE("account: while a payment is in hand the same request does not buy another") {
    OpenTestWallet wallet;
    Reply slow;
    slow.hangs = true;
    Seller seller(wallet.bench.loop, {offer(), slow, slow, slow, slow});
    Order order{seller.url(), {}, {}, {}};
    order.max_time = std::chrono::milliseconds(400);
    std::optional<Fetched> second;
    auto both = [&]() -> Task<bool> {
        TaskGroup group(wallet.bench.loop);
        auto first = [](OpenTestWallet& in, Order what) -> Task<> {
            co_await in.account->fetch(std::move(what));
        };
        group.spawn(first(wallet, order));
        while (seller.got.size() < 2) {
            co_await wallet.bench.clock.sleep(std::chrono::milliseconds(5));
        }
        auto again = order;
        second = co_await wallet.account->fetch(std::move(again));
        co_await group.join();
        co_return true;
    };
    REQUIRE(wallet.bench.run(Buyer::ended(both(), {&seller})));
    REQUIRE(second.has_value());
    REQUIRE(!second->answer);
    CHECK(second->answer.error().detail.contains("in hand"));
    CHECK(wallet.signer.count == 1);
}
