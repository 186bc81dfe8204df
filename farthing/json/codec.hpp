// SPDX-License-Identifier: Apache-2.0
// Any type with fields() to JSON and back. A leaf type specialises Codec next to itself.
// Errors carry the path: `.accepts[0].payTo: expected 0x and 40 hex digits`.
#pragma once

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "farthing/base/fields.hpp"
#include "farthing/json/value.hpp"

namespace farthing::json {

/// Members a message has and its type does not: messages from the wire may carry more than we know;
/// configuration may not, and hears which name was probably meant.
enum class Unknown : std::uint8_t { ignore, refuse };

/// Where in the message we are, as a chain on the stack; text only when something is wrong.
class Path {
  public:
    explicit Path(Unknown unknown = Unknown::ignore) : unknown_(unknown) {}
    Path(const Path& parent, std::string_view key)
        : parent_(&parent), key_(key), unknown_(parent.unknown_) {}
    Path(const Path& parent, std::size_t index)
        : parent_(&parent), index_(index), unknown_(parent.unknown_) {}

    /// text() shows this much of a key: some keys are not names.
    static constexpr std::size_t kKeyShownMax = 64;

    [[nodiscard]] Unknown unknown() const { return unknown_; }
    [[nodiscard]] std::string text() const;
    /// `<path>: <what>` as an invalid_field error.
    [[nodiscard]] std::unexpected<Error> error(std::string_view what) const;

