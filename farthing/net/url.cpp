// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "farthing/base/ascii.hpp"
#include "farthing/net/http1_syntax.hpp"

namespace farthing::net {
namespace {

constexpr std::size_t kUrlBytesMax = 8 << 10;

std::uint16_t default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

std::unexpected<Error> bad(const char* what) {
    return fail(Errc::invalid_argument, std::string("URL: ") + what);
}

/// The part before '#', checked for length and characters.
Result<std::string_view> without_fragment(std::string_view text) {
    if (text.size() > kUrlBytesMax) return bad("longer than 8 KiB");
    if (!text.empty() && !is_target(text)) {
        return bad("white space, control, non-ASCII or unsafe character");
    }
    return text.substr(0, text.find('#'));
}

/// RFC 3986 section 5.2.4, on a path that begins with '/'.
std::string remove_dot_segments(std::string_view path) {
    std::string out;
    while (!path.empty()) {
        const auto next = std::min(path.find('/', 1), path.size());
        const auto segment = path.substr(0, next);
        const bool last = next == path.size();
        path.remove_prefix(next);
        if (segment == "/.") {
            if (last) out.push_back('/');
        } else if (segment == "/..") {
            out.resize(std::min(out.rfind('/'), out.size()));
            if (last) out.push_back('/');
        } else {
            out.append(segment);
        }
    }
    return out.empty() ? "/" : out;
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

/// `reference` is a path, with or without a query, not empty.
std::string merge(std::string_view base_path, std::string_view reference) {
    const auto question = std::min(reference.find('?'), reference.size());
    std::string path;
    if (!reference.starts_with('/')) path = base_path.substr(0, base_path.rfind('/') + 1);
    path.append(reference.substr(0, question));
    auto target = remove_dot_segments(path);
    target.append(reference.substr(question));
    return target;
}

/// Whether the text begins with `scheme:`.
bool has_scheme(std::string_view text) {
    const auto end = text.find_first_of(":/?#");
    if (end == std::string_view::npos || text[end] != ':' || end == 0) return false;
    const char first = text.front();
    return (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
}

}  // namespace

std::string Url::authority() const {
    if (port == default_port(scheme)) return host;
    return host + ":" + std::to_string(port);
}

std::string Url::origin() const { return scheme + "://" + authority(); }

Result<Url> parse_url(std::string_view text) {
    FARTHING_TRY(auto rest, without_fragment(text));
    const auto separator = rest.find("://");
    if (separator == std::string_view::npos) return bad("expected http:// or https://");
    Url url;
    url.scheme = to_lower(rest.substr(0, separator));
    if (url.scheme != "http" && url.scheme != "https") return bad("expected http:// or https://");
    rest.remove_prefix(separator + 3);
    const auto end = std::min(rest.find_first_of("/?"), rest.size());
    const auto authority = rest.substr(0, end);
    if (authority.find('@') != std::string_view::npos) {
        return bad("user name or password in the URL is not supported");
    }
    if (!is_authority(authority)) return bad("expected a host and perhaps :port");
    const auto bracket = authority.starts_with('[') ? authority.find(']') : 0;
    const auto colon = authority.find(':', bracket);
    url.host = to_lower(authority.substr(0, colon));
    url.port = default_port(url.scheme);
    if (colon != std::string_view::npos) {
        const auto digits = authority.substr(colon + 1);
        std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
    }
    const auto target = rest.substr(end);
    url.target = target.starts_with('/') ? "" : "/";
    url.target.append(target);
    return url;
}

Result<Url> resolve_url(const Url& base, std::string_view reference) {
    FARTHING_TRY(const auto text, without_fragment(reference));
    if (has_scheme(text)) return parse_url(text);
    if (text.starts_with("//")) return parse_url(base.scheme + ":" + std::string(text));
    Url url = base;
    if (text.empty()) return url;
    const auto base_path = path_of(base.target);
    if (text.starts_with('?')) {
        url.target = std::string(base_path).append(text);
    } else {
        url.target = merge(base_path, text);
    }
    if (url.target.size() > kUrlBytesMax) return bad("longer than 8 KiB");
    return url;
}

}  // namespace farthing::net
