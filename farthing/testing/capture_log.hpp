// SPDX-License-Identifier: Apache-2.0
// CaptureLog: what was logged, to be looked at by a test.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "farthing/io/log.hpp"

namespace farthing::testing {

class CaptureLog final : public Log {
  public:
    struct Line {
        Level level;
        std::string event;
        json::Object fields;
    };

    void write(Level level, std::string_view event,
               std::initializer_list<LogField> fields) override {
        Line line{level, std::string(event), {}};
        for (const auto& each : fields) line.fields.emplace(each.name, each.value);
        lines_.push_back(std::move(line));
    }
    [[nodiscard]] bool enabled(Level) const override { return true; }

    [[nodiscard]] const std::vector<Line>& lines() const { return lines_; }
    [[nodiscard]] std::size_t count(std::string_view event) const {
        return static_cast<std::size_t>(std::ranges::count(lines_, event, &Line::event));
    }

  private:
    std::vector<Line> lines_;
};

}  // namespace farthing::testing
