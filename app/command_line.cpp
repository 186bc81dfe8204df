// SPDX-License-Identifier: Apache-2.0
#include "app/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace farthing::app {
namespace {

bool is_option(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

/// Letters to insert, remove or replace, two that are swapped counting as one.
std::size_t distance(const std::string& a, const std::string& b) {
    std::vector<std::vector<std::size_t>> rows(a.size() + 1,
                                               std::vector<std::size_t>(b.size() + 1));
    std::iota(rows[0].begin(), rows[0].end(), 0);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        rows[i][0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t differs = a[i - 1] == b[j - 1] ? 0 : 1;
            auto& here = rows[i][j];
            here = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + differs});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                here = std::min(here, rows[i - 2][j - 2] + 1);
            }
        }
    }
    return rows[a.size()][b.size()];
}

/// The one it was probably meant to be, or nothing.
std::string nearest(const std::string& word, const std::vector<std::string>& names) {
    constexpr std::size_t word_bytes_max = 64;
    if (word.size() > word_bytes_max) return {};
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const auto& name : names) {
        // Cut short is as good as one letter wrong.
        const auto far = name.starts_with(word) ? 1 : distance(word, name);
        if (far >= best_distance) continue;
        best = name;
        best_distance = far;
    }
    return best;
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* option : app.get_options()) {
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    const auto all = [](const CLI::App*) { return true; };
    for (const auto* command : app.get_subcommands(all)) names.push_back(command->get_name());
    return names;
}

}  // namespace

std::string describe(const CLI::App& app, const CLI::ParseError& error) {
    const bool tells_words = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr ||
                             dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
    const auto rest = app.remaining(true);
    if (!tells_words || rest.empty()) return error.what();
    const auto* command = &app;
    while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
    const auto commands = command_names(*command);
    const auto option = std::ranges::find_if(rest, is_option);
    auto word = commands.empty() && option != rest.end() ? *option : rest.front();
    // What stands after it may be a secret.
    if (is_option(word)) word = word.substr(0, word.find('='));
    const auto near = nearest(word, is_option(word) ? option_names(*command) : commands);
    const auto* const what = is_option(word)    ? "no such option"
                             : commands.empty() ? "not expected"
                                                : "no such command";
    const auto hint = near.empty() ? "" : fmt::format("; did you mean {}?", near);
    // The program's own name is whatever it was called by.
    const auto who = command == &app ? "farthing" : command->get_name();
    return fmt::format("{}: {}: {}{}", who, word, what, hint);
}

}  // namespace farthing::app
