// SPDX-License-Identifier: Apache-2.0
// For tests: who is told alerts, and the world that they are told from: sockets and processes are
// real, and the time is the test's.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "farthing/crypto/hmac.hpp"
#include "farthing/testing/capture_log.hpp"
#include "farthing/testing/manual_clock.hpp"
#include "farthing/testing/temporary_folder.hpp"
#include "farthing/wallet/messenger.hpp"
#include "farthing/wallet/test_seller.hpp"

namespace farthing::wallet::test {

inline constexpr std::string_view kSinkSecret = "a secret of sixteen bytes and more";
/// As operators have it: what stands in the path is a secret, too.
inline constexpr std::string_view kHook = "/hooks/T0-hunter2";

inline std::string read_all(const std::filesystem::path& file) {
    std::ostringstream out;
    out << std::ifstream(file, std::ios::binary).rdbuf();
    return out.str();
}

/// The time that a webhook's request says, and it is signed for what came: as docs/wallet.md says
/// that a receiver should look.
inline std::uint64_t signed_at(const Got& got, std::string_view secret = kSinkSecret) {
    const auto header = got.header("Farthing-Signature");
    const auto comma = header.find(',');
    REQUIRE_MESSAGE((header.starts_with("t=") && comma != std::string::npos), header);
    const auto time = header.substr(2, comma - 2);
    const auto what = time + "." + got.body;
    CHECK(header.substr(comma) ==
          ",v1=" + to_hex(hmac_sha256(as_bytes(secret), as_bytes(what))).substr(2));
    return std::stoull(time);
}

struct Telling {
    Telling() { write("secret", kSinkSecret); }

    void write(const std::string& name, std::string_view text) const {
        std::ofstream(folder.path / name, std::ios::binary | std::ios::trunc) << text;
    }
    [[nodiscard]] std::string place(const std::string& name) const {
        return (folder.path / name).string();
    }
    [[nodiscard]] SinkConfig webhook(const Seller& at, const std::string& name = "ops") const {
        SinkConfig out;
        out.name = name;
        out.webhook = at.origin() + std::string(kHook);
        out.secret = SecretSource{.env = {}, .file = place("secret")};
        return out;
    }
    static SinkConfig command(std::vector<std::string> words, const std::string& name = "pager") {
        SinkConfig out;
        out.name = name;
        out.command = std::move(words);
        return out;
    }
    [[nodiscard]] SinkConfig log_file(const std::string& file = "alerts.log") const {
        SinkConfig out;
        out.name = "file";
        out.log = place(file);
        return out;
    }
    /// Runs the loop; no time passes on the clock.
    template <class Done>
    void until(Done done) {
        const auto end = socket_time() + net::test::kPatience;
        bench.loop.restart();
        while (!done()) {
            invariant(socket_time() < end, "a test ends in time");
            bench.loop.run_one_for(net::test::kPatience);
        }
    }

    net::test::Bench bench;
    testing::ManualClock clock;
    testing::CaptureLog log;
    Env env{clock, bench.random, log, bench.metrics};
    testing::TemporaryFolder folder;
    std::unique_ptr<net::Client> client = net::Client::make(env, bench.loop, {});
};

}  // namespace farthing::wallet::test
