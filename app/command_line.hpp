// SPDX-License-Identifier: Apache-2.0
// What is wrong with a command line, in the order that helps: a word nobody knows comes before what
// is missing because of it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace farthing::app {

/// The sentence for a command line that `app` could not parse.
[[nodiscard]] std::string describe(const CLI::App& app, const CLI::ParseError& error);

}  // namespace farthing::app
