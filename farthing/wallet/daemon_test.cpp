// SPDX-License-Identifier: Apache-2.0
// The daemon and the local proxy over real sockets: who is served, what goes on to the seller, and
// what comes back.
#include "farthing/wallet/daemon.hpp"

#include "farthing/wallet/test_daemon.hpp"

using namespace farthing;
using namespace farthing::wallet;
using namespace farthing::wallet::test;

TEST_CASE("daemon: fetch pays for the agent whose token asks") {
    Service service;
    Seller seller(service.bench.loop, {offer(), paid()});
    const auto got = service.fetch_by_api(seller, service.bearer(), R"(,"task":"mail")");
    REQUIRE_MESSAGE(got.status == 200, got.body);
    const auto body = got.json();
    CHECK(body.at("status") == 200);
    CHECK(body.at("body") == "goods");
    CHECK(body.at("payment").at("amount") == "1000");
    CHECK(body.at("payment").at("transaction") == kHash);
    CHECK(body.at("payment").at("receipt") == "verified");
    CHECK(body.at("decision").at("verdict") == "allow");
    const auto listed = service.get("/v1/payments", service.bearer()).json();
    const auto& payments = listed.at("payments").as_array();
    REQUIRE(payments.size() == 1);
    CHECK(payments[0].at("agent") == "writer");
    CHECK(payments[0].at("task") == "mail");
    CHECK(payments[0].at("state") == "settled");
    CHECK(payments[0].at("id") == body.at("decision").at("id"));
    const auto limits = service.get("/v1/limits", service.bearer()).json();
    CHECK(limits.at("limits").at(0).at("used") == "$0.001");
}

TEST_CASE("daemon: without a good token nothing, by any way") {
    Service service;
    const auto good = service.token;
    auto other = good;
    other.back() = other.back() == '0' ? '1' : '0';
    for (const auto& header :
         std::vector<std::string>{"", "Authorization: Bearer x\r\n", "Authorization: Bearer\r\n",
                                  "Authorization: Bearer " + other + "\r\n",
                                  "Authorization: " + good + "\r\n", "Farthing-Token: \r\n"}) {
        CAPTURE(header);
        for (const auto* target : {"/v1/limits", "/v1/payments", "/v1/approvals", "/metrics",
                                   "/v1/fetch", "/", "/http://127.0.0.1:1/"}) {
            CHECK(service.get(target, header).status == 401);
        }
        CHECK(service.get("http://127.0.0.1:1/", header).status == 407);
    }
    CHECK(service.get("/healthz", "").status == 200);
    CHECK(service.get("/v1/limits", service.bearer()).status == 200);
    REQUIRE(service.tokens.revoke("writer"));
    CHECK(service.get("/v1/limits", service.bearer()).status == 401);
}

TEST_CASE("daemon: no web page is served, whatever token it has") {
    Service service;
    const auto token = service.bearer();
    for (const auto& header : std::vector<std::string>{
             "Origin: https://evil.example\r\n", "Origin: null\r\n",
             "Origin: http://" + service.host + "\r\n", "Sec-Fetch-Site: cross-site\r\n",
             "Sec-Fetch-Site: none\r\n", "Host: evil.example\r\n",
             "Host: evil.example:" + std::to_string(service.port) + "\r\n",
             "Host: 127.0.0.1.evil.example\r\n", "Host: 10.0.0.1\r\n"}) {
        CAPTURE(header);
        for (const auto* target : {"/v1/limits", "/healthz", "/http://127.0.0.1:1/"}) {
            CHECK(service.get(target, token + header).status == 403);
        }
    }
    CHECK(service.get("http://127.0.0.1:1/", token + "Origin: https://evil.example\r\n").status ==
          403);
    for (const auto* host : {"Host: localhost:1\r\n", "Host: [::1]\r\n", "Host: 127.0.0.1\r\n"}) {
        CAPTURE(host);
        CHECK(service.get("/v1/limits", token + host).status == 200);
    }
}

