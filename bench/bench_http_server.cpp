// SPDX-License-Identifier: Apache-2.0
// The server alone, answering every request with the bytes of an unpaid 402: the ceiling of the
// gateway's unpaid path. Prints its URL, then serves until the signal that ends it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>

#include "farthing/io/task_group.hpp"
#include "farthing/net/server.hpp"

namespace {

using namespace farthing;

class QuietLog final : public Log {
  public:
    void write(Level, std::string_view, std::initializer_list<LogField>) override {}
    [[nodiscard]] bool enabled(Level) const override { return false; }
};

std::shared_ptr<const std::string> answer(std::size_t header_bytes, const std::string& body) {
    return std::make_shared<const std::string>(fmt::format(
        "HTTP/1.1 402 Payment Required\r\nServer: farthing\r\nContent-Type: application/json\r\n"
        "Content-Length: {}\r\nPAYMENT-REQUIRED: {}\r\n\r\n{}",
        body.size(), std::string(header_bytes, 'e'), body));
}

Task<> stop_on_signal(asio::signal_set& signals, net::Server& server) {
    co_await signals.async_wait(use_task);
    server.stop(std::chrono::seconds(1));
}

}  // namespace

int main(int argc, char** argv) {
    std::string address = "127.0.0.1:0";
    std::size_t header_bytes = 800;
    CLI::App options{"A static 402 from the HTTP server alone"};
    options.add_option("--listen", address, "ip:port; port 0 picks one");
    options.add_option("--header-bytes", header_bytes, "size of the PAYMENT-REQUIRED value");
    CLI11_PARSE(options, argc, argv);

    Loop loop(1);
    SystemClock clock;
    SystemRandom random;
    QuietLog log;
    Metrics metrics;
    const auto bytes = answer(header_bytes, R"({"x402Version":2,"error":"Payment required"})");
    auto server =
        net::Server::listen(Env{clock, random, log, metrics}, loop, address, {},
                            [&](net::ServerRequest&, net::Responder& responder) -> Task<> {
                                const auto sent = co_await responder.send_raw(bytes);
                                static_cast<void>(sent);
                            });
    if (!server) {
        fmt::print(stderr, "{}\n", to_string(server.error()));
        return exit_code(server.error());
    }
    fmt::print("{}\n", (*server)->url());
    std::fflush(stdout);
    asio::signal_set signals(loop, SIGINT, SIGTERM);
    TaskGroup group(loop);
    group.spawn(stop_on_signal(signals, **server));
    group.spawn((*server)->run());
    run_blocking(loop, group.join());
}
