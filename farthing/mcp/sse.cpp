// SPDX-License-Identifier: Apache-2.0
#include "farthing/mcp/sse.hpp"

namespace farthing::mcp {

Result<std::vector<std::string>> EventReader::feed(std::string_view piece) {
    std::vector<std::string> out;
    for (const char c : piece) {
        // A line ends with CR, LF or both.
        if (std::exchange(after_cr_, c == '\r') && c == '\n') continue;
        if (c == '\r' || c == '\n') {
            take_line(line_, out);
            line_.clear();
            continue;
        }
        line_ += c;
        if (line_.size() + data_.size() > event_bytes_max_) {
            return fail(Errc::too_large, "an event of the server is too long");
        }
    }
    return out;
}

void EventReader::take_line(std::string_view line, std::vector<std::string>& out) {
    constexpr std::string_view name = "data";
    if (line.empty()) {
        if (has_data_) out.push_back(std::move(data_));
        data_.clear();
        has_data_ = false;
        return;
    }
    if (!line.starts_with(name)) return;
    line.remove_prefix(name.size());
    if (!line.empty() && line.front() != ':') return;
    if (!line.empty()) line.remove_prefix(1);
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (has_data_) data_ += '\n';
    data_ += line;
    has_data_ = true;
}

}  // namespace farthing::mcp
