// SPDX-License-Identifier: Apache-2.0
#include "app/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "farthing/base/nearest.hpp"

namespace farthing::app {
namespace {

bool is_option(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

/// The one it was probably meant to be, or nothing.
std::string meant_by(const std::string& word, const std::vector<std::string>& names) {
    // Cut short is as good as one letter wrong.
    const auto cut = [&](const auto& name) { return name.starts_with(word); };
    if (const auto found = std::ranges::find_if(names, cut); found != names.end()) return *found;
    const std::vector<std::string_view> known(names.begin(), names.end());
    return std::string(nearest(word, known).value_or(""));
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

/// Words that may be none.
bool is_text(const CLI::Option& option) {
    constexpr std::array<std::string_view, 6> kTexts{"--data",   "--data-binary", "--note",
                                                     "--reason", "--task",        "--tool"};
    const auto& names = option.get_lnames();
    return std::ranges::any_of(names, [&](const std::string& name) {
        return std::ranges::find(kTexts, "--" + name) != kTexts.end();
    });
}

std::string why_empty(const std::string& value) {
    return value.empty() ? "must not be empty" : std::string();
}

}  // namespace

void refuse_empty_values(CLI::App& app) {
    const std::function<std::string(const std::string&)> check = why_empty;
    for (auto* option : app.get_options()) {
        if (option->get_items_expected_max() > 0 && !is_text(*option)) option->check(check);
    }
    const auto all = [](const CLI::App*) { return true; };
    for (auto* command : app.get_subcommands(all)) refuse_empty_values(*command);
}

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
    const auto near = meant_by(word, is_option(word) ? option_names(*command) : commands);
    const auto* const what = is_option(word)    ? "no such option"
                             : commands.empty() ? "not expected"
                                                : "no such command";
    const auto hint = near.empty() ? "" : fmt::format("; did you mean {}?", near);
    // The program's own name is whatever it was called by.
    const auto who = command == &app ? "farthing" : command->get_name();
    return fmt::format("{}: {}: {}{}", who, word, what, hint);
}

}  // namespace farthing::app
