// SPDX-License-Identifier: Apache-2.0
#include "app/pay_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace farthing::app {
namespace {

constexpr std::uint64_t kBarBytesMin = 1 << 20;
constexpr std::size_t kSummaryBytesMax = 64 << 20;

/// With one digit after the point.
std::string mebibytes(std::uint64_t bytes) {
    constexpr std::uint64_t one = 1 << 20;
    return fmt::format("{}.{}", bytes / one, bytes % one * 10 / one);
}

/// Writes from the front of `text`, which keeps what could not be written. 0, or errno.
int write_all(int descriptor, std::string_view& text) {
    while (!text.empty()) {
        const auto written = ::write(descriptor, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd wait{.fd = descriptor, .events = POLLOUT, .revents = 0};
            ::poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

}  // namespace

Output::~Output() {
    close();
    if (made_ && !begun_) ::unlink(name_.c_str());
}

Result<> Output::prepare() {
    const bool to_file = !options_.file.empty() && options_.file != "-";
    if (to_file) {
        name_ = options_.file;
        descriptor_ = ::open(name_.c_str(), O_WRONLY | O_CLOEXEC);
        if (descriptor_ < 0 && errno == ENOENT) {
            descriptor_ = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
            made_ = descriptor_ >= 0;
        }
        if (descriptor_ < 0) {
            return fail(Errc::invalid_argument,
                        fmt::format("--output: {}: {}", name_, std::strerror(errno)));
        }
        struct stat status{};
        forgets_ = ::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
    }
    if (to_file && !options_.json) return {};
    if (::fcntl(STDOUT_FILENO, F_GETFD) < 0) {
        return fail(Errc::invalid_argument, std::string("stdout: ") + std::strerror(errno));
    }
    if (to_file || options_.json) return {};
    descriptor_ = STDOUT_FILENO;
    name_ = "stdout";
    forgets_ = false;
    return {};
}

Result<> Output::put(std::string_view text) {
    if (descriptor_ < 0) {
        if (text.size() <= kSummaryBytesMax - text_.size()) {
            text_ += text;
            return {};
        }
        FARTHING_CHECK(spill("the body is too long for --json", text_));
        text_.clear();
    }
    const auto size = text.size();
    const int error = write_all(descriptor_, text);
    stored_ += size - text.size();
    if (error == 0) return {};
    return spill(fmt::format("{}: {}", name_, std::strerror(error)), text);
}

/// Whoever paid gets the goods: `rest` and all that follows go into a temporary file.
Result<> Output::spill(const std::string& why, std::string_view rest) {
    const auto code = descriptor_ < 0 ? Errc::too_large : Errc::io_failed;
    // What was not paid for can be had again.
    if (!narrator_.paid_request_sent() || !spill_file_.empty()) {
        return fail(code, code == Errc::too_large ? why + ": name a file with -o" : why);
    }
    std::error_code error;
    const auto folder = std::filesystem::temp_directory_path(error);
    auto file = ((error ? std::filesystem::path("/tmp") : folder) / "farthing-pay-XXXXXX").string();
    const int descriptor = ::mkostemp(file.data(), O_CLOEXEC);  // made with mode 0600
    if (descriptor < 0) {
        return fail(code, fmt::format("{}; {}: {}", why, file, std::strerror(errno)));
    }
    close();
    descriptor_ = descriptor;
    name_ = spill_file_ = file;
    forgets_ = false;
    spill_reason_ = stored_ == 0 ? fmt::format("{}; all of it is in {}", why, file)
                                 : fmt::format("{}; what follows its first {} bytes is in {}", why,
                                               stored_, file);
    if (const int failed = write_all(descriptor_, rest); failed != 0) {
        return fail(code, fmt::format("{}; {}: {}", why, file, std::strerror(failed)));
    }
    return {};
}

Result<> Output::put_headers(const net::Response& head) {
    auto text = fmt::format("HTTP/1.1 {} {}\r\n", head.status, net::reason_phrase(head.status));
    for (const auto& [name, value] : head.headers) text += fmt::format("{}: {}\r\n", name, value);
    return put(text + "\r\n");
}

Result<> Output::begin(const net::Response& head, std::optional<std::uint64_t> length) {
    if (options_.fail && head.status >= 400) {
        muted_ = true;
        return {};
    }
    begun_ = true;
    if (forgets_ && descriptor_ >= 0 && ::ftruncate(descriptor_, 0) != 0) {
        FARTHING_CHECK(spill(fmt::format("{}: {}", name_, std::strerror(errno)), {}));
    }
    if (options_.headers) FARTHING_CHECK(put_headers(head));
    const bool on_screen = descriptor_ == STDOUT_FILENO && isatty(STDOUT_FILENO) == 1;
    if (length && *length >= kBarBytesMin && !options_.silent && !on_screen &&
        isatty(STDERR_FILENO) == 1) {
        length_ = length;
    }
    return {};
}

Result<> Output::write(std::string_view piece) {
    bytes_ += piece.size();
    if (muted_) return {};
    FARTHING_CHECK(put(piece));
    draw(false);
    return {};
}

bool Output::restart() {
    if (!forgets_ && bytes_ > 0) return false;
    // `begin` empties the file.
    if (descriptor_ >= 0 && forgets_) ::lseek(descriptor_, 0, SEEK_SET);
    text_.clear();
    bytes_ = 0;
    stored_ = 0;
    return true;
}

void Output::draw(bool last) {
    if (!length_) return;
    const auto percent = static_cast<unsigned>(bytes_ * 100 / *length_);
    if (percent == drawn_ && !last) return;
    drawn_ = percent;
    constexpr unsigned width = 40;
    const auto full = std::min(percent, 100U) * width / 100;
    const auto bar = std::string(full, '#') + std::string(width - full, ' ');
    const auto line = fmt::format("\r[{}] {:3} %  {} of {} MiB{}", bar, percent, mebibytes(bytes_),
                                  mebibytes(*length_), last ? "\n" : "");
    std::fputs(line.c_str(), stderr);
}

Result<> Output::finish() {
    draw(true);
    length_.reset();
    const int error = close();
    if (error == 0) return {};
    return fail(Errc::io_failed, fmt::format("{}: {}", name_, std::strerror(error)));
}

Result<> Output::print(std::string line) {
    descriptor_ = STDOUT_FILENO;
    name_ = "stdout";
    stored_ = 0;
    FARTHING_CHECK(put(line + "\n"));
    return finish();
}

int Output::close() {
    const int descriptor = std::exchange(descriptor_, -1);
    if (descriptor < 0 || descriptor == STDOUT_FILENO) return 0;
    return ::close(descriptor) == 0 ? 0 : errno;
}

}  // namespace farthing::app
