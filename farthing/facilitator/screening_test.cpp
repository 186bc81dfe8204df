// SPDX-License-Identifier: Apache-2.0
#include "farthing/facilitator/screening.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "farthing/testing/world.hpp"

namespace farthing::facilitator {
namespace {

using namespace std::chrono_literals;
using testing::known_address;

constexpr std::string_view kBad = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65";

/// A screening service that answers as it is told, without a socket.
class Screener final : public net::Client {
  public:
    using Answer = std::expected<net::Response, net::RequestError>;
    using Opening = std::expected<std::unique_ptr<net::ResponseStream>, net::RequestError>;

    Answer next = say(R"({"allowed":true})");
    std::vector<net::Request> asked;
    std::chrono::milliseconds deadline{};

    static Answer say(std::string body, int status = 200) {
        net::Response response;
        response.status = status;
        response.body = std::move(body);
        return response;
    }
    Task<Answer> fetch(net::Url, net::Request request) override {
        asked.push_back(std::move(request));
        co_return next;
    }
    Task<Answer> fetch(net::Url url, net::Request request,
                       std::chrono::milliseconds given) override {
        deadline = given;
        auto answer = co_await fetch(std::move(url), std::move(request));
        co_return answer;
    }
    Task<Opening> open(net::Url, net::Request, net::BodySource,
                       std::optional<std::uint64_t>) override {
        co_return std::unexpected(net::RequestError{{Errc::internal, "not used here"}});
    }
};

struct Desk : testing::ChainWorld {
    Desk() {
        static int count = 0;
        path = (std::filesystem::temp_directory_path() /
                ("farthing-screening-" + std::to_string(getpid()) + "-" + std::to_string(++count)))
                   .string();
    }
    ~Desk() {
        stop();
        std::filesystem::remove(path);
    }

    Screener screener;
    ScreeningConfig config;
    std::string path;
    std::unique_ptr<Screening> screening;

