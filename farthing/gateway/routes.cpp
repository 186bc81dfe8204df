// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/routes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/nearest.hpp"

namespace farthing::gateway {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c; }

bool is_name_start(char c) { return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_'; }
bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }
bool is_space(char c) { return c == ' ' || c == '\t'; }

std::unexpected<Error> bad(const std::string& what) { return fail(Errc::invalid_argument, what); }

/// What the server takes, the usual ones first; it answers 501 to others, so that a route of one
/// would never be reached.
constexpr auto kMethods = std::to_array<std::string_view>(
    {"GET",        "HEAD",       "POST",  "PUT",      "PATCH",  "DELETE",    "OPTIONS",
     "TRACE",      "COPY",       "LOCK",  "MKCOL",    "MOVE",   "PROPFIND",  "PROPPATCH",
     "SEARCH",     "UNLOCK",     "BIND",  "REBIND",   "UNBIND", "ACL",       "REPORT",
     "MKACTIVITY", "CHECKOUT",   "MERGE", "M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE",
     "PURGE",      "MKCALENDAR", "LINK",  "UNLINK"});

Result<> check_method(std::string_view upper_method) {
    if (upper_method == "*" || std::ranges::find(kMethods, upper_method) != kMethods.end())
        return {};
    const auto meant = nearest(upper_method, kMethods);
    return bad(fmt::format("unknown method \"{}\"{} Known: {}", upper_method.substr(0, 32),
                           meant ? fmt::format(", did you mean {}?", *meant) : ".",
                           fmt::join(kMethods, ", ")));
}

/// How long the parameter at the beginning of `text` is: `[name]` or `:name`; 0 when it is none.
std::size_t parameter_length(std::string_view text) {
    if (!text.starts_with('[') && !text.starts_with(':')) return 0;
    if (text.size() < 2 || !is_name_start(text[1])) return 0;
    std::size_t end = 2;
    while (end < text.size() && is_name(text[end])) ++end;
    if (text.front() == ':') return end;
    return end < text.size() && text[end] == ']' ? end + 1 : 0;
}

/// Signs of patterns in other languages: frameworks, OpenAPI, regular expressions. Taken as they
/// stand they would match no request, and the page would be free.
Result<> check_foreign_signs(std::string_view path) {
    constexpr std::string_view kForeign = "{}<>()[]^$+|:";
    for (auto rest = path; !rest.empty();) {
        const auto parameter = parameter_length(rest);
        if (parameter == 0 && kForeign.contains(rest.front())) {
            return bad(fmt::format(
                "'{}' has no meaning here: write :name or [name] for one segment, * for anything",
                rest.front()));
        }
        rest.remove_prefix(std::max<std::size_t>(parameter, 1));
    }
    return {};
}

Result<> check_pattern(std::string_view path) {
    if (path == "*") return {};
    if (!path.starts_with('/')) return bad("expected a path that begins with '/', or *");
    if (path.contains("//")) return bad("a request path never has '//': write '/'");
    for (const char c : path) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return bad("control character");
        if (c == '%') return bad("write it decoded: paths are compared after percent-decoding");
        if (c == '?' || c == '#') return bad("a route is a path: leave out what follows ? or #");
        if (c == '\\' || c == ';')
            return bad(std::string("'") + c + "' cannot be matched: see the rules of paths");
    }
    std::size_t at = 0;
    while (at < path.size()) {
        const auto end = std::min(path.find('/', at + 1), path.size());
        const auto segment = path.substr(at + 1, end - at - 1);
        if (segment == "." || segment == "..")
            return bad("dot segments are resolved before matching: write the path they lead to");
        if (segment == ".*") return bad("a pattern is no regular expression: write * for anything");
        at = end;
    }
    return check_foreign_signs(path);
}

}  // namespace

Result<Pattern> Pattern::compile(std::string_view path) {
    FARTHING_CHECK(check_pattern(path));
    Pattern out;
    auto rest = path;
    if (rest.ends_with("/*")) {
        out.optional_tail_ = true;
        rest.remove_suffix(2);
    } else if (rest.size() > 1 && rest.ends_with('/')) {
        rest.remove_suffix(1);  // requests lose theirs too
    }
    while (!rest.empty()) {
        const auto parameter = parameter_length(rest);
        if (parameter > 0) {
            out.steps_.push_back({Token::one_inside});
            out.steps_.push_back({Token::more_inside});
            rest.remove_prefix(parameter);
            continue;
        }
        if (rest.front() == '*') {
            if (!out.steps_.empty() && out.steps_.back().token == Token::more_inside)
                out.steps_.pop_back();
            if (out.steps_.empty() || out.steps_.back().token != Token::any)
                out.steps_.push_back({Token::any});
        } else if (out.steps_.empty()) {
            out.prefix_.push_back(lower(rest.front()));
        } else {
            out.steps_.push_back({Token::letter, lower(rest.front())});
        }
        rest.remove_prefix(1);
    }
    if (out.optional_tail_) {
        out.steps_.push_back({Token::letter, '/'});
        out.steps_.push_back({Token::any});
    }
    FARTHING_CHECK(out.finish());
    return out;
}

