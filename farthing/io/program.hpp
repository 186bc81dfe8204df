// SPDX-License-Identifier: Apache-2.0
// Another program, given something to read and a time to end in. No shell; of our environment it
// has PATH, HOME, LANG and TZ, and of our files none.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "farthing/base/result.hpp"
#include "farthing/io/task.hpp"

namespace farthing {

/// Runs `words` (a path, or a name in PATH, and its arguments) with `input` on its stdin until it
/// ends; answers its exit code, 128 and more for a signal. What it writes is dropped. After
/// `limit`, or when the task is cancelled, it is killed. Errors: io_failed (cannot be started),
/// timed_out.
Task<Result<int>> run_program(Loop& loop, std::vector<std::string> words, std::string input,
                              std::chrono::milliseconds limit);

}  // namespace farthing
