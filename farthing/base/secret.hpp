// SPDX-License-Identifier: Apache-2.0
// Secret: a value that cannot be printed, logged, compared or encoded, and is wiped when it ends.
#pragma once

#include <cstring>
#include <string>
#include <utility>

namespace farthing {

/// Overwrites memory in a way the compiler does not drop.
inline void wipe(void* data, std::size_t size) {
    if (size == 0) return;  // an empty vector has no address
    std::memset(data, 0, size);
    __asm__ __volatile__("" : : "r"(data) : "memory");
}

/// Holds a trivially copyable secret (a key) or a string (a password). Copying is explicit:
/// `clone()`.
template <class T>
class Secret {
  public:
    Secret() = default;
    explicit Secret(T value) : value_(std::move(value)) { wipe_value(value); }
    Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { wipe_value(other.value_); }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe_value(value_);
            value_ = std::move(other.value_);
            wipe_value(other.value_);
        }
        return *this;
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { wipe_value(value_); }

    [[nodiscard]] Secret clone() const { return Secret(T(value_)); }
    /// The only way to the value; do not keep the reference.
    [[nodiscard]] const T& reveal() const { return value_; }

  private:
    static void wipe_value(T& value) {
        if constexpr (requires { value.capacity(); }) {
            value.resize(value.capacity());
            wipe(value.data(), value.size() * sizeof(*value.data()));
            value.clear();
        } else {
            wipe(&value, sizeof value);
        }
    }

    T value_{};
};

}  // namespace farthing
