// SPDX-License-Identifier: Apache-2.0
// For tests: a daemon on a real socket over a wallet of its own.
#pragma once

#include "farthing/crypto/sha256.hpp"
#include "farthing/wallet/daemon.hpp"
#include "farthing/wallet/test_wallet.hpp"

namespace farthing::wallet::test {

struct Answer {
    int status = 0;
    std::string head;
    std::string body;
    [[nodiscard]] json::Object error() const {
        const auto value = json::parse(body);
        REQUIRE_MESSAGE(value.has_value(), body);
        return value->at("error").as_object();
    }
    [[nodiscard]] json::Object json() const { return json::parse(body).value().as_object(); }
};

struct Service : OpenTestWallet {
    explicit Service(std::string_view pact = kPact, DaemonLimits limits = {})
        : OpenTestWallet(pact), daemon(bench.env, *account, tokens, limits), running(bench.loop) {
        token = tokens.add("writer", bench.clock.now(), bench.random).value().reveal();
        net::Handler handler = [this](net::ServerRequest& request, net::Responder& responder) {
            return daemon.handle(request, responder, Door::loopback);
        };
        server = net::Server::listen(bench.env, bench.loop, "127.0.0.1:0", {}, std::move(handler))
                     .value();
        running.spawn(server->run());
        port = net::parse_url(server->url()).value().port;
        host = "127.0.0.1:" + std::to_string(port);
    }
    ~Service() {
        server->stop(std::chrono::milliseconds(0));
        bench.run(running.join());
    }
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    /// Sends a request as it stands and stops the sellers.
    Answer talk(std::string bytes, std::vector<Seller*> sellers = {}) {
        auto dialog = [](Loop& loop, std::uint16_t to, std::string what) -> Task<std::string> {
            auto wire = co_await net::test::dial(loop, to);
            co_await wire.send(std::move(what));
            co_return co_await wire.read_all();
        };
        auto task = dialog(bench.loop, port, std::move(bytes));
        const auto text = bench.run(Buyer::ended(std::move(task), std::move(sellers)));
        Answer out;
        const auto end = text.find("\r\n\r\n");
        REQUIRE_MESSAGE(end != std::string::npos, text);
        out.status = std::stoi(text.substr(9, 3));
        out.head = text.substr(0, end);
        out.body = text.substr(end + 4);
        return out;
    }
    [[nodiscard]] std::string with(const std::string& line, const std::string& headers,
                                   const std::string& body = "") const {
        auto text = line + " HTTP/1.1\r\nConnection: close\r\n" + headers;
        if (headers.find("Host:") == std::string::npos) text += "Host: " + host + "\r\n";
        if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        return text + "\r\n" + body;
    }
    [[nodiscard]] std::string bearer() const { return "Authorization: Bearer " + token + "\r\n"; }
    Answer fetch_by_api(Seller& seller, const std::string& headers, const std::string& more = "") {
        const auto body = R"({"url":")" + seller.url().to_string() + "\"" + more + "}";
        return talk(with("POST /v1/fetch", headers, body), {&seller});
    }
    Answer get(const std::string& target, const std::string& headers) {
        return talk(with("GET " + target, headers));
    }
    std::string make_card(const std::string& vendor, std::uint64_t uses = 1) {
        const auto card = make_token({TokenName::Kind::card, "c1"}, bench.random);
        ledger::CardChange change;
        change.card = "c1";
        change.token = sha256(card.reveal());
        change.value = scheme::to_atomic(scheme::parse_money("$0.05").value(), 18).value();
        change.vendor = vendor;
        change.uses = uses;
        change.expires =
            static_cast<std::uint64_t>(bench.clock.now().time_since_epoch().count() + 3600) * 1000;
        REQUIRE(ledger->transact_now([&](ledger::Transaction& t) { return t.append(change); }));
        return card.reveal();
    }

    Tokens tokens{folder.path};
    Daemon daemon;
    TaskGroup running;
    std::unique_ptr<net::Server> server;
    std::uint16_t port = 0;
    std::string host;
    std::string token;
};

inline std::string vendor_of(const Seller& seller) {
    return net::parse_url(seller.origin()).value().authority();
}

}  // namespace farthing::wallet::test