  private:
    const Path* parent_ = nullptr;
    std::string_view key_;
    std::size_t index_ = 0;
    Unknown unknown_;
};

/// Specialise for a leaf: `static Result<T> decode(const Value&, const Path&)` and `static Value
/// encode(const T&)`.
template <class T>
struct Codec;

template <class T>
[[nodiscard]] Result<T> decode(const Value& value, const Path& path = Path{});
template <class T>
[[nodiscard]] Value encode(const T& value);

/// Keeps members that the type does not name, so that an echo loses nothing: declare `json::Object
/// other;`.
template <class T>
concept KeepsUnknown = requires(T t) {
    { t.other } -> std::same_as<Object&>;
};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <>
struct Codec<std::string> {
    static Result<std::string> decode(const Value& value, const Path& path);
    static Value encode(const std::string& text) { return Value(text); }
};

template <>
struct Codec<bool> {
    static Result<bool> decode(const Value& value, const Path& path);
    static Value encode(const bool& on) { return Value(on); }
};

/// A JSON number that is a whole one, from 0 to 2^53 (what every peer can represent).
template <>
struct Codec<std::uint64_t> {
    static Result<std::uint64_t> decode(const Value& value, const Path& path);
    static Value encode(const std::uint64_t& number) { return Value(number); }
};

template <>
struct Codec<std::uint32_t> {
    static Result<std::uint32_t> decode(const Value& value, const Path& path);
    static Value encode(const std::uint32_t& number) { return Value(number); }
};

template <>
struct Codec<Value> {
    static Result<Value> decode(const Value& value, const Path&) { return value; }
    static Value encode(const Value& value) { return value; }
};

template <>
struct Codec<Object> {
    static Result<Object> decode(const Value& value, const Path& path);
    static Value encode(const Object& object) { return Value(object); }
};

/// Configuration text such as `"250ms"`, `"30s"`, `"5m"`, `"1h"`.
template <>
struct Codec<std::chrono::milliseconds> {
    static Result<std::chrono::milliseconds> decode(const Value& value, const Path& path);
    static Value encode(const std::chrono::milliseconds& duration);
};

template <class T>
struct Codec<std::vector<T>> {
    static Result<std::vector<T>> decode(const Value& value, const Path& path) {
        const auto* array = value.if_array();
        if (array == nullptr) return path.error("expected an array");
        std::vector<T> out;
        out.reserve(array->size());
        for (std::size_t i = 0; i < array->size(); ++i) {
            FARTHING_TRY(auto element, json::decode<T>((*array)[i], Path(path, i)));
            out.push_back(std::move(element));
        }
        return out;
    }
    static Value encode(const std::vector<T>& elements) {
        Array array;
        array.reserve(elements.size());
        for (const auto& element : elements) array.push_back(json::encode(element));
        return Value(std::move(array));
    }
};

namespace detail {

/// Fills one member. Absent or null: an optional stays empty, a member with a default value keeps
/// it when `defaults`.
template <class Member>
Result<> decode_member(const Object& from, std::string_view name, Member& to, const Path& path,
                       bool defaults) {
    const auto* value = from.if_contains({name.data(), name.size()});
    if constexpr (IsOptional<Member>::value) {
        if (value == nullptr || value->is_null()) return {};
        FARTHING_TRY(to, json::decode<typename Member::value_type>(*value, Path(path, name)));
        return {};
    } else {
        if (value == nullptr) {
            if (defaults) return {};
            return Path(path, name).error("missing");
        }
        FARTHING_TRY(to, json::decode<Member>(*value, Path(path, name)));
        return {};
    }
}

/// Members listed in `T::required` must be there even where defaults apply (configuration).
template <class T>
constexpr bool uses_defaults(std::string_view name) {
    if constexpr (requires { T::required; }) {
        for (const std::string_view each : T::required) {
            if (each == name) return false;
        }
        return true;
    } else {
        return false;
    }
}

/// The names in fields(), in order.
template <HasFields T>
constexpr auto field_names() {
    return std::apply(
        [](const auto&... each) {
            return std::array<std::string_view, sizeof...(each)>{each.name...};
        },
        T::fields());
}

/// Errors: invalid_field for a member that is not one of `known`, with the one that was probably
/// meant.
Result<> refuse_unknown(const Object& from, std::span<const std::string_view> known,
                        const Path& path);
/// Copies the members that are not in `known`.
void keep_unknown(const Object& from, std::span<const std::string_view> known, Object& to);

template <class T>
Result<T> decode_object(const Object& from, const Path& path) {
    T to{};
    // First: a misspelt key is also a missing one, and its own name says more.
    if (path.unknown() == Unknown::refuse) {
        FARTHING_CHECK(refuse_unknown(from, field_names<T>(), path));
    }
    Result<> status;
    for_each_field<T>([&](std::string_view name, auto member) {
        if (!status) return;
        status = decode_member(from, name, to.*member, path, uses_defaults<T>(name));
    });
    if (!status) return fail(std::move(status).error());
    if constexpr (KeepsUnknown<T>) keep_unknown(from, field_names<T>(), to.other);
    return to;
}

template <class T>
Value encode_object(const T& from) {
    Object to;
    for_each_field<T>([&](std::string_view name, auto member) {
        const auto& each = from.*member;
        using Member = std::remove_cvref_t<decltype(each)>;
        const boost::json::string_view key{name.data(), name.size()};
        if constexpr (IsOptional<Member>::value) {
            if (each) to.emplace(key, json::encode(*each));
        } else {
            to.emplace(key, json::encode(each));
        }
    });
    if constexpr (KeepsUnknown<T>) {
        for (const auto& [key, value] : from.other) to.emplace(key, value);
    }
    return Value(std::move(to));
}

}  // namespace detail

/// JSON to T. Configuration types declare `static constexpr std::array required{...}`: then absent
/// members keep the struct's default and only the listed ones must be there. Message types do not,
/// and every non-optional member must be.
template <class T>
Result<T> decode(const Value& value, const Path& path) {
    if constexpr (HasFields<T>) {
        const auto* object = value.if_object();
        if (object == nullptr) return path.error("expected an object");
        return detail::decode_object<T>(*object, path);
    } else {
        return Codec<T>::decode(value, path);
    }
}

/// The same from an object, which would have to be copied to become a Value.
template <HasFields T>
Result<T> decode(const Object& object, const Path& path = Path{}) {
    return detail::decode_object<T>(object, path);
}

template <class T>
Value encode(const T& value) {
    if constexpr (HasFields<T>) {
        return detail::encode_object(value);
    } else {
        return Codec<T>::encode(value);
    }
}

/// Parses and decodes in one step.
template <class T>
[[nodiscard]] Result<T> from_text(std::string_view text, const Limits& limits = {}) {
    FARTHING_TRY(const auto value, parse(text, limits));
    return decode<T>(value);
}

template <class T>
[[nodiscard]] std::string encode_text(const T& value) {
    return to_text(encode(value));
}

}  // namespace farthing::json
