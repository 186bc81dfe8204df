// SPDX-License-Identifier: Apache-2.0
#include "farthing/testing/vectors.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "farthing/base/hex.hpp"

namespace farthing::testing {
namespace {

/// ctest says where the sources are; by hand the program is started from the repository.
std::string source_folder() {
    const char* folder = std::getenv("FARTHING_SOURCE_DIR");
    return folder == nullptr ? "." : folder;
}

template <class T>
T need(Result<T> result, const std::string& what) {
    if (!result) throw std::runtime_error(what + ": " + to_string(result.error()));
    return *std::move(result);
}

const json::Value& member(const json::Object& object, std::string_view key) {
    const auto* value = object.if_contains({key.data(), key.size()});
    if (value == nullptr) throw std::runtime_error("no member " + std::string(key));
    return *value;
}

}  // namespace

json::Object load_vectors(std::string_view name) {
    const auto path = source_folder() + "/vectors/" + std::string(name);
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(path + " cannot be read");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto value = need(json::parse(text), path);
    if (!value.is_object()) throw std::runtime_error(path + ": expected an object");
    if (text_at(value, "source").empty()) throw std::runtime_error(path + ": no source");
    return value.get_object();
}

std::string text_at(const json::Value& object, std::string_view key) {
    const auto& value = member(object.as_object(), key);
    if (!value.is_string()) throw std::runtime_error(std::string(key) + ": expected a string");
    return {value.get_string().data(), value.get_string().size()};
}

Bytes bytes_at(const json::Value& object, std::string_view key) {
    return need(from_hex(text_at(object, key)), std::string(key));
}

Bytes32 bytes32_at(const json::Value& object, std::string_view key) {
    return need(bytes32_from_hex(text_at(object, key)), std::string(key));
}

const json::Array& array_at(const json::Object& object, std::string_view key) {
    const auto& value = member(object, key);
    if (!value.is_array() || value.get_array().empty()) {
        throw std::runtime_error(std::string(key) + ": expected an array that is not empty");
    }
    return value.get_array();
}

}  // namespace farthing::testing
