// SPDX-License-Identifier: Apache-2.0
#include "farthing/store/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace farthing::store {

FileLock::~FileLock() {
    if (file_ >= 0) ::close(file_);
}

Result<> FileLock::take(const std::string& path) {
    if (file_ >= 0) return {};
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return fail(Errc::io_failed, fmt::format("{}: {}", path, std::strerror(errno)));
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
        ::close(file);
        return fail(Errc::io_failed, path + ": another process serves from this store");
    }
    file_ = file;
    return {};
}

}  // namespace farthing::store
