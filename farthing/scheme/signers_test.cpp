// SPDX-License-Identifier: Apache-2.0
// What is remembered of signatures never answers otherwise than recovering them does.
#include "farthing/scheme/signers.hpp"

#include <doctest/doctest.h>

#include "farthing/crypto/keccak.hpp"
#include "farthing/testing/payments.hpp"

namespace farthing::scheme {
namespace {

using testing::development_key;

Bytes32 message(std::size_t number) { return keccak256("message " + std::to_string(number)); }

}  // namespace

TEST_CASE("signers: a signature that comes again is not recovered again") {
    Signers signers;
    const auto signature = sign(message(1), development_key(0));
    const auto payer = address_of(development_key(0));
    CHECK(signers.signer_of(message(1), signature).value() == payer);
    CHECK(signers.recoveries() == 1);
    CHECK(signers.signer_of(message(1), signature).value() == payer);
    CHECK(signers.recoveries() == 1);
}

TEST_CASE("signers: what differs in anything is another question") {
    Signers signers(1);
    const auto good = sign(message(1), development_key(0));
    const auto payer = address_of(development_key(0));
    REQUIRE(signers.signer_of(message(1), good).value() == payer);
    const auto asked = [&](const Bytes32& digest, const Signature& signature) {
        const auto before = signers.recoveries();
        const auto answer = signers.signer_of(digest, signature);
        CHECK(signers.recoveries() == before + 1);
        const auto key = recover(digest, signature);
        REQUIRE(answer.has_value() == key.has_value());
        if (!key) {
            CHECK(answer.error().code == Errc::invalid_signature);
            return false;
        }
        CHECK(*answer == address_of(*key));
        CHECK(*answer != payer);
        return true;
    };
    auto other_v = good;
    other_v.recovery_id ^= 1;
    CHECK(asked(message(1), other_v));
    CHECK(asked(message(2), good));
    auto other_s = good;
    other_s.s.data[31] ^= 1;
    CHECK(asked(message(1), other_s));
    // Whether such an r is on the curve at all depends: one of each kind.
    bool on_curve = false;
    bool off_curve = false;
    for (int i = 1; i < 64; ++i) {
        auto other_r = good;
        other_r.r.data[31] = static_cast<std::uint8_t>(other_r.r.data[31] ^ i);
        (asked(message(1), other_r) ? on_curve : off_curve) = true;
    }
    CHECK(on_curve);
    CHECK(off_curve);
    // The first is gone by now, and has the same answer as before.
    const auto before = signers.recoveries();
    CHECK(signers.signer_of(message(1), good).value() == payer);
    CHECK(signers.recoveries() == before + 1);
}

TEST_CASE("signers: a failure is worked out each time") {
    Signers signers;
    Signature nowhere;
    nowhere.r.data[31] = 5;  // no point of the curve has this x
    nowhere.s.data[31] = 1;
    CHECK(!signers.signer_of(message(1), nowhere));
    CHECK(!signers.signer_of(message(1), nowhere));
    CHECK(signers.recoveries() == 2);
}

TEST_CASE("signers: full, it forgets the oldest and answers all the same") {
    Signers signers(2);
    std::vector<Signature> signatures;
    const auto key = [](std::size_t i) { return development_key(i % 3); };
    for (std::size_t i = 0; i < 40; ++i) signatures.push_back(sign(message(i), key(i)));
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < signatures.size(); ++i) {
            CHECK(signers.signer_of(message(i), signatures[i]).value() == address_of(key(i)));
        }
    }
    CHECK(signers.recoveries() >= 40 + 32);
    const auto before = signers.recoveries();
    CHECK(signers.signer_of(message(39), signatures[39]).value() == address_of(key(39)));
    CHECK(signers.recoveries() == before);
}

}  // namespace farthing::scheme
