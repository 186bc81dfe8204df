// SPDX-License-Identifier: Apache-2.0
#include "app/key.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "farthing/base/hex.hpp"
#include "farthing/io/config.hpp"

namespace farthing::app {
namespace {

constexpr std::size_t kPasswordBytesMax = 4096;

/// A terminal that shows nothing of what is typed, for as long as this lives.
class Silence {
  public:
    explicit Silence(int terminal) : terminal_(terminal) {
        if (tcgetattr(terminal_, &before_) != 0) return;
        auto silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        silent.c_lflag |= ECHONL;
        on_ = tcsetattr(terminal_, TCSAFLUSH, &silent) == 0;
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
    ~Silence() {
        if (on_) tcsetattr(terminal_, TCSAFLUSH, &before_);
    }
    [[nodiscard]] bool on() const { return on_; }

  private:
    int terminal_;
    bool on_ = false;
    termios before_{};
};

Result<Secret<std::string>> read_line(int terminal, std::string_view prompt) {
    const Silence silence(terminal);
    if (!silence.on()) return fail(Errc::io_failed, "the terminal cannot hide what is typed");
    if (::write(terminal, prompt.data(), prompt.size()) < 0) {
        return fail(Errc::io_failed, std::strerror(errno));
    }
    std::string line;
    line.reserve(kPasswordBytesMax);  // grows in place: no copies of the password stay behind
    for (;;) {
        char c = 0;
        const auto got = ::read(terminal, &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail(Errc::io_failed, "nothing was typed");
        if (c == '\n') return Secret<std::string>(std::move(line));
        if (line.size() == kPasswordBytesMax)
            return fail(Errc::too_large, "more than a line has room for");
        line.push_back(c);
    }
}

Result<Secret<std::string>> ask(int terminal, Password which) {
    FARTHING_TRY(auto password, read_line(terminal, "Password of the key file: "));
    if (which == Password::known) return password;
    FARTHING_TRY(const auto again, read_line(terminal, "The same once more: "));
    if (password.reveal() != again.reveal()) {
        return fail(Errc::invalid_argument, "the two passwords differ");
    }
    return password;
}

}  // namespace

Result<PrivateKey> key_from_hex(std::string_view text, std::string_view source) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
    auto bytes = bytes32_from_hex(text);
    auto key = bytes ? make_key(*bytes) : Result<PrivateKey>(fail(bytes.error()));
    if (bytes) wipe(&*bytes, sizeof *bytes);
    if (!key) {
        return fail(Errc::invalid_argument,
                    fmt::format("{}: expected a private key, 0x and 64 hex digits", source));
    }
    return key;
}

void keep_to_ourselves() {
    prctl(PR_SET_DUMPABLE, 0);
    const rlimit none{};
    setrlimit(RLIMIT_CORE, &none);
}

Result<Secret<std::string>> read_mnemonic() {
    keep_to_ourselves();
    if (isatty(STDIN_FILENO) == 1) return read_line(STDIN_FILENO, "Mnemonic: ");
    FARTHING_TRY(auto text, read_stdin(kPasswordBytesMax));
    return Secret<std::string>(std::move(text));
}

Result<std::optional<PrivateKey>> key_from_environment(const char* variable) {
    keep_to_ourselves();
    const char* const text = std::getenv(variable);
    if (text == nullptr || *text == '\0') return std::optional<PrivateKey>{};
    FARTHING_TRY(auto key, key_from_hex(text, variable));
    return std::optional(std::move(key));
}

Result<Secret<std::string>> read_password(const std::string& file, Password which) {
    keep_to_ourselves();
    if (!file.empty()) {
        FARTHING_TRY(auto text, read_file(file, kPasswordBytesMax));
        while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
        return Secret<std::string>(std::move(text));
    }
    if (const char* const text = std::getenv(kPasswordVariable); text != nullptr) {
        return Secret<std::string>(text);
    }
    const int terminal = ::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) {
        return fail(Errc::invalid_argument,
                    fmt::format("no password: set {}, name a --password-file, or run it on a "
                                "terminal",
                                kPasswordVariable));
    }
    auto password = ask(terminal, which);
    ::close(terminal);
    return password;
}

Result<std::string> read_stdin(std::size_t bytes_max) {
    std::string all;
    std::string piece(1 << 16, '\0');
    for (;;) {
        const auto got = ::read(STDIN_FILENO, piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(Errc::io_failed, std::string("stdin: ") + std::strerror(errno));
        if (got == 0) {
            wipe(piece.data(), piece.size());
            return all;
        }
        const auto size = static_cast<std::size_t>(got);
        if (size > bytes_max - all.size()) {
            return fail(Errc::too_large, fmt::format("stdin: more than {} bytes", bytes_max));
        }
        all.append(piece, 0, size);
    }
}

}  // namespace farthing::app
