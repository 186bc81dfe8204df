// SPDX-License-Identifier: Apache-2.0
#include "farthing/io/log.hpp"

#include <fmt/chrono.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>

namespace farthing {
namespace {

std::string_view name_of(Level level) {
    switch (level) {
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warn:
            return "warn";
        case Level::error:
            break;
    }
    return "error";
}

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
        case Level::debug:
            return spdlog::level::debug;
        case Level::info:
            return spdlog::level::info;
        case Level::warn:
            return spdlog::level::warn;
        case Level::error:
            break;
    }
    return spdlog::level::err;
}

/// RFC 3339 with milliseconds, UTC.
std::string timestamp() {
    const auto now = std::chrono::system_clock::now();
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(now - second);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(second)), rest.count());
}

class StderrLog final : public Log {
  public:
    explicit StderrLog(Level least)
        : logger_("farthing", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
        logger_.set_level(to_spdlog(least));
        logger_.set_pattern("%v");
    }

    void write(Level level, std::string_view event,
               std::initializer_list<LogField> fields) override {
        json::Object line;
        line.reserve(fields.size() + 3);
        line.emplace("time", timestamp());
        line.emplace("level", name_of(level));
        line.emplace("event", event);
        for (const auto& [name, value] : fields) line.emplace(name, value);
        logger_.log(to_spdlog(level), spdlog::string_view_t(json::to_text(line)));
    }

    [[nodiscard]] bool enabled(Level level) const override {
        return logger_.should_log(to_spdlog(level));
    }

  private:
    spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<Log> make_stderr_log(Level least) { return std::make_unique<StderrLog>(least); }

}  // namespace farthing