    void write(std::string_view text) { std::ofstream(path) << text; }
    void with_url() { config.url = "http://screener.example/check"; }
    void make() {
        auto made = Screening::make(env, screener, config);
        REQUIRE(made);
        screening = *std::move(made);
    }
    static Transfer transfer(std::uint64_t amount = 1000) {
        return {evm_network(84532), address_of(testing::development_key(0)), testing::known_payee(),
                known_address(testing::usdc_requirements().asset), U256(amount)};
    }
    std::string screen(Transfer what = transfer()) {
        const auto verdict = run(screening->screen(std::move(what)));
        return verdict ? "allowed" : to_string(verdict.error());
    }
};

}  // namespace

TEST_CASE("screening: payer and payee are held against the list") {
    Desk desk;
    desk.write(std::string(kBad) + "\n");
    desk.config.file = desk.path;
    desk.make();
    CHECK(desk.screen() == "allowed");
    auto transfer = Desk::transfer();
    transfer.payer = known_address(kBad);
    CHECK(desk.screen(transfer) ==
          "screening_refused: the payer is on the list of refused addresses");
    transfer = Desk::transfer();
    transfer.pay_to = known_address(kBad);
    CHECK(desk.screen(transfer) == "screening_refused: payTo is on the list of refused addresses");
    CHECK(desk.env.metrics.expose().find("farthing_screening_total{outcome=\"refused\"} 2") !=
          std::string::npos);
}

TEST_CASE("screening: a list that changes is taken over; a bad one, or none, is not") {
    Desk desk;
    desk.write("");
    desk.config.file = desk.path;
    desk.make();
    desk.running.spawn(desk.screening->run());
    auto transfer = Desk::transfer();
    transfer.payer = known_address(kBad);
    CHECK(desk.screen(transfer) == "allowed");
    desk.write(std::string(kBad) + "\n");
    CHECK(desk.screen(transfer) == "allowed");
    desk.advance(5s);
    CHECK(desk.screen(transfer).starts_with("screening_refused"));
    desk.write("0x15d34\n");
    desk.advance(5s);
    desk.advance(5s);
    CHECK(desk.screen(transfer).starts_with("screening_refused"));
    CHECK(desk.log.count("screening_list_rejected") == 1);
    std::filesystem::remove(desk.path);
    desk.advance(5s);
    CHECK(desk.screen(transfer).starts_with("screening_refused"));
    CHECK(desk.log.count("screening_list_rejected") == 2);
    desk.write("# nobody\n");
    desk.screening->reload();
    CHECK(desk.screen(transfer) == "allowed");
}

TEST_CASE("screening: it does not start with a list that is not good") {
    Desk desk;
    desk.write("nobody\n");
    desk.config.file = desk.path;
    const auto made = Screening::make(desk.env, desk.screener, desk.config);
    REQUIRE(!made);
    CHECK(made.error().code == Errc::invalid_config);
    CHECK(made.error().detail.find("line 1") != std::string::npos);
}

TEST_CASE("screening: the service is asked in full, and its answer is kept for a while") {
    Desk desk;
    desk.with_url();
    setenv("FARTHING_TEST_SCREENER_TOKEN", "s3cret", 1);
    desk.config.token = SecretSource{.env = "FARTHING_TEST_SCREENER_TOKEN", .file = {}};
    desk.make();
    unsetenv("FARTHING_TEST_SCREENER_TOKEN");
    CHECK(desk.screen() == "allowed");
    REQUIRE(desk.screener.asked.size() == 1);
    const auto& request = desk.screener.asked.front();
    CHECK(request.method == "POST");
    CHECK(request.headers.get("Authorization") == "Bearer s3cret");
    CHECK(desk.screener.deadline == 2s);
    CHECK(json::equal(
        json::parse(request.body).value(),
        json::parse(R"({"network":"eip155:84532",)"
                    R"("payer":"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",)"
                    R"("payTo":"0x209693Bc6afc0C5328bA36FaF03C514EF312287C",)"
                    R"("asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e","amount":"1000"})")
            .value()));
    CHECK(desk.screen() == "allowed");
    CHECK(desk.screener.asked.size() == 1);
    CHECK(desk.screen(Desk::transfer(1001)) == "allowed");
    CHECK(desk.screener.asked.size() == 2);
    desk.screener.next = Screener::say(R"({"allowed":false,"reason":"a\nb"})");
    desk.advance(60s);
    CHECK(desk.screen() == "screening_refused: a b");
    desk.screener.next = Screener::say(R"({"allowed":true})");
    CHECK(desk.screen() == "screening_refused: a b");
    desk.advance(60s);
    CHECK(desk.screen() == "allowed");
}

TEST_CASE("screening: kept answers are bounded") {
    Desk desk;
    desk.with_url();
    desk.config.cache_max = 2;
    desk.make();
    for (std::uint64_t amount = 1; amount <= 3; ++amount) desk.screen(Desk::transfer(amount));
    CHECK(desk.screener.asked.size() == 3);
    desk.screen(Desk::transfer(3));
    desk.screen(Desk::transfer(2));
    CHECK(desk.screener.asked.size() == 3);
    desk.screen(Desk::transfer(1));
    CHECK(desk.screener.asked.size() == 4);
}

TEST_CASE("screening: who is on the list is told to no service") {
    Desk desk;
    desk.write(Desk::transfer().payer.to_lower());
    desk.config.file = desk.path;
    desk.with_url();
    desk.make();
    CHECK(desk.screen().starts_with("screening_refused"));
    CHECK(desk.screener.asked.empty());
}

TEST_CASE("screening: no answer refuses, and is asked for again") {
    Desk desk;
    desk.with_url();
    desk.make();
    for (const auto& answer :
         {Screener::Answer(std::unexpected(net::RequestError{{Errc::timed_out, "2000 ms"}})),
          Screener::say(R"({"allowed":true})", 500), Screener::say(R"({"allowed":true})", 302),
          Screener::say(""), Screener::say("true"), Screener::say("{}"),
          Screener::say(R"({"allowed":"true"})"), Screener::say(R"({"allowed":null})"),
          Screener::say(R"({"allowed":true,"allowed":true})")}) {
        desk.screener.next = answer;
        CHECK(desk.screen() == "screening_failed: the screening service gives no answer");
    }
    CHECK(desk.screener.asked.size() == 9);
    CHECK(kind_of(Errc::screening_failed) == Kind::unavailable);
    desk.screener.next = Screener::say(R"({"allowed":true})");
    CHECK(desk.screen() == "allowed");
}

TEST_CASE("screening: no answer allows where that is configured, a refusal does not") {
    Desk desk;
    desk.with_url();
    desk.config.on_error = "allow";
    desk.make();
    desk.screener.next = Screener::say("", 503);
    CHECK(desk.screen() == "allowed");
    CHECK(desk.log.count("screener_failed") == 1);
    CHECK(desk.env.metrics.expose().find("farthing_screening_total{outcome=\"failed\"} 1") !=
          std::string::npos);
    desk.screener.next = Screener::say(R"({"allowed":false})");
    CHECK(desk.screen() == "screening_refused");
}

}  // namespace farthing::facilitator
