// SPDX-License-Identifier: Apache-2.0
#include "farthing/policy/signature.hpp"

#include <doctest/doctest.h>

#include <map>

#include "farthing/base/hex.hpp"
#include "farthing/policy/test_pacts.hpp"
#include "farthing/testing/vectors.hpp"

using namespace farthing;
using namespace farthing::policy;
using namespace farthing::testing;

namespace {

PrivateKey key_of(std::uint8_t last) {
    Bytes32 bytes;
    bytes.data[31] = last;
    return make_key(bytes).value();
}

Pact whole() {
    const json::Value file(load_vectors("pact.json"));
    return parse_pact(file.at("document")).value();
}

/// Calls `changed(path)` once for each value below `value`, while that value is another one.
template <class T, class Changed>
void mutate(T& value, const std::string& path, const Changed& changed);

template <class T, class Changed>
void with(T& value, T other, const std::string& path, const Changed& changed) {
    std::swap(value, other);
    changed(path);
    std::swap(value, other);
}

template <class T>
T sample() {
    if constexpr (std::is_same_v<T, HostPattern>)
        return {"z.example"};
    else if constexpr (std::is_same_v<T, UrlPattern>)
        return parse_url_pattern("z.example/z").value();
    else if constexpr (std::is_same_v<T, Network>)
        return {"eip155:99"};
    else if constexpr (std::is_same_v<T, std::string>)
        return "z";
    else
        return T{};
}

template <class T, class Changed>
void mutate(T& value, const std::string& path, const Changed& changed) {
    if constexpr (eip712::detail::IsVector<T>::value) {
        for (std::size_t i = 0; i < value.size(); ++i)
            mutate(value[i], path + "[" + std::to_string(i) + "]", changed);
        auto more = value;
        more.push_back(sample<typename T::value_type>());
        with(value, more, path + "+", changed);
        if (!value.empty()) {
            auto fewer = value;
            fewer.pop_back();
            with(value, fewer, path + "-", changed);
        }
        if (value.size() > 1 && value.front() != value.back()) {
            auto turned = value;
            std::swap(turned.front(), turned.back());
            with(value, turned, path + "~", changed);
        }
    } else if constexpr (eip712::detail::IsOptional<T>::value) {
        if (value) {
            mutate(*value, path, changed);
            with(value, T{}, path + "-", changed);
        } else {
            with(value, T{sample<typename T::value_type>()}, path + "+", changed);
        }
    } else if constexpr (HasFields<T>) {
        for_each_field<T>([&](std::string_view name, auto member) {
            mutate(value.*member, path + "." + std::string(name), changed);
        });
    } else if constexpr (std::is_same_v<T, bool>) {
        with(value, !value, path, changed);
    } else if constexpr (std::is_integral_v<T>) {
        with(value, static_cast<T>(value + 1), path, changed);
    } else if constexpr (std::is_same_v<T, std::string>) {
        with(value, value + "x", path, changed);
    } else if constexpr (std::is_same_v<T, Address>) {
        auto other = value;
        other.data[19] ^= 1U;
        with(value, other, path, changed);
    } else if constexpr (std::is_same_v<T, Amount>) {
        with(value, Amount{value.value.checked_add(U256(1)).value(), value.unit}, path, changed);
        with(value, Amount{value.value, value.unit + "X"}, path + "#", changed);
    } else if constexpr (std::is_same_v<T, Span> || std::is_same_v<T, Instant>) {
        with(value, T{value.seconds + 1}, path, changed);
    } else if constexpr (std::is_same_v<T, UtcOffset>) {
        with(value, UtcOffset{value.minutes + 1}, path, changed);
        with(value, UtcOffset{-value.minutes - 1}, path, changed);
    } else if constexpr (std::is_same_v<T, Period>) {
        with(value, Period{Period::Kind::window, value.seconds + 1}, path, changed);
    } else if constexpr (std::is_same_v<T, Verdict>) {
        with(value, value == Verdict::refuse ? Verdict::ask : Verdict::refuse, path, changed);
    } else if constexpr (std::is_same_v<T, Network>) {
        with(value, Network{value.id + "0"}, path, changed);
    } else {
        // A pattern: its text is what it says.
        auto other = value;
        other.text += "x";
        with(value, other, path, changed);
    }
}

}  // namespace

TEST_CASE("signature: the hash and the signature are the ones of viem") {
    const json::Value file(load_vectors("pact.json"));
    const auto pact = whole();
    CHECK(eip712::encode_type<Pact>() == text_at(file, "type"));
    CHECK(to_hex(pact_hash(pact)) == text_at(file, "digest"));
    const auto key = make_key(bytes32_at(file, "key")).value();
    const auto seal = sign(pact, key);
    CHECK(to_hex(seal.signature) == text_at(file, "signature"));
    CHECK(check(pact, seal, parse_address(text_at(file, "signer")).value()).has_value());
}

TEST_CASE("signature: every value that changes changes the hash, and each in its own way") {
    auto pact = whole();
    std::map<Bytes32, std::string> seen{{pact_hash(pact), "unchanged"}};
    mutate(pact, "", [&](const std::string& path) {
        CAPTURE(path);
        const auto [place, fresh] = seen.emplace(pact_hash(pact), path);
        CAPTURE(place->second);
        CHECK(fresh);
    });
    CHECK(seen.size() > 100);
    CHECK(pact == whole());
}

TEST_CASE("signature: the way it is written does not matter") {
    const auto a = policy::testing::pact(R"({"limit": [{"amount": "$1.00", "per": "60m"}],
        "expires": "2030-01-01T00:00:00Z", "lifetime_max": "3600s"})");
    const auto b = policy::testing::pact(R"({"limit": [{"per": "1h", "amount": "1"}]})");
    CHECK(pact_hash(a) == pact_hash(b));
}

TEST_CASE("signature: only the operator's own word counts") {
    const auto pact = whole();
    const auto mine = sign(pact, key_of(1));
    const auto me = address_of(key_of(1));
    CHECK(check(pact, mine, me).has_value());
    CHECK(check(pact, mine, address_of(key_of(2))).error().code == Errc::invalid_signature);
    auto altered = pact;
    altered.per_request.value = U256(1);
    CHECK(check(altered, mine, me).error().detail.contains("altered"));
    auto forged = sign(pact, key_of(2));
    forged.signer = me;
    CHECK(check(pact, forged, me).error().code == Errc::invalid_signature);
    auto cut = mine;
    cut.signature.pop_back();
    CHECK(check(pact, cut, me).error().code == Errc::invalid_signature);
}

TEST_CASE("signature: a document may carry its signature") {
    const auto plain = policy::testing::document();
    CHECK_FALSE(parse_document(plain).value().seal.has_value());
    auto sealed = plain.as_object();
    const auto pact = parse_pact(plain).value();
    const auto seal = sign(pact, key_of(1));
    sealed["signature"] = json::encode(seal);
    const auto read = parse_document(json::Value(sealed)).value();
    CHECK(read.pact == pact);
    CHECK(read.seal == seal);
    sealed["signature"].as_object()["extra"] = 1;
    CHECK(parse_document(json::Value(sealed)).error().detail.contains(".signature.extra"));
    sealed["signature"] = "0x";
    CHECK(parse_document(json::Value(sealed)).error().detail.contains(".signature"));
    CHECK_FALSE(parse_document(json::Value("text")).has_value());
}
