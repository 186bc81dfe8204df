// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: a server on a free port, running beside the test.
#pragma once

#include "farthing/net/server.hpp"
#include "farthing/net/test_peer.hpp"

namespace farthing::net::test {

class TestServer {
  public:
    explicit TestServer(Handler handler, ServerLimits limits = {})
        : server_(Server::listen(bench.env, bench.loop, "127.0.0.1:0", limits, std::move(handler))
                      .value()),
          running_(bench.loop) {
        running_.spawn(server_->run());
    }
    ~TestServer() {
        server_->stop(std::chrono::milliseconds(0));
        bench.run(running_.join());
    }
    TestServer(const TestServer&) = delete;
    TestServer& operator=(const TestServer&) = delete;

    [[nodiscard]] Server& server() { return *server_; }
    [[nodiscard]] Url url(const std::string& target = "/") const {
        return parse_url(server_->url() + target).value();
    }
    [[nodiscard]] Wire dial() { return bench.run(test::dial(bench.loop, url().port)); }
    [[nodiscard]] TaskGroup& running() { return running_; }

    /// Sends `bytes` on a new connection and gives what comes back until the server closes.
    std::string talk(std::string bytes) {
        auto wire = dial();
        bench.run(wire.send(std::move(bytes)));
        return bench.run(wire.read_all());
    }
    void run_until(const bool& done) {
        while (!done) invariant(bench.loop.run_one() > 0, "the loop has work");
    }

    Bench bench;

  private:
    std::unique_ptr<Server> server_;
    TaskGroup running_;
};

inline int status_of(const std::string& answer) {
    return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

inline std::string body_of(const std::string& answer) {
    const auto end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "" : answer.substr(end + 4);
}

}  // namespace farthing::net::test
