// SPDX-License-Identifier: Apache-2.0
// The body of a `farthing pay`: into a file, to stdout or into the summary, with a progress bar.
// Where it goes is looked at before anything is signed; what has been paid for and does not fit
// there goes into a temporary file.
#pragma once

#include <string>

#include "app/pay_report.hpp"
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
    /// `narrator` says whether a payment was sent, and outlives this.
    Output(OutputOptions options, const Narrator& narrator)
        : options_(std::move(options)), narrator_(narrator) {}
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    /// A file that `prepare` made and nothing came for is gone again.
    ~Output() override;

    /// Opens the file, whose content stays until an answer comes. Before the first request. Errors:
    /// invalid_argument.
    Result<> prepare();
    Result<> begin(const net::Response& head, std::optional<std::uint64_t> length) override;
    Result<> write(std::string_view piece) override;
    /// A file begins anew; what has gone to a pipe or a screen stays there.
    bool restart() override;
    /// Closes the file. Errors: io_failed.
    Result<> finish();
    /// One line to stdout, after `finish`. Errors: io_failed, when it could not be spilled either.
    Result<> print(std::string line);

    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    [[nodiscard]] const std::string& text() const { return text_; }  ///< for the summary
    /// The temporary file that has what did not go where it should; empty when there is none.
    [[nodiscard]] const std::string& spill_file() const { return spill_file_; }
    /// Why it was needed, and what it holds.
    [[nodiscard]] const std::string& spill_reason() const { return spill_reason_; }

  private:
    Result<> put(std::string_view text);
    Result<> put_headers(const net::Response& head);
    Result<> spill(const std::string& why, std::string_view rest);
    void draw(bool last);
    int close();  ///< 0, or errno

    OutputOptions options_;
    const Narrator& narrator_;
    int descriptor_ = -1;  ///< none: into `text_`
    bool forgets_ = true;  ///< what was written can be taken back
    bool made_ = false;    ///< the file was not there before
    bool begun_ = false;
    std::string name_;
    std::string text_;
    std::string spill_file_;
    std::string spill_reason_;
    std::uint64_t bytes_ = 0;              ///< of the body
    std::uint64_t stored_ = 0;             ///< bytes that went where they should
    std::optional<std::uint64_t> length_;  ///< known: a bar is drawn
    unsigned drawn_ = ~0U;
    bool muted_ = false;
};

}  // namespace farthing::app
