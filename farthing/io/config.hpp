// SPDX-License-Identifier: Apache-2.0
// Configuration: a TOML file becomes a JSON value and then the service's Config struct, by the same
// codec as messages.
#pragma once

#include <filesystem>

#include "farthing/base/secret.hpp"
#include "farthing/json/codec.hpp"

namespace farthing {

/// Syntax errors carry line and column. Errors: invalid_config.
[[nodiscard]] Result<json::Value> parse_toml(std::string_view text, std::string_view file_name);
/// At most `bytes_max` bytes. Errors: io_failed, too_large.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path,
                                            std::size_t bytes_max);

/// Where a secret is: `{ env = "NAME" }` or `{ file = "path" }`, exactly one. The secret itself
/// never stands in a config file.
struct SecretSource {
    std::optional<std::string> env;
    std::optional<std::string> file;
    static constexpr auto fields() {
        return std::tuple{field("env", &SecretSource::env), field("file", &SecretSource::file)};
    }
    /// That exactly one is given, and that the file is there and may be read; a variable is looked
    /// at only by load(). Errors: invalid_config.
    [[nodiscard]] Result<> validate() const;
    /// Reads it; trailing white space is dropped. Errors: invalid_config when unset, empty or
    /// unreadable.
    [[nodiscard]] Result<Secret<std::string>> load() const;
};

/// An error about the TOML file `text`, whose detail begins with the path of a setting
/// (`.route[0].price: …`, the first dot may be absent): the same as invalid_config behind
/// `name:line:column: ` of that setting, or of the table it is missing from.
[[nodiscard]] Error at_its_place(std::string_view text, std::string_view file_name,
                                 const Error& error);

/// TOML text as T: unknown keys refused, defaults from the struct, `T::validate()` called when
/// there is one. Errors: invalid_config, with the file's name, line and column.
template <class T>
[[nodiscard]] Result<T> config_from_toml(std::string_view text, std::string_view file_name) {
    FARTHING_TRY(const auto value, parse_toml(text, file_name));
    auto config = json::decode<T>(value, json::Path(json::Unknown::refuse));
    if (!config) return fail(at_its_place(text, file_name, config.error()));
    if constexpr (requires { config->validate(); }) {
        const auto valid = config->validate();
        if (!valid) return fail(at_its_place(text, file_name, valid.error()));
    }
    return config;
}

/// The same from a file.
template <class T>
[[nodiscard]] Result<T> load_config(const std::filesystem::path& path) {
    FARTHING_TRY(const auto text, read_file(path, 4 << 20));
    return config_from_toml<T>(text, path.string());
}

}  // namespace farthing
