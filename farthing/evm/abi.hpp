// SPDX-License-Identifier: Apache-2.0
// Contract ABI encoding and bounded decoding. Source: Solidity documentation, "Contract ABI
// Specification".
#pragma once

#include <vector>

#include "farthing/evm/address.hpp"
#include "farthing/evm/u256.hpp"

namespace farthing::abi {

/// One value to encode: a word, bytes, or a tuple or array of values.
class Item {
  public:
    Item(const U256& value) : word_(value.to_bytes()) {}  // NOLINT: arguments read as plain values
    Item(const Bytes32& word) : word_(word) {}            // NOLINT
    Item(const Address& address) {
        std::memcpy(word_.data.data() + 12, address.data.data(), 20);
    }  // NOLINT
    Item(bool on) : Item(U256(on ? 1 : 0)) {}                              // NOLINT
    Item(Bytes bytes) : shape_(Shape::bytes), bytes_(std::move(bytes)) {}  // NOLINT
    static Item tuple(std::vector<Item> members) { return {Shape::tuple, std::move(members)}; }
    static Item array(std::vector<Item> elements) { return {Shape::array, std::move(elements)}; }

  private:
    friend Bytes encode(const std::vector<Item>& arguments);
    enum class Shape : std::uint8_t { word, bytes, tuple, array };
    Item(Shape shape, std::vector<Item> items) : shape_(shape), items_(std::move(items)) {}
    [[nodiscard]] bool is_dynamic() const;
    [[nodiscard]] Bytes body() const;

    Shape shape_ = Shape::word;
    Bytes32 word_;
    Bytes bytes_;
    std::vector<Item> items_;
};

/// `abi.encode(arguments...)`.
[[nodiscard]] Bytes encode(const std::vector<Item>& arguments);

/// The first four bytes of keccak256(signature): `transfer(address,uint256)`.
[[nodiscard]] std::array<std::uint8_t, 4> selector(std::string_view signature);
/// Selector and encoded arguments.
[[nodiscard]] Bytes call(std::string_view signature, const std::vector<Item>& arguments);
[[nodiscard]] Bytes call(const std::array<std::uint8_t, 4>& selector,
                         const std::vector<Item>& arguments);

/// Reads an encoded tuple; every offset and length is checked against the data. Errors:
/// invalid_encoding.
class Reader {
  public:
    explicit Reader(ByteView data) : data_(data) {}

    [[nodiscard]] Result<Bytes32> word(std::size_t index) const;
    [[nodiscard]] Result<U256> number(std::size_t index) const;
    [[nodiscard]] Result<bool> boolean(std::size_t index) const;     ///< exactly 0 or 1
    [[nodiscard]] Result<Address> address(std::size_t index) const;  ///< upper 12 bytes zero
    [[nodiscard]] Result<ByteView> bytes(std::size_t index) const;   ///< `bytes` or `string`
    [[nodiscard]] Result<std::string> text(std::size_t index) const;
    /// A dynamic tuple at `index`.
    [[nodiscard]] Result<Reader> tuple(std::size_t index) const;
    /// A dynamic array of dynamic elements at `index`, at most `count_max` of them.
    [[nodiscard]] Result<std::vector<Reader>> array(std::size_t index, std::size_t count_max) const;

  private:
    [[nodiscard]] Result<std::size_t> offset(std::size_t index) const;
    [[nodiscard]] Result<std::size_t> length_at(std::size_t offset) const;

    ByteView data_;
};

}  // namespace farthing::abi
