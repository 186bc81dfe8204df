// SPDX-License-Identifier: Apache-2.0
// Server-sent events: the data of each, from pieces of a stream. Pure. Source: WHATWG HTML, section
// 9.2 "Server-sent events".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "farthing/base/result.hpp"

namespace farthing::mcp {

class EventReader {
  public:
    explicit EventReader(std::size_t event_bytes_max) : event_bytes_max_(event_bytes_max) {}
    /// The data of the events that this piece completes; events without data are none. Errors:
    /// too_large.
    [[nodiscard]] Result<std::vector<std::string>> feed(std::string_view piece);

  private:
    void take_line(std::string_view line, std::vector<std::string>& out);

    std::size_t event_bytes_max_;
    std::string line_;
    std::string data_;
    bool has_data_ = false;
    bool after_cr_ = false;
};

}  // namespace farthing::mcp
