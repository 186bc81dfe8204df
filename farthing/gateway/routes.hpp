// SPDX-License-Identifier: Apache-2.0
// Which route a request belongs to: patterns, tried in the order of the configuration. Source:
// protocol.md section 5.7.
//
// What a pattern is stands at RoutePattern. GET guards HEAD as well: an origin answers HEAD from
// its GET handler. A pattern is refused rather than taken for one that matches nothing: what no
// route matches is free.
#pragma once

#include <array>
#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "farthing/gateway/path.hpp"

namespace farthing::gateway {

/// A compiled path pattern: linear time in the path, whatever the pattern.
class Pattern {
  public:
    /// Errors: invalid_argument (not a path, encoded, dot segments, another language's pattern, too
    /// long).
    static Result<Pattern> compile(std::string_view path);

    /// `path` is RequestPath::plain or ::other.
    [[nodiscard]] bool matches(std::string_view path) const;
    /// Whether every path of `other` is one of this, as far as samples of it show.
    [[nodiscard]] bool covers(const Pattern& other) const;
    friend bool operator==(const Pattern&, const Pattern&) = default;

  private:
    static constexpr std::size_t kStatesMax = 256;
    using States = std::bitset<kStatesMax>;

    enum class Token : std::uint8_t { letter, any, one_inside, more_inside };
    struct Step {
        Token token;
        char letter = 0;  ///< lower case
        friend bool operator==(const Step&, const Step&) = default;
    };

    [[nodiscard]] States closed(States states) const;
    [[nodiscard]] std::string sample(bool with_tail) const;
    Result<> finish();

    std::string prefix_;           ///< lower case, compared first
    std::vector<Step> steps_;      ///< what follows
    bool optional_tail_ = false;   ///< the last two steps ("/", any) may be absent
    std::vector<States> advance_;  ///< by character class: the states it leaves behind
    std::vector<States> stay_;
    std::array<std::uint8_t, 256> class_of_{};
    States stars_;
};

/// `match` is a path, `"/weather"`, or a method and a path, `"GET /weather"`:
/// - A method is one that the server takes, in any case; GET guards HEAD as well. Without one, or
///   with `*`, every method matches.
/// - `*` stands for anything, also for nothing and for `/`. `*` alone is every path, and `/*` at
/// the
///   end also takes the path before it: `/files/*` is `/files` and all below.
/// - `:name` or `[name]` stands for one segment or a part of one, at least one character:
///   `/user/:id`, `/v:major.json`. A name is letters, digits and `_`, and begins with no digit.
/// - Everything else stands for itself, letters without case. Write it decoded, without `?` and
/// what
///   follows; a `/` at the end makes no difference.
/// - `{ } < > ( ) [ ] ^ $ + |`, a `:` before no name and a segment `.*` are refused: they are other
///   languages' patterns, and matched as they stand they would leave a path free. Where a path has
///   such a character, write `*`.
struct RoutePattern {
    std::string method;  ///< upper case, or "*"
    Pattern path;

    /// Errors: invalid_argument.
    static Result<RoutePattern> parse(std::string_view match);
    [[nodiscard]] bool takes_method(std::string_view upper_method) const;
    /// Whether no request of `later` gets past this one.
    [[nodiscard]] bool shadows(const RoutePattern& later) const;
    friend bool operator==(const RoutePattern&, const RoutePattern&) = default;
};

/// The patterns in order, each paid or free.
class RouteTable {
  public:
    void add(RoutePattern pattern, bool is_paid) {
        entries_.push_back({std::move(pattern), is_paid});
    }

    /// The index of the route that a request belongs to, or nothing: then it is free. An ambiguous
    /// path belongs to the paid route of either reading. Errors: invalid_argument when its readings
    /// belong to two different paid routes.
    [[nodiscard]] Result<std::optional<std::size_t>> find(std::string_view method,
                                                          const RequestPath& path) const;
    [[nodiscard]] const RoutePattern& pattern(std::size_t index) const {
        return entries_[index].pattern;
    }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

  private:
    struct Entry {
        RoutePattern pattern;
        bool is_paid;
    };
    [[nodiscard]] std::optional<std::size_t> first(std::string_view upper_method,
                                                   std::string_view path) const;

    std::vector<Entry> entries_;
};

}  // namespace farthing::gateway
