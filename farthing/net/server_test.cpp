// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/server.hpp"

#include <doctest/doctest.h>

#include "farthing/net/test_server.hpp"

using namespace farthing;
using namespace farthing::net;
using namespace std::chrono_literals;
using test::body_of;
using test::status_of;
using test::TestServer;

namespace {

/// Answers 200 with "METHOD target body".
Task<> echo(ServerRequest& request, Responder& responder) {
    auto body = co_await request.body->read_all(1 << 20);
    if (!body) co_return;
    Response response;
    response.headers.add("Content-Type", "text/plain");
    response.body = request.method + " " + request.target + " " + *body;
    static_cast<void>(co_await responder.send(std::move(response)));
}

std::string get(const std::string& target, const std::string& more = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
}

std::string post(const std::string& body, const std::string& more = "") {
    return "POST /p HTTP/1.1\r\nHost: x\r\n" + more +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("server: several requests on one connection, one after the other") {
    TestServer server(echo);
    auto wire = server.dial();
    const auto exchange = [&]() -> Task<> {
        for (int i = 0; i < 3; ++i) {
            const auto path = "/" + std::to_string(i);
            co_await wire.send(get(path));
            const auto answer = co_await wire.read_to("GET " + path + " ");
            CHECK(status_of(answer) == 200);
            CHECK(answer.find("Connection:") == std::string::npos);
            CHECK(answer.find("\r\nDate: ") != std::string::npos);
            CHECK(answer.find("\r\nContent-Length: 7\r\n") != std::string::npos);
        }
        co_await wire.send(get("/last", "Connection: close\r\n"));
        const auto last = co_await wire.read_all();
        CHECK(last.find("\r\nConnection: close\r\n") != std::string::npos);
        CHECK(body_of(last) == "GET /last ");
    };
    server.bench.run(exchange());
}

TEST_CASE("server: pipelined requests are answered in order") {
    TestServer server(echo);
    std::string requests;
    for (int i = 0; i < 50; ++i) requests += i % 2 == 0 ? get("/" + std::to_string(i)) : post("b");
    const auto answers = server.talk(requests + get("/end", "Connection: close\r\n"));
    std::size_t at = 0;
    for (int i = 0; i < 50; i += 2) {
        at = answers.find("GET /" + std::to_string(i) + " ", at);
        REQUIRE(at != std::string::npos);
        at = answers.find("POST /p b", at);
        REQUIRE(at != std::string::npos);
    }
    CHECK(answers.find("GET /end ", at) != std::string::npos);
}

TEST_CASE("server: requests cut into single bytes") {
    TestServer server(echo);
    auto wire = server.dial();
    const auto exchange = [&]() -> Task<> {
        for (const char c : post("hello") + get("/x", "Connection: close\r\n")) {
            co_await wire.send(std::string(1, c));
        }
        const auto answers = co_await wire.read_all();
        CHECK(answers.find("POST /p hello") != std::string::npos);
        CHECK(answers.find("GET /x ") != std::string::npos);
    };
    server.bench.run(exchange());
}

TEST_CASE("server: refuses what could smuggle a request, and closes") {
    int handled = 0;
    TestServer server([&](ServerRequest& request, Responder& responder) -> Task<> {
        ++handled;
        co_await echo(request, responder);
    });
    struct Case {
        const char* name;
        std::string request;
        int status;
    };
    const std::string head = "POST /a HTTP/1.1\r\nHost: x\r\n";
    const Case cases[] = {
        {"length and chunked",
         head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get("/evil"),
         400},
        {"differing lengths",
         head + "Content-Length: 5\r\nContent-Length: 0\r\n\r\n" + get("/evil"), 400},
        {"unknown coding", head + "Transfer-Encoding: x\r\n\r\n" + get("/evil"), 501},
        {"folded", head + "X: a\r\n b\r\n\r\n" + get("/evil"), 400},
        {"bare LF", "GET / HTTP/1.1\nHost: x\n\n" + get("/evil"), 400},
        {"NUL", head + std::string("X: \0\r\n\r\n", 8) + get("/evil"), 400},
        {"no Host", "GET / HTTP/1.1\r\n\r\n" + get("/evil"), 400},
        {"two Hosts", get("/", "Host: y\r\n") + get("/evil"), 400},
        {"unknown version", "GET / HTTP/2.0\r\nHost: x\r\n\r\n" + get("/evil"), 505},
        {"tunnel", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n" + get("/evil"), 501},
        {"not HTTP", "\x16\x03\x01\x02\x05\x01", 501},
        {"expectation", get("/", "Expect: magic\r\n") + get("/evil"), 417},
        {"target too long", get("/" + std::string(17 << 10, 'a')) + get("/evil"), 414},
        {"headers too large", get("/", "X: " + std::string(100 << 10, 'a') + "\r\n"), 431},
    };
    for (const auto& each : cases) {
        CAPTURE(each.name);
        const auto answer = server.talk(each.request);
        CHECK(status_of(answer) == each.status);
        CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
        CHECK(answer.find("evil") == std::string::npos);
    }
    CHECK(handled == 0);
}

TEST_CASE("server: a malformed chunk is the handler's error and a 400 to the client") {
    std::optional<Errc> seen;
    TestServer server([&](ServerRequest& request, Responder&) -> Task<> {
        const auto body = co_await request.body->read_all(1000);
        if (!body) seen = body.error().code;
    });
    const auto answer = server.talk(
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n" +
        get("/evil"));
    CHECK(status_of(answer) == 400);
    CHECK(seen == Errc::protocol_violation);
    CHECK(answer.find("HTTP/1.1", 9) == std::string::npos);
}

TEST_CASE("server: bodies chunked in, chunked out") {
    TestServer server([](ServerRequest& request, Responder& responder) -> Task<> {
        CHECK(request.has_body);
        CHECK(!request.content_length);
        static_cast<void>(co_await responder.send_head(Response(), std::nullopt));
        while (true) {
            const auto piece = co_await request.body->read();
            REQUIRE(piece);
            if (piece->empty()) break;
            static_cast<void>(co_await responder.send_piece(*piece));
        }
        static_cast<void>(co_await responder.send_piece(""));
        static_cast<void>(co_await responder.send_piece("end"));
        static_cast<void>(co_await responder.finish());
    });
    const auto answer = server.talk(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n");
    CHECK(status_of(answer) == 200);
    CHECK(answer.find("\r\nTransfer-Encoding: chunked\r\n") != std::string::npos);
    CHECK(body_of(answer) == "5\r\nabcde\r\n3\r\nend\r\n0\r\n\r\n");
}

TEST_CASE("server: a body of announced length, in pieces, is held to it") {
    std::vector<Errc> errors;
    TestServer server([&](ServerRequest& request, Responder& responder) -> Task<> {
        static_cast<void>(co_await responder.send_head(Response(), 6));
        static_cast<void>(co_await responder.send_piece("abc"));
        if (request.target == "/short") {
            const auto ended = co_await responder.finish();
            if (!ended) errors.push_back(ended.error().code);
            co_return;
        }
        if (request.target == "/long") {
            const auto sent = co_await responder.send_piece("defg");
            if (!sent) errors.push_back(sent.error().code);
        }
        static_cast<void>(co_await responder.send_piece("def"));
        const auto ended = co_await responder.finish();
        CHECK(ended.has_value());
    });
    CHECK(body_of(server.talk(get("/", "Connection: close\r\n"))) == "abcdef");
    CHECK(body_of(server.talk(get("/long", "Connection: close\r\n"))) == "abcdef");
    CHECK(body_of(server.talk(get("/short"))) == "abc");
    CHECK(errors == std::vector{Errc::internal, Errc::internal});
}

TEST_CASE("server: HEAD gets the headers of GET and no body, by every way of answering") {
    const auto raw = std::make_shared<const std::string>(
        "HTTP/1.1 402 Payment Required\r\nContent-Length: 4\r\n\r\nbody");
    TestServer server([&](ServerRequest& request, Responder& responder) -> Task<> {
        Response response;
        if (request.target == "/send") {
            response.body = "body";
            static_cast<void>(co_await responder.send(std::move(response)));
        } else if (request.target == "/raw") {
            static_cast<void>(co_await responder.send_raw(raw));
        } else {
            static_cast<void>(co_await responder.send_head(std::move(response), 4));
            static_cast<void>(co_await responder.send_piece("body"));
            static_cast<void>(co_await responder.finish());
        }
    });
    for (const auto* target : {"/send", "/raw", "/pieces"}) {
        CAPTURE(target);
        const auto answer = server.talk(std::string("HEAD ") + target +
                                        " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        CHECK(answer.find("\r\nContent-Length: 4\r\n") != std::string::npos);
        CHECK(body_of(answer) == "");
        CHECK(body_of(server.talk(get(target, "Connection: close\r\n"))) == "body");
    }
}

TEST_CASE("server: 204 and 304 have no body") {
    TestServer server([](ServerRequest& request, Responder& responder) -> Task<> {
        Response response;
        response.status = request.target == "/204" ? 204 : 304;
        response.body = "none";
        static_cast<void>(co_await responder.send(std::move(response)));
    });
    for (const auto* target : {"/204", "/304"}) {
        const auto answer = server.talk(get(target, "Connection: close\r\n"));
        CHECK(answer.ends_with("\r\n\r\n"));
        CHECK(answer.find("Content-Length") == std::string::npos);
        CHECK(answer.find("Transfer-Encoding") == std::string::npos);
    }
}

TEST_CASE("server: a serialised answer, with close and keep-alive as the connection needs") {
    const auto raw = std::make_shared<const std::string>(
        "HTTP/1.1 402 Payment Required\r\nX-A: b\r\nContent-Length: 2\r\n\r\nno");
    TestServer server([&](ServerRequest&, Responder& responder) -> Task<> {
        const auto sent = co_await responder.send_raw(raw);
        CHECK(sent.has_value());
        CHECK(responder.started());
        const auto again = co_await responder.send_raw(raw);
        CHECK(!again.has_value());
    });
    const auto both = server.talk(get("/") + get("/", "Connection: close\r\n"));
    const auto second = both.find("HTTP/1.1", 9);
    REQUIRE(second != std::string::npos);
    const auto first = both.substr(0, second);
    CHECK(first.starts_with("HTTP/1.1 402 Payment Required\r\nDate: "));
    CHECK(first.ends_with(" GMT\r\nX-A: b\r\nContent-Length: 2\r\n\r\nno"));
    CHECK(both.substr(second).find("GMT\r\nConnection: close\r\nX-A: b\r\n") != std::string::npos);
    const auto old = server.talk(
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        "GET / HTTP/1.0\r\n\r\n");
    CHECK(old.find("\r\nConnection: keep-alive\r\n") != std::string::npos);
    CHECK(old.find("\r\nConnection: close\r\n") != std::string::npos);
}

TEST_CASE("server: HTTP/1.0 clients get no chunks") {
    TestServer server([](ServerRequest&, Responder& responder) -> Task<> {
        static_cast<void>(co_await responder.send_head(Response(), std::nullopt));
        static_cast<void>(co_await responder.send_piece("abc"));
        static_cast<void>(co_await responder.finish());
    });
    const auto answer = server.talk("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(answer.find("Transfer-Encoding") == std::string::npos);
    CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK(body_of(answer) == "abc");
}

TEST_CASE("server: a target in absolute form") {
    TestServer server([](ServerRequest& request, Responder& responder) -> Task<> {
        Response response;
        response.body = request.target + " " + std::string(request.headers.get("host").value());
        static_cast<void>(co_await responder.send(std::move(response)));
    });
    const auto answer = server.talk(
        "GET http://Shop.example/a?b HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n");
    CHECK(body_of(answer) == "/a?b shop.example");
}

TEST_CASE("server: what the handler must not do becomes a 500") {
    TestServer server([](ServerRequest& request, Responder& responder) -> Task<> {
        Response response;
        if (request.target == "/throw") throw std::runtime_error("broken");
        if (request.target == "/inject") response.headers.add("X-A", "b\r\nSet-Cookie: c");
        if (request.target == "/status") response.status = 99;
        if (request.target == "/silent") co_return;
        const auto sent = co_await responder.send(std::move(response));
        CHECK(!sent.has_value());
    });
    for (const auto* target : {"/throw", "/inject", "/status", "/silent"}) {
        CAPTURE(target);
        const auto answer = server.talk(get(target));
        CHECK(status_of(answer) == 500);
        CHECK(answer.find("Set-Cookie") == std::string::npos);
        CHECK(answer.find("broken") == std::string::npos);
    }
}

TEST_CASE("server: the address is checked and a taken port is named") {
    test::Bench bench;
    for (const auto* address : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                                "localhost:80", "::1:80", "[::1]80", "127.0.0.1:80:81", ":80"}) {
        CAPTURE(address);
        const auto server = Server::listen(bench.env, bench.loop, address, {}, echo);
        REQUIRE(!server);
        CHECK(server.error().code == Errc::invalid_argument);
    }
    const auto first = Server::listen(bench.env, bench.loop, "127.0.0.1:0", {}, echo);
    REQUIRE(first);
    const auto address = (*first)->url().substr(7);
    const auto second = Server::listen(bench.env, bench.loop, address, {}, echo);
    REQUIRE(!second);
    CHECK(second.error().code == Errc::io_failed);
    CHECK(second.error().detail == address + ": address already in use");
}

TEST_CASE("server: listens on IPv6") {
    test::Bench bench;
    const auto server = Server::listen(bench.env, bench.loop, "[::1]:0", {}, echo);
    if (server) CHECK((*server)->url().starts_with("http://[::1]:"));
    if (!server) CHECK(server.error().code == Errc::io_failed);
}
