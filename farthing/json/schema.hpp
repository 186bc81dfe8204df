// SPDX-License-Identifier: Apache-2.0
// JSON Schema (2020-12) of any type with fields(): what its codec takes, said to somebody else. A
// member's words stand beside it: `field("url", &T::url, "an absolute URL")`.
#pragma once

#include "farthing/json/codec.hpp"

namespace farthing {

template <class Owner, class Member>
struct DescribedField : Field<Owner, Member> {
    std::string_view about;
};

template <class Owner, class Member>
constexpr DescribedField<Owner, Member> field(std::string_view name, Member Owner::* member,
                                              std::string_view about) {
    return {{name, member}, about};
}

}  // namespace farthing

namespace farthing::json {

/// Specialise for a leaf, as its Codec: `static Object make()`.
template <class T>
struct Schema;

template <class T>
[[nodiscard]] Object schema_of();

template <>
struct Schema<std::string> {
    static Object make() { return {{"type", "string"}}; }
};
template <>
struct Schema<bool> {
    static Object make() { return {{"type", "boolean"}}; }
};
template <>
struct Schema<std::uint64_t> {
    static Object make() { return {{"type", "integer"}, {"minimum", 0}}; }
};
template <>
struct Schema<std::uint32_t> {
    static Object make() {
        return {{"type", "integer"},
                {"minimum", 0},
                {"maximum", std::numeric_limits<std::uint32_t>::max()}};
    }
};
template <>
struct Schema<Object> {
    static Object make() { return {{"type", "object"}}; }
};
/// Anything.
template <>
struct Schema<Value> {
    static Object make() { return {}; }
};
template <class T>
struct Schema<std::vector<T>> {
    static Object make() { return {{"type", "array"}, {"items", schema_of<T>()}}; }
};

namespace detail {

template <class Member>
Object member_schema() {
    if constexpr (IsOptional<Member>::value) {
        return schema_of<typename Member::value_type>();
    } else {
        return schema_of<Member>();
    }
}

template <class T, class DescribedOrNot>
void add_member(Object& properties, Array& required, const DescribedOrNot& each) {
    using Member = std::remove_cvref_t<decltype(std::declval<T&>().*each.member)>;
    auto schema = member_schema<Member>();
    if constexpr (requires { each.about; }) {
        schema.emplace("description", std::string_view(each.about));
    }
    if constexpr (!IsOptional<Member>::value) {
        if (!uses_defaults<T>(each.name)) {
            required.emplace_back(std::string_view(each.name));
        } else {
            schema.emplace("default", json::encode(T{}.*each.member));
        }
    }
    properties.emplace(each.name, std::move(schema));
}

template <class T>
Object object_schema() {
    Object properties;
    Array required;
    std::apply([&](const auto&... each) { (add_member<T>(properties, required, each), ...); },
               T::fields());
    Object schema{{"type", "object"}, {"properties", std::move(properties)}};
    if (!required.empty()) schema.emplace("required", std::move(required));
    if constexpr (!KeepsUnknown<T>) schema.emplace("additionalProperties", false);
    return schema;
}

}  // namespace detail

/// Members that decode() wants are `required`; one that it does not know is not taken, except where
/// the type keeps it (so decode what this describes with Unknown::refuse).
template <class T>
Object schema_of() {
    if constexpr (HasFields<T>) {
        return detail::object_schema<T>();
    } else {
        return Schema<T>::make();
    }
}

}  // namespace farthing::json