TEST_CASE("proxy: a URL in the path is fetched and paid for, and nothing of ours goes on") {
    Service service;
    for (const auto& own : std::vector<std::string>{
             "Farthing-Token: " + service.token + "\r\nAuthorization: Bearer the-sellers\r\n",
             service.bearer(),
             "Authorization: Basic " + to_base64("agent:" + service.token) + "\r\n",
             "Authorization: basic " + to_base64(service.token + ":") + "\r\n"}) {
        CAPTURE(own);
        Seller seller(service.bench.loop, {offer(), paid("hello")});
        const auto target = "/" + seller.origin() + "/paid?q=1";
        const auto got = service.talk(
            service.with("GET " + target, own + "Farthing-Task: mail\r\nFarthing-Reason: why\r\n"
                                                "X-Mine: 1\r\nConnection: X-Gone\r\nX-Gone: 1\r\n"),
            {&seller});
        REQUIRE_MESSAGE(got.status == 200, got.body);
        CHECK(got.body == "hello");
        REQUIRE(seller.got.size() == 2);
        for (const auto& each : seller.got) {
            CHECK(each.line() == "GET /paid?q=1 HTTP/1.1");
            CHECK(each.header("Host") == vendor_of(seller));
            CHECK(each.header("X-Mine") == "1");
            CHECK(each.header("X-Gone").empty());
            CHECK(!each.head.contains("arthing-"));
            CHECK(!each.head.contains(to_base64("agent:" + service.token)));
            CHECK(each.header("Authorization") ==
                  (own.contains("the-sellers") ? "Bearer the-sellers" : ""));
        }
    }
    const auto payments = service.bench.run(service.account->payments({}, 10)).value();
    REQUIRE(payments.size() == 4);
    CHECK(payments[0].decision().task == "mail");
    CHECK(payments[0].decision().reason == "why");
    CHECK(payments[0].decision().agent == "writer");
}

TEST_CASE("proxy: as HTTP_PROXY, with the seller's Authorization left alone") {
    Service service;
    Seller seller(service.bench.loop, {offer(), paid("hello")});
    const auto credentials = to_base64("x:" + service.token);
    const auto got = service.talk(
        service.with("GET " + seller.origin() + "/paid",
                     "Proxy-Authorization: Basic " + credentials +
                         "\r\nAuthorization: Basic c2VsbGVy\r\nHost: ignored.example\r\n"),
        {&seller});
    REQUIRE_MESSAGE(got.status == 200, got.body);
    REQUIRE(seller.got.size() == 2);
    CHECK(seller.got[1].header("Authorization") == "Basic c2VsbGVy");
    CHECK(seller.got[1].header("Proxy-Authorization").empty());
    CHECK(seller.got[1].header("Host") == vendor_of(seller));
}

TEST_CASE("proxy: the seller's own answer is passed on, also a body with a request's") {
    Service service;
    Seller seller(service.bench.loop,
                  {answer(404, {"X-Own: yes", "Keep-Alive: timeout=5"}, "not here")});
    const auto got = service.talk(
        service.with("PUT /" + seller.origin() + "/thing", service.bearer(), "a body"), {&seller});
    CHECK(got.status == 404);
    CHECK(got.body == "not here");
    CHECK(got.head.contains("X-Own: yes"));
    CHECK(!got.head.contains("timeout=5"));
    CHECK(seller.got[0].line() == "PUT /thing HTTP/1.1");
    CHECK(seller.got[0].body == "a body");
}

TEST_CASE("proxy: our token never goes on, not even where it was put twice") {
    Service service;
    Seller seller(service.bench.loop, {answer(200), answer(200)});
    const auto twice = "Farthing-Token: " + service.token + "\r\n" + service.bearer();
    CHECK(service.talk(service.with("GET /" + seller.origin() + "/a", twice)).status == 200);
    const auto proxy = "Proxy-Authorization: Bearer " + service.token + "\r\n" + service.bearer();
    const auto got = service.talk(service.with("GET " + seller.origin() + "/b", proxy), {&seller});
    CHECK(got.status == 200);
    REQUIRE(seller.got.size() == 2);
    for (const auto& each : seller.got) CHECK(!each.head.contains(service.token));
}

TEST_CASE("proxy: HEAD has the length and no body") {
    Service service;
    Seller seller(service.bench.loop,
                  {Reply{"HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"}});
    const auto got =
        service.talk(service.with("HEAD /" + seller.origin() + "/", service.bearer()), {&seller});
    CHECK(got.status == 200);
    CHECK(got.head.contains("Content-Length: 5"));
    CHECK(got.body.empty());
}

