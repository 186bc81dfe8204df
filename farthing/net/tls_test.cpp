// SPDX-License-Identifier: Apache-2.0
// TLS against a server whose certificate authority is made here.
#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <filesystem>
#include <fstream>

#include "farthing/net/client.hpp"
#include "farthing/net/test_peer.hpp"

using namespace farthing;
using namespace farthing::net;
using test::Bench;
using test::Peer;
using test::Wire;

namespace ssl = boost::asio::ssl;

namespace {

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(BIO* bio) const { BIO_free(bio); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;

Key make_key() { return Key(EVP_EC_gen("P-256")); }

void extend(X509* certificate, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    auto* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    REQUIRE(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/// A certificate for `names` (a subjectAltName value), or an authority's when that is null.
Certificate make_certificate(EVP_PKEY* key, const char* common_name, const char* names,
                             X509* issuer, EVP_PKEY* issuer_key, long seconds_valid) {
    Certificate made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), names == nullptr ? 1 : 2);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), seconds_valid);
    X509_set_pubkey(made.get(), key);
    auto* name = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
    X509_set_issuer_name(made.get(), issuer == nullptr ? name : X509_get_subject_name(issuer));
    if (names == nullptr) {
        extend(made.get(), NID_basic_constraints, "critical,CA:TRUE");
    } else {
        extend(made.get(), NID_subject_alt_name, names);
    }
    REQUIRE(X509_sign(made.get(), issuer_key, EVP_sha256()) > 0);
    return made;
}

template <class Write>
std::string to_pem(Write write) {
    const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
    REQUIRE(write(bio.get()) == 1);
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

/// An authority, in a file while the test runs, and certificates of it.
class Authority {
  public:
    Authority()
        : key_(make_key()),
          certificate_(
              make_certificate(key_.get(), "Test CA", nullptr, nullptr, key_.get(), 3600)) {
        std::string name = (std::filesystem::temp_directory_path() / "farthing_ca_XXXXXX").string();
        const int fd = ::mkstemp(name.data());
        REQUIRE(fd >= 0);
        ::close(fd);
        std::ofstream(name) << to_pem(
            [&](BIO* bio) { return PEM_write_bio_X509(bio, certificate_.get()); });
        path_ = name;
    }
    ~Authority() { std::filesystem::remove(path_); }
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;

    [[nodiscard]] std::string path() const { return path_.string(); }

    /// A server's context with a certificate for `names`.
    [[nodiscard]] std::shared_ptr<ssl::context> serve(const char* names, long seconds_valid) const {
        const auto key = make_key();
        const auto certificate = make_certificate(key.get(), "server", names, certificate_.get(),
                                                  key_.get(), seconds_valid);
        auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
        const auto chain =
            to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
        const auto secret = to_pem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
        context->use_certificate_chain(asio::buffer(chain));
        context->use_private_key(asio::buffer(secret), ssl::context::pem);
        return context;
    }

  private:
    Key key_;
    Certificate certificate_;
    std::filesystem::path path_;
};

enum class End { polite, cut };

/// Serves `answer` to every request over TLS, then ends after `requests` of them. Notes the name
/// the client asked for.
Peer::Script serve_tls(std::shared_ptr<ssl::context> context, std::string answer, int requests,
                       End end, std::string& asked_for) {
    return [=, &asked_for](Wire& wire, int) -> Task<> {
        ssl::stream<Socket&> stream(wire.socket(), *context);
        boost::system::error_code code;
        co_await stream.async_handshake(ssl::stream_base::server,
                                        asio::redirect_error(use_task, code));
        if (code) co_return;
        const auto* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
        if (name != nullptr) asked_for = name;
        for (int i = 0; i < requests && !code; ++i) {
            std::string in;
            while (!code && in.find("\r\n\r\n") == std::string::npos) {
                char bytes[1000];
                const auto size = co_await stream.async_read_some(
                    asio::buffer(bytes), asio::redirect_error(use_task, code));
                in.append(bytes, size);
            }
            if (code) co_return;
            co_await asio::async_write(stream, asio::buffer(answer),
                                       asio::redirect_error(use_task, code));
        }
        if (end == End::polite)
            co_await stream.async_shutdown(asio::redirect_error(use_task, code));
    };
}

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct Setup {
    const char* host = "localhost";
    const char* names = "DNS:localhost";
    const char* answer = kOk;
    End end = End::polite;
    long seconds_valid = 3600;
    bool trust = true;
    int requests = 1;
};

struct Seen {
    std::expected<Response, RequestError> fetched;
    std::string asked_for;
    int connections = 0;
};

Seen fetch_tls(Setup setup) {
    Bench bench;
    const Authority authority;
    Seen seen;
    Peer peer(bench.loop, serve_tls(authority.serve(setup.names, setup.seconds_valid), setup.answer,
                                    setup.requests, setup.end, seen.asked_for));
    ClientConfig config;
    if (setup.trust) config.ca_file = authority.path();
    const auto client = Client::make(bench.env, bench.loop, config);
    const auto url =
        *parse_url("https://" + std::string(setup.host) + ":" + std::to_string(peer.port()));
    for (int i = 0; i < setup.requests; ++i)
        seen.fetched = bench.run(client->fetch(url, Request()));
    seen.connections = peer.connections();
    bench.run(peer.stop());
    return seen;
}

std::string why_refused(Setup setup) {
    const auto seen = fetch_tls(setup);
    REQUIRE(!seen.fetched);
    CHECK(seen.fetched.error().error.code == Errc::connection_failed);
    CHECK(seen.fetched.error().sent == Sent::no);
    return seen.fetched.error().error.detail;
}

}  // namespace

