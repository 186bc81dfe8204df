// SPDX-License-Identifier: Apache-2.0
// One attempt to tell one alert: what a webhook, a program and a file get, and what is made of
// their answer.
#include "farthing/wallet/messenger.hpp"

#include <cstdlib>

#include "farthing/wallet/test_sinks.hpp"

using namespace farthing;
using namespace farthing::wallet;
using namespace farthing::wallet::test;

namespace {

/// What no quoting and no reading as text would leave as it is.
constexpr std::string_view kBody = "{\"text\":\"caf\xc3\xa9 \\n \\u0000 $(id) %s\", \"n\" : 1 }";

Message message(std::string_view body = kBody) { return {"0xab", "threshold", std::string(body)}; }

struct One : Telling {
    Result<> tell(const SinkConfig& config, std::vector<Seller*> sellers = {}) {
        REQUIRE(config.validate());
        auto made = make_messenger(env, bench.loop, *client, config);
        REQUIRE_MESSAGE(made.has_value(), to_string(made.error()));
        return bench.run(Buyer::ended((*made)->tell(message()), std::move(sellers)));
    }
    Result<> post(Seller& seller) { return tell(webhook(seller), {&seller}); }
    Error no_messenger(const SinkConfig& config) {
        auto made = make_messenger(env, bench.loop, *client, config);
        REQUIRE(!made);
        return made.error();
    }
};

}  // namespace

