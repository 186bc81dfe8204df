// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/place.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "farthing/base/ascii.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/crypto/keccak.hpp"

namespace farthing::policy {
namespace {

constexpr std::size_t kUrlBytesMax = 8 << 10;
constexpr std::size_t kPatternBytesMax = 512;
constexpr std::size_t kHostBytesMax = 253;
constexpr std::size_t kLabelBytesMax = 63;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_unreserved(char c) { return is_alnum(c) || std::string_view("-._~").contains(c); }

std::unexpected<Error> bad(std::string_view what) {
    return fail(Errc::invalid_argument, fmt::format("URL: {}", what));
}

int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// A port from 1 to 65535 without leading zeros.
std::optional<unsigned> read_port(std::string_view text) {
    if (text.empty() || text.size() > 5 || text.front() == '0') return std::nullopt;
    unsigned port = 0;
    for (const char c : text) {
        if (!is_digit(c)) return std::nullopt;
        port = port * 10 + static_cast<unsigned>(c - '0');
    }
    return port <= 65535 ? std::optional(port) : std::nullopt;
}

/// Letters, digits, `-` and `_` in labels; one dot at the end is not a second spelling.
bool is_name(std::string_view host) {
    if (host.empty() || host.size() > kHostBytesMax) return false;
    while (true) {
        const auto end = std::min(host.find('.'), host.size());
        const auto label = host.substr(0, end);
        if (label.empty() || label.size() > kLabelBytesMax || label.front() == '-' ||
            label.back() == '-')
            return false;
        if (!std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-' || c == '_'; }))
            return false;
        if (end == host.size()) return true;
        host.remove_prefix(end + 1);
    }
}

/// Some resolvers read a host whose last label is a number as an IPv4 address in one of many
/// spellings (`0x7f.1`, `2130706433`): only the usual one is a host here.
bool is_odd_number(std::string_view host) {
    const auto last =
        host.substr(host.rfind('.') == std::string_view::npos ? 0 : host.rfind('.') + 1);
    const bool numeric = std::ranges::all_of(last, is_digit) || last.starts_with("0x");
    if (!numeric) return false;
    std::size_t parts = 0;
    while (true) {
        const auto end = std::min(host.find('.'), host.size());
        const auto part = host.substr(0, end);
        const bool usual =
            !part.empty() && part.size() <= 3 && std::ranges::all_of(part, is_digit) &&
            (part.size() == 1 || part.front() != '0') && std::stoi(std::string(part)) <= 255;
        if (!usual) return true;
        ++parts;
        if (end == host.size()) return parts != 4;
        host.remove_prefix(end + 1);
    }
}

/// `[::1]`: hex digits, colons and dots between brackets.
bool is_bracketed(std::string_view host) {
    if (host.size() < 4 || host.front() != '[' || host.back() != ']') return false;
    return std::ranges::all_of(host.substr(1, host.size() - 2),
                               [](char c) { return hex_digit(c) >= 0 || c == ':' || c == '.'; });
}

/// The colon before the port, or the end.
std::size_t port_colon(std::string_view authority) {
    const auto from = authority.starts_with('[') ? authority.find(']') : 0;
    return std::min(authority.find(':', from == std::string_view::npos ? 0 : from),
                    authority.size());
}

/// One segment in one spelling; notes a second meaning.
Result<std::string> read_segment(std::string_view raw, bool& ambiguous) {
    std::string out;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] != '%') {
            if (raw[i] == ';') ambiguous = true;
            out.push_back(raw[i]);
            continue;
        }
        const int high = i + 2 < raw.size() ? hex_digit(raw[i + 1]) : -1;
        const int low = i + 2 < raw.size() ? hex_digit(raw[i + 2]) : -1;
        if (high < 0 || low < 0) return bad("broken percent-encoding");
        const auto c = static_cast<char>(high * 16 + low);
        i += 2;
        if (is_unreserved(c)) {
            out.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        if (std::string_view("/\\%;?#").contains(c) || byte < 0x20 || byte == 0x7f)
            ambiguous = true;
        out += fmt::format("%{:02X}", byte);
    }
    return out;
}

bool has_tail(std::string_view segment) {
    return segment.ends_with('.') || segment.ends_with("%20");
}

Result<> read_path(std::string_view path, Place& place) {
    while (!path.empty()) {
        path.remove_prefix(1);  // the '/'
        const auto end = std::min(path.find('/'), path.size());
        FARTHING_TRY(auto segment, read_segment(path.substr(0, end), place.ambiguous));
        path.remove_prefix(end);
        if (segment.empty() || segment == ".") continue;
        if (segment == "..") {
            if (place.segments.empty()) return bad("the path leads above the root");
            place.segments.pop_back();
            continue;
        }
        if (has_tail(segment)) place.ambiguous = true;
        place.segments.push_back(std::move(segment));
    }
    return {};
}

Result<> read_authority(std::string_view authority, Place& place) {
    if (authority.contains('@')) return bad("a user name in the URL may hide the host");
    const auto colon = port_colon(authority);
    place.host = to_lower(authority.substr(0, colon));
    if (place.host.ends_with('.')) place.host.pop_back();
    if (!is_bracketed(place.host) && (!is_name(place.host) || is_odd_number(place.host)))
        return bad("expected a host name or an address");
    place.vendor = place.host;
    if (colon == authority.size()) return {};
    const auto port = read_port(authority.substr(colon + 1));
    if (!port) return bad("expected a port from 1 to 65535");
    const unsigned own = place.scheme == "https" ? 443 : 80;
    if (*port != own) place.vendor += fmt::format(":{}", *port);
    return {};
}

Result<> check_bytes(std::string_view url) {
    if (url.size() > kUrlBytesMax) return bad("longer than 8 KiB");
    for (const char c : url) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80)
            return bad("non-ASCII character: write the host as xn--, the path as %XX");
        if (byte <= 0x20 || byte == 0x7f || c == '\\')
            return bad("white space, control character or backslash");
    }
    return {};
}