TEST_CASE("proxy: an answer that breaks off never looks whole") {
    Service service;
    Seller seller(service.bench.loop, {Reply{"HTTP/1.1 200 X\r\nConnection: close\r\n"
                                             "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}});
    const auto got =
        service.talk(service.with("GET /" + seller.origin() + "/", service.bearer()), {&seller});
    CHECK(got.body.contains("hello"));
    CHECK(!got.body.contains("\r\n0\r\n"));
}

TEST_CASE("proxy: redirects are the program's business, and in the path form stay with us") {
    Service service;
    const auto redirect = answer(302, {"Location: //evil.example/x", "Set-Cookie: sid=1; Path=/",
                                       "Content-Location: other?x=1"});
    const auto cookie = std::string("Cookie: sid=2\r\n");
    {
        Seller seller(service.bench.loop, {redirect});
        const auto got = service.talk(
            service.with("GET /" + seller.origin() + "/a/b", service.bearer() + cookie), {&seller});
        CHECK(got.status == 302);
        CHECK(got.head.contains("Location: /http://evil.example/x\r\n"));
        CHECK(got.head.contains("Content-Location: /" + seller.origin() + "/a/other?x=1"));
        CHECK_FALSE(got.head.contains("sid="));
        CHECK_FALSE(seller.got.back().head.contains("sid="));
    }
    Seller seller(service.bench.loop, {redirect});
    const auto got = service.talk(
        service.with("GET " + seller.origin() + "/a/b", "Proxy-" + service.bearer() + cookie),
        {&seller});
    CHECK(got.head.contains("Location: //evil.example/x\r\n"));
    CHECK(got.head.contains("sid=1"));
    CHECK(seller.got.back().head.contains("sid=2"));
}

TEST_CASE("proxy: what was not paid, and what may have been, is said in JSON") {
    Service service;
    {
        Seller seller(service.bench.loop, {offer(entry("20000"))});
        const auto got = service.talk(
            service.with("GET /" + seller.origin() + "/paid", service.bearer()), {&seller});
        CHECK(got.status == 403);
        CHECK(got.error().at("decision").at("condition") == "per_request");
        CHECK(got.error().at("next").as_string().starts_with("nothing was paid"));
    }
    {
        Seller seller(service.bench.loop, {offer()});
        const auto got =
            service.talk(service.with("GET /" + seller.origin() + "/paid",
                                      service.bearer() + "Farthing-Max-Amount: $0.0001\r\n"),
                         {&seller});
        CHECK(got.status == 402);
        CHECK(got.error().at("code") == "over_limit");
    }
    {
        Seller seller(service.bench.loop, {offer(), lost()});
        const auto got = service.talk(
            service.with("GET /" + seller.origin() + "/paid", service.bearer()), {&seller});
        CHECK(got.status == 503);
        CHECK(got.error().at("kind") == "unknown");
        CHECK(got.error().at("payment").at("nonce").is_string());
    }
    const auto gone = service.get("/http://127.0.0.1:1/", service.bearer());
    CHECK(gone.status == 502);
    CHECK(gone.error().at("kind") == "unavailable");
    CHECK(service.get("/http://a b/", service.bearer()).status == 400);
    CHECK(service.get("/https://u:p@a/", service.bearer()).status == 400);
    CHECK(service.talk(service.with("TRACE /http://127.0.0.1:1/", service.bearer())).status == 405);
}

TEST_CASE("daemon: a pact that is not signed any more is said, and nothing is paid") {
    Service service;
    service.write_pact(std::string(kPact) + "\n[[rate]]\npayments = 9\nper = \"1m\"\n");
    Seller seller(service.bench.loop, {offer(), paid()});
    const auto got = service.fetch_by_api(seller, service.bearer());
    CHECK(got.status == 403);
    CHECK(got.error().at("code") == "invalid_signature");
    CHECK(service.signer.count == 0);
}

TEST_CASE("daemon: an agent sees its own payments only") {
    Service service;
    const auto other = service.tokens.add("reader", service.bench.clock.now(), service.bench.random)
                           .value()
                           .reveal();
    Seller seller(service.bench.loop, {offer(), paid()});
    CHECK(service.fetch_by_api(seller, service.bearer()).status == 200);
    const auto seen = service.get("/v1/payments", "Farthing-Token: " + other + "\r\n").json();
    CHECK(seen.at("payments").as_array().empty());
}

TEST_CASE("card: pays its vendor as often as it may, and reads nothing") {
    Service service;
    Seller seller(service.bench.loop, {offer(), paid(), offer()});
    const auto card = service.make_card(vendor_of(seller));
    const auto header = "Farthing-Token: " + card + "\r\n";
    for (const auto* target : {"/v1/limits", "/v1/payments", "/v1/approvals", "/metrics"}) {
        CHECK(service.get(target, header).status == 403);
    }
    const auto body = R"({"url":")" + seller.url().to_string() + R"(","task":"mine"})";
    const auto first = service.talk(service.with("POST /v1/fetch", header, body));
    REQUIRE_MESSAGE(first.status == 200, first.body);
    CHECK(!first.json().contains("decision"));
    const auto second = service.talk(service.with("POST /v1/fetch", header, body), {&seller});
    CHECK(second.status == 403);
    CHECK(second.error().at("decision").at("code") == "card_used");
    const auto payments = service.bench.run(service.account->payments({}, 10)).value();
    REQUIRE(payments.size() == 2);
    CHECK(payments[1].decision().card == "c1");
    CHECK(payments[1].decision().agent.empty());
    CHECK(payments[1].decision().task.empty());
}

TEST_CASE("card: reaches nobody but its vendor, paid or free, also not by a redirect") {
    Service service;
    Seller vendor(service.bench.loop, {});
    Seller inner(service.bench.loop, {answer(200, {}, "secret")});
    vendor.then(answer(302, {"Location: " + inner.origin() + "/secret"}));
    const auto header = "Farthing-Token: " + service.make_card(vendor_of(vendor)) + "\r\n";
    CHECK(service.get("/" + inner.origin() + "/secret", header).status == 403);
    const auto ask = [&](const std::string& path, const net::Url& url) {
        return service.talk(
            service.with("POST " + path, header, R"({"url":")" + url.to_string() + "\"}"));
    };
    CHECK(ask("/v1/fetch", inner.url()).status == 403);
    CHECK(ask("/v1/quote", inner.url()).status == 403);
    const auto redirected = ask("/v1/fetch", vendor.url());
    CHECK(redirected.status == 200);
    CHECK(redirected.json().at("status") == 302);
    CHECK(inner.got.empty());
    service.bench.run(vendor.stop());
    service.bench.run(inner.stop());
}

TEST_CASE("card: taken back, it is nobody's; a wrong one never was") {
    Service service;
    const auto card = service.make_card("api.example");
    auto other = card;
    other.back() = other.back() == '0' ? '1' : '0';
    CHECK(service.get("/http://api.example/", "Farthing-Token: " + other + "\r\n").status == 401);
    ledger::CardChange back;
    back.change = ledger::Change::revoked;
    back.card = "c1";
    REQUIRE(service.ledger->transact_now([&](ledger::Transaction& t) { return t.append(back); }));
    CHECK(service.get("/http://api.example/", "Farthing-Token: " + card + "\r\n").status == 401);
}

TEST_CASE("daemon: one token cannot take the place of all") {
    Service service(kPact, {.in_hand_max = 1});
    Seller seller(service.bench.loop, {hang()});
    TaskGroup first(service.bench.loop);
    auto slow = [](Service& in, std::string what) -> Task<> {
        auto wire = co_await net::test::dial(in.bench.loop, in.port);
        co_await wire.send(std::move(what));
        co_await wire.read_all();
    };
    first.spawn(slow(service, service.with("GET /" + seller.origin() + "/", service.bearer())));
    while (service.daemon.in_hand() == 0) invariant(service.bench.loop.run_one() > 0, "work");
    const auto busy = service.get("/v1/limits", service.bearer());
    CHECK(busy.status == 429);
    const auto other =
        service.tokens.add("reader", service.bench.clock.now(), service.bench.random);
    CHECK(service.get("/v1/limits", "Farthing-Token: " + other->reveal() + "\r\n").status == 200);
    service.bench.run(seller.stop());
    service.bench.run(first.join());
    CHECK(service.get("/v1/limits", service.bearer()).status == 200);
}
