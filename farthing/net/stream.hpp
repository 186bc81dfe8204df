// SPDX-License-Identifier: Apache-2.0
// A byte stream to a peer, plain or TLS, every wait with a deadline. Private to net.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "farthing/base/result.hpp"
#include "farthing/net/deadlines.hpp"
#include "farthing/net/fence.hpp"
#include "farthing/net/http.hpp"

namespace boost::asio::ssl {
class context;
}

namespace farthing::net {

class Stream {
  public:
    virtual ~Stream() = default;
    /// Waits for some bytes until `deadline`; 0 at the end. Errors: closed, timed_out.
    virtual Task<Result<std::size_t>> read_some(std::span<char> into, SteadyTime deadline) = 0;
    /// Everything; `timeout` is for a write that makes no progress. Errors: closed, timed_out.
    virtual Task<Result<>> write(std::string_view bytes, std::chrono::milliseconds timeout) = 0;
    /// Neither closed by the peer nor with bytes that nobody asked for.
    [[nodiscard]] virtual bool quiet() = 0;
    /// Bytes handed to the operating system by `write`, as far as known: never fewer than left.
    [[nodiscard]] virtual std::uint64_t bytes_written() const = 0;
};

/// What connections of one client share. `tls` is null until somebody asks for https.
struct Connector {
    Loop& loop;
    Deadlines& deadlines;
    std::chrono::milliseconds timeout;
    std::string ca_file;
    std::shared_ptr<boost::asio::ssl::context> tls;
    MayBeLocal may_be_local;  ///< without one, every URL
};

/// Resolves, connects and, for https, shakes hands, all within the connector's timeout.
/// Errors: connection_failed, timed_out, not_allowed.
Task<Result<std::unique_ptr<Stream>>> connect(Connector& connector, Url url);

namespace detail {

/// The stream of a connected socket.
std::unique_ptr<Stream> make_plain(Deadlines& deadlines, Socket socket);
/// TLS over it: checks the certificate for `url`'s host.
Task<Result<std::unique_ptr<Stream>>> make_tls(Connector& connector, Socket socket, Url url);
/// An Asio error of a read or write as ours; thrown when it is the task's cancellation.
[[nodiscard]] std::unexpected<Error> io_error(const boost::system::error_code& code,
                                              const Deadlines::Watch& watch, const char* doing);
/// The host without the brackets of an IPv6 address.
[[nodiscard]] std::string bare_host(const Url& url);
[[nodiscard]] bool is_quiet(Socket& socket);

}  // namespace detail
}  // namespace farthing::net
