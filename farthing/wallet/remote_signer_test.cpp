// SPDX-License-Identifier: Apache-2.0
// What a signer elsewhere answers: taken when it is the wallet's signature of exactly what was
// asked for, and otherwise an error that gives nothing away.
#include "farthing/wallet/remote_signer.hpp"

#include <doctest/doctest.h>

#include "farthing/crypto/keccak.hpp"
#include "farthing/testing/payments.hpp"
#include "farthing/wallet/test_seller.hpp"

using namespace farthing;
using namespace farthing::wallet;
using namespace farthing::wallet::test;
using farthing::testing::Crafted;
using farthing::testing::development_key;
using farthing::testing::known_address;

namespace {

constexpr std::string_view kOrder =
    "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

const Bytes32 kDigest = keccak256("what is paid");

Address owner() { return address_of(development_key(0)); }

/// The owner's signature of the digest, with another v where that is given.
Bytes good(std::optional<int> v = std::nullopt) {
    auto bytes = sign(kDigest, development_key(0)).to_bytes();
    if (v) bytes.back() = static_cast<std::uint8_t>(*v);
    return bytes;
}

/// The other form of the same signature: n - s, and the other v.
Bytes upper_half() {
    auto bytes = good();
    Bytes32 s;
    std::copy_n(bytes.begin() + 32, 32, s.data.begin());
    const auto order = U256::from_bytes(bytes32_from_hex(kOrder).value());
    const auto other = order.saturating_sub(U256::from_bytes(s)).to_bytes();
    std::ranges::copy(other.data, bytes.begin() + 32);
    bytes.back() = bytes.back() == 27 ? 28 : 27;
    return bytes;
}

std::string why_not(std::string_view text) {
    const auto checked = check_signature(text, kDigest, owner());
    REQUIRE(!checked);
    CHECK(checked.error().code == Errc::invalid_signature);
    return checked.error().detail;
}

/// A URL as operators have them: with a key of its own in the path and in the query.
constexpr std::string_view kSecretPath = "/api/v1/eth1/sign/0x5ec7e7?apikey=hunter2";

/// A payment, and a signer that answers what a test says.
struct Signing {
    Crafted crafted = Crafted::from(owner(), 1'800'000'000, keccak256("nonce"));

    [[nodiscard]] eip712::Signable what() const {
        const eip712::Domain domain{"USDC", "2", U256(84532), known_address(crafted.wanted.asset)};
        return eip712::signable(domain, crafted.authorization);
    }
    [[nodiscard]] std::string signed_by(std::uint64_t account) const {
        return to_hex(sign(what().digest, development_key(account)).to_bytes());
    }
    /// What comes of asking once, and what the signer was asked.
    Result<Bytes> ask(std::string_view kind, Reply reply, std::chrono::milliseconds timeout) {
        net::test::Bench bench;
        Seller server(bench.loop, {std::move(reply)});
        const auto client = net::Client::make(bench.env, bench.loop, {});
        SignerConfig config;
        config.url = server.origin() + std::string(kSecretPath);
        config.kind = kind;
        config.address = owner();
        config.timeout = timeout;
        REQUIRE(config.validate());
        RemoteSigner signer(*client, config);
        const auto signature = bench.run(Buyer::ended(signer.sign(what()), {&server}));
        got = server.got;
        return signature;
    }
    Result<Bytes> rpc(Reply reply, std::chrono::milliseconds timeout = net::test::kPatience) {
        return ask("json_rpc", std::move(reply), timeout);
    }
    Result<Bytes> web3signer(Reply reply,
                             std::chrono::milliseconds timeout = net::test::kPatience) {
        return ask("web3signer", std::move(reply), timeout);
    }

    std::vector<Got> got;
};

Reply rpc_answer(const json::Value& result, const json::Value& id = 1) {
    return answer(200, {},
                  json::to_text(json::Object{{"jsonrpc", "2.0"}, {"id", id}, {"result", result}}));
}

/// Refused for `code`, in words that hold no part of the URL but its origin, and nothing that was
/// signed by anybody.
std::string refused(const Signing& signing, const Result<Bytes>& outcome, Errc code) {
    REQUIRE(!outcome);
    const auto& [is, detail] = outcome.error();
    CHECK_MESSAGE(is == code, to_string(outcome.error()));
    CHECK(!detail.empty());
    for (const auto* secret : {"hunter2", "apikey", "5ec7e7", "/api/v1"}) {
        CHECK_MESSAGE(!detail.contains(secret), detail);
    }
    for (const std::uint64_t account : {0U, 1U}) {
        CHECK_MESSAGE(!detail.contains(signing.signed_by(account).substr(2, 16)), detail);
    }
    CHECK(signing.got.size() == 1);
    return detail;
}

}  // namespace

TEST_CASE("signer's answer: the owner's signature, whichever way its v is counted") {
    const auto wire = good();
    const int recovery = wire.back() - 27;
    for (const int v : {recovery, recovery + 27}) {
        const auto checked = check_signature(to_hex(good(v)), kDigest, owner());
        REQUIRE_MESSAGE(checked.has_value(), to_string(checked.error()));
        CHECK(*checked == wire);
    }
}

TEST_CASE("signer's answer: another v makes it another's signature, or none") {
    const int recovery = good().back() - 27;
    for (const int v : {1 - recovery, 28 - recovery}) {
        CHECK(why_not(to_hex(good(v))).contains("no signature of this payment"));
    }
    for (const int v : {2, 3, 26, 29, 35, 255}) {
        CHECK(why_not(to_hex(good(v))).contains("expected v to be"));
    }
}

TEST_CASE("signer's answer: somebody else's, or of something else") {
    const auto stranger = sign(kDigest, development_key(1)).to_bytes();
    CHECK(why_not(to_hex(stranger)).contains(owner().to_checksum()));
    const auto elsewhere = sign(keccak256("ten times as much"), development_key(0)).to_bytes();
    CHECK(why_not(to_hex(elsewhere)).contains("no signature of this payment"));
}

TEST_CASE("signer's answer: the second form of the right one is none") {
    const auto other = upper_half();
    CHECK(other != good());
    CHECK(why_not(to_hex(other)).contains("upper half"));
}

TEST_CASE("signer's answer: no 65 bytes of hex") {
    const auto text = to_hex(good());
    auto shorter = good();
    shorter.pop_back();
    auto longer = good();
    longer.push_back(0);
    for (const auto& each : {to_hex(shorter), to_hex(longer), std::string("0x")}) {
        CHECK(why_not(each).contains("expected 65 bytes"));
    }
    auto no_hex = text;
    no_hex[20] = 'g';
    for (const auto& each :
         {no_hex, std::string(), text.substr(2), text.substr(0, 131), " " + text, text + "\n",
          "\"" + text + "\"", "0x" + text, text + std::string(1, '\0')}) {
        const auto why = why_not(each);
        CHECK(why.starts_with("the signer's answer: "));
        CHECK(!why.contains(text.substr(60, 16)));
    }
}

TEST_CASE("signer's answer: r and s that are no numbers of the curve") {
    for (const std::size_t at : {0U, 32U}) {
        auto zero = good();
        std::fill_n(zero.begin() + static_cast<std::ptrdiff_t>(at), 32, std::uint8_t{0});
        CHECK(why_not(to_hex(zero)).contains("r or s is zero"));
        auto most = good();
        std::fill_n(most.begin() + static_cast<std::ptrdiff_t>(at), 32, std::uint8_t{0xff});
        CHECK(!why_not(to_hex(most)).empty());
    }
}

TEST_CASE("signer's answer: a huge one is refused in few words") {
    const auto why = why_not("0x" + std::string(8 << 20, '1'));
    CHECK(why.size() < 200);
}

TEST_CASE("remote signer: what it is asked, and a good answer") {
    Signing signing;
    const auto signature = signing.rpc(rpc_answer(json::Value(signing.signed_by(0))));
    REQUIRE_MESSAGE(signature.has_value(), to_string(signature.error()));
    CHECK(to_hex(*signature) == signing.signed_by(0));
    REQUIRE(signing.got.size() == 1);
    CHECK(signing.got[0].line() == "POST " + std::string(kSecretPath) + " HTTP/1.1");
    const auto asked = json::parse(signing.got[0].body).value();
    CHECK(asked.at("method") == "eth_signTypedData_v4");
    CHECK(asked.at("params").at(0).as_string() == owner().to_checksum());
    CHECK(asked.at("params").at(1) == json::Value(signing.what().typed().data));
}

TEST_CASE("web3signer: what it is asked, and a good answer") {
    Signing signing;
    const auto signature = signing.web3signer(answer(200, {}, signing.signed_by(0)));
    REQUIRE_MESSAGE(signature.has_value(), to_string(signature.error()));
    CHECK(to_hex(*signature) == signing.signed_by(0));
    const auto asked = json::parse(signing.got.at(0).body).value();
    CHECK(asked.as_object().size() == 1);
    const auto preimage = from_hex(asked.at("data").as_string()).value();
    CHECK(keccak256(ByteView(preimage)) == signing.what().digest);
}

TEST_CASE("remote signer: a refusal is told in the signer's words, made legible") {
    Signing signing;
    const json::Object error{{"code", 4001}, {"message", "not \x1b[2Jtoday"}};
    const auto body = json::to_text(json::Object{{"jsonrpc", "2.0"}, {"id", 1}, {"error", error}});
    const auto why = refused(signing, signing.rpc(answer(200, {}, body)), Errc::rpc_failed);
    CHECK(why.starts_with("the signer gave no signature: not "));
    CHECK(why.contains("today"));
    CHECK(!why.contains('\x1b'));
}

TEST_CASE("remote signer: a refusal in a megabyte is told in a line") {
    Signing signing;
    const json::Object error{{"code", 4001}, {"message", std::string(1 << 20, 'n')}};
    const auto body = json::to_text(json::Object{{"jsonrpc", "2.0"}, {"id", 1}, {"error", error}});
    CHECK(refused(signing, signing.rpc(answer(200, {}, body)), Errc::rpc_failed).size() < 400);
}

TEST_CASE("remote signer: a result that is no text") {
    for (const auto& each : {json::Value(7), json::Value(nullptr), json::Value(true),
                             json::Value(json::Object{}), json::Value(json::Array{"0x1234"})}) {
        Signing signing;
        const auto why = refused(signing, signing.rpc(rpc_answer(each)), Errc::rpc_failed);
        CHECK(why.contains("no text"));
    }
}

TEST_CASE("remote signer: the answer to another question, though it is a good signature") {
    for (const auto& id : {json::Value(2), json::Value("1"), json::Value(nullptr)}) {
        Signing signing;
        const json::Value signature(signing.signed_by(0));
        const auto why = refused(signing, signing.rpc(rpc_answer(signature, id)), Errc::rpc_failed);
        CHECK_MESSAGE(why.contains(".id"), why);
    }
}

TEST_CASE("remote signer: no JSON-RPC at all") {
    for (const auto* body : {"", "<html>", "null", "[]", R"({"jsonrpc":"2.0","id":1})"}) {
        Signing signing;
        refused(signing, signing.rpc(answer(200, {}, body)), Errc::rpc_failed);
    }
}

TEST_CASE("a signer's status that is not 200 is no signature, whatever the body says") {
    for (const int status : {201, 302, 400, 401, 404, 500, 503}) {
        Signing signing;
        const auto elsewhere = std::string("Location: http://127.0.0.1:1/else");
        const auto text = signing.signed_by(0);
        const auto why = refused(signing, signing.web3signer(answer(status, {elsewhere}, text)),
                                 Errc::rpc_failed);
        CHECK(why == "the signer gave no signature: status " + std::to_string(status));
        const auto body =
            json::to_text(json::Object{{"jsonrpc", "2.0"}, {"id", 1}, {"result", text}});
        const auto rpc =
            refused(signing, signing.rpc(answer(status, {elsewhere}, body)), Errc::rpc_failed);
        CHECK_MESSAGE(rpc.contains(std::to_string(status)), rpc);
    }
}

TEST_CASE("a signer's answer that is too long") {
    Signing signing;
    const auto text = signing.signed_by(0);
    const auto padded = text + std::string(4'097 - text.size(), '0');
    const auto why =
        refused(signing, signing.web3signer(answer(200, {}, padded)), Errc::rpc_failed);
    CHECK(why.contains("too long"));
    // As a JSON text it is read, and is no signature; one that no JSON answer is, is not read.
    refused(signing, signing.rpc(rpc_answer(json::Value(padded))), Errc::invalid_signature);
    const std::string huge(5 << 20, '0');
    refused(signing, signing.rpc(rpc_answer(json::Value(huge))), Errc::rpc_failed);
}

TEST_CASE("a signer that does not answer is given up in time") {
    constexpr std::chrono::milliseconds kShort(50);
    Signing signing;
    refused(signing, signing.rpc(hang(), kShort), Errc::timed_out);
    refused(signing, signing.web3signer(hang(), kShort), Errc::timed_out);
}

TEST_CASE("a signer that goes away before its answer") {
    Signing signing;
    const auto rpc = signing.rpc(lost());
    REQUIRE(!rpc);
    refused(signing, rpc, rpc.error().code);
    CHECK(kind_of(rpc.error().code) == Kind::unavailable);
    const auto web3 = signing.web3signer(lost());
    REQUIRE(!web3);
    refused(signing, web3, web3.error().code);
    CHECK(kind_of(web3.error().code) == Kind::unavailable);
}

TEST_CASE("a signer's answer by another key is not used") {
    Signing signing;
    const auto text = signing.signed_by(1);
    for (const auto& outcome :
         {signing.rpc(rpc_answer(json::Value(text))), signing.web3signer(answer(200, {}, text))}) {
        const auto why = refused(signing, outcome, Errc::invalid_signature);
        CHECK(why.contains(owner().to_checksum()));
    }
}

TEST_CASE("a signer's URL that cannot be taken is not repeated in the error") {
    for (const auto* url : {"https://user:hunter2@signer.example/", "http://signer.example/hunter2",
                            "ftp://127.0.0.1/hunter2", "https://signer.example/a b?hunter2"}) {
        SignerConfig config;
        config.url = url;
        config.address = owner();
        const auto valid = config.validate();
        REQUIRE(!valid);
        CHECK(valid.error().code == Errc::invalid_config);
        CHECK(valid.error().detail.starts_with("url: "));
        CHECK(!valid.error().detail.contains("hunter2"));
    }
}
