// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/mnemonic.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "farthing/base/hex.hpp"
#include "farthing/crypto/sha256.hpp"
#include "farthing/evm/address.hpp"

namespace farthing::wallet {
namespace {

const std::string kDevelopment = "test test test test test test test test test test test junk";

std::string address(const std::string& words, std::uint32_t index = 0,
                    const std::string& passphrase = "") {
    const auto key =
        key_from_mnemonic(Secret<std::string>(words), Secret<std::string>(passphrase), index);
    return key ? address_of(*key).to_checksum() : key.error().detail;
}

}  // namespace

TEST_CASE("wallet: the words are those of BIP-39") {
    // Of the file, which has a line for each.
    std::string lines(mnemonic_words().substr(1));
    std::ranges::replace(lines, ' ', '\n');
    CHECK(to_hex_digits(sha256(lines)) ==
          "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
}

TEST_CASE("wallet: the development mnemonic gives the accounts everybody knows") {
    CHECK(address(kDevelopment, 0) == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    CHECK(address(kDevelopment, 1) == "0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
    CHECK(address("  " + kDevelopment + "\n", 9) == "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720");
}

// Entropy of 16, 20, 24, 28 and 32 bytes; the addresses are those of viem 2's mnemonicToAccount
// (addressIndex 5, without and with the passphrase TREZOR).
TEST_CASE("wallet: mnemonics of every length give the accounts of other wallets") {
    struct Known {
        std::string words, plain, with_passphrase;
    };
    const std::vector<Known> known{
        {"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
         "about",
         "0xA40cFBFc8534FFC84E20a7d8bBC3729B26a35F6f",
         "0xA62B3195dd729C11375d592e8F1Fb0Dc671CCcbB"},
        {"baby mass dust captain baby mass dust captain baby mass dust captain baby mass echo",
         "0xCd1fF19aF91D5B8c0440DF467fad5F5D10B23591",
         "0x502206c1D8d2D0A9A04AB3c554C088C57BD3A2Dd"},
        {"legal winner thank year wave sausage worth useful legal winner thank year wave sausage "
         "worth useful legal will",
         "0x086f1FB85E0386c17E368bf9ac42732Cb7A879Ba",
         "0xb0d6821725884703390c1A6576b8a88FEAb3a1a7"},
        {"letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount "
         "doctor acoustic avoid letter advice cage absurd apart",
         "0xA6334eb0dcF0c9B4F181c712922B73602e49F37f",
         "0x78c3A911E8cEBFBAF2Cd25A5cDc206DA3861C4bc"},
        {"zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo "
         "zoo vote",
         "0x95d1984FD6d8AFb0Ae4AEe3ea6A9F8811CAB01F5",
         "0x49F3ED5c221815B4C1186D744dDAB7ae9Dd4CaA6"}};
    for (const auto& [words, plain, with_passphrase] : known) {
        CHECK(address(words, 5) == plain);
        CHECK(address(words, 5, "TREZOR") == with_passphrase);
    }
}

TEST_CASE("wallet: a mnemonic that is none is refused, and not repeated") {
    auto swapped = kDevelopment;
    swapped.replace(swapped.rfind("junk"), 4, "test");
    CHECK(address(swapped).starts_with("mnemonic: the checksum is wrong"));
    CHECK(address("test test") == "mnemonic: expected 12, 15, 18, 21 or 24 words, found 2");
    CHECK(address("") == "mnemonic: expected 12, 15, 18, 21 or 24 words, found 0");
    auto misspelt = kDevelopment;
    misspelt.replace(5, 4, "tset");
    CHECK(address(misspelt) == "mnemonic: word 2 is not one of the English list");
    CHECK(address(kDevelopment, 0, "caf\u00e9") == "passphrase: expected ASCII");
    CHECK(address(kDevelopment, kHardened) == "index: expected less than 2^31");
}

}  // namespace farthing::wallet
