// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/http.hpp"

#include <algorithm>

namespace farthing::net {
namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

struct Reason {
    int status;
    std::string_view phrase;
};

/// RFC 9110 section 15, RFC 6585.
constexpr Reason kReasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {511, "Network Authentication Required"},
};

}  // namespace

bool equal_no_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [](char x, char y) { return lower(x) == lower(y); });
}

void Headers::set(std::string_view name, std::string value) {
    const auto same = [&](const Entry& entry) { return equal_no_case(entry.first, name); };
    const auto first = std::find_if(entries_.begin(), entries_.end(), same);
    if (first == entries_.end()) {
        entries_.emplace_back(name, std::move(value));
        return;
    }
    first->second = std::move(value);
    entries_.erase(std::remove_if(first + 1, entries_.end(), same), entries_.end());
}

void Headers::remove(std::string_view name) {
    std::erase_if(entries_, [&](const Entry& entry) { return equal_no_case(entry.first, name); });
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
    for (const auto& [key, value] : entries_) {
        if (equal_no_case(key, name)) return value;
    }
    return std::nullopt;
}

std::vector<std::string_view> Headers::all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const auto& [key, value] : entries_) {
        if (equal_no_case(key, name)) values.emplace_back(value);
    }
    return values;
}

std::string Headers::joined(std::string_view name) const {
    std::string text;
    bool first = true;
    for (const auto& [key, value] : entries_) {
        if (!equal_no_case(key, name)) continue;
        if (!first) text.append(", ");
        text.append(value);
        first = false;
    }
    return text;
}

std::string_view reason_phrase(int status) {
    const auto* found =
        std::lower_bound(std::begin(kReasons), std::end(kReasons), status,
                         [](const Reason& reason, int wanted) { return reason.status < wanted; });
    if (found != std::end(kReasons) && found->status == status) return found->phrase;
    return "Unknown";
}

}  // namespace farthing::net
