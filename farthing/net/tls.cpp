// SPDX-License-Identifier: Apache-2.0
// The client's side of TLS: system or given roots, the peer's name always checked.
#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>

#include "farthing/net/stream.hpp"

namespace farthing::net {
namespace {

namespace ssl = asio::ssl;

class TlsStream final : public Stream {
  public:
    TlsStream(Deadlines& deadlines, std::shared_ptr<ssl::context> context, Socket socket)
        : context_(std::move(context)),
          stream_(std::move(socket), *context_),
          reading_(deadlines, [this] { cancel(); }),
          writing_(deadlines, [this] { cancel(); }) {}

    Task<Result<>> shake_hands(Url url) {
        const auto host = detail::bare_host(url);
        auto* handle = stream_.native_handle();
        boost::system::error_code is_name;
        asio::ip::make_address(host, is_name);
        if (is_name) SSL_set_tlsext_host_name(handle, host.c_str());
        boost::system::error_code code;
        stream_.set_verify_mode(ssl::verify_peer, code);
        stream_.set_verify_callback(ssl::host_name_verification(host), code);
        co_await stream_.async_handshake(ssl::stream_base::client,
                                         asio::redirect_error(use_task, code));
        if (!code) co_return Result<>{};
        const auto verdict = SSL_get_verify_result(handle);
        const auto why = verdict == X509_V_OK ? code.message()
                                              : std::string(X509_verify_cert_error_string(verdict));
        auto failed =
            fail(Errc::connection_failed, fmt::format("{}: TLS: {}", url.authority(), why));
        co_return failed;
    }

    Task<Result<std::size_t>> read_some(std::span<char> into, SteadyTime deadline) override {
        boost::system::error_code code;
        reading_.arm_at(deadline);
        const auto buffer = asio::buffer(into.data(), into.size());
        const auto size =
            co_await stream_.async_read_some(buffer, asio::redirect_error(use_task, code));
        reading_.disarm();
        // Only the peer's own close_notify is an end: anybody on the path can cut the connection.
        if (code && code != asio::error::eof) {
            auto failed = detail::io_error(code, reading_, "reading");
            co_return failed;
        }
        co_return code ? 0 : size;
    }

    Task<Result<>> write(std::string_view bytes, std::chrono::milliseconds timeout) override {
        boost::system::error_code code;
        while (!bytes.empty()) {
            writing_.arm(timeout);
            // A record may leave even when the write fails.
            written_ += 1;
            const auto buffer = asio::buffer(bytes.data(), bytes.size());
            const auto size =
                co_await stream_.async_write_some(buffer, asio::redirect_error(use_task, code));
            writing_.disarm();
            bytes.remove_prefix(size);
            if (code) {
                auto failed = detail::io_error(code, writing_, "writing");
                co_return failed;
            }
        }
        co_return Result<>{};
    }

    [[nodiscard]] bool quiet() override {
        return SSL_pending(stream_.native_handle()) == 0 && detail::is_quiet(stream_.next_layer());
    }
    [[nodiscard]] std::uint64_t bytes_written() const override { return written_; }

  private:
    void cancel() {
        boost::system::error_code ignored;
        stream_.next_layer().cancel(ignored);
    }

    std::shared_ptr<ssl::context> context_;
    ssl::stream<Socket> stream_;
    Deadlines::Watch reading_;
    Deadlines::Watch writing_;
    std::uint64_t written_ = 0;
};

Result<std::shared_ptr<ssl::context>> make_context(const std::string& ca_file) {
    try {
        auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
        SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
        static constexpr unsigned char kAlpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
        SSL_CTX_set_alpn_protos(context->native_handle(), kAlpn, sizeof kAlpn);
        if (ca_file.empty()) {
            context->set_default_verify_paths();
        } else {
            context->load_verify_file(ca_file);
        }
        return context;
    } catch (const boost::system::system_error& error) {
        return fail(
            Errc::connection_failed,
            fmt::format("TLS certificates {}: {}", ca_file.empty() ? "of the system" : ca_file,
                        error.code().message()));
    }
}

}  // namespace

namespace detail {

Task<Result<std::unique_ptr<Stream>>> make_tls(Connector& connector, Socket socket, Url url) {
    if (!connector.tls) {
        FARTHING_CO_TRY(connector.tls, make_context(connector.ca_file));
    }
    auto stream =
        std::make_unique<TlsStream>(connector.deadlines, connector.tls, std::move(socket));
    FARTHING_CO_CHECK(co_await stream->shake_hands(std::move(url)));
    std::unique_ptr<Stream> done = std::move(stream);
    co_return done;
}

}  // namespace detail
}  // namespace farthing::net
