// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/mnemonic.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/crypto/sha256.hpp"

namespace farthing::wallet {
namespace {

constexpr std::uint32_t kRounds = 2'048;
constexpr std::size_t kBitsPerWord = 11;
constexpr std::size_t kWordsMin = 12;
constexpr std::size_t kWordsMax = 24;

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> out;
    while (true) {
        const auto begin = text.find_first_not_of(" \t\r\n");
        if (begin == std::string_view::npos) return out;
        text.remove_prefix(begin);
        const auto end = text.find_first_of(" \t\r\n");
        out.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return out;
        text.remove_prefix(end);
    }
}

const std::vector<std::string_view>& word_list() {
    static const auto list = split(mnemonic_words());
    return list;
}

/// The entropy and, after it, a bit of checksum for each 32 of its own.
Result<Secret<Bytes>> bits_of(const std::vector<std::string_view>& words) {
    const auto& list = word_list();
    Bytes bits((words.size() * kBitsPerWord + 7) / 8);
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto found = std::ranges::lower_bound(list, words[i]);
        if (found == list.end() || *found != words[i]) {
            return fail(Errc::invalid_argument,
                        fmt::format("mnemonic: word {} is not one of the English list", i + 1));
        }
        const auto number = static_cast<std::size_t>(found - list.begin());
        for (std::size_t bit = 0; bit < kBitsPerWord; ++bit) {
            if ((number >> (kBitsPerWord - 1 - bit)) % 2 == 0) continue;
            const auto at = i * kBitsPerWord + bit;
            bits[at / 8] = static_cast<std::uint8_t>(bits[at / 8] | (0x80U >> (at % 8)));
        }
    }
    return Secret<Bytes>(std::move(bits));
}

Result<> check_words(const std::vector<std::string_view>& words) {
    if (words.size() < kWordsMin || words.size() > kWordsMax || words.size() % 3 != 0) {
        return fail(
            Errc::invalid_argument,
            fmt::format("mnemonic: expected 12, 15, 18, 21 or 24 words, found {}", words.size()));
    }
    FARTHING_TRY(const auto bits, bits_of(words));
    const auto entropy = ByteView(bits.reveal()).first(words.size() / 3 * 4);
    const auto checksum_bits = words.size() / 3;
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - checksum_bits));
    if (((sha256(entropy).data[0] ^ bits.reveal()[entropy.size()]) & mask) != 0) {
        return fail(Errc::invalid_argument,
                    "mnemonic: the checksum is wrong: a word is mistyped, or two are swapped");
    }
    return {};
}

}  // namespace

Result<PrivateKey> key_from_mnemonic(const Secret<std::string>& mnemonic,
                                     const Secret<std::string>& passphrase, std::uint32_t index) {
    const auto words = split(mnemonic.reveal());
    FARTHING_CHECK(check_words(words));
    // Other alphabets would have to be normalised (NFKD) first, and a wrong key is found too late.
    const auto& phrase = passphrase.reveal();
    if (std::ranges::any_of(phrase, [](char c) { return c < 0x20 || c > 0x7e; })) {
        return fail(Errc::invalid_argument, "passphrase: expected ASCII");
    }
    if (index >= kHardened) return fail(Errc::invalid_argument, "index: expected less than 2^31");
    std::string joined;
    joined.reserve(mnemonic.reveal().size() + 1);  // grows in place
    for (const auto each : words) {
        if (!joined.empty()) joined.push_back(' ');
        joined.append(each);
    }
    const Secret<std::string> sentence(std::move(joined));
    const Secret<std::string> salt("mnemonic" + phrase);
    FARTHING_TRY(const auto seed, pbkdf2_sha512(sentence, as_bytes(salt.reveal()), kRounds));
    const std::array path{kHardened + 44, kHardened + 60, kHardened, 0U, index};
    return derive_key(seed, path);
}

}  // namespace farthing::wallet
