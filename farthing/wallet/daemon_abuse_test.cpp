// SPDX-License-Identifier: Apache-2.0
// What a program with a good token can not do to the wallet and to those who share it.
#include "farthing/wallet/test_daemon.hpp"

using namespace farthing;
using namespace farthing::wallet;
using namespace farthing::wallet::test;

TEST_CASE("daemon: a token that is taken back pays for nothing that is in hand") {
    Service service;
    net::test::Peer peer(service.bench.loop, [&](net::test::Wire& wire, int) -> Task<> {
        co_await wire.read_to("\r\n\r\n");
        REQUIRE(service.tokens.revoke("writer"));
        co_await wire.send(offer().bytes);
        wire.close();
    });
    const auto body = R"({"url":")" + peer.url("/paid").to_string() + "\"}";
    const auto got = service.talk(service.with("POST /v1/fetch", service.bearer(), body));
    service.bench.run(peer.stop());
    CHECK(got.status == 403);
    CHECK(got.error().at("code") == "api_key_invalid");
    CHECK(service.signer.count == 0);
    CHECK(service.entries().empty());
}

TEST_CASE("daemon: a tool is MCP's to name, and no program's") {
    Service service;
    Seller seller(service.bench.loop, {offer(), paid()});
    const auto url = "/" + seller.url().to_string();
    const auto body = R"({"url":")" + seller.url().to_string() + R"(","tool":"search"})";
    CHECK(service.talk(service.with("POST /v1/fetch", service.bearer(), body)).status == 400);
    const auto got = service.talk(
        service.with("GET " + url, service.bearer() + "Farthing-Tool: search\r\n"), {&seller});
    CHECK(got.status == 200);
    const auto entries = service.entries({.kind = "decision"});
    REQUIRE(entries.size() == 1);
    CHECK(std::get<ledger::Decision>(entries[0].event).tool.empty());
}

TEST_CASE("daemon: what a program says of its request has a length") {
    Service service;
    Seller seller(service.bench.loop, {});
    const auto late = std::string(1'001, 'x');
    CHECK(service.fetch_by_api(seller, service.bearer(), R"(,"task":")" + late + '"').status ==
          400);
    const auto url = "/http://127.0.0.1:1/";
    CHECK(service.get(url, service.bearer() + "Farthing-Reason: " + late + "\r\n").status == 400);
    CHECK(seller.got.empty());
}

TEST_CASE("daemon: answers that a token has not taken have a limit together") {
    DaemonLimits limits;
    limits.held_bytes_max = 1'000;
    Service service(kPact, limits);
    Seller fits(service.bench.loop, {answer(200, {}, std::string(1'000, 'x'))});
    CHECK(service.fetch_by_api(fits, service.bearer()).status == 200);
    // What was taken is forgotten; and the proxy holds nothing.
    Seller large(service.bench.loop, {answer(200, {}, std::string(1'001, 'x')),
                                      answer(200, {}, std::string(1'001, 'x'))});
    const auto order = R"({"url":")" + large.url().to_string() + "\"}";
    const auto refused = service.talk(service.with("POST /v1/fetch", service.bearer(), order));
    CHECK(refused.error().at("code") == "too_large");
    const auto streamed =
        service.talk(service.with("GET /" + large.url().to_string(), service.bearer()), {&large});
    CHECK(streamed.status == 200);
    CHECK(streamed.body.size() == 1'001);
}

TEST_CASE("daemon: control characters go in base64, for as text they would be six times as long") {
    Service service;
    for (const auto& [body, is_text] : std::initializer_list<std::pair<std::string, bool>>{
             {"plain\ttext\n", true}, {std::string(100, '\x01'), false}, {"\xff", false}}) {
        Seller seller(service.bench.loop, {answer(200, {}, body)});
        const auto got = service.fetch_by_api(seller, service.bearer()).json();
        CHECK(got.contains("body") == is_text);
        CHECK(got.contains("bodyBase64") == !is_text);
    }
}

TEST_CASE("daemon: its own address through the proxy is itself") {
    Service service;
    service.daemon.listens_on(service.port);
    Seller seller(service.bench.loop, {offer(), paid()});
    const auto own = "http://" + service.host;
    const auto path = "GET " + own + "/" + seller.url().to_string();
    const auto header = "Farthing-Token: " + service.token + "\r\n";
    CHECK(service.talk(service.with(path, header), {&seller}).status == 200);
    const auto limits = service.get(own + "/v1/limits", service.bearer());
    CHECK(limits.status == 200);
    // Another port of this machine is somebody else.
    Seller other(service.bench.loop, {answer(200, {}, "theirs")});
    const auto proxy = "Proxy-Authorization: Bearer " + service.token + "\r\n";
    const auto to_other = service.with("GET " + other.url("/v1/limits").to_string(), proxy);
    CHECK(service.talk(to_other, {&other}).body == "theirs");
}
