// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/keystore.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/hex.hpp"
#include "farthing/crypto/kdf.hpp"
#include "farthing/crypto/keccak.hpp"
#include "farthing/json/codec.hpp"

namespace farthing::wallet {
namespace {

constexpr std::uint64_t kVersion = 3;
constexpr std::uint64_t kKeyBytesMin = 32;
constexpr std::uint64_t kKeyBytesMax = 1024;
constexpr std::size_t kSaltBytesMax = 1024;

struct CipherParams {
    std::string iv;
    static constexpr auto fields() { return std::tuple{field("iv", &CipherParams::iv)}; }
};

struct Crypto {
    std::string cipher;
    std::string ciphertext;
    CipherParams cipher_params;
    std::string kdf;
    json::Object kdf_params;
    std::string mac;
    static constexpr auto fields() {
        using T = Crypto;
        return std::tuple{field("cipher", &T::cipher),
                          field("ciphertext", &T::ciphertext),
                          field("cipherparams", &T::cipher_params),
                          field("kdf", &T::kdf),
                          field("kdfparams", &T::kdf_params),
                          field("mac", &T::mac)};
    }
};

struct File {
    std::optional<std::string> address;
    Crypto crypto;
    std::optional<std::string> id;
    std::uint64_t version = kVersion;
    static constexpr auto fields() {
        using T = File;
        return std::tuple{field("address", &T::address), field("crypto", &T::crypto),
                          field("id", &T::id), field("version", &T::version)};
    }
};

struct ScryptParams {
    std::uint64_t dklen = kKeyBytesMin;
    std::uint64_t n = 0;
    std::uint64_t p = 0;
    std::uint64_t r = 0;
    std::string salt;
    static constexpr auto fields() {
        using T = ScryptParams;
        return std::tuple{field("dklen", &T::dklen), field("n", &T::n), field("p", &T::p),
                          field("r", &T::r), field("salt", &T::salt)};
    }
};

struct Pbkdf2Params {
    std::uint64_t c = 0;
    std::uint64_t dklen = kKeyBytesMin;
    std::string prf;
    std::string salt;
    static constexpr auto fields() {
        using T = Pbkdf2Params;
        return std::tuple{field("c", &T::c), field("dklen", &T::dklen), field("prf", &T::prf),
                          field("salt", &T::salt)};
    }
};

/// Hex digits, with or without 0x: the definition has none, some writers add it.
Result<Bytes> hex_digits(std::string_view text, const json::Path& path, std::size_t bytes_min,
                         std::size_t bytes_max) {
    const auto bytes =
        from_hex(text.starts_with("0x") ? std::string(text) : fmt::format("0x{}", text));
    if (!bytes || bytes->size() < bytes_min || bytes->size() > bytes_max) {
        return path.error(
            bytes_min == bytes_max
                ? fmt::format("expected {} hex digits", 2 * bytes_max)
                : fmt::format("expected from {} to {} hex digits", 2 * bytes_min, 2 * bytes_max));
    }
    return *bytes;
}

/// ethers and MyEtherWallet spell the member `Crypto`.
Result<File> parse_file(std::string_view text) {
    FARTHING_TRY(auto value, json::parse(text, {.bytes_max = kKeystoreBytesMax, .depth_max = 8}));
    if (auto* object = value.if_object(); object != nullptr && !object->contains("crypto")) {
        if (const auto* capital = object->if_contains("Crypto")) {
            const json::Value crypto = *capital;
            object->insert_or_assign("crypto", crypto);
        }
    }
    FARTHING_TRY(auto file, json::decode<File>(value));
    if (file.version != kVersion) {
        const json::Path root;
        return json::Path(root, "version").error(fmt::format("expected {}", kVersion));
    }
    return file;
}

Result<std::optional<Address>> address_in(const File& file) {
    if (!file.address || file.address->empty()) return std::optional<Address>{};
    const json::Path root;
    FARTHING_TRY(const auto bytes, hex_digits(*file.address, json::Path(root, "address"), 20, 20));
    Address address;
    std::ranges::copy(bytes, address.data.begin());
    return std::optional(address);
}

/// The key derivation says which number is out of range; here it gets its place in the file.
Result<DerivedKey> in_file(Result<DerivedKey> key, const json::Path& path) {
    if (key || key.error().code != Errc::invalid_argument) return key;
    return fail(Errc::invalid_field, fmt::format("{}.{}", path.text(), key.error().detail));
}

Result<> check_key_length(std::uint64_t dklen, const json::Path& path) {
    if (dklen >= kKeyBytesMin && dklen <= kKeyBytesMax) return {};
    return json::Path(path, "dklen")
        .error(fmt::format("expected from {} to {}", kKeyBytesMin, kKeyBytesMax));
}

/// The first 32 bytes of the derived key: all that the cipher and the checksum use, and the same
/// whatever length the file asks for.
Result<DerivedKey> derive(const Crypto& crypto, const Secret<std::string>& password,
                          const json::Path& path) {
    const json::Path params_path(path, "kdfparams");
    const json::Value params(crypto.kdf_params);
    if (crypto.kdf == "scrypt") {
        FARTHING_TRY(const auto with, json::decode<ScryptParams>(params, params_path));
        FARTHING_CHECK(check_key_length(with.dklen, params_path));
        FARTHING_TRY(const auto salt,
                     hex_digits(with.salt, json::Path(params_path, "salt"), 0, kSaltBytesMax));
        return in_file(scrypt(password, salt, {.n = with.n, .r = with.r, .p = with.p}),
                       params_path);
    }
    if (crypto.kdf == "pbkdf2") {
        FARTHING_TRY(const auto with, json::decode<Pbkdf2Params>(params, params_path));
        FARTHING_CHECK(check_key_length(with.dklen, params_path));
        if (with.prf != "hmac-sha256") {
            return json::Path(params_path, "prf").error("expected \"hmac-sha256\"");
        }
        FARTHING_TRY(const auto salt,
                     hex_digits(with.salt, json::Path(params_path, "salt"), 0, kSaltBytesMax));
        return in_file(pbkdf2_sha256(password, salt, with.c), params_path);
    }
    return json::Path(path, "kdf").error("expected \"scrypt\" or \"pbkdf2\"");
}

/// keccak256(second half of the derived key, ciphertext).
Bytes32 checksum(const DerivedKey& derived, ByteView ciphertext) {
    const auto half = ByteView(derived.reveal().data).subspan(16, 16);
    return keccak256({half, ciphertext});
}

Secret<Bytes> crypt(const DerivedKey& derived, const Aes128Key& counter, ByteView data) {
    Aes128Key half{};
    std::ranges::copy_n(derived.reveal().data.begin(), 16, half.begin());
    const Secret<Aes128Key> key(half);
    wipe(half.data(), half.size());
    return aes128_ctr(key, counter, data);
}

/// Shorter plaintexts are keys whose leading zeros an old writer dropped.
Result<PrivateKey> key_from(const Secret<Bytes>& plain, const json::Path& path) {
    Bytes32 bytes;
    const auto& from = plain.reveal();
    std::ranges::copy(from, bytes.data.begin() + static_cast<std::ptrdiff_t>(32 - from.size()));
    auto key = make_key(bytes);
    wipe(&bytes, sizeof bytes);
    if (!key) return path.error("does not hold a private key");
    return key;
}

std::string make_uuid(Random& random) {
    std::array<std::uint8_t, 16> bytes{};
    random.fill(bytes);
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);  // version 4, RFC 9562
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
    const auto hex = to_hex_digits(bytes);
    return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                       hex.substr(16, 4), hex.substr(20));
}

