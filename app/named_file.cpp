// SPDX-License-Identifier: Apache-2.0
#include "app/named_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace farthing::app {
namespace {

std::string said(const std::string& path, int error) { return path + ": " + std::strerror(error); }

}  // namespace

std::string why_unreadable(const std::string& path) {
    if (path.empty()) return "must not be empty";
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return said(path, errno);
    if (S_ISDIR(status.st_mode)) return said(path, EISDIR);
    if (::access(path.c_str(), R_OK) != 0) return said(path, errno);
    return {};
}

std::string why_not_creatable(const std::string& path) {
    struct stat status{};
    const auto folder = std::filesystem::path(path).parent_path();
    if (folder.empty()) return {};
    if (::stat(folder.c_str(), &status) != 0) return said(folder, errno);
    if (!S_ISDIR(status.st_mode)) return said(folder, ENOTDIR);
    if (::access(folder.c_str(), W_OK | X_OK) != 0) return said(folder, errno);
    return {};
}

}  // namespace farthing::app
