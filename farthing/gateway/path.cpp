// SPDX-License-Identifier: Apache-2.0
#include "farthing/gateway/path.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace farthing::gateway {
namespace {

constexpr std::string_view kHexUpper = "0123456789ABCDEF";

enum class Byte : std::uint8_t { refused, plain, encode, special };

constexpr bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr bool is_unreserved(char c) {
    return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/// What a byte of a raw path needs: nothing, encoding on the way out, or a closer look.
constexpr std::array<Byte, 256> kBytes = [] {
    std::array<Byte, 256> table{};
    for (int i = 0x21; i < 0x7f; ++i) {
        const auto c = static_cast<char>(i);
        auto& entry = table[static_cast<std::size_t>(i)];
        if (is_unreserved(c) || std::string_view("/!$&'()*+,=:@").contains(c)) {
            entry = Byte::plain;
        } else if (std::string_view("%\\;").contains(c)) {
            entry = Byte::special;
        } else if (c != '#' && c != '?') {
            entry = Byte::encode;
        }
    }
    return table;
}();

Byte byte_of(char c) { return kBytes[static_cast<unsigned char>(c)]; }

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// The byte that `%XX` at `at` stands for; nothing when it is no such thing.
std::optional<char> escaped_at(std::string_view text, std::size_t at) {
    if (at + 2 >= text.size() || text[at] != '%') return std::nullopt;
    const auto high = hex_digit(text[at + 1]);
    const auto low = hex_digit(text[at + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    return static_cast<char>(high * 16 + low);
}

void append_escape(std::string& out, char c) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kHexUpper[byte >> 4U]);
    out.push_back(kHexUpper[byte & 15U]);
}

std::unexpected<Error> bad(const char* what) {
    return fail(Errc::invalid_argument, std::string("request path: ") + what);
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool has_escape(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (escaped_at(text, i)) return true;
    }
    return false;
}

std::string decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (const auto byte = escaped_at(text, i)) {
            out.push_back(*byte);
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

/// RFC 3629: no overlong forms (an old way to hide '/' and '.'), no surrogates, at most U+10FFFF.
bool is_utf8(std::string_view text) {
    const auto at = [&](std::size_t i) -> unsigned {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto tail = [&](std::size_t i) { return (at(i) & 0xc0U) == 0x80U; };
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = at(i);
        const auto next = at(i + 1);
        if (lead < 0x80) {
            i += 1;
        } else if (lead >= 0xc2 && lead < 0xe0 && tail(i + 1)) {
            i += 2;
        } else if ((lead & 0xf0U) == 0xe0 && tail(i + 1) && tail(i + 2) &&
                   !(lead == 0xe0 && next < 0xa0) && !(lead == 0xed && next >= 0xa0)) {
            i += 3;
        } else if (lead >= 0xf0 && lead < 0xf5 && tail(i + 1) && tail(i + 2) && tail(i + 3) &&
                   !(lead == 0xf0 && next < 0x90) && !(lead == 0xf4 && next >= 0x90)) {
            i += 4;
        } else {
            return false;
        }
    }
    return true;
}

bool is_dots(std::string_view segment) { return segment == "." || segment == ".."; }

bool has_tail(std::string_view segment) {
    return !segment.empty() && (segment.back() == '.' || segment.back() == ' ');
}

/// NTFS: `name:stream:$TYPE`, and `name::$DATA` is the file itself.
constexpr std::string_view kStreamMark = ":$";

/// One segment of the path: as it came and decoded once.
struct Segment {
    std::string_view raw;
    std::string text;
};

/// Why a path can be read in a second way.
enum class Kind : std::uint8_t { slash, backslash, parameters, stream, end, twice, tail, count_ };

class Reader {
  public:
    Result<RequestPath> read(std::string_view raw) {
        FARTHING_CHECK(take_segments(raw));
        RequestPath out;
        out.forward = forward();
        out.plain = joined(plain_segments());
        FARTHING_CHECK(find_kinds());
        if (!kind_) return out;
        FARTHING_TRY(const auto other, other_segments());
        out.other = joined(other);
        return out;
    }

  private:
    /// Splits, decodes once, drops empty segments and resolves dot segments.
    Result<> take_segments(std::string_view raw) {
        std::size_t at = 0;
        while (at < raw.size()) {
            const auto end = std::min(raw.find('/', at + 1), raw.size());
            FARTHING_CHECK(take(raw.substr(at + 1, end - at - 1)));
            at = end;
        }
        return {};
    }

    Result<> take(std::string_view raw) {
        folder_ = true;
        if (raw.empty()) return {};
        FARTHING_CHECK(check_bytes(raw));
        auto text = decode(raw);
        if (std::ranges::any_of(text, is_control)) return bad("control character");
        if (!is_utf8(text)) return bad("not UTF-8");
        if (text == ".") return {};
        if (text == "..") {
            if (segments_.empty()) return bad("leads above the root");
            segments_.pop_back();
            return {};
        }
        folder_ = false;
        segments_.push_back({raw, std::move(text)});
        return {};
    }

    static Result<> check_bytes(std::string_view raw) {
        for (std::size_t i = 0; i < raw.size(); ++i) {
            if (byte_of(raw[i]) == Byte::refused) return bad("character that must be encoded");
            if (raw[i] == '%' && !escaped_at(raw, i)) return bad("broken percent-encoding");
        }
        return {};
    }

    [[nodiscard]] std::string forward() const {
        std::string out;
        for (const auto& segment : segments_) {
            out.push_back('/');
            append_encoded(out, segment.raw);
        }
        if (folder_ || segments_.empty()) out.push_back('/');
        return out;
    }

    static void append_encoded(std::string& out, std::string_view raw) {
        for (std::size_t i = 0; i < raw.size(); ++i) {
            const auto escaped = escaped_at(raw, i);
            const auto c = escaped.value_or(raw[i]);
            if (escaped) i += 2;
            if (escaped ? is_unreserved(c) : byte_of(c) == Byte::plain || c == ';') {
                out.push_back(c);
                continue;
            }
            append_escape(out, c);
        }
    }

    [[nodiscard]] std::vector<std::string> plain_segments() const {
        std::vector<std::string> out;
        for (const auto& segment : segments_) {
            std::string text;
            for (const char c : segment.text) {
                if (c == '/') {
                    text += "%2F";
                } else if (c == '\\') {
                    text += "%5C";
                } else {
                    text.push_back(c);
                }
            }
            out.push_back(std::move(text));
        }
        return out;
    }

    Result<> find_kinds() {
        std::array<bool, static_cast<std::size_t>(Kind::count_)> seen{};
        const auto note = [&](bool there, Kind kind) {
            if (!there) return;
            seen[static_cast<std::size_t>(kind)] = true;
            kind_ = kind;
        };
        for (const auto& [raw, text] : segments_) {
            note(text.contains('/'), Kind::slash);
            note(text.contains('\\'), Kind::backslash);
            note(text.contains(';'), Kind::parameters);
            note(text.contains(kStreamMark), Kind::stream);
            note(text.find_first_of("?#") != std::string::npos, Kind::end);
            note(has_escape(text), Kind::twice);
            note(has_tail(text), Kind::tail);
        }
        if (std::ranges::count(seen, true) > 1) return bad("ambiguous in more than one way");
        return {};
    }

    [[nodiscard]] Result<std::vector<std::string>> other_segments() const {
        std::vector<std::string> out;
        for (const auto& segment : segments_) {
            FARTHING_CHECK(append_other(out, segment.text));
            if (kind_ == Kind::end && segment.text.find_first_of("?#") != std::string::npos) break;
        }
        for (const auto& each : out) {
            if (is_dots(each) || has_tail(each)) return bad("hidden dot segment");
        }
        return out;
    }

    [[nodiscard]] Result<> append_other(std::vector<std::string>& out,
                                        std::string_view text) const {
        switch (*kind_) {
            case Kind::slash:
            case Kind::backslash:
                split(out, text, *kind_ == Kind::slash ? '/' : '\\');
                return {};
            case Kind::parameters:
                append_before(out, text, ";");
                return {};
            case Kind::stream:
                append_before(out, text, text.contains(kStreamMark) ? ":" : "");
                return {};
            case Kind::end:
                append_before(out, text, "?#");
                return {};
            case Kind::twice:
                return append_twice(out, text);
            case Kind::tail:
            case Kind::count_:
                break;
        }
        const auto last = text.find_last_not_of(". ");
        if (last == std::string_view::npos) return bad("segment of dots");
        out.emplace_back(text.substr(0, last + 1));
        return {};
    }

    static void append_before(std::vector<std::string>& out, std::string_view text,
                              std::string_view ends) {
        const auto name = text.substr(0, text.find_first_of(ends));
        if (!name.empty()) out.emplace_back(name);
    }

    static void split(std::vector<std::string>& out, std::string_view text, char separator) {
        while (!text.empty()) {
            const auto end = std::min(text.find(separator), text.size());
            if (end != 0) out.emplace_back(text.substr(0, end));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
    }

    static Result<> append_twice(std::vector<std::string>& out, std::string_view text) {
        auto again = decode(text);
        const auto structural = [](char c) {
            return is_control(c) || std::string_view("/\\;?#").contains(c);
        };
        if (has_escape(again) || std::ranges::any_of(again, structural) ||
            again.contains(kStreamMark)) {
            return bad("encoded more than once");
        }
        out.push_back(std::move(again));
        return {};
    }

    static std::string joined(const std::vector<std::string>& segments) {
        if (segments.empty()) return "/";
        std::string out;
        for (const auto& each : segments) out.append("/").append(each);
        return out;
    }

    std::vector<Segment> segments_;
    bool folder_ = false;  ///< the path ended with '/' or a dot segment
    std::optional<Kind> kind_;
};

/// Whether nothing in the path needs a closer look: nearly every request.
bool is_simple(std::string_view raw) {
    char before = 0;
    for (const char c : raw) {
        if (byte_of(c) != Byte::plain) return false;
        // An empty segment, or a dot at either end of one.
        if (before == '/' && (c == '/' || c == '.')) return false;
        if (before == '.' && c == '/') return false;
        if (before == ':' && c == '$') return false;
        before = c;
    }
    return before != '.';
}

}  // namespace

Result<RequestPath> read_path(std::string_view raw) {
    if (!raw.starts_with('/')) return bad("expected '/' first");
    if (is_simple(raw)) {
        const auto end = raw.size() > 1 && raw.back() == '/' ? raw.size() - 1 : raw.size();
        return RequestPath{std::string(raw), std::string(raw.substr(0, end)), std::nullopt};
    }
    return Reader().read(raw);
}

Result<RequestTarget> read_target(std::string_view target) {
    const auto is_refused = [](char c) { return c <= 0x20 || c >= 0x7f || c == '#'; };
    if (std::ranges::any_of(target, is_refused)) return bad("character that must be encoded");
    RequestTarget out;
    out.raw = target;
    const auto question = std::min(target.find('?'), target.size());
    FARTHING_TRY(out.path, read_path(target.substr(0, question)));
    out.forward = out.path.forward;
    for (const char c : target.substr(question)) {
        if (std::string_view("\"<>\\`").contains(c)) {
            append_escape(out.forward, c);
        } else {
            out.forward.push_back(c);
        }
    }
    return out;
}

}  // namespace farthing::gateway