/// The segments of a pattern's path against those of a place; `**` is any number of them.
bool segments_match(std::span<const std::string> pattern, std::span<const std::string> path) {
    std::size_t p = 0, t = 0;
    std::optional<std::size_t> star;
    std::size_t resume = 0;
    while (t < path.size()) {
        if (p < pattern.size() && pattern[p] == "**") {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && glob_matches(pattern[p], path[t])) {
            ++p;
            ++t;
        } else if (star) {
            p = *star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == "**") ++p;
    return p == pattern.size();
}

}  // namespace

std::string Place::to_text() const {
    auto text = scheme + "://" + vendor;
    if (segments.empty()) text.push_back('/');
    for (const auto& each : segments) text.append("/").append(each);
    return text;
}

bool Place::has_idn() const { return host.starts_with("xn--") || host.contains(".xn--"); }

bool Place::is_loopback() const {
    return host == "localhost" || host.ends_with(".localhost") || host == "[::1]" ||
           (host.starts_with("127.") &&
            std::ranges::all_of(host, [](char c) { return is_digit(c) || c == '.'; }));
}

bool Place::has_domain() const {
    return host.contains('.') && !is_bracketed(host) && !is_digit(host.back());
}

Result<Place> read_place(std::string_view url) {
    FARTHING_CHECK(check_bytes(url));
    url = url.substr(0, url.find('#'));
    const auto separator = url.find("://");
    Place place;
    place.scheme = to_lower(url.substr(0, separator == std::string_view::npos ? 0 : separator));
    if (place.scheme != "http" && place.scheme != "https")
        return bad("expected http:// or https://");
    url.remove_prefix(separator + 3);
    const auto end = std::min(url.find_first_of("/?"), url.size());
    FARTHING_CHECK(read_authority(url.substr(0, end), place));
    url.remove_prefix(end);
    FARTHING_CHECK(read_path(url.substr(0, url.find('?')), place));
    return place;
}

bool HostPattern::matches(std::string_view vendor) const {
    const auto port = std::string_view(text).substr(port_colon(text));
    return (port == ":*" || port == vendor.substr(port_colon(vendor))) && covers(vendor);
}

bool HostPattern::covers(std::string_view vendor) const {
    const std::string_view pattern = text;
    const auto colon = port_colon(pattern);
    const auto vendor_colon = port_colon(vendor);
    const auto port = pattern.substr(colon);
    if (!port.empty() && port != ":*" && port != vendor.substr(vendor_colon)) return false;
    const auto host = vendor.substr(0, vendor_colon);
    const auto wanted = pattern.substr(0, colon);
    if (!wanted.starts_with("*.")) return host == wanted;
    const auto tail = wanted.substr(1);  // with its dot
    return host.size() > tail.size() && host.ends_with(tail);
}

