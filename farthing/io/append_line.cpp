// SPDX-License-Identifier: Apache-2.0
#include "farthing/io/append_line.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace farthing {

Result<> append_line(const std::string& file, std::string line) {
    line.push_back('\n');
    constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
    const bool to_stderr = file == "-";
    const int open_file = to_stderr ? STDERR_FILENO : ::open(file.c_str(), flags, 0600);
    if (open_file < 0) return fail(Errc::io_failed, file + ": " + std::strerror(errno));
    const auto written = ::write(open_file, line.data(), line.size());
    const int why = written < 0 ? errno : ENOSPC;
    if (!to_stderr) ::close(open_file);
    if (written == static_cast<ssize_t>(line.size())) return {};
    return fail(Errc::io_failed, file + ": " + std::strerror(why));
}

}  // namespace farthing
