// SPDX-License-Identifier: Apache-2.0
#include "farthing/evm/abi.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>

#include "farthing/base/hex.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::testing;
using abi::Item;

namespace {

Bytes text(std::string_view from) { return Bytes(from.begin(), from.end()); }

/// bytesN: the text at the left of its word.
Bytes32 left(std::string_view from) {
    Bytes32 word;
    std::ranges::copy(from, word.data.begin());
    return word;
}

/// The arguments of the calls in vectors/abi.json.
const std::map<std::string, std::vector<Item>>& arguments() {
    const auto a0 = parse_address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266").value();
    const auto t = parse_address("0x036CbD53842c5426634e7929541eC2318f3dCF7e").value();
    const auto numbers = [](std::vector<Item> items) { return Item::array(std::move(items)); };
    static const std::map<std::string, std::vector<Item>> all{
        {"baz(uint32,bool)", {U256(69), true}},
        {"bar(bytes3[2])", {Item::tuple({left("abc"), left("def")})}},
        {"sam(bytes,bool,uint256[])", {text("dave"), true, numbers({U256(1), U256(2), U256(3)})}},
        {"f(uint256,uint32[],bytes10,bytes)",
         {U256(0x123), numbers({U256(0x456), U256(0x789)}), left("1234567890"),
          text("Hello, world!")}},
        {"g(uint256[][],string[])",
         {numbers({numbers({U256(1), U256(2)}), numbers({U256(3)})}),
          numbers({text("one"), text("two"), text("three")})}},
        {"tryAggregate(bool,(address,bytes)[])",
         {false,
          numbers({Item::tuple({a0, Bytes{0xde, 0xad, 0xbe, 0xef}}), Item::tuple({t, Bytes{}})})}},
        {"settle(((address,uint256),uint256,uint256),address,(address,uint256),bytes)",
         {Item::tuple({Item::tuple({t, U256(1'000'000)}), U256(1), U256(9'999'999'999)}), a0,
          Item::tuple({t, U256(0)}), Bytes(65, 0x11)}},
        {"multicall(bytes[])", {numbers({Bytes{}, Bytes{1}, Bytes(32, 0x22), Bytes(33, 0x33)})}},
    };
    return all;
}

/// An encoding of 32-byte words, for hostile input.
Bytes words(const std::vector<U256>& numbers) {
    Bytes out;
    for (const auto& number : numbers) append(out, number.to_bytes());
    return out;
}

}  // namespace

TEST_CASE("abi: calls encode as Solidity's documentation and viem say") {
    std::size_t count = 0;
    for (const auto& each : array_at(load_vectors("abi.json"), "calls")) {
        const auto signature = text_at(each, "signature");
        CAPTURE(signature);
        CHECK(to_hex(abi::call(signature, arguments().at(signature))) == text_at(each, "data"));
        ++count;
    }
    CHECK(count == arguments().size());
}

TEST_CASE("abi: the selectors of protocol.md 8.4") {
    const json::Value file(load_vectors("selectors.json"));
    for (const auto& [signature, value] : file.at("selectors").as_object()) {
        CHECK(to_hex(abi::selector(signature)) == text_at(file.at("selectors"), signature));
    }
    const auto& topic = file.at("transfer_topic");
    CHECK(to_hex(keccak256(text_at(topic, "signature"))) == text_at(topic, "hash"));
}

TEST_CASE("abi: what was encoded is read again") {
    CHECK(rc::check([](const std::array<std::uint8_t, 32>& raw, const Bytes& bytes,
                       const std::vector<Bytes>& list, bool on) {
        const Bytes32 word{raw};
        std::vector<Item> elements;
        for (const auto& each : list) elements.push_back(Item::tuple({each}));
        const auto data = abi::encode({word, bytes, Item::array(elements), on});
        const abi::Reader reader(data);
        RC_ASSERT(reader.word(0).value() == word);
        RC_ASSERT(reader.number(0).value() == U256::from_bytes(word));
        const auto read = reader.bytes(1).value();
        RC_ASSERT(Bytes(read.begin(), read.end()) == bytes);
        RC_ASSERT(reader.boolean(3).value() == on);
        const auto array = reader.array(2, list.size()).value();
        RC_ASSERT(array.size() == list.size());
        for (std::size_t i = 0; i < list.size(); ++i) {
            const auto element = array[i].bytes(0).value();
            RC_ASSERT(Bytes(element.begin(), element.end()) == list[i]);
        }
    }));
}

TEST_CASE("abi: a word that is no bool or no address is refused") {
    const auto data = words({U256(2), U256::max(), U256(1)});
    const abi::Reader reader(data);
    CHECK(!reader.boolean(0));
    CHECK(!reader.boolean(1));
    CHECK(reader.boolean(2).value());
    CHECK(!reader.address(1));
    CHECK(reader.address(2).value().data[19] == 1);
    Bytes dirty(32, 0);
    dirty[11] = 1;  // the lowest of the twelve bytes that must be zero
    CHECK(!abi::Reader(dirty).address(0));
}

TEST_CASE("abi: offsets and lengths that point outside are refused, never followed") {
    const U256 huge = U256::max();
    const U256 wraps(~0ULL - 31);
    for (const auto& numbers : std::vector<std::vector<U256>>{
             {},                        // nothing there
             {U256(32)},                // offset at the end: no room for the length
             {U256(33), U256(0)},       // offset in the middle of the last word
             {U256(64), U256(0)},       // offset past the end
             {huge, U256(0)},           // beyond 64 bits
             {wraps, U256(0)},          // overflows when 32 is added
             {U256(~0ULL), U256(0)},    // likewise
             {U256(32), U256(1)},       // one byte promised, none there
             {U256(32), huge},          // a length beyond 64 bits
             {U256(32), wraps},         // a length that overflows
             {U256(32), U256(33), {}},  // one byte more than there is
         }) {
        const auto data = words(numbers);
        const abi::Reader reader(data);
        CAPTURE(to_hex(data));
        CHECK(!reader.bytes(0));
        CHECK(!reader.text(0));
    }
    const auto cut = words({U256(32), U256(2), U256(0)});
    CHECK(!abi::Reader(ByteView(cut).first(65)).bytes(0));
    CHECK(abi::Reader(ByteView(cut).first(66)).bytes(0));
    CHECK(!abi::Reader(ByteView(cut).first(31)).word(0));
}

TEST_CASE("abi: hostile arrays and tuples are refused within their limits") {
    const auto array = [](const std::vector<U256>& numbers, std::size_t most) {
        const auto data = words(numbers);
        return abi::Reader(data).array(0, most).has_value();
    };
    CHECK(array({U256(32), U256(0)}, 0));
    CHECK(!array({U256(32), U256(1)}, 10));                   // an element without a head
    CHECK(!array({U256(32), U256(1), U256(64)}, 10));         // its offset past the end
    CHECK(!array({U256(32), U256::max()}, 10));               // a count beyond 64 bits
    CHECK(!array({U256(32), U256(2), U256(0), U256(0)}, 1));  // more than the caller takes
    CHECK(array({U256(32), U256(2), U256(0), U256(0)}, 2));   // elements may share bytes
    CHECK(!abi::Reader(words({U256(33)})).tuple(0));          // past the end
    CHECK(!abi::Reader(words({U256::max()})).tuple(0));
    // A tuple that points at itself has no end, but every step is asked for by the caller.
    const auto loop = words({U256(0)});
    auto reader = abi::Reader(loop).tuple(0);
    for (int i = 0; i < 100; ++i) {
        REQUIRE(reader);
        reader = reader->tuple(0);
    }
    CHECK(reader->number(0).value().is_zero());
}
