// SPDX-License-Identifier: Apache-2.0
#include "farthing/base/hex.hpp"

#include <fmt/format.h>

namespace farthing {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool has_prefix(std::string_view text) { return text.starts_with("0x"); }

/// Decodes digit pairs; false on a character that is no digit.
bool decode(std::string_view digits, std::span<std::uint8_t> out) {
    int bad = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const int high = digit(digits[2 * i]);
        const int low = digit(digits[2 * i + 1]);
        bad |= high | low;
        out[i] = static_cast<std::uint8_t>((high << 4) | (low & 15));
    }
    return bad >= 0;
}

}  // namespace

std::string to_hex_digits(ByteView bytes) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const auto byte : bytes) {
        text.push_back(kDigits[byte >> 4]);
        text.push_back(kDigits[byte & 15]);
    }
    return text;
}

std::string to_hex(ByteView bytes) { return "0x" + to_hex_digits(bytes); }

Result<Bytes> from_hex(std::string_view text) {
    if (!has_prefix(text) || text.size() % 2 != 0) {
        return fail(Errc::invalid_encoding, "expected 0x and an even number of hex digits");
    }
    Bytes out(text.size() / 2 - 1);
    if (!decode(text.substr(2), out)) {
        return fail(Errc::invalid_encoding, "expected hex digits after 0x");
    }
    return out;
}

Result<> from_hex(std::string_view text, std::span<std::uint8_t> out) {
    if (!has_prefix(text) || text.size() != 2 + out.size() * 2 || !decode(text.substr(2), out)) {
        return fail(Errc::invalid_encoding,
                    fmt::format("expected 0x and {} hex digits", out.size() * 2));
    }
    return {};
}

Result<Bytes32> bytes32_from_hex(std::string_view text) {
    Bytes32 value;
    FARTHING_CHECK(from_hex(text, value.data));
    return value;
}

}  // namespace farthing
