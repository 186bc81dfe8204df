// SPDX-License-Identifier: Apache-2.0
// OneOrMany: a setting that is usually one thing, and may be a list of them.
#pragma once

#include "farthing/json/codec.hpp"

namespace farthing {

template <class T>
struct OneOrMany {
    OneOrMany() = default;
    OneOrMany(T one) { all.push_back(std::move(one)); }  // NOLINT: one is a list of one
    std::vector<T> all;
};

}  // namespace farthing

template <class T>
struct farthing::json::Codec<farthing::OneOrMany<T>> {
    static Result<OneOrMany<T>> decode(const Value& value, const Path& path) {
        OneOrMany<T> out;
        if (value.is_array()) {
            FARTHING_TRY(out.all, json::decode<std::vector<T>>(value, path));
        } else {
            FARTHING_TRY(auto one, json::decode<T>(value, path));
            out.all.push_back(std::move(one));
        }
        return out;
    }
    static Value encode(const OneOrMany<T>& several) { return json::encode(several.all); }
};
