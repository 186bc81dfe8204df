// SPDX-License-Identifier: Apache-2.0
// RLP, as transactions need it. Source: Yellow Paper, appendix B.
#pragma once

#include <vector>

#include "farthing/base/result.hpp"
#include "farthing/evm/u256.hpp"

namespace farthing::rlp {

[[nodiscard]] Bytes string(ByteView bytes);
/// Big-endian without leading zeros; zero is the empty string.
[[nodiscard]] Bytes number(const U256& value);
/// A list of items that are encoded already.
[[nodiscard]] Bytes list(const std::vector<Bytes>& items);

/// Reads one item after the other; the content of a list is read by a reader of its own. Errors of
/// all: invalid_encoding.
class Reader {
  public:
    explicit Reader(ByteView data) : data_(data) {}

    /// The content of the next item.
    Result<ByteView> next();
    /// At most 32 bytes, no leading zero.
    Result<U256> number();
    Result<std::uint64_t> small();
    [[nodiscard]] bool at_end() const { return data_.empty(); }

  private:
    Result<ByteView> cut(std::size_t head, std::size_t size);
    Result<ByteView> cut_long(std::size_t digits);

    ByteView data_;
};

}  // namespace farthing::rlp
