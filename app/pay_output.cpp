// SPDX-License-Identifier: Apache-2.0
#include "app/pay_output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace farthing::app {
namespace {

constexpr std::uint64_t kBarBytesMin = 1 << 20;
constexpr std::size_t kSummaryBytesMax = 64 << 20;

/// With one digit after the point.
std::string mebibytes(std::uint64_t bytes) {
    constexpr std::uint64_t one = 1 << 20;
    return fmt::format("{}.{}", bytes / one, bytes % one * 10 / one);
}

}  // namespace

Result<> Output::open() {
    if (options_.json && options_.file.empty()) return {};
    if (options_.file.empty() || options_.file == "-") {
        file_ = stdout;
        name_ = "stdout";
        return {};
    }
    name_ = options_.file;
    file_ = std::fopen(name_.c_str(), "wbe");
    if (file_ != nullptr) return {};
    return fail(Errc::io_failed, fmt::format("{}: {}", name_, std::strerror(errno)));
}

Result<> Output::put(std::string_view text) {
    if (file_ == nullptr) {
        if (text.size() > kSummaryBytesMax - text_.size()) {
            return fail(Errc::too_large, "the body is too long for --json: name a file with -o");
        }
        text_ += text;
        return {};
    }
    if (std::fwrite(text.data(), 1, text.size(), file_) == text.size()) return {};
    return fail(Errc::io_failed, fmt::format("{}: {}", name_, std::strerror(errno)));
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
    FARTHING_CHECK(open());
    if (options_.headers) FARTHING_CHECK(put_headers(head));
    const bool on_screen = file_ == stdout && isatty(STDOUT_FILENO) == 1;
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
    if (file_ == stdout && bytes_ > 0) return false;
    close();
    text_.clear();
    bytes_ = 0;
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
    if (file_ == nullptr) return {};
    const bool flushed = std::fflush(file_) == 0;
    const int error = errno;
    close();
    if (flushed) return {};
    return fail(Errc::io_failed, fmt::format("{}: {}", name_, std::strerror(error)));
}

void Output::close() {
    if (file_ != nullptr && file_ != stdout) std::fclose(file_);
    file_ = nullptr;
}

}  // namespace farthing::app
