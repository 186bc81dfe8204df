// SPDX-License-Identifier: Apache-2.0
// Signs a pool of payments before the clock of a benchmark runs, so that the client never is what
// is measured. One line each: a PAYMENT-SIGNATURE header, or a body for /verify.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "bench/payments.hpp"
#include "farthing/io/clock.hpp"
#include "farthing/io/config.hpp"

namespace farthing::bench {
namespace {

struct Options {
    std::size_t payers = 64;
    std::size_t count = 1;
    std::uint64_t valid_after = 0;
    std::string required_file;
    std::string out_file;
    std::string form = "header";
    bool addresses = false;
};

Result<std::string> to_line(const v2::Payment& payment, const std::string& form) {
    if (form == "header") return dialect::to_header(payment.payload);
    FARTHING_TRY(const auto body, dialect::facilitator_request_body(payment));
    return json::to_text(body);
}

Result<> sign_pool(const Options& options) {
    FARTHING_TRY(const auto header, read_file(options.required_file, dialect::kHeaderBytesMax));
    FARTHING_TRY(const auto offer, read_offer(header));
    const auto payers = make_payers(options.payers);
    SystemRandom random;
    const auto now = static_cast<std::uint64_t>(SystemClock().now().time_since_epoch().count());
    std::ofstream out(options.out_file, std::ios::trunc);
    for (std::size_t i = 0; i < options.count; ++i) {
        FARTHING_TRY(const auto payment, sign_payment(offer, payers[i % payers.size()], random, now,
                                                      options.valid_after));
        FARTHING_TRY(const auto line, to_line(payment, options.form));
        out << line << '\n';
    }
    out.flush();
    if (!out) return fail(Errc::io_failed, options.out_file + ": cannot be written");
    return {};
}

Result<> list_addresses(const Options& options) {
    std::ofstream out(options.out_file, std::ios::trunc);
    for (const auto& payer : make_payers(options.payers))
        out << payer.address.to_checksum() << '\n';
    out.flush();
    if (!out) return fail(Errc::io_failed, options.out_file + ": cannot be written");
    return {};
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app{"Signs payments for benchmarks."};
    app.add_option("--payers", options.payers, "how many accounts take turns")
        ->check(CLI::Range(1, 100'000));
    app.add_option("--count", options.count, "how many payments")->check(CLI::Range(1, 1'000'000));
    app.add_option("--valid-after", options.valid_after, "the second they are good from");
    app.add_option("--required", options.required_file, "file with a PAYMENT-REQUIRED header");
    app.add_option("--out", options.out_file, "file for the lines");
    app.add_option("--form", options.form, "header or verify")
        ->check(CLI::IsMember({"header", "verify"}));
    app.add_flag("--addresses", options.addresses, "write the accounts and sign nothing");
    CLI11_PARSE(app, argc, argv);
    const auto done = options.addresses ? list_addresses(options) : sign_pool(options);
    if (!done) {
        std::fprintf(stderr, "sign_payments: %s\n", to_string(done.error()).c_str());
        return 1;
    }
    std::printf("{\"signed\":%zu}\n", options.addresses ? 0 : options.count);
    return 0;
}

}  // namespace
}  // namespace farthing::bench

int main(int argc, char** argv) { return farthing::bench::run(argc, argv); }
