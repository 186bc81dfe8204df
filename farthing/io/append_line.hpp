// SPDX-License-Identifier: Apache-2.0
// Lines at the end of a file.
#pragma once

#include <string>

#include "farthing/base/result.hpp"

namespace farthing {

/// Adds `line` and its end to `file`, made (0600) when it is not there; `-` is stderr. Opened anew
/// each time: log files are turned over. Errors: io_failed.
[[nodiscard]] Result<> append_line(const std::string& file, std::string line);

}  // namespace farthing
