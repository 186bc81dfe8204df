// SPDX-License-Identifier: Apache-2.0
#include "farthing/io/config.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

namespace farthing {
namespace {

/// A table of a table of a table …: toml++ and our own walk recurse, so dotted keys are bounded
/// before it sees them.
constexpr std::ptrdiff_t kDotsPerLineMax = 200;

std::string place(std::string_view file_name, const toml::source_position& at) {
    return fmt::format("{}:{}:{}", file_name, at.line, at.column);
}

Result<> check_dots(std::string_view text, std::string_view file_name) {
    std::size_t line = 1;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto dots = std::count(text.begin(), text.begin() + static_cast<long>(end), '.');
        if (dots > kDotsPerLineMax) {
            return fail(Errc::invalid_config, fmt::format("{}:{}:1: more than {} dots in one line",
                                                          file_name, line, kDotsPerLineMax));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
        ++line;
    }
    return {};
}

Result<json::Value> convert(const toml::node& node, std::string_view file_name,
                            std::string_view key);

Result<json::Value> convert_table(const toml::table& table, std::string_view file_name) {
    json::Object out;
    out.reserve(table.size());
    for (const auto& [key, each] : table) {
        FARTHING_TRY(auto value, convert(each, file_name, key.str()));
        out.emplace(key.str(), std::move(value));
    }
    return json::Value(std::move(out));
}

Result<json::Value> convert_array(const toml::array& array, std::string_view file_name,
                                  std::string_view key) {
    json::Array out;
    out.reserve(array.size());
    for (const auto& each : array) {
        FARTHING_TRY(auto value, convert(each, file_name, key));
        out.push_back(std::move(value));
    }
    return json::Value(std::move(out));
}

Result<json::Value> convert(const toml::node& node, std::string_view file_name,
                            std::string_view key) {
    if (const auto* table = node.as_table()) return convert_table(*table, file_name);
    if (const auto* array = node.as_array()) return convert_array(*array, file_name, key);
    if (const auto* text = node.as_string()) return json::Value(text->get());
    if (const auto* number = node.as_integer()) return json::Value(number->get());
    if (const auto* on = node.as_boolean()) return json::Value(on->get());
    const auto* what = node.is_floating_point()
                           ? "a fraction is not a setting; amounts are written as text: \"$0.01\""
                           : "a date or time is not a setting";
    return fail(Errc::invalid_config,
                fmt::format("{}: {}: {}", place(file_name, node.source().begin), key, what));
}

std::string_view trim_end(std::string_view text) {
    const auto last = text.find_last_not_of(" \t\r\n\v\f");
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

/// A setting on the way to the one that an error is about.
struct Step {
    const toml::node* node;
    toml::source_position at;
    std::size_t length;  ///< of its name in the path
};

/// The member of `table` at the beginning of `path`: the longest, as a key may hold dots.
std::optional<Step> find_member(const toml::table& table, std::string_view path) {
    constexpr std::string_view kAfterKey = ".[:";
    std::optional<Step> found;
    for (const auto& [key, node] : table) {
        const auto name = key.str().substr(0, json::Path::kKeyShownMax);
        if (!path.starts_with(name)) continue;
        const bool whole = path.size() == name.size() || kAfterKey.contains(path[name.size()]);
        if (!whole || (found && found->length >= name.size())) continue;
        found = Step{&node, key.source().begin, name.size()};
    }
    return found;
}

/// The element of `array` that `path` begins with: `[7]`.
std::optional<Step> find_element(const toml::array& array, std::string_view path) {
    const auto end = path.find(']');
    if (!path.starts_with('[') || end == std::string_view::npos) return std::nullopt;
    std::size_t index = 0;
    const auto [stop, error] = std::from_chars(path.data() + 1, path.data() + end, index);
    if (error != std::errc{} || stop != path.data() + end || index >= array.size())
        return std::nullopt;
    return Step{&array[index], array[index].source().begin, end + 1};
}

/// Where the setting is that `path` leads to, or the last on the way that is there.
toml::source_position find_place(const toml::table& file, std::string_view path) {
    toml::source_position at{1, 1};
    const toml::node* node = &file;
    while (true) {
        std::optional<Step> step;
        if (const auto* table = node->as_table()) {
            if (path.starts_with('.')) path.remove_prefix(1);
            step = find_member(*table, path);
        } else if (const auto* array = node->as_array()) {
            step = find_element(*array, path);
        }
        if (!step) return at;
        node = step->node;
        if (step->at.line > 0) at = step->at;
        path.remove_prefix(step->length);
    }
}

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

Result<json::Value> parse_toml(std::string_view text, std::string_view file_name) {
    FARTHING_CHECK(check_dots(text, file_name));
    try {
        const auto table = toml::parse(text, file_name);
        return convert_table(table, file_name);
    } catch (const toml::parse_error& error) {
        return fail(
            Errc::invalid_config,
            fmt::format("{}: {}", place(file_name, error.source().begin), error.description()));
    }
}

Error at_its_place(std::string_view text, std::string_view file_name, const Error& error) {
    // Read a second time rather than kept: only who made a mistake waits for it.
    toml::source_position at{1, 1};
    try {
        at = find_place(toml::parse(text, file_name), error.detail);
    } catch (const toml::parse_error& broken) {
        at = broken.source().begin;
    }
    return {Errc::invalid_config, fmt::format("{}: {}", place(file_name, at), error.detail)};
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max) {
    const auto failed = [&] {
        return fail(Errc::io_failed, fmt::format("{}: {}", path.string(), std::strerror(errno)));
    };
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
    if (!file) return failed();
    std::string text;
    std::size_t used = 0;
    while (used <= bytes_max) {
        text.resize(std::min(bytes_max + 1, std::max<std::size_t>(4096, used * 2)));
        const auto got = std::fread(text.data() + used, 1, text.size() - used, file.get());
        used += got;
        if (got == 0 && std::ferror(file.get()) != 0) return failed();
        if (got == 0) break;
    }
    if (used > bytes_max) {
        return fail(Errc::too_large,
                    fmt::format("{}: more than {} bytes", path.string(), bytes_max));
    }
    text.resize(used);
    return text;
}

Result<> SecretSource::validate() const {
    if (env.has_value() == file.has_value()) {
        return fail(Errc::invalid_config,
                    "a secret is { env = \"NAME\" } or { file = \"path\" }, exactly one of them");
    }
    if (!file) return {};
    // Not opened: it may be a pipe that is read once.
    std::error_code ignored;
    const bool is_directory = std::filesystem::is_directory(*file, ignored);
    if (!is_directory && ::access(file->c_str(), R_OK) == 0) return {};
    const int why = is_directory ? EISDIR : errno;
    return fail(Errc::invalid_config, fmt::format("{}: {}", *file, std::strerror(why)));
}

Result<Secret<std::string>> SecretSource::load() const {
    FARTHING_CHECK(validate());
    if (env) {
        const char* value = std::getenv(env->c_str());
        if (value == nullptr) {
            return fail(Errc::invalid_config,
                        fmt::format("environment variable {} is not set", *env));
        }
        const auto text = trim_end(value);
        if (text.empty()) {
            return fail(Errc::invalid_config,
                        fmt::format("environment variable {} is empty", *env));
        }
        return Secret<std::string>(std::string(text));
    }
    auto text = read_file(*file, 64 << 10);
    if (!text) return fail(Errc::invalid_config, text.error().detail);
    const Secret<std::string> whole(*std::move(text));
    const auto trimmed = trim_end(whole.reveal());
    if (trimmed.empty()) return fail(Errc::invalid_config, fmt::format("{}: empty", *file));
    return Secret<std::string>(std::string(trimmed));
}

}  // namespace farthing
