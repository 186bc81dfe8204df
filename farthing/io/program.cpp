// SPDX-License-Identifier: Apache-2.0
#include "farthing/io/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <cstring>

#include "farthing/io/task_group.hpp"

namespace farthing {
namespace {

using Pipe = asio::basic_stream_socket<asio::local::stream_protocol, Executor>;
using Watched = asio::posix::basic_stream_descriptor<Executor>;

std::unexpected<Error> failed(std::string_view what, int why) {
    return fail(Errc::io_failed, std::string(what) + ": " + std::strerror(why));
}

/// What it may know of us: no password, no key.
std::vector<std::string> plain_environment() {
    std::vector<std::string> out;
    for (const char* name : {"PATH", "HOME", "LANG", "TZ"}) {
        const char* const value = std::getenv(name);
        if (value != nullptr) out.push_back(std::string(name) + "=" + value);
    }
    return out;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> out;
    for (const auto& each : words) out.push_back(const_cast<char*>(each.c_str()));
    out.push_back(nullptr);
    return out;
}

/// A child in a process group of its own, killed and waited for when this ends.
class Child {
  public:
    explicit Child(pid_t pid) : pid_(pid) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (pid_ <= 0) return;
        ::kill(-pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    /// Once it has ended.
    int exit_code() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        ::kill(-pid_, SIGKILL);  // what it left behind
        pid_ = -1;
        constexpr int signalled = 128;
        return WIFEXITED(status) ? WEXITSTATUS(status) : signalled + WTERMSIG(status);
    }
    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    pid_t pid_;
};

Result<pid_t> spawn(const std::vector<std::string>& words, int input) {
    const auto environment = plain_environment();
    auto arguments = pointers(words);
    auto variables = pointers(environment);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&how);
    ::posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&how, &none);
    ::posix_spawnattr_setpgroup(&how, 0);
    ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    pid_t pid = -1;
    const int why =
        ::posix_spawnp(&pid, arguments[0], &files, &how, arguments.data(), variables.data());
    ::posix_spawnattr_destroy(&how);
    ::posix_spawn_file_actions_destroy(&files);
    if (why != 0) return failed(words.front(), why);
    return pid;
}

Task<Result<int>> until_ended(Loop& loop, std::vector<std::string> words, std::string input) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        co_return failed("socketpair", errno);
    Pipe pipe(loop, asio::local::stream_protocol(), ends[0]);
    const auto started = spawn(words, ends[1]);
    ::close(ends[1]);
    if (!started) co_return fail(started.error());
    Child child(*started);
    const int ended = static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0));
    if (ended < 0) co_return failed("pidfd_open", errno);
    Watched watched(loop, ended);
    // A program that does not read all of it is no error.
    boost::system::error_code ignored;
    co_await asio::async_write(pipe, asio::buffer(input), asio::redirect_error(use_task, ignored));
    pipe.close(ignored);
    co_await watched.async_wait(Watched::wait_read, use_task);
    co_return child.exit_code();
}

}  // namespace

Task<Result<int>> run_program(Loop& loop, std::vector<std::string> words, std::string input,
                              std::chrono::milliseconds limit) {
    auto task = until_ended(loop, std::move(words), std::move(input));
    co_return co_await with_deadline(std::move(task), limit);
}

}  // namespace farthing
