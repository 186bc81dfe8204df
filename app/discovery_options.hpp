// SPDX-License-Identifier: Apache-2.0
// Which facilitators a command searches.
#pragma once

#include <CLI/CLI.hpp>

#include "farthing/net/http.hpp"

namespace farthing::app {

/// The option `--facilitator`, which may be repeated.
CLI::Option* add_facilitator_option(CLI::App& command, std::vector<std::string>& facilitators);
/// Errors: invalid_argument.
[[nodiscard]] Result<std::vector<net::Url>> facilitator_urls(const std::vector<std::string>& texts);

}  // namespace farthing::app
