// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/eip3009.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "farthing/base/hex.hpp"
#include "farthing/evm/abi.hpp"
#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::testing;

namespace {

const Address kToken = parse_address("0x036CbD53842c5426634e7929541eC2318f3dCF7e").value();

TransferWithAuthorization authorization() {
    const auto file = load_vectors("eip712_messages.json");
    return json::decode<TransferWithAuthorization>(array_at(file, "messages")[1].at("message"))
        .value();
}

Bytes known_signature() {
    const auto file = load_vectors("eip712_messages.json");
    return bytes_at(array_at(file, "messages")[1], "signature");
}

std::string head(const Call& call) { return to_hex(ByteView(call.data).first(4)); }

/// The arguments behind the selector.
abi::Reader arguments(const Call& call) { return abi::Reader(ByteView(call.data).subspan(4)); }

}  // namespace

TEST_CASE("eip3009: 65 bytes go through the v, r, s overload, v as 27 or 28") {
    const auto message = authorization();
    auto signature = known_signature();
    REQUIRE(signature[64] == 28);
    const auto call = eip3009::transfer(kToken, message, signature);
    CHECK(call.to == kToken);
    CHECK(head(call) == "0xe3ee160e");
    CHECK(call.data.size() == 4 + 9 * 32);
    const auto read = arguments(call);
    CHECK(read.address(0).value() == message.from);
    CHECK(read.address(1).value() == message.to);
    CHECK(read.number(2).value() == message.value);
    CHECK(read.number(3).value() == message.valid_after);
    CHECK(read.number(4).value() == message.valid_before);
    CHECK(read.word(5).value() == message.nonce);
    CHECK(read.number(6).value() == U256(28));
    CHECK(to_hex(read.word(7).value()) == to_hex(ByteView(signature).first(32)));
    CHECK(to_hex(read.word(8).value()) == to_hex(ByteView(signature).subspan(32, 32)));
    signature[64] = 1;
    CHECK(eip3009::transfer(kToken, message, signature) == call);
    signature[64] = 0;
    CHECK(arguments(eip3009::transfer(kToken, message, signature)).number(6).value() == U256(27));
}

TEST_CASE("eip3009: any other length goes through the bytes overload, untouched") {
    for (const std::size_t size : {0U, 1U, 64U, 66U, 130U}) {
        const auto call = eip3009::transfer(kToken, authorization(), Bytes(size, 0x5a));
        CHECK(head(call) == "0xcf092995");
        const auto signature = arguments(call).bytes(6).value();
        CHECK(signature.size() == size);
        CHECK(std::ranges::all_of(signature, [](auto byte) { return byte == 0x5a; }));
    }
}

TEST_CASE("eip3009, erc20, erc1271: the reads carry the selectors of protocol.md 8.4") {
    const auto payer = authorization().from;
    const auto nonce = authorization().nonce;
    const auto used = eip3009::authorization_state(kToken, payer, nonce);
    CHECK(head(used) == "0xe94a0102");
    CHECK(arguments(used).address(0).value() == payer);
    CHECK(arguments(used).word(1).value() == nonce);
    CHECK(head(erc20::balance_of(kToken, payer)) == "0x70a08231");
    CHECK(arguments(erc20::balance_of(kToken, payer)).address(0).value() == payer);
    CHECK(head(erc20::name(kToken)) == "0x06fdde03");
    CHECK(head(erc20::version(kToken)) == "0x54fd4d50");
    CHECK(head(erc20::domain_separator(kToken)) == "0x3644e515");
    const auto ask = erc1271::is_valid_signature(payer, nonce, Bytes{1, 2, 3});
    CHECK(ask.to == payer);
    CHECK(head(ask) == "0x1626ba7e");
    CHECK(arguments(ask).word(0).value() == nonce);
    CHECK(arguments(ask).bytes(1).value().size() == 3);
}

TEST_CASE("erc1271: yes is the magic value at the left of a full word") {
    Bytes yes(32, 0);
    std::ranges::copy(erc1271::kMagic, yes.begin());
    CHECK(erc1271::accepts(yes));
    CHECK(!erc1271::accepts(Bytes(32, 0)));
    CHECK(!erc1271::accepts(ByteView(yes).first(31)));
    CHECK(!erc1271::accepts(ByteView(yes).first(4)));
    CHECK(!erc1271::accepts({}));
    Bytes right(32, 0);  // a bool or a number in its place
    std::ranges::copy(erc1271::kMagic, right.end() - 4);
    CHECK(!erc1271::accepts(right));
    yes[3] ^= 1;
    CHECK(!erc1271::accepts(yes));
}

TEST_CASE("erc6492: the wrapper of protocol.md 15.6, byte for byte and back") {
    const json::Value file(load_vectors("erc6492.json"));
    const erc6492::Wrapped wrapped{parse_address(text_at(file, "factory")).value(),
                                   bytes_at(file, "factoryCalldata"), bytes_at(file, "signature")};
    Bytes expected;
    for (const auto& word : file.at("words").as_array()) {
        append(expected, from_hex(std::string_view(word.as_string())).value());
    }
    append(expected, bytes_at(file, "suffix"));
    REQUIRE(expected.size() == file.at("bytes").to_number<std::size_t>());
    CHECK(to_hex(erc6492::wrap(wrapped)) == to_hex(expected));
    CHECK(erc6492::is_wrapped(expected));
    const auto again = erc6492::unwrap(expected);
    REQUIRE(again);
    CHECK(again->factory == wrapped.factory);
    CHECK(again->factory_calldata == wrapped.factory_calldata);
    CHECK(again->signature == wrapped.signature);
}

TEST_CASE("erc6492: what is not wrapped, or wrapped badly, is refused") {
    const json::Value file(load_vectors("erc6492.json"));
    const auto suffix = bytes_at(file, "suffix");
    CHECK(!erc6492::is_wrapped(known_signature()));
    CHECK(!erc6492::is_wrapped(suffix));  // the marker alone wraps nothing
    CHECK(!erc6492::unwrap(known_signature()));
    const auto with_marker = [&](Bytes inner) {
        append(inner, suffix);
        return inner;
    };
    CHECK(!erc6492::unwrap(with_marker({1})));
    CHECK(!erc6492::unwrap(with_marker(Bytes(96, 0xff))));
    // Dirty bytes above the factory's address: another text for the same wrapper.
    auto dirty = erc6492::wrap({kToken, {1}, {2}});
    dirty[0] = 1;
    CHECK(!erc6492::unwrap(dirty));
    auto whole = erc6492::wrap({kToken, Bytes(40, 1), Bytes(65, 2)});
    for (std::size_t size = 0; size + 32 < whole.size() - 32; size += 32) {
        CHECK(!erc6492::unwrap(
            with_marker(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)))));
    }
}