Result<> Pattern::finish() {
    if (steps_.size() + 1 > kStatesMax)
        return bad("longer than 255 steps after its first wildcard");
    // Class 0: an ordinary character, 1: '/', then one for each letter of the pattern.
    class_of_['/'] = 1;
    std::size_t classes = 2;
    for (const auto& step : steps_) {
        const auto byte = static_cast<unsigned char>(step.letter);
        if (step.token == Token::letter && class_of_[byte] == 0)
            class_of_[byte] = static_cast<std::uint8_t>(classes++);
    }
    for (char c = 'a'; c <= 'z'; ++c) {
        class_of_[static_cast<unsigned char>(upper(c))] = class_of_[static_cast<unsigned char>(c)];
    }
    advance_.resize(classes);
    stay_.resize(classes);
    for (std::size_t i = 0; i < steps_.size(); ++i) {
        const auto [token, letter] = steps_[i];
        const auto own = class_of_[static_cast<unsigned char>(letter)];
        for (std::size_t each = 0; each < classes; ++each) {
            if (token == Token::letter && each == own) advance_[each].set(i);
            if (token == Token::one_inside && each != 1) advance_[each].set(i);
            if (token == Token::any || (token == Token::more_inside && each != 1))
                stay_[each].set(i);
        }
        if (token == Token::any || token == Token::more_inside) stars_.set(i);
    }
    return {};
}

/// A star may match nothing; no two of them stand side by side but for the tail's, one step apart.
Pattern::States Pattern::closed(States states) const { return states | ((states & stars_) << 1U); }

bool Pattern::matches(std::string_view path) const {
    if (path.size() < prefix_.size()) return false;
    for (std::size_t i = 0; i < prefix_.size(); ++i) {
        if (lower(path[i]) != prefix_[i]) return false;
    }
    path.remove_prefix(prefix_.size());
    // "/*" alone also takes "/", which is all that is left of an empty path.
    if (steps_.empty()) return path.empty();
    States states;
    states.set(0);
    states = closed(states);
    for (const char c : path) {
        const auto each = class_of_[static_cast<unsigned char>(c)];
        states = closed(((states & advance_[each]) << 1U) | (states & stay_[each]));
        if (states.none()) return false;
    }
    return states.test(steps_.size()) || (optional_tail_ && states.test(steps_.size() - 2));
}

/// A path of this pattern, with letters in its wildcards that stand nowhere else.
std::string Pattern::sample(bool with_tail) const {
    std::string out = prefix_;
    const auto end = steps_.size() - (optional_tail_ && !with_tail ? 2 : 0);
    for (std::size_t i = 0; i < end; ++i) {
        switch (steps_[i].token) {
            case Token::letter:
                out.push_back(steps_[i].letter);
                break;
            case Token::any:
                out.append("\x01/\x02/\x03");
                break;
            case Token::one_inside:
                out.push_back('\x04');
                break;
            case Token::more_inside:
                out.push_back('\x05');
                break;
        }
    }
    return out;
}

bool Pattern::covers(const Pattern& other) const {
    return matches(other.sample(true)) && (!other.optional_tail_ || matches(other.sample(false)));
}

Result<RoutePattern> RoutePattern::parse(std::string_view match) {
    while (!match.empty() && is_space(match.front())) match.remove_prefix(1);
    while (!match.empty() && is_space(match.back())) match.remove_suffix(1);
    RoutePattern out;
    out.method = "*";
    const auto gap = std::ranges::find_if(match, is_space);
    if (gap != match.end()) {
        const auto length = static_cast<std::size_t>(gap - match.begin());
        out.method.clear();
        for (const char c : match.substr(0, length)) out.method.push_back(upper(c));
        match.remove_prefix(length);
        while (is_space(match.front())) match.remove_prefix(1);
        if (std::ranges::any_of(match, is_space))
            return bad("expected a method and a path, such as \"GET /weather\"");
        FARTHING_CHECK(check_method(out.method));
    }
    FARTHING_TRY(out.path, Pattern::compile(match));
    return out;
}

bool RoutePattern::takes_method(std::string_view upper_method) const {
    return method == "*" || method == upper_method || (method == "GET" && upper_method == "HEAD");
}

bool RoutePattern::shadows(const RoutePattern& later) const {
    const bool all_methods =
        method == "*" || method == later.method || (method == "GET" && later.method == "HEAD");
    return all_methods && path.covers(later.path);
}

std::optional<std::size_t> RouteTable::first(std::string_view upper_method,
                                             std::string_view path) const {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const auto& pattern = entries_[i].pattern;
        if (pattern.takes_method(upper_method) && pattern.path.matches(path)) return i;
    }
    return std::nullopt;
}

Result<std::optional<std::size_t>> RouteTable::find(std::string_view method,
                                                    const RequestPath& path) const {
    std::string upper_method(method);
    std::ranges::transform(upper_method, upper_method.begin(), upper);
    const auto plain = first(upper_method, path.plain);
    if (!path.other) return plain;
    const auto other = first(upper_method, *path.other);
    const auto is_paid = [&](const auto& index) { return index && entries_[*index].is_paid; };
    if (is_paid(plain) && is_paid(other) && plain != other) {
        return bad("request path: its two readings belong to two paid routes");
    }
    return is_paid(other) ? other : plain;
}

}  // namespace farthing::gateway
