// SPDX-License-Identifier: Apache-2.0
// Log: an event name and typed fields, one JSON line each. Never payload text, keys or headers.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "farthing/json/value.hpp"

namespace farthing {

enum class Level : std::uint8_t { debug, info, warn, error };

/// A named value: text, number or bool.
struct LogField {
    std::string_view name;
    json::Value value;

    LogField(std::string_view field, const char* text) : name(field), value(text) {}
    LogField(std::string_view field, std::string_view text) : name(field), value(text) {}
    LogField(std::string_view field, const std::string& text)
        : LogField(field, std::string_view(text)) {}
    template <class T>
        requires std::is_arithmetic_v<T>
    LogField(std::string_view field, T number) : name(field), value(number) {}
    LogField(std::string_view field, json::Value any) : name(field), value(std::move(any)) {}
};

class Log {
  public:
    virtual ~Log() = default;
    virtual void write(Level level, std::string_view event,
                       std::initializer_list<LogField> fields) = 0;
    [[nodiscard]] virtual bool enabled(Level level) const = 0;

    void debug(std::string_view event, std::initializer_list<LogField> fields = {}) {
        if (enabled(Level::debug)) write(Level::debug, event, fields);
    }
    void info(std::string_view event, std::initializer_list<LogField> fields = {}) {
        if (enabled(Level::info)) write(Level::info, event, fields);
    }
    void warn(std::string_view event, std::initializer_list<LogField> fields = {}) {
        if (enabled(Level::warn)) write(Level::warn, event, fields);
    }
    void error(std::string_view event, std::initializer_list<LogField> fields = {}) {
        if (enabled(Level::error)) write(Level::error, event, fields);
    }
};

/// JSON lines on stderr: {"time":…,"level":…,"event":…,fields…}. Thread-safe.
[[nodiscard]] std::unique_ptr<Log> make_stderr_log(Level least);

}  // namespace farthing
