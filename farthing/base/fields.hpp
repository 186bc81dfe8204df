// SPDX-License-Identifier: Apache-2.0
// One declaration per type: a struct names its members once, in fields(); JSON, EIP-712 and config
// come from it.
#pragma once

#include <string_view>
#include <tuple>
#include <type_traits>

namespace farthing {

/// A member and its name on the wire.
template <class Owner, class Member>
struct Field {
    std::string_view name;
    Member Owner::* member;
};

template <class Owner, class Member>
constexpr Field<Owner, Member> field(std::string_view name, Member Owner::* member) {
    return {name, member};
}

/// A type declared with `static constexpr auto fields()`.
template <class T>
concept HasFields = requires { T::fields(); };

/// Calls `visit(name, member pointer)` for each field, in order.
template <HasFields T, class Visitor>
constexpr void for_each_field(Visitor&& visit) {
    std::apply([&](const auto&... each) { (visit(each.name, each.member), ...); }, T::fields());
}

}  // namespace farthing
