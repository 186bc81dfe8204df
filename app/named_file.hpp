// SPDX-License-Identifier: Apache-2.0
// Files that the caller names: one that is not there is a bad argument, not a failure to try again.
#pragma once

#include <string>

namespace farthing::app {

/// `PATH: No such file or directory`, or whatever else keeps us from reading it as a file; empty
/// when nothing does. Opens nothing, for a pipe gives what it has only once. For
/// CLI::Option::check.
[[nodiscard]] std::string why_unreadable(const std::string& path);

/// The same for a file that will be made: its folder has to be there.
[[nodiscard]] std::string why_not_creatable(const std::string& path);

}  // namespace farthing::app
