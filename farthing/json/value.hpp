// SPDX-License-Identifier: Apache-2.0
// The JSON value tree (Boost.JSON) and the parser of outside bytes (simdjson), with limits.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "farthing/base/result.hpp"

namespace farthing::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

/// What a message may cost us. Checked before the tree is built.
struct Limits {
    std::size_t bytes_max = 1 << 20;
    std::size_t depth_max = 32;      ///< nested arrays and objects
    std::size_t values_max = 10000;  ///< values in the whole message
};

/// RFC 8259 JSON in valid UTF-8. Duplicate keys, too deep, too many or too large are errors with
/// the place. Integers beyond 64 bits are refused: amounts travel as strings. Errors: invalid_json,
/// too_large.
[[nodiscard]] Result<Value> parse(std::string_view text, const Limits& limits = {});

/// Compact text, members in insertion order.
[[nodiscard]] std::string to_text(const Value& value);

/// Equality as the reference server compares: key order is irrelevant, null is a value, arrays
/// element-wise, numbers by value, a number never equals a string. Source: protocol.md 5.5.
[[nodiscard]] bool equal(const Value& a, const Value& b);
/// Every member of the object `wanted` is present in `given` and equal; `given` may hold more.
[[nodiscard]] bool contains(const Value& given, const Value& wanted);

}  // namespace farthing::json