ScryptCost scrypt_cost(KeystoreCost cost) {
    return cost == KeystoreCost::standard ? ScryptCost{.n = 1 << 18, .r = 8, .p = 1}
                                          : ScryptCost{.n = 1 << 12, .r = 8, .p = 6};
}

}  // namespace

Result<PrivateKey> decrypt_key(std::string_view text, const Secret<std::string>& password) {
    FARTHING_TRY(const auto file, parse_file(text));
    FARTHING_TRY(const auto claimed, address_in(file));
    const json::Path root;
    const json::Path path(root, "crypto");
    const json::Path cipher_params(path, "cipherparams");
    const json::Path ciphertext_path(path, "ciphertext");
    if (file.crypto.cipher != "aes-128-ctr") {
        return json::Path(path, "cipher").error("expected \"aes-128-ctr\"");
    }
    FARTHING_TRY(const auto ciphertext, hex_digits(file.crypto.ciphertext, ciphertext_path, 1, 32));
    FARTHING_TRY(const auto mac, hex_digits(file.crypto.mac, json::Path(path, "mac"), 32, 32));
    FARTHING_TRY(const auto iv,
                 hex_digits(file.crypto.cipher_params.iv, json::Path(cipher_params, "iv"), 16, 16));
    FARTHING_TRY(const auto derived, derive(file.crypto, password, path));
    if (!equal_constant_time(checksum(derived, ciphertext), mac)) {
        return fail(Errc::wrong_password, "wrong password, or the key file was altered");
    }
    Aes128Key counter{};
    std::ranges::copy(iv, counter.begin());
    FARTHING_TRY(auto key, key_from(crypt(derived, counter, ciphertext), ciphertext_path));
    if (claimed && *claimed != address_of(key)) {
        return json::Path(root, "address")
            .error(
                fmt::format("the key in this file belongs to {}", address_of(key).to_checksum()));
    }
    return key;
}

Result<std::string> encrypt_key(const PrivateKey& key, const Secret<std::string>& password,
                                KeystoreCost cost, Random& random) {
    if (password.reveal().empty()) {
        return fail(Errc::invalid_argument, "password: expected at least one character");
    }
    const auto salt = random.bytes32();
    Aes128Key counter{};
    random.fill(counter);
    const auto with = scrypt_cost(cost);
    FARTHING_TRY(const auto derived, scrypt(password, salt, with));
    const auto ciphertext = crypt(derived, counter, key.reveal());
    const ScryptParams params{
        .dklen = kKeyBytesMin, .n = with.n, .p = with.p, .r = with.r, .salt = to_hex_digits(salt)};
    File file;
    file.address = address_of(key).to_lower().substr(2);
    file.crypto.cipher = "aes-128-ctr";
    file.crypto.ciphertext = to_hex_digits(ciphertext.reveal());
    file.crypto.cipher_params.iv = to_hex_digits(counter);
    file.crypto.kdf = "scrypt";
    file.crypto.kdf_params = json::encode(params).as_object();
    file.crypto.mac = to_hex_digits(checksum(derived, ciphertext.reveal()));
    file.id = make_uuid(random);
    return json::encode_text(file);
}

Result<std::optional<Address>> claimed_address(std::string_view text) {
    FARTHING_TRY(const auto file, parse_file(text));
    return address_in(file);
}

}  // namespace farthing::wallet
