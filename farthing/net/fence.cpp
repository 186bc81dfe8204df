// SPDX-License-Identifier: Apache-2.0
#include "farthing/net/fence.hpp"

#include <algorithm>
#include <array>

namespace farthing::net {
namespace {

struct Block {
    std::uint32_t first;
    unsigned bits;
};

constexpr std::uint32_t quad(std::uint32_t a, std::uint32_t b = 0, std::uint32_t c = 0) {
    return a << 24 | b << 16 | c << 8;
}

/// What IPv4 keeps for itself and for its neighbours.
constexpr std::array<Block, 14> kSpecial{{{quad(0), 8},
                                          {quad(10), 8},
                                          {quad(100, 64), 10},
                                          {quad(127), 8},
                                          {quad(169, 254), 16},
                                          {quad(172, 16), 12},
                                          {quad(192, 0, 0), 24},
                                          {quad(192, 0, 2), 24},
                                          {quad(192, 168), 16},
                                          {quad(198, 18), 15},
                                          {quad(198, 51, 100), 24},
                                          {quad(203, 0, 113), 24},
                                          {quad(224), 4},
                                          {quad(240), 4}}};

bool is_public_v4(std::uint32_t address) {
    return std::ranges::none_of(kSpecial, [&](const Block& each) {
        return (address ^ each.first) >> (32 - each.bits) == 0;
    });
}

std::uint32_t v4_at(const asio::ip::address_v6::bytes_type& bytes, std::size_t at) {
    return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 |
           std::uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
}

}  // namespace

bool is_public(const asio::ip::address& address) {
    if (address.is_v4()) return is_public_v4(address.to_v4().to_uint());
    const auto v6 = address.to_v6();
    const auto bytes = v6.to_bytes();
    if (v6.is_v4_mapped()) return is_public_v4(v4_at(bytes, 12));
    // NAT64 (64:ff9b::/96) and 6to4 (2002::/16) carry an IPv4 address.
    constexpr std::array<std::uint8_t, 12> nat64{0, 0x64, 0xff, 0x9b};
    if (std::ranges::equal(nat64, std::span(bytes).first(nat64.size()))) {
        return is_public_v4(v4_at(bytes, 12));
    }
    if (bytes[0] == 0x20 && bytes[1] == 0x02) return is_public_v4(v4_at(bytes, 2));
    // Teredo and documentation are in 2000::/3 as well.
    if (bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0 && bytes[3] == 0) return false;
    if (bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0d && bytes[3] == 0xb8) return false;
    return (bytes[0] & 0xe0) == 0x20;  // 2000::/3, all that is global
}

}  // namespace farthing::net