TEST_CASE("tls: a server of a trusted authority, by name and by address") {
    const auto by_name = fetch_tls({});
    REQUIRE(by_name.fetched);
    CHECK(by_name.fetched->body == "ok");
    CHECK(by_name.asked_for == "localhost");
    const auto by_address = fetch_tls({.host = "127.0.0.1", .names = "IP:127.0.0.1"});
    REQUIRE(by_address.fetched);
    CHECK(by_address.asked_for == "");
}

TEST_CASE("tls: a connection is kept for the next request") {
    const auto seen = fetch_tls({.requests = 3});
    REQUIRE(seen.fetched);
    CHECK(seen.connections == 1);
}

TEST_CASE("tls: another name, another authority and an expired certificate are refused") {
    CHECK(why_refused({.names = "DNS:other.example"}).find("TLS: ") != std::string::npos);
    CHECK(why_refused({.host = "127.0.0.1", .names = "DNS:localhost"}).find("TLS: ") !=
          std::string::npos);
    CHECK(why_refused({.trust = false}).find("certificate") != std::string::npos);
    CHECK(why_refused({.seconds_valid = -60}).ends_with("certificate has expired"));
}

TEST_CASE("tls: a body that ends where the connection is cut has not ended") {
    const Setup until_close{.answer = "HTTP/1.1 200 OK\r\n\r\nabc"};
    const auto polite = fetch_tls(until_close);
    REQUIRE(polite.fetched);
    CHECK(polite.fetched->body == "abc");
    auto setup = until_close;
    setup.end = End::cut;
    const auto cut = fetch_tls(setup);
    REQUIRE(!cut.fetched);
    CHECK(cut.fetched.error().error.code == Errc::closed);
}

TEST_CASE("tls: an authority file that cannot be read is named") {
    Bench bench;
    Peer peer(bench.loop,
              [](Wire& wire, int) -> Task<> { static_cast<void>(co_await wire.read_all()); });
    ClientConfig config;
    config.ca_file = "/nonexistent/ca.pem";
    const auto client = Client::make(bench.env, bench.loop, config);
    const auto url = *parse_url("https://127.0.0.1:" + std::to_string(peer.port()));
    const auto fetched = bench.run(client->fetch(url, Request()));
    REQUIRE(!fetched);
    CHECK(fetched.error().error.code == Errc::connection_failed);
    CHECK(fetched.error().error.detail.find("/nonexistent/ca.pem") != std::string::npos);
    bench.run(peer.stop());
}

TEST_CASE("tls: a peer that does not speak it") {
    Bench bench;
    Peer peer(bench.loop, [](Wire& wire, int) -> Task<> {
        co_await wire.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        static_cast<void>(co_await wire.read_all());
    });
    const auto client = Client::make(bench.env, bench.loop, {});
    const auto url = *parse_url("https://127.0.0.1:" + std::to_string(peer.port()));
    const auto fetched = bench.run(client->fetch(url, Request()));
    REQUIRE(!fetched);
    CHECK(fetched.error().error.code == Errc::connection_failed);
    bench.run(peer.stop());
}
