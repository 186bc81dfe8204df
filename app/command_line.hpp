// SPDX-License-Identifier: Apache-2.0
// What is wrong with a command line, in the order that helps: a word nobody knows comes before what
// is missing because of it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace farthing::app {

/// The sentence for a command line that `app` could not parse.
[[nodiscard]] std::string describe(const CLI::App& app, const CLI::ParseError& error);

/// From now on an option of any command that is given with nothing (a shell's variable that is not
/// set) is a bad argument, and never taken for one that is absent: `--wallet ''` pays by no pact.
void refuse_empty_values(CLI::App& app);

}  // namespace farthing::app
