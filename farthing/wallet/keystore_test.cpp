// SPDX-License-Identifier: Apache-2.0
// Known answers: the two files of the Web3 Secret Storage Definition, and a 31-byte key as old geth
// wrote it (go-ethereum, accounts/keystore/testdata).
#include "farthing/wallet/keystore.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <vector>

#include "farthing/base/hex.hpp"
#include "farthing/io/config.hpp"
#include "farthing/json/value.hpp"
#include "farthing/testing/temporary_folder.hpp"

using namespace farthing;
using namespace farthing::wallet;

namespace {

constexpr auto kScryptFile = R"({"crypto":{"cipher":"aes-128-ctr",
    "cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},
    "ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
    "kdf":"scrypt","kdfparams":{"dklen":32,"n":262144,"r":1,"p":8,
        "salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},
    "mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},
    "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3})";
constexpr auto kPbkdf2File = R"({"crypto":{"cipher":"aes-128-ctr",
    "cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
    "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    "kdf":"pbkdf2","kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256",
        "salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
    "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},
    "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3})";
constexpr auto kShortKeyFile = R"({"crypto":{"cipher":"aes-128-ctr",
    "cipherparams":{"iv":"e0c41130a323adc1446fc82f724bca2f"},
    "ciphertext":"9517cd5bdbe69076f9bf5057248c6c050141e970efa36ce53692d5d59a3984",
    "kdf":"scrypt","kdfparams":{"dklen":32,"n":2,"r":8,"p":1,
        "salt":"711f816911c92d649fb4c84b047915679933555030b3552c1212609b38208c63"},
    "mac":"d5e116151c6aa71470e67a7d42c9620c75c4d23229847dcc127794f0732b0db5"},
    "id":"fecfc4ce-e956-48fd-953b-30f8b52ed66c","version":3})";
constexpr auto kKey = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";

Secret<std::string> password(std::string text) { return Secret<std::string>(std::move(text)); }

/// Repeatable bytes, so that a failing key can be made again from the seed.
class Seeded final : public Random {
  public:
    explicit Seeded(std::uint64_t seed) : engine_(seed) {}
    void fill(std::span<std::uint8_t> out) override {
        for (auto& byte : out) byte = static_cast<std::uint8_t>(engine_());
    }

  private:
    std::mt19937_64 engine_;
};

PrivateKey key_of_seed(std::uint64_t seed) {
    Seeded random(seed);
    auto key = make_key(random.bytes32());
    REQUIRE(key);
    return std::move(*key);
}

/// A quick file whose password is "p".
json::Value quick_file() {
    Seeded random(1);
    const auto text = encrypt_key(key_of_seed(7), password("p"), KeystoreCost::light, random);
    REQUIRE(text);
    auto value = json::parse(*text);
    REQUIRE(value);
    return *value;
}

std::string decrypted(std::string_view file, std::string with) {
    const auto key = decrypt_key(file, password(std::move(with)));
    REQUIRE(key);
    return to_hex_digits(key->reveal());
}

}  // namespace

TEST_CASE("keystore: opens the files of the Web3 Secret Storage Definition") {
    CHECK(decrypted(kScryptFile, "testpassword") == kKey);
    CHECK(decrypted(kPbkdf2File, "testpassword") == kKey);
}

TEST_CASE("keystore: opens a key whose leading zero an old writer dropped") {
    CHECK(decrypted(kShortKeyFile, "foo") ==
          "00fa7b3db73dc7dfdf8c5fbdb796d741e4488628c41fc4febd9160a866ba0f35");
}

TEST_CASE("keystore: a wrong password is refused as such, and the right one is not") {
    const auto file = json::to_text(quick_file());
    for (const auto* wrong : {"", "P", "p ", "pp", "testpassword"}) {
        CAPTURE(wrong);
        const auto key = decrypt_key(file, password(wrong));
        REQUIRE(!key);
        CHECK(key.error().code == Errc::wrong_password);
    }
    CHECK(decrypt_key(file, password("p")));
}

