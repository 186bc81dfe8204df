// SPDX-License-Identifier: Apache-2.0
// Result: what every function that can fail returns. An ignored one does not compile under -Werror.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "farthing/base/error.hpp"

namespace farthing {

template <class T = void>
struct [[nodiscard]] Result : std::expected<T, Error> {
    using std::expected<T, Error>::expected;
};

/// `return fail(Errc::invalid_field, ".payTo: expected 0x and 40 hex digits");`
[[nodiscard]] inline std::unexpected<Error> fail(Errc code, std::string detail = {}) {
    return std::unexpected<Error>(Error{code, std::move(detail)});
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) {
    return std::unexpected<Error>(std::move(error));
}

/// Our own invariants, always on: says what was expected to hold and ends the process. Never for
/// input.
void invariant(bool holds, const char* what);

}  // namespace farthing

#define FARTHING_CAT_(a, b) a##b
#define FARTHING_CAT(a, b) FARTHING_CAT_(a, b)
#define FARTHING_TRY_(keyword, name, declaration, ...)            \
    auto name = (__VA_ARGS__);                                    \
    if (!name) keyword ::farthing::fail(std::move(name).error()); \
    declaration = *std::move(name)
#define FARTHING_CHECK_(keyword, name, ...) \
    if (auto name = (__VA_ARGS__); !name) keyword ::farthing::fail(std::move(name).error())

/// Early return of the error, in functions (`TRY` binds the value, `CHECK` wants none) and in
/// coroutines.
#define FARTHING_TRY(declaration, ...) \
    FARTHING_TRY_(return, FARTHING_CAT(farthing_try_, __LINE__), declaration, __VA_ARGS__)
#define FARTHING_CHECK(...) \
    FARTHING_CHECK_(return, FARTHING_CAT(farthing_try_, __LINE__), __VA_ARGS__)
#define FARTHING_CO_TRY(declaration, ...) \
    FARTHING_TRY_(co_return, FARTHING_CAT(farthing_try_, __LINE__), declaration, __VA_ARGS__)
#define FARTHING_CO_CHECK(...) \
    FARTHING_CHECK_(co_return, FARTHING_CAT(farthing_try_, __LINE__), __VA_ARGS__)
