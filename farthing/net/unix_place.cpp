// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/unix_place.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace farthing::net {
namespace {

constexpr int kOwnerOnly = 0600;

std::unexpected<Error> failed(const std::string& path, std::string_view what) {
    return fail(Errc::io_failed, fmt::format("{}: {}", path, what));
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un out{};
    out.sun_family = AF_UNIX;
    std::memcpy(out.sun_path, path.data(), path.size());
    return out;
}

int new_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

/// Whether a process that does not know our lock accepts there.
bool somebody_listens(const std::string& path) {
    const int probe = new_socket();
    if (probe < 0) return true;
    const auto address = address_of(path);
    const bool refused =
        ::connect(probe, generic(address), sizeof address) != 0 && errno == ECONNREFUSED;
    ::close(probe);
    return !refused;
}

}  // namespace

UnixPlace::UnixPlace(UnixPlace&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      lock_(std::exchange(other.lock_, -1)),
      bound_(std::exchange(other.bound_, false)) {}

UnixPlace::~UnixPlace() {
    // The lock's file stays: whoever removed it could let two processes lock two files.
    if (bound_) ::unlink(path_.c_str());
    if (lock_ >= 0) ::close(lock_);
}

Result<UnixPlace> UnixPlace::take(const std::string& path) {
    if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
        return fail(Errc::invalid_argument,
                    fmt::format("{}: the path of a socket has 1 to {} bytes", path,
                                sizeof(sockaddr_un::sun_path) - 1));
    }
    UnixPlace out;
    out.path_ = path;
    const auto lock = path + ".lock";
    out.lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly);
    if (out.lock_ < 0) return failed(lock, std::strerror(errno));
    if (::flock(out.lock_, LOCK_EX | LOCK_NB) != 0) {
        return failed(path, "somebody listens there already");
    }
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0) return out;
    if (!S_ISSOCK(found.st_mode)) {
        return fail(Errc::invalid_argument, path + ": something that is no socket is there");
    }
    if (somebody_listens(path)) return failed(path, "somebody listens there already");
    if (::unlink(path.c_str()) != 0) return failed(path, std::strerror(errno));
    return out;
}

Result<int> UnixPlace::listen() {
    const int descriptor = new_socket();
    if (descriptor < 0) return failed(path_, std::strerror(errno));
    const auto address = address_of(path_);
    // Linux gives the file the descriptor's mode: at no moment may anybody else connect.
    bound_ = ::fchmod(descriptor, kOwnerOnly) == 0 &&
             ::bind(descriptor, generic(address), sizeof address) == 0;
    if (bound_ && ::listen(descriptor, SOMAXCONN) == 0) return descriptor;
    const int error = errno;
    ::close(descriptor);
    return failed(path_, std::strerror(error));
}

}  // namespace farthing::net