Result<HostPattern> parse_host_pattern(std::string_view text) {
    constexpr std::string_view kExpected =
        "expected a host such as \"api.example.com\" or \"*.example.com\", perhaps with a port "
        "(:8443, or :* for any); an internationalised one as xn--";
    const auto colon = port_colon(text);
    auto host = text.substr(0, colon);
    const auto port = text.substr(colon);
    if (!port.empty() && port != ":*" && !read_port(port.substr(1)))
        return fail(Errc::invalid_field, std::string(kExpected));
    if (host.starts_with("*.")) host.remove_prefix(2);
    // A wildcard over a whole top-level domain approves everybody who buys a name there.
    const bool wild = host.size() != colon;
    if (wild && !host.contains('.'))
        return fail(Errc::invalid_field, "a * needs at least two labels behind it");
    const bool numeric = is_bracketed(host) || (is_name(host) && !is_odd_number(host));
    if (!numeric || (wild && (is_bracketed(host) || is_digit(host.back()))))
        return fail(Errc::invalid_field, std::string(kExpected));
    // https's own port is not part of a vendor's name.
    return HostPattern{to_lower(port == ":443" ? text.substr(0, colon) : text)};
}

bool UrlPattern::matches(const Place& place) const {
    if (scheme != place.scheme || !host.matches(place.vendor)) return false;
    if (segments.size() == 1 && segments.front() == "**") return true;
    return !place.ambiguous && segments_match(segments, place.segments);
}

Result<UrlPattern> parse_url_pattern(std::string_view text) {
    const auto refuse = [](std::string_view what) {
        return fail(
            Errc::invalid_field,
            fmt::format("{}: expected a pattern such as \"https://api.example.com/v1/**\"", what));
    };
    if (text.empty() || text.size() > kPatternBytesMax) return refuse("1 to 512 bytes");
    UrlPattern pattern;
    auto rest = text;
    pattern.scheme = "https";
    if (const auto separator = rest.find("://"); separator != std::string_view::npos) {
        pattern.scheme = to_lower(rest.substr(0, separator));
        rest.remove_prefix(separator + 3);
    }
    if (pattern.scheme != "http" && pattern.scheme != "https") return refuse("not http or https");
    const auto slash = std::min(rest.find('/'), rest.size());
    auto authority = std::string(rest.substr(0, slash));
    const std::string own = pattern.scheme == "https" ? ":443" : ":80";
    if (authority.ends_with(own) && port_colon(authority) + own.size() == authority.size())
        authority.resize(authority.size() - own.size());
    auto host = parse_host_pattern(authority);
    if (!host) return refuse(host.error().detail);
    pattern.host = std::move(*host);
    auto path = rest.substr(slash);
    if (path.find_first_of("?#") != std::string_view::npos) return refuse("a path has no ? or #");
    if (!check_bytes(path)) return refuse("a path is ASCII without spaces and backslashes");
    if (path.empty()) path = "/**";
    Place place;
    const auto read = read_path(path, place);
    if (!read) return refuse(read.error().detail);
    if (place.ambiguous) return refuse("this path can be read in two ways");
    for (const auto& each : place.segments) {
        if (each != "**" && each.contains("**")) return refuse("** is a segment of its own");
    }
    pattern.segments = std::move(place.segments);
    pattern.text = pattern.scheme + "://" + pattern.host.text;
    if (pattern.segments.empty()) pattern.text += "/";
    for (const auto& each : pattern.segments) pattern.text += "/" + each;
    return pattern;
}

bool glob_matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

std::optional<Place> claimed_elsewhere(std::string_view url, const Place& asked) {
    if (url.empty()) return std::nullopt;
    auto claimed = read_place(url);
    if (!claimed || claimed->host == asked.host || !claimed->has_domain()) return std::nullopt;
    return *std::move(claimed);
}

std::string resource_of(std::string_view method, std::string_view tool, const Place& place) {
    constexpr std::size_t longest = 512;
    auto text = fmt::format("{} {}", method, place.to_text());
    if (!tool.empty()) text += fmt::format(" tool:{}", tool);
    return text.size() > longest ? to_hex(keccak256(text)) : text;
}

}  // namespace farthing::policy