TEST_CASE("keystore: what is written can be read, whatever the key and the password") {
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
        CAPTURE(seed);
        Seeded random(1000 + seed);
        const auto key = key_of_seed(seed);
        std::string text(1 + seed % 40, '\0');
        random.fill({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
        const auto secret = password(text);
        const auto file = encrypt_key(key, secret, KeystoreCost::light, random);
        REQUIRE(file);
        const auto again = decrypt_key(*file, secret);
        REQUIRE(again);
        CHECK(again->reveal() == key.reveal());
        const auto address = claimed_address(*file);
        REQUIRE(address);
        CHECK(*address == address_of(key));
    }
}

TEST_CASE("keystore: the standard cost is geth's, and the key never stands in the file") {
    Seeded random(3);
    const auto key = key_of_seed(9);
    const auto file = encrypt_key(key, password("p"), KeystoreCost::standard, random);
    REQUIRE(file);
    CHECK(file->find(R"("n":262144,"p":1,"r":8)") != std::string::npos);
    CHECK(file->find(to_hex_digits(key.reveal())) == std::string::npos);
    CHECK(decrypt_key(*file, password("p")));
}

TEST_CASE("keystore: two files of one key share neither salt, counter nor id") {
    Seeded random(4);
    const auto key = key_of_seed(9);
    const auto one = encrypt_key(key, password("p"), KeystoreCost::light, random);
    const auto two = encrypt_key(key, password("p"), KeystoreCost::light, random);
    REQUIRE(one);
    REQUIRE(two);
    const auto a = json::parse(*one).value().as_object();
    const auto b = json::parse(*two).value().as_object();
    CHECK(a.at("id") != b.at("id"));
    CHECK(a.at("crypto").at("cipherparams") != b.at("crypto").at("cipherparams"));
    CHECK(a.at("crypto").at("kdfparams") != b.at("crypto").at("kdfparams"));
    CHECK(a.at("address") == b.at("address"));
}

TEST_CASE("keystore: an empty password protects nothing and is refused") {
    Seeded random(5);
    const auto file = encrypt_key(key_of_seed(1), password(""), KeystoreCost::light, random);
    REQUIRE(!file);
    CHECK(file.error().code == Errc::invalid_argument);
}

TEST_CASE("keystore: a file that is wrong anywhere says where") {
    struct Case {
        std::string pointer;  ///< RFC 6901
        json::Value value;
        std::string error;
    };
    const std::string many(70000, '0');
    const std::vector<Case> cases{
        {"/version", 1, ".version: expected 3"},
        {"/version", "3", ".version: expected a whole number"},
        {"/address", "00", ".address: expected 40 hex digits"},
        {"/crypto", 7, ".crypto: expected an object"},
        {"/crypto/cipher", "aes-256-gcm", ".crypto.cipher: expected \"aes-128-ctr\""},
        {"/crypto/ciphertext", "", ".crypto.ciphertext: expected from 2 to 64 hex digits"},
        {"/crypto/ciphertext", "0g", ".crypto.ciphertext: expected from 2 to 64 hex digits"},
        {"/crypto/cipherparams/iv", "00", ".crypto.cipherparams.iv: expected 32 hex digits"},
        {"/crypto/mac", "00", ".crypto.mac: expected 64 hex digits"},
        {"/crypto/kdf", "argon2id", ".crypto.kdf: expected \"scrypt\" or \"pbkdf2\""},
        {"/crypto/kdfparams/dklen", 16, ".crypto.kdfparams.dklen: expected from 32 to 1024"},
        {"/crypto/kdfparams/n", 0, ".crypto.kdfparams.n: expected a power of two, at least 2"},
        {"/crypto/kdfparams/n", 1LL << 40,
         ".crypto.kdfparams.n: n and r ask for more than 512 MiB of memory"},
        {"/crypto/kdfparams/r", 0, ".crypto.kdfparams.r: expected from 1 to 256"},
        {"/crypto/kdfparams/p", 1 << 30, ".crypto.kdfparams.p: expected from 1 to 128"},
        {"/crypto/kdfparams/salt", "zz",
         ".crypto.kdfparams.salt: expected from 0 to 2048 hex digits"},
        {"/crypto/kdfparams/salt", json::Value(many.substr(0, 3000)),
         ".crypto.kdfparams.salt: expected from 0 to 2048 hex digits"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.pointer);
        auto file = quick_file();
        file.at_pointer(each.pointer) = each.value;
        const auto key = decrypt_key(json::to_text(file), password("p"));
        REQUIRE(!key);
        CHECK(key.error().code == Errc::invalid_field);
        CHECK(key.error().detail.substr(0, each.error.size()) == each.error);
    }
}

TEST_CASE("keystore: a missing member is named") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"cipher", ".crypto.cipher: missing"},
        {"ciphertext", ".crypto.ciphertext: missing"},
        {"cipherparams", ".crypto.cipherparams: missing"},
        {"kdf", ".crypto.kdf: missing"},
        {"kdfparams", ".crypto.kdfparams: missing"},
        {"mac", ".crypto.mac: missing"},
    };
    for (const auto& [member, error] : cases) {
        CAPTURE(member);
        auto file = quick_file();
        file.at("crypto").as_object().erase(member);
        const auto key = decrypt_key(json::to_text(file), password("p"));
        REQUIRE(!key);
        CHECK(key.error().detail == error);
    }
}

