// SPDX-License-Identifier: Apache-2.0
// The body of a `farthing pay`: into a file, to stdout or into the summary, with a progress bar.
#pragma once

#include <cstdio>
#include <string>

#include "farthing/wallet/payer.hpp"

namespace farthing::app {

struct OutputOptions {
    std::string file;      ///< -o; empty or "-": stdout
    bool headers = false;  ///< -i
    bool silent = false;   ///< -s
    bool json = false;     ///< --json: the body goes into the summary, or into `file`
    bool fail = false;     ///< -f: no body for statuses from 400
};

/// The body of the answer on its way to a file or to stdout.
class Output final : public wallet::Sink {
  public:
    explicit Output(OutputOptions options) : options_(std::move(options)) {}
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    ~Output() override { close(); }

    Result<> begin(const net::Response& head, std::optional<std::uint64_t> length) override;
    Result<> write(std::string_view piece) override;
    /// A file begins anew; what has gone to a pipe or a screen stays there.
    bool restart() override;
    /// Flushes. Errors: io_failed (a full disk is said here at the latest).
    Result<> finish();
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    [[nodiscard]] const std::string& text() const { return text_; }  ///< for the summary

  private:
    Result<> open();
    Result<> put(std::string_view text);
    Result<> put_headers(const net::Response& head);
    void draw(bool last);
    void close();

    OutputOptions options_;
    std::FILE* file_ = nullptr;
    std::string name_;
    std::string text_;
    std::uint64_t bytes_ = 0;
    std::optional<std::uint64_t> length_;  ///< known: a bar is drawn
    unsigned drawn_ = ~0U;
    bool muted_ = false;
};

}  // namespace farthing::app
