// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <thread>
#include <vector>

#include "farthing/base/bytes.hpp"
#include "farthing/io/env.hpp"
#include "farthing/json/value.hpp"

namespace json = farthing::json;

namespace {

/// What `body` writes to stderr.
template <class Body>
std::string stderr_of(Body body) {
    std::fflush(stderr);
    std::FILE* file = std::tmpfile();
    REQUIRE(file != nullptr);
    const int saved = ::dup(STDERR_FILENO);
    REQUIRE(::dup2(::fileno(file), STDERR_FILENO) == STDERR_FILENO);
    body();
    std::fflush(stderr);
    REQUIRE(::dup2(saved, STDERR_FILENO) == STDERR_FILENO);
    ::close(saved);
    std::string text;
    std::rewind(file);
    for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) {
        text.push_back(static_cast<char>(c));
    }
    std::fclose(file);
    return text;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t from = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', from)) {
        lines.push_back(text.substr(from, end - from));
        from = end + 1;
    }
    CHECK(from == text.size());
    return lines;
}

}  // namespace

TEST_CASE("log: one JSON object a line, with time, level, event and the fields") {
    const auto text = stderr_of([] {
        const auto log = farthing::make_stderr_log(farthing::Level::info);
        log->debug("not_shown");
        log->info("payment_settled", {{"value", "10\n\"0"}, {"count", 3}});
        log->error("plain");
    });
    const auto lines = lines_of(text);
    REQUIRE(lines.size() == 2);
    const auto first = json::parse(lines[0]);
    REQUIRE(first);
    CHECK(first->at("level") == "info");
    CHECK(first->at("event") == "payment_settled");
    CHECK(first->at("value") == "10\n\"0");
    CHECK(first->at("count") == 3);
    const std::string time{first->at("time").as_string()};
    CHECK(time.size() == std::string_view("2026-01-01T00:00:00.000Z").size());
    CHECK(time.back() == 'Z');
    CHECK(json::parse(lines[1])->at("level") == "error");
}

TEST_CASE("log: lines of several threads do not mix") {
    const auto text = stderr_of([] {
        const auto log = farthing::make_stderr_log(farthing::Level::info);
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&log, thread] {
                for (int i = 0; i < 200; ++i) log->warn("line", {{"thread", thread}, {"i", i}});
            });
        }
    });
    const auto lines = lines_of(text);
    CHECK(lines.size() == 800);
    for (const auto& line : lines) CHECK(json::parse(line));
}

TEST_CASE("metrics: the same name and labels are the same metric") {
    farthing::Metrics metrics;
    auto& ok = metrics.counter("farthing_requests_total", "Requests.", {{"code", "ok"}});
    auto& failed = metrics.counter("farthing_requests_total", "Requests.", {{"code", "failed"}});
    CHECK(&ok == &metrics.counter("farthing_requests_total", "Requests.", {{"code", "ok"}}));
    CHECK(&ok != &failed);
    ok.add();
    ok.add(2);
    failed.add();
    metrics.gauge("farthing_open", "Open.").set(5);
    auto& time = metrics.histogram("farthing_time_seconds", "Time.", {0.1, 1});
    time.observe(0.05);
    time.observe(7);
    const auto text = metrics.expose();
    for (const auto* line :
         {"# TYPE farthing_requests_total counter\n", "farthing_requests_total{code=\"ok\"} 3\n",
          "farthing_requests_total{code=\"failed\"} 1\n", "farthing_open 5\n",
          "farthing_time_seconds_bucket{le=\"0.1\"} 1\n",
          "farthing_time_seconds_bucket{le=\"1\"} 1\n",
          "farthing_time_seconds_bucket{le=\"+Inf\"} 2\n", "farthing_time_seconds_count 2\n"}) {
        CAPTURE(text);
        CHECK(text.find(line) != std::string::npos);
    }
}

TEST_CASE("random: fills everything and does not repeat") {
    farthing::SystemRandom random;
    CHECK(random.bytes32() != random.bytes32());
    std::vector<std::uint8_t> large(100'000);
    random.fill(large);
    std::vector<int> seen(256);
    for (const auto byte : large) ++seen[byte];
    for (const auto count : seen) CHECK(count > 0);
}

TEST_CASE("clock: wall time is in this century and steady time does not go back") {
    const farthing::SystemClock clock;
    CHECK(clock.now() > farthing::UnixTime(std::chrono::seconds(1'700'000'000)));
    const auto before = clock.steady_now();
    CHECK(clock.steady_now() >= before);
}
