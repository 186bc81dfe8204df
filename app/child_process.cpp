// SPDX-License-Identifier: Apache-2.0
#include "app/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace farthing::app {
namespace {

constexpr int kStopMilliseconds = 5000;
constexpr int kCannotExec = 127;

/// Only what is allowed between fork and exec.
[[noreturn]] void become(const std::vector<char*>& arguments, int output, int failure_pipe,
                         pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(kCannotExec);  // the parent is gone already
    setpgid(0, 0);  // Ctrl-C reaches us, and we decide about the child
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execvp(arguments[0], arguments.data());
    const int why = errno;
    [[maybe_unused]] const auto written = write(failure_pipe, &why, sizeof why);
    _exit(kCannotExec);
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& command,
                                         const std::string& output_file) {
    std::vector<char*> arguments;
    for (const auto& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    const int output = open(output_file.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    if (output < 0) return fail(Errc::io_failed, output_file + ": " + std::strerror(errno));
    int failure[2];
    if (pipe2(failure, O_CLOEXEC) != 0) {
        close(output);
        return fail(Errc::io_failed, std::string("pipe: ") + std::strerror(errno));
    }
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) become(arguments, output, failure[1], parent);
    const int fork_error = errno;
    close(output);
    close(failure[1]);
    int exec_error = 0;
    const auto got = pid < 0 ? 0 : read(failure[0], &exec_error, sizeof exec_error);
    close(failure[0]);
    if (pid < 0) return fail(Errc::io_failed, std::string("fork: ") + std::strerror(fork_error));
    if (got == sizeof exec_error) {
        waitpid(pid, nullptr, 0);
        return fail(Errc::io_failed, command.front() + ": " + std::strerror(exec_error));
    }
    return ChildProcess(pid);
}

bool ChildProcess::running() {
    if (pid_ <= 0) return false;
    if (waitpid(pid_, nullptr, WNOHANG) != pid_) return true;
    pid_ = -1;
    return false;
}

void ChildProcess::stop() {
    if (!running()) return;
    kill(pid_, SIGTERM);
    // A pid file descriptor becomes readable when the process ends: no polling of our own.
    const int ended = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    pollfd wait{.fd = ended, .events = POLLIN, .revents = 0};
    if (ended < 0 || poll(&wait, 1, kStopMilliseconds) <= 0) kill(pid_, SIGKILL);
    if (ended >= 0) close(ended);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

}  // namespace farthing::app
