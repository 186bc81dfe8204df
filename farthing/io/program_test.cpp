// SPDX-License-Identifier: Apache-2.0
#include "farthing/io/program.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "farthing/io/task_group.hpp"
#include "farthing/testing/temporary_folder.hpp"

using namespace farthing;
using namespace std::chrono_literals;

namespace {

Result<int> run(std::vector<std::string> words, std::string input = "",
                std::chrono::milliseconds limit = 10s) {
    Loop loop;
    return run_blocking(loop, run_program(loop, std::move(words), std::move(input), limit));
}

int code_of(std::vector<std::string> words, std::string input = "") {
    return run(std::move(words), std::move(input)).value_or(-1);
}

std::string content(const std::filesystem::path& file) {
    std::ostringstream out;
    out << std::ifstream(file).rdbuf();
    return out.str();
}

}  // namespace

TEST_CASE("program: reads its input and says how it ended") {
    const testing::TemporaryFolder folder;
    const auto file = (folder.path / "out").string();
    CHECK(code_of({"sh", "-c", "cat > \"$0\"; exit 3", file}, "what it is told\n") == 3);
    CHECK(content(file) == "what it is told\n");
    CHECK(code_of({"sh", "-c", "kill -9 $$"}) == 128 + SIGKILL);
    const std::string much(1 << 20, 'x');
    CHECK(code_of({"true"}, much) == 0);
    CHECK(run({"/nowhere/there"}).error().code == Errc::io_failed);
}

TEST_CASE("program: no shell, none of our environment, none of our files") {
    const testing::TemporaryFolder folder;
    const auto file = (folder.path / "out").string();
    ::setenv("FARTHING_PASSWORD", "a secret of the test", 1);
    const auto open = std::ofstream(folder.path / "ours");
    CHECK(code_of({"sh", "-c",
                   "env > \"$0\"; ls /proc/self/fd | wc -l >> \"$0\"; echo \"$1\" >> \"$0\"", file,
                   "$(exit 7); `false`"}) == 0);
    ::unsetenv("FARTHING_PASSWORD");
    const auto said = content(file);
    CHECK_FALSE(said.contains("a secret"));
    CHECK(said.contains("PATH="));
    // 0, 1, 2, and the folder that ls reads.
    CHECK(said.contains("\n4\n"));
    CHECK(said.contains("$(exit 7); `false`\n"));
}

TEST_CASE("program: one that does not end in time is killed, with its children") {
    const testing::TemporaryFolder folder;
    const auto file = (folder.path / "pid").string();
    const auto late = run({"sh", "-c", "sleep 600 & echo $! > \"$0\"; wait", file}, "", 500ms);
    REQUIRE(!late);
    CHECK(late.error().code == Errc::timed_out);
    const auto pid = std::stoi(content(file));
    // Dead, or a zombie that nobody has waited for yet.
    const auto gone = [&] {
        const auto state = content("/proc/" + std::to_string(pid) + "/stat");
        return state.empty() || state.contains(") Z ");
    };
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (!gone() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    CHECK(gone());
}
