// SPDX-License-Identifier: Apache-2.0
// Key files on disk.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "farthing/io/config.hpp"
#include "farthing/wallet/keystore.hpp"

namespace farthing::wallet {
namespace {

std::unexpected<Error> io_error(const std::filesystem::path& path, int error) {
    // The name is wrong, and will be the next time.
    const bool misnamed = error == ENOENT || error == ENOTDIR || error == EACCES || error == EISDIR;
    return fail(misnamed ? Errc::invalid_argument : Errc::io_failed,
                fmt::format("{}: {}", path.string(), std::strerror(error)));
}

/// Writes and syncs everything; the descriptor is closed in every case.
int write_and_close(int descriptor, std::string_view text) {
    int error = 0;
    while (!text.empty() && error == 0) {
        const auto written = ::write(descriptor, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            error = errno;
        }
    }
    if (error == 0 && ::fsync(descriptor) != 0) error = errno;
    if (::close(descriptor) != 0 && error == 0) error = errno;
    return error;
}

/// Makes the new name itself survive a crash.
void sync_folder(const std::filesystem::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
}

}  // namespace

Result<PrivateKey> load_key(const std::filesystem::path& path,
                            const Secret<std::string>& password) {
    FARTHING_TRY(const auto text, read_file(path, kKeystoreBytesMax));
    auto key = decrypt_key(text, password);
    if (!key) {
        return fail(key.error().code, fmt::format("{}: {}", path.string(), key.error().detail));
    }
    return key;
}

Result<> save_keystore(const std::filesystem::path& path, std::string_view text) {
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    std::string name = (folder / ".farthing-keystore-XXXXXX").string();
    const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);  // made with mode 0600
    if (descriptor < 0) return io_error(folder, errno);
    if (const int error = write_and_close(descriptor, text); error != 0) {
        ::unlink(name.c_str());
        return io_error(path, error);
    }
    // link, unlike rename, fails when the name is taken: checking first would leave a gap.
    const int error = ::link(name.c_str(), path.c_str()) == 0 ? 0 : errno;
    ::unlink(name.c_str());
    if (error == EEXIST) {
        return fail(
            Errc::invalid_argument,
            fmt::format("{}: exists already, and key files are never overwritten", path.string()));
    }
    if (error != 0) return io_error(path, error);
    sync_folder(folder);
    return {};
}

}  // namespace farthing::wallet