TEST_CASE("keystore: changing any part that the checksum covers reads as a wrong password") {
    for (const auto* pointer : {"/crypto/ciphertext", "/crypto/mac", "/crypto/kdfparams/salt"}) {
        CAPTURE(pointer);
        auto file = quick_file();
        auto& text = file.at_pointer(pointer).as_string();
        text[0] = text[0] == 'a' ? 'b' : 'a';
        const auto key = decrypt_key(json::to_text(file), password("p"));
        REQUIRE(!key);
        CHECK(key.error().code == Errc::wrong_password);
    }
}

TEST_CASE("keystore: a changed counter gives another key, which the address gives away") {
    auto file = quick_file();
    auto& counter = file.at_pointer("/crypto/cipherparams/iv").as_string();
    counter[0] = counter[0] == 'a' ? 'b' : 'a';
    const auto key = decrypt_key(json::to_text(file), password("p"));
    REQUIRE(!key);
    CHECK(key.error().code == Errc::invalid_field);
    CHECK(key.error().detail.starts_with(".address: the key in this file belongs to 0x"));
}

TEST_CASE("keystore: other writers' spellings are read") {
    auto file = quick_file();
    auto& object = file.as_object();
    SUBCASE("0x before the digits") {
        object["address"] = "0x" + std::string(object.at("address").as_string());
    }
    SUBCASE("Crypto with a capital letter") {
        const auto crypto = object.at("crypto");
        object.erase("crypto");
        object["Crypto"] = crypto;
    }
    SUBCASE("no address and no id") {
        object.erase("address");
        object.erase("id");
    }
    SUBCASE("members of their own") { object["x-ethers"] = json::Object{{"client", "e"}}; }
    CHECK(decrypt_key(json::to_text(file), password("p")));
}

TEST_CASE("keystore: text that is no key file is an error with a reason") {
    const std::vector<std::pair<std::string, Errc>> cases{
        {"", Errc::invalid_json},
        {"[]", Errc::invalid_field},
        {"{\"version\":3,\"version\":3}", Errc::invalid_json},
        {std::string(20, '[') + std::string(20, ']'), Errc::too_large},
        {std::string(10000, '['), Errc::invalid_json},
        {"\"" + std::string(kKeystoreBytesMax, 'a') + "\"", Errc::too_large},
    };
    for (const auto& [text, code] : cases) {
        CAPTURE(text.substr(0, 40));
        const auto key = decrypt_key(text, password("p"));
        REQUIRE(!key);
        CHECK(key.error().code == code);
    }
}

TEST_CASE("keystore: a file on disk is its owner's alone, and is read back") {
    const testing::TemporaryFolder folder;
    const auto path = folder.path / "key.json";
    const auto text = json::to_text(quick_file());
    ::umask(0);
    REQUIRE(save_keystore(path, text));
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(load_key(path, password("p")));
    // Nothing else stays in the folder.
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("keystore: a key file that is there is never overwritten") {
    const testing::TemporaryFolder folder;
    const auto path = folder.path / "key.json";
    REQUIRE(save_keystore(path, "first"));
    const auto again = save_keystore(path, "second");
    REQUIRE(!again);
    CHECK(again.error().code == Errc::invalid_argument);
    CHECK(read_file(path, 100).value() == "first");
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("keystore: errors on disk name the file") {
    const testing::TemporaryFolder folder;
    const auto missing = load_key(folder.path / "none.json", password("p"));
    REQUIRE(!missing);
    CHECK(missing.error().code == Errc::io_failed);
    CHECK(missing.error().detail.find("none.json") != std::string::npos);
    const auto nowhere = save_keystore(folder.path / "no" / "key.json", "x");
    REQUIRE(!nowhere);
    CHECK(nowhere.error().code == Errc::invalid_argument);
    const auto path = folder.path / "key.json";
    REQUIRE(save_keystore(path, json::to_text(quick_file())));
    const auto wrong = load_key(path, password("q"));
    REQUIRE(!wrong);
    CHECK(wrong.error().code == Errc::wrong_password);
    CHECK(wrong.error().detail.starts_with(path.string()));
}
