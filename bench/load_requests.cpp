// SPDX-License-Identifier: Apache-2.0
// Load where every request is another one: each line of a file is sent once, as a payment header or
// as a body, on a fixed number of connections, each sending its next request when it has its
// answer. Prints what came back as one line of JSON.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>

#include "farthing/base/base64.hpp"
#include "farthing/io/env.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/net/client.hpp"
#include "farthing/wire/headers.hpp"

namespace farthing::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{40};  ///< for one answer

struct Options {
    std::string url;
    std::string lines_file;
    std::string send_as = "header";
    std::size_t connections = 64;
    unsigned seconds = 10;
};

/// A string member of a JSON object, or nothing.
std::string text_member(std::string_view text, std::string_view name) {
    const auto value = json::parse(text);
    if (!value || !value->is_object()) return {};
    const auto* member = value->get_object().if_contains(name);
    if (member == nullptr || !member->is_string()) return {};
    return std::string(member->get_string());
}

bool true_member(std::string_view text, std::string_view name) {
    const auto value = json::parse(text);
    if (!value || !value->is_object()) return false;
    const auto* member = value->get_object().if_contains(name);
    return member != nullptr && member->is_bool() && member->get_bool();
}

std::string decoded(const net::Headers& headers, std::string_view name) {
    return from_base64(headers.get(name).value_or("")).value_or("");
}

/// Empty when the request was paid for (or verified), else why not: a code, never a whole message.
std::string failure(const net::Response& response) {
    const auto receipt = decoded(response.headers, header::kPaymentResponse);
    if (response.status == 200) {
        if (true_member(receipt, "success") || true_member(response.body, "isValid")) return {};
        const auto reason = text_member(response.body, "invalidReason");
        return reason.empty() ? "200 without a receipt" : reason;
    }
    auto reason = text_member(receipt, "errorReason");
    if (reason.empty()) {
        reason = text_member(decoded(response.headers, header::kPaymentRequired), "error");
    }
    // What the reference passes on of its exception begins with a sentence that says it all.
    const auto message = text_member(receipt, "errorMessage");
    if (!message.empty()) reason += ": " + message.substr(0, message.find_first_of(".\n"));
    return fmt::format("{} {}", response.status, reason.substr(0, 160));
}

class Load {
  public:
    Load(net::Client& client, net::Url url, const Options& options, std::vector<std::string> lines)
        : client_(client), url_(std::move(url)), options_(options), lines_(std::move(lines)) {}

    Task<> run() {
        auto executor = co_await asio::this_coro::executor;
        TaskGroup connections(executor.context());
        began_ = steady_clock::now();
        for (std::size_t i = 0; i < options_.connections; ++i) connections.spawn(send_in_turn());
        co_await connections.join();
        seconds_ = std::chrono::duration<double>(steady_clock::now() - began_).count();
    }

    void print() {
        std::ranges::sort(milliseconds_);
        json::Object failures;
        for (const auto& [reason, count] : failures_) failures.emplace(reason, count);
        const json::Object line{{"sent", next_},
                                {"ok", milliseconds_.size()},
                                {"seconds", seconds_},
                                {"p50_ms", percentile(50)},
                                {"p99_ms", percentile(99)},
                                {"max_ms", percentile(100)},
                                {"failures", std::move(failures)}};
        std::printf("%s\n", json::to_text(line).c_str());
    }

  private:
    Task<> send_in_turn() {
        const auto until = began_ + std::chrono::seconds(options_.seconds);
        while (next_ < lines_.size() && steady_clock::now() < until) {
            auto request = make_request(std::move(lines_[next_++]));
            const auto sent = steady_clock::now();
            auto answer = co_await client_.fetch(url_, std::move(request), kPatience);
            const std::chrono::duration<double, std::milli> took = steady_clock::now() - sent;
            auto reason = answer ? failure(*answer) : to_string(answer.error().error);
            if (reason.empty()) {
                milliseconds_.push_back(took.count());
            } else {
                ++failures_[std::move(reason)];
            }
        }
    }

    [[nodiscard]] net::Request make_request(std::string line) const {
        net::Request request;
        if (options_.send_as == "header") {
            request.headers.add(std::string(header::kPaymentSignature), std::move(line));
        } else {
            request.method = "POST";
            request.headers.add("Content-Type", "application/json");
            request.body = std::move(line);
        }
        return request;
    }

    [[nodiscard]] double percentile(std::size_t percent) const {
        if (milliseconds_.empty()) return 0;
        return milliseconds_[(milliseconds_.size() - 1) * percent / 100];
    }

    net::Client& client_;
    net::Url url_;
    Options options_;
    std::vector<std::string> lines_;
    std::size_t next_ = 0;
    steady_clock::time_point began_;
    double seconds_ = 0;
    std::vector<double> milliseconds_;  ///< of the successes
    std::map<std::string, std::size_t> failures_;
};

Result<> run_load(const Options& options) {
    FARTHING_TRY(auto url, net::parse_url(options.url));
    std::vector<std::string> lines;
    std::ifstream in(options.lines_file);
    for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
    if (lines.empty()) return fail(Errc::io_failed, options.lines_file + ": no lines");
    Loop loop(1);
    SystemClock clock;
    SystemRandom random;
    Metrics metrics;
    const auto log = make_stderr_log(Level::warn);
    const auto client = net::Client::make({clock, random, *log, metrics}, loop,
                                          {.idle_per_origin_max = options.connections});
    Load load(*client, std::move(url), options, std::move(lines));
    run_blocking(loop, load.run());
    load.print();
    return {};
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app{"Sends every line of a file once."};
    app.add_option("--url", options.url)->required();
    app.add_option("--lines", options.lines_file)->required();
    app.add_option("--send-as", options.send_as)->check(CLI::IsMember({"header", "body"}));
    app.add_option("--connections", options.connections)->check(CLI::Range(1, 1024));
    app.add_option("--seconds", options.seconds)->check(CLI::Range(1, 60));
    CLI11_PARSE(app, argc, argv);
    if (const auto done = run_load(options); !done) {
        std::fprintf(stderr, "load_requests: %s\n", to_string(done.error()).c_str());
        return 1;
    }
    return 0;
}

}  // namespace
}  // namespace farthing::bench

int main(int argc, char** argv) { return farthing::bench::run(argc, argv); }