// By Python's hmac.
TEST_CASE("webhook's signature: a known one") {
    CHECK(signature_of(kSinkSecret, 1'800'000'000, "{\"a\":1}") ==
          "t=1800000000,v1=a683d510a3d6e425484f64c53e9433fb10395a5b6327d95ea627645faf1a2a76");
    CHECK(signature_of(kSinkSecret, 1'800'000'001, "{\"a\":1}").substr(12) !=
          signature_of(kSinkSecret, 1'800'000'000, "{\"a\":1}").substr(12));
}

TEST_CASE("webhook: is sent the bytes that are signed, and what it is known by") {
    One one;
    Seller seller(one.bench.loop, {answer(204)});
    REQUIRE(one.post(seller));
    REQUIRE(seller.got.size() == 1);
    const auto& got = seller.got[0];
    CHECK(got.line() == "POST " + std::string(kHook) + " HTTP/1.1");
    CHECK(got.body == kBody);
    CHECK(got.header("Content-Type") == "application/json");
    CHECK(got.header("Farthing-Alert") == "threshold");
    CHECK(got.header("Farthing-Id") == "0xab");
    CHECK(signed_at(got) == one.clock.unix_seconds());
    CHECK(!got.head.contains(kSinkSecret));
}

TEST_CASE("webhook: signed at the time of the attempt, not of the alert") {
    One one;
    Seller seller(one.bench.loop, {answer(503), answer(200)});
    auto messenger = make_messenger(one.env, one.bench.loop, *one.client, one.webhook(seller));
    REQUIRE(messenger);
    CHECK(!one.bench.run((*messenger)->tell(message())));
    const auto first = one.clock.unix_seconds();
    one.clock.advance(std::chrono::hours(1));
    CHECK(one.bench.run(Buyer::ended((*messenger)->tell(message()), {&seller})));
    CHECK(signed_at(seller.got.at(0)) == first);
    CHECK(signed_at(seller.got.at(1)) == first + 3'600);
}

TEST_CASE("webhook: taken with a status between 200 and 299 only") {
    for (const int status : {200, 201, 202, 204, 299}) {
        One one;
        Seller seller(one.bench.loop, {answer(status)});
        CHECK_MESSAGE(one.post(seller), status);
    }
    for (const int status : {300, 304, 401, 403, 404, 408, 410, 429, 500, 502, 503, 599}) {
        One one;
        Seller seller(one.bench.loop, {answer(status)});
        const auto told = one.post(seller);
        REQUIRE(!told);
        CHECK_MESSAGE(told.error().code == Errc::origin_failed, status);
        CHECK(told.error().detail == "it answered " + std::to_string(status));
    }
}

TEST_CASE("webhook: what it refuses for what it is is not asked again") {
    for (const int status : {400, 413, 422}) {
        One one;
        Seller seller(one.bench.loop, {answer(status)});
        const auto told = one.post(seller);
        REQUIRE(!told);
        CHECK(told.error().code == Errc::invalid_argument);
    }
}

TEST_CASE("webhook: a redirect is not followed, and is no answer") {
    for (const int status : {301, 302, 303, 307, 308}) {
        One one;
        Seller other(one.bench.loop, {answer(204)});
        Seller seller(one.bench.loop, {answer(status, {"Location: " + other.origin() + "/there"})});
        const auto told = one.tell(one.webhook(seller), {&seller, &other});
        REQUIRE(!told);
        CHECK(told.error().code == Errc::origin_failed);
        CHECK(other.got.empty());
        CHECK(seller.got.size() == 1);
    }
}

TEST_CASE("webhook: one that does not answer, breaks off or is not there") {
    One one;
    Seller silent(one.bench.loop, {hang()});
    auto config = one.webhook(silent);
    config.timeout = std::chrono::milliseconds(50);
    const auto late = one.tell(config, {&silent});
    REQUIRE(!late);
    CHECK(late.error().code == Errc::timed_out);
    Seller broken(one.bench.loop, {lost()});
    const auto closed = one.post(broken);
    REQUIRE(!closed);
    CHECK(kind_of(closed.error().code) == Kind::unavailable);
    // It has stopped: nobody listens there.
    const auto gone = one.tell(one.webhook(broken));
    REQUIRE(!gone);
    CHECK(gone.error().code == Errc::connection_failed);
    for (const auto& each : {late, closed, gone}) {
        CHECK_MESSAGE(!each.error().detail.contains("hunter2"), each.error().detail);
        CHECK(!each.error().detail.contains(kSinkSecret));
    }
}

TEST_CASE("webhook: a secret that is none is said without it") {
    One one;
    Seller seller(one.bench.loop, {});
    const auto config = one.webhook(seller);
    one.write("secret", "fifteen bytes..");
    auto error = one.no_messenger(config);
    CHECK(error.code == Errc::invalid_config);
    CHECK(error.detail == "alert ops: secret: shorter than 16 bytes");
    one.write("secret", "sixteen bytes...\n");
    CHECK(make_messenger(one.env, one.bench.loop, *one.client, config));
    one.write("secret", "");
    error = one.no_messenger(config);
    CHECK(error.code == Errc::invalid_config);
    CHECK(error.detail.starts_with("alert ops: secret: "));
    one.bench.run(seller.stop());
}

TEST_CASE("command: gets the alert and the end of a line on its stdin, and its words as they are") {
    One one;
    const auto out = one.place("out");
    const std::string word = "$(id); `id` > x";
    REQUIRE(
        one.tell(one.command({"sh", "-c", R"(cat > "$0"; printf %s "$1" >> "$0")", out, word})));
    CHECK(read_all(out) == std::string(kBody) + "\n" + word);
}

TEST_CASE("command: knows nothing of our environment") {
    One one;
    REQUIRE(::setenv("FARTHING_PASSWORD", "hunter2", 1) == 0);
    const auto out = one.place("out");
    const auto told = one.tell(one.command({"sh", "-c", R"(env > "$0")", out}));
    REQUIRE(::unsetenv("FARTHING_PASSWORD") == 0);
    REQUIRE(told);
    CHECK(read_all(out).contains("PATH="));
    CHECK(!read_all(out).contains("hunter2"));
}

TEST_CASE("command: one that fails, is not there or does not end") {
    One one;
    const auto failed = one.tell(one.command({"sh", "-c", "exit 3"}));
    REQUIRE(!failed);
    CHECK(failed.error().code == Errc::io_failed);
    CHECK(failed.error().detail == "it ended with 3");
    const auto missing = one.tell(one.command({one.place("no-such-program")}));
    REQUIRE(!missing);
    CHECK(missing.error().code == Errc::io_failed);
    auto config = one.command({"sleep", "600"});
    config.timeout = std::chrono::milliseconds(50);
    const auto late = one.tell(config);
    REQUIRE(!late);
    CHECK(late.error().code == Errc::timed_out);
}

TEST_CASE("command: one that reads nothing has been told by its exit code") {
    One one;
    CHECK(one.tell(one.command({"true"})));
    CHECK(!one.tell(one.command({"false"})));
}

TEST_CASE("log: a line after what is there") {
    One one;
    one.write("alerts.log", "before\n");
    REQUIRE(one.tell(one.log_file()));
    REQUIRE(one.tell(one.log_file()));
    const auto line = std::string(kBody) + "\n";
    CHECK(read_all(one.place("alerts.log")) == "before\n" + line + line);
}

TEST_CASE("log: a new file is its owner's only; a folder that is not there is an error") {
    One one;
    REQUIRE(one.tell(one.log_file("new.log")));
    using std::filesystem::perms;
    CHECK(std::filesystem::status(one.place("new.log")).permissions() ==
          (perms::owner_read | perms::owner_write));
    const auto told = one.tell(one.log_file("nowhere/new.log"));
    REQUIRE(!told);
    CHECK(told.error().code == Errc::io_failed);
}
