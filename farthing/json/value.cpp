// SPDX-License-Identifier: Apache-2.0
#include "farthing/json/value.hpp"

#include <fmt/format.h>
#include <simdjson.h>

namespace farthing::json {
namespace {

namespace dom = simdjson::dom;

/// Copies simdjson's tape into the value tree; refuses what Boost.JSON would silently accept
/// (duplicate keys).
class Builder {
  public:
    explicit Builder(const Limits& limits) : limits_(limits) {}

    Result<Value> build(dom::element element, std::size_t depth) {
        if (++values_ > limits_.values_max) {
            return fail(Errc::too_large, fmt::format("more than {} values", limits_.values_max));
        }
        switch (element.type()) {
            case dom::element_type::OBJECT:
                return object(element.get_object().value_unsafe(), depth);
            case dom::element_type::ARRAY:
                return array(element.get_array().value_unsafe(), depth);
            case dom::element_type::STRING: {
                const auto text = element.get_string().value_unsafe();
                return Value(boost::json::string_view(text.data(), text.size()));
            }
            case dom::element_type::INT64:
                return Value(element.get_int64().value_unsafe());
            case dom::element_type::UINT64:
                return Value(element.get_uint64().value_unsafe());
            case dom::element_type::DOUBLE:
                return Value(element.get_double().value_unsafe());
            case dom::element_type::BOOL:
                return Value(element.get_bool().value_unsafe());
            case dom::element_type::NULL_VALUE:
                break;
        }
        return Value(nullptr);
    }

  private:
    Result<Value> object(dom::object from, std::size_t depth) {
        FARTHING_CHECK(check_depth(depth));
        Object to;
        to.reserve(from.size());
        for (const auto& [key, element] : from) {
            FARTHING_TRY(auto value, build(element, depth + 1));
            const auto inserted =
                to.emplace(boost::json::string_view(key.data(), key.size()), std::move(value));
            if (!inserted.second) {
                return fail(Errc::invalid_json,
                            fmt::format("duplicate key \"{}\"", key.substr(0, 64)));
            }
        }
        return Value(std::move(to));
    }

    Result<Value> array(dom::array from, std::size_t depth) {
        FARTHING_CHECK(check_depth(depth));
        Array to;
        to.reserve(from.size());
        for (const auto element : from) {
            FARTHING_TRY(auto value, build(element, depth + 1));
            to.push_back(std::move(value));
        }
        return Value(std::move(to));
    }

    Result<> check_depth(std::size_t depth) const {
        if (depth < limits_.depth_max) return {};
        return fail(Errc::too_large, fmt::format("nested deeper than {}", limits_.depth_max));
    }

    const Limits& limits_;
    std::size_t values_ = 0;
};

bool equal_objects(const Object& a, const Object& b) {
    if (a.size() != b.size()) return false;
    for (const auto& [key, value] : a) {
        const auto* other = b.if_contains(key);
        if (other == nullptr || !equal(value, *other)) return false;
    }
    return true;
}

bool equal_arrays(const Array& a, const Array& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!equal(a[i], b[i])) return false;
    }
    return true;
}

}  // namespace

Result<Value> parse(std::string_view text, const Limits& limits) {
    if (text.size() > limits.bytes_max) {
        return fail(Errc::too_large, fmt::format("{} bytes of JSON, at most {} accepted",
                                                 text.size(), limits.bytes_max));
    }
    // An empty view may have no address, which memcpy inside the parser must not get.
    if (text.empty()) return fail(Errc::invalid_json, simdjson::error_message(simdjson::EMPTY));
    // One parser a thread: its buffers are reused, and the depth is the parser's own hard limit
    // too.
    static thread_local dom::parser parser;
    if (parser.max_depth() != limits.depth_max + 1 &&
        parser.allocate(std::max(parser.capacity(), text.size()), limits.depth_max + 1) !=
            simdjson::SUCCESS) {
        return fail(Errc::internal, "out of memory for JSON");
    }
    // The parser reads a little past the end: it gets a copy with room for that, in memory it
    // keeps.
    static thread_local std::string padded;
    padded.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    padded.assign(text);
    dom::element root;
    if (const auto error = parser.parse(padded.data(), text.size(), false).get(root)) {
        if (error == simdjson::DEPTH_ERROR) {
            return fail(Errc::too_large, fmt::format("nested deeper than {}", limits.depth_max));
        }
        return fail(Errc::invalid_json, simdjson::error_message(error));
    }
    return Builder(limits).build(root, 0);
}

std::string to_text(const Value& value) { return boost::json::serialize(value); }

bool equal(const Value& a, const Value& b) {
    if (a.is_number() && b.is_number())
        return a == b || a.to_number<double>() == b.to_number<double>();
    if (a.kind() != b.kind()) return false;
    if (a.is_object()) return equal_objects(a.get_object(), b.get_object());
    if (a.is_array()) return equal_arrays(a.get_array(), b.get_array());
    return a == b;
}

bool contains(const Value& given, const Value& wanted) {
    if (!wanted.is_object() || !given.is_object()) return equal(given, wanted);
    for (const auto& [key, value] : wanted.get_object()) {
        const auto* other = given.get_object().if_contains(key);
        if (other == nullptr || !equal(*other, value)) return false;
    }
    return true;
}

}  // namespace farthing::json
