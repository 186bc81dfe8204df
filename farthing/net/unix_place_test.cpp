// SPDX-License-Identifier: Apache-2.0
// A server on a Unix socket: whose it is, and what is found where it should be.
#include "farthing/net/unix_place.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "farthing/net/test_server.hpp"
#include "farthing/testing/temporary_folder.hpp"

using namespace farthing;
using namespace farthing::net;

namespace {

/// Answers with the peer, the target and where the target was.
Task<> tell(ServerRequest& request, Responder& responder) {
    Response response;
    response.body = "[" + request.peer_ip + "] " + request.target +
                    (request.absolute ? " of " + request.absolute->origin() : "");
    static_cast<void>(co_await responder.send(std::move(response)));
}

struct UnixBench {
    Result<std::unique_ptr<Server>> listen(const std::string& at) {
        return Server::listen_unix(bench.env, bench.loop, at, {}, tell);
    }
    Result<std::unique_ptr<Server>> listen() { return listen(path); }

    /// Sends `bytes` and gives what comes back until the server closes.
    std::string talk(Server& server, const std::string& bytes) {
        TaskGroup running(bench.loop);
        running.spawn(server.run());
        auto dialog = [&]() -> Task<std::string> {
            sockaddr_un address{};
            address.sun_family = AF_UNIX;
            std::memcpy(address.sun_path, path.data(), path.size());
            const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            REQUIRE(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address),
                              sizeof address) == 0);
            Socket socket(bench.loop);
            socket.assign(asio::ip::tcp::v4(), descriptor);
            test::Wire wire(std::move(socket));
            co_await wire.send(bytes);
            co_return co_await wire.read_all();
        };
        auto out = bench.run(dialog());
        server.stop(std::chrono::milliseconds(0));
        bench.run(running.join());
        return out;
    }

    testing::TemporaryFolder folder;
    std::string path = (folder.path / "wallet.sock").string();
    test::Bench bench;
};

}  // namespace

TEST_CASE("unix socket: answers, is its owner's only, and goes with the server") {
    UnixBench unix;
    {
        auto server = unix.listen();
        REQUIRE_MESSAGE(server.has_value(), to_string(server.error()));
        struct stat found{};
        REQUIRE(::lstat(unix.path.c_str(), &found) == 0);
        CHECK((found.st_mode & 0777) == 0600);
        CHECK((*server)->url() == "unix:" + unix.path);
        const auto said =
            unix.talk(**server, "GET /a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        CHECK(test::body_of(said) == "[] /a?b");
    }
    CHECK(!std::filesystem::exists(unix.path));
}

TEST_CASE("unix socket: a live one is refused, one that is left over is replaced") {
    UnixBench unix;
    auto first = unix.listen();
    REQUIRE(first.has_value());
    auto second = unix.listen();
    REQUIRE(!second);
    CHECK(second.error().detail.ends_with("somebody listens there already"));
    // As a process that was killed leaves it: the name stays, and nobody listens.
    const auto left = unix.path + ".left";
    std::filesystem::rename(unix.path, left);
    first->reset();
    std::filesystem::rename(left, unix.path);
    auto third = unix.listen();
    REQUIRE_MESSAGE(third.has_value(), to_string(third.error()));
}

TEST_CASE("unix socket: one of a stranger, who knows no lock, is refused as long as it lives") {
    UnixBench unix;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, unix.path.data(), unix.path.size());
    const int stranger = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(stranger, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(stranger, 1) == 0);
    CHECK(!unix.listen());
    ::close(stranger);
    CHECK(unix.listen().has_value());
}

TEST_CASE("unix socket: never in the place of something else") {
    UnixBench unix;
    std::ofstream(unix.path) << "precious";
    const auto server = unix.listen();
    REQUIRE(!server);
    CHECK(server.error().code == Errc::invalid_argument);
    CHECK(std::filesystem::file_size(unix.path) == 8);
    CHECK(unix.listen(std::string(108, 'x')).error().code == Errc::invalid_argument);
    CHECK(unix.listen("").error().code == Errc::invalid_argument);
    CHECK(unix.listen("/nowhere/at/all").error().code == Errc::io_failed);
}

TEST_CASE("server: a target that is a URL is known as one") {
    UnixBench unix;
    auto server = unix.listen();
    REQUIRE(server.has_value());
    const auto said = unix.talk(
        **server, "GET http://api.example:81/a HTTP/1.1\r\nHost: y\r\nConnection: close\r\n\r\n");
    CHECK(test::body_of(said) == "[] /a of http://api.example:81");
}

TEST_CASE("server: words for who wants a tunnel") {
    ServerLimits limits;
    limits.no_tunnel = "no tunnels: use the other form";
    test::TestServer server(tell, limits);
    const auto said =
        server.talk("CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n");
    CHECK(test::status_of(said) == 405);
    CHECK(said.contains("no tunnels: use the other form"));
}
