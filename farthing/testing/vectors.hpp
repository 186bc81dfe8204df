// SPDX-License-Identifier: Apache-2.0
// Known answers: the JSON files of vectors/, for tests. Every file says where its values come from.
#pragma once

#include <string>
#include <string_view>

#include "farthing/base/bytes.hpp"
#include "farthing/json/value.hpp"

namespace farthing::testing {

/// `vectors/<name>`. A file that is missing, broken or without its `source` ends the test with a
/// std::runtime_error: a test without its answers has not passed.
[[nodiscard]] json::Object load_vectors(std::string_view name);

/// Members of a case; a missing one or one of another type ends the test the same way.
[[nodiscard]] std::string text_at(const json::Value& object, std::string_view key);
[[nodiscard]] Bytes bytes_at(const json::Value& object, std::string_view key);  ///< from 0x hex
[[nodiscard]] Bytes32 bytes32_at(const json::Value& object, std::string_view key);
[[nodiscard]] const json::Array& array_at(const json::Object& object, std::string_view key);

}  // namespace farthing::testing
