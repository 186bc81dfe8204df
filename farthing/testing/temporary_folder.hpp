// SPDX-License-Identifier: Apache-2.0
// A folder of a test's own.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

#include "farthing/base/result.hpp"

namespace farthing::testing {

/// Removed at the end, with all that is in it.
struct TemporaryFolder {
    TemporaryFolder() {
        auto name = (std::filesystem::temp_directory_path() / "farthing-XXXXXX").string();
        invariant(::mkdtemp(name.data()) != nullptr, "a temporary folder");
        path = name;
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::filesystem::path path;
};

}  // namespace farthing::testing
