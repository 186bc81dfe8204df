// SPDX-License-Identifier: Apache-2.0
// `farthing pay`: curl that pays.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <cstdio>

#include "app/commands/commands.hpp"
#include "app/key.hpp"
#include "app/named_file.hpp"
#include "app/network_option.hpp"
#include "app/pay_output.hpp"
#include "app/pay_report.hpp"
#include "app/till.hpp"
#include "app/wallet_account.hpp"
#include "app/world.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/io/config.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/wallet/keystore.hpp"
#include "farthing/wallet/remote_signer.hpp"

namespace farthing::app {
namespace {

constexpr std::size_t kDataBytesMax = 64 << 20;
constexpr int kHttpErrorExit = 22;     // curl's, for --fail
constexpr int kInterruptedExit = 130;  // what a shell says of Ctrl-C
constexpr std::chrono::milliseconds kConnectTimeout{10'000};
/// A settlement may take as long as the chain does.
constexpr std::chrono::milliseconds kAnswerTimeout{120'000};

struct Options {
    std::string url;
    std::string method;
    std::vector<std::string> headers;
    std::vector<std::string> data;
    std::vector<std::string> data_binary;
    OutputOptions output;
    bool head = false;
    bool verbose = false;
    bool dry_run = false;
    std::string max_time;
    std::string max_amount;  ///< default: ten cents, or what the pact allows
    std::string wallet;
    wallet::Errand errand;
    std::vector<std::string> networks;
    std::string assets_file;
    std::string keystore;
    std::string password_file;
    unsigned retries = 0;
    unsigned redirects_max = 5;
    std::string ca_file;
};

/// Stands where no key was given: what is free needs none.
class NoKey final : public wallet::Signer {
  public:
    [[nodiscard]] Address address() const override { return {}; }
    Task<Result<Bytes>> sign(eip712::Signable) override {
        co_return fail(Errc::invalid_argument,
                       fmt::format("a payment is asked for, and there is no key: set {} or name a "
                                   "--keystore",
                                   kKeyVariable));
    }
};

Result<std::unique_ptr<wallet::Signer>> make_signer(const Options& options) {
    const auto keystore =
        options.wallet.empty() ? options.keystore : wallet::Folder{options.wallet}.key_file();
    if (options.dry_run && !options.wallet.empty()) return std::make_unique<NoKey>();
    if (!keystore.empty()) {
        FARTHING_CHECK(check_key_file(keystore));
        if (options.dry_run) return std::make_unique<NoKey>();
        FARTHING_TRY(const auto password, read_password(options.password_file, Password::known));
        FARTHING_TRY(auto key, wallet::load_key(keystore, password));
        return std::make_unique<wallet::LocalSigner>(std::move(key));
    }
    FARTHING_TRY(auto key, key_from_environment());
    if (!key || options.dry_run) return std::make_unique<NoKey>();
    return std::make_unique<wallet::LocalSigner>(std::move(*key));
}

/// `30`, `30s` or `500ms`.
Result<std::chrono::milliseconds> parse_time(const std::string& text, std::string_view option) {
    const bool bare = text.find_first_not_of("0123456789") == std::string::npos;
    const json::Value value(bare && !text.empty() ? text + "s" : text);
    auto time = json::Codec<std::chrono::milliseconds>::decode(value, json::Path{});
    if (time && time->count() > 0) return *time;
    return fail(Errc::invalid_argument,
                fmt::format("{}: expected a time such as 30, 30s or 500ms", option));
}

/// A failed option says which.
template <class T>
Result<T> named(std::string_view option, Result<T> value) {
    if (value) return value;
    return fail(Errc::invalid_argument, fmt::format("{}: {}", option, value.error().detail));
}

Result<wallet::PayerConfig> make_config(const Options& options) {
    wallet::PayerConfig config;
    if (!options.max_amount.empty()) {
        FARTHING_TRY(config.rules.max_amount,
                     named("--max-amount", wallet::parse_max_amount(options.max_amount)));
    }
    for (const auto& each : options.networks) {
        FARTHING_TRY(auto network, read_network(each, "--network"));
        config.rules.networks.push_back(std::move(network));
    }
    if (!options.max_time.empty()) {
        FARTHING_TRY(config.max_time, parse_time(options.max_time, "--max-time"));
    }
    config.retries = options.retries;
    config.resends_max = std::max(config.resends_max, options.retries);
    config.redirects_max = options.redirects_max;
    if (options.redirects_max == 0) config.redirects = wallet::Redirects::never;
    return config;
}

/// `text`, or the content of the file after `@` (`@-`: stdin).
Result<std::string> data_of(const std::string& text) {
    if (!text.starts_with('@')) return text;
    if (text == "@-") return read_stdin(kDataBytesMax);
    const auto file = text.substr(1);
    if (const auto why = why_unreadable(file); !why.empty()) {
        return fail(Errc::invalid_argument, "--data: " + why);
    }
    return read_file(file, kDataBytesMax);
}

/// All -d pieces joined with `&`; from files without line ends, as curl does it. --data-binary is
/// taken as it is.
Result<std::string> body_of(const Options& options) {
    std::string body;
    for (const auto& each : options.data) {
        FARTHING_TRY(auto piece, data_of(each));
        if (each.starts_with('@')) {
            std::erase_if(piece, [](char c) { return c == '\n' || c == '\r' || c == '\0'; });
        }
        body += (body.empty() ? "" : "&") + piece;
    }
    for (const auto& each : options.data_binary) {
        FARTHING_TRY(const auto piece, data_of(each));
        body += (body.empty() ? "" : "&") + piece;
    }
    return body;
}

/// `Name: value`; without a value it removes a header that we would send.
Result<net::Headers::Entry> parse_header(const std::string& line) {
    const auto colon = line.find(':');
    const auto name = line.substr(0, colon);
    const bool is_token =
        !name.empty() && name.find_first_of(" \t\r\n\"(),/;<=>?@[\\]{}") == std::string::npos;
    if (colon == std::string::npos || !is_token ||
        line.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
        return fail(Errc::invalid_argument, "--header: expected \"Name: value\"");
    }
    const auto start = line.find_first_not_of(" \t", colon + 1);
    return net::Headers::Entry{name, start == std::string::npos ? "" : line.substr(start)};
}

Result<net::Request> make_request(const Options& options) {
    net::Request request;
    FARTHING_TRY(request.body, body_of(options));
    const bool has_data = !options.data.empty() || !options.data_binary.empty();
    request.method = options.head ? "HEAD" : has_data ? "POST" : "GET";
    if (!options.method.empty()) request.method = options.method;
    if (request.method.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != std::string::npos) {
        return fail(Errc::invalid_argument, "--request: expected a method such as PUT");
    }
    request.headers.add("User-Agent", std::string("farthing/") + FARTHING_VERSION);
    request.headers.add("Accept", "*/*");
    if (has_data) request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    std::vector<net::Headers::Entry> given;
    for (const auto& each : options.headers) {
        FARTHING_TRY(auto header, parse_header(each));
        request.headers.remove(header.first);
        given.push_back(std::move(header));
    }
    for (auto& [name, value] : given) {
        if (!value.empty()) request.headers.add(std::move(name), std::move(value));
    }
    return request;
}

void warn(const Options& options, std::string_view code, std::string_view detail) {
    if (options.output.silent) return;
    if (isatty(STDERR_FILENO) == 1) {
        std::fprintf(stderr, "farthing: warning: %s: %s\n", legible(code).c_str(),
                     legible(detail).c_str());
    } else {
        const json::Object line{{"warning", json::Object{{"code", code}, {"detail", detail}}}};
        std::fprintf(stderr, "%s\n", json::to_text(line).c_str());
    }
}

void warn_about(const Options& options, const wallet::Payment& payment) {
    if (payment.receipt == wallet::Payment::Receipt::missing) {
        warn(options, "receipt_missing",
             "the resource came, and no receipt says in which transaction it was paid for");
    } else if (payment.receipt == wallet::Payment::Receipt::none) {
        warn(options, "not_settled",
             "the request failed and should not be charged for; " +
                 wallet::how_to_find_out(payment));
    }
}

/// The answer came, and not all of it went where it should.
int report_stray(const wallet::PaidResponse& answer, std::string_view what) {
    const auto& payment = answer.payment;
    if (!payment) return report({Errc::io_failed, std::string(what)});
    const auto paid = payment->transaction ? fmt::format("paid in transaction {}: do not pay again",
                                                         to_hex(*payment->transaction))
                                           : std::string("the payment was sent: do not pay again");
    return report({Errc::outcome_unknown, fmt::format("{}; {}", paid, what)});
}

int report_answer(const Options& options, const wallet::PaidResponse& answer, Output& output) {
    const auto finished = output.finish();
    if (!finished) return report_stray(answer, finished.error().detail);
    auto stray = output.spill_reason();
    if (options.output.json) {
        // A body too long for the line is in a file that the line names: nothing is lost.
        const bool in_file = options.output.file.empty() && !stray.empty();
        const auto& file = in_file ? output.spill_file() : options.output.file;
        const auto printed = output.print(summary(answer, output.text(), file, output.bytes()));
        if (!printed) return report_stray(answer, printed.error().detail);
        if (!in_file) stray = output.spill_reason();
        if (in_file) warn(options, "body_in_file", std::exchange(stray, {}));
    }
    if (answer.payment) warn_about(options, *answer.payment);
    if (!stray.empty()) return report_stray(answer, stray);
    return options.output.fail && answer.response.status >= 400 ? kHttpErrorExit : 0;
}

/// Whether one was named; `make_signer` has looked at its form.
bool has_key(const Options& options) {
    const char* const key = std::getenv(kKeyVariable);
    return !options.wallet.empty() || !options.keystore.empty() || (key != nullptr && *key != '\0');
}

/// The wallet to pay from, if any. A wallet that the environment names means a pact: a bare key
/// beside it does not get past that, nor does the wallet pay where that key was meant.
Result<std::string> chosen_wallet(const Options& options) {
    auto wallet = options.wallet;
    if (wallet.empty() && options.keystore.empty()) wallet = wallet_of_environment();
    if (options.wallet.empty() && !wallet.empty() && has_key(options)) {
        return fail(Errc::invalid_argument,
                    fmt::format("{} and {} are both set: name the --wallet to pay from, or unset "
                                "one of them",
                                kWalletVariable, kKeyVariable));
    }
    const auto& errand = options.errand;
    if (wallet.empty() && !(errand.task + errand.reason + errand.tool).empty()) {
        return fail(Errc::invalid_argument,
                    fmt::format("--task, --reason and --tool are for a wallet: name a --wallet, or "
                                "set {}",
                                kWalletVariable));
    }
    return wallet;
}

int report_quote(const Options& options, const wallet::Quote& quote) {
    if (options.output.json) {
        std::printf("%s\n", summary(quote, has_key(options)).c_str());
    } else {
        std::printf("%s: %d %s\n", legible(quote.url.to_string()).c_str(), quote.response.status,
                    std::string(net::reason_phrase(quote.response.status)).c_str());
        for (std::size_t i = 0; i < quote.choice.verdicts.size(); ++i) {
            std::printf("%s\n", legible(describe_entry(*quote.offered, quote.choice, i)).c_str());
        }
        const bool pays = quote.choice.chosen.has_value();
        std::printf("%s\n", pays && !has_key(options)
                                ? "would be paid; nothing was signed (no key is set)"
                            : pays          ? "would be paid; nothing was signed"
                            : quote.offered ? "would not be paid"
                                            : "nothing has to be paid");
    }
    if (quote.offered && !quote.choice.chosen) return report(quote.choice.refusal());
    return 0;
}

/// Everything a run needs, made from the options before the first byte is sent.
struct Job {
    net::Url url;
    net::Request request;
    AssetTable assets;
    wallet::PayerConfig config;
    std::unique_ptr<wallet::Signer> signer;  ///< none when `elsewhere`
    std::optional<wallet::SignerConfig> elsewhere;
};

Result<Job> make_job(const Options& options) {
    Job job;
    const bool has_scheme = options.url.find("://") != std::string::npos;
    FARTHING_TRY(job.url, net::parse_url(has_scheme ? options.url : "http://" + options.url));
    FARTHING_TRY(job.request, make_request(options));
    FARTHING_TRY(job.assets, load_assets(options.assets_file));
    FARTHING_TRY(job.config, make_config(options));
    if (!options.wallet.empty()) {
        FARTHING_CHECK(follow_pact({options.wallet}, !options.max_amount.empty(), job.config));
    }
    if (!options.wallet.empty() && !options.dry_run) {
        FARTHING_TRY(job.elsewhere, signer_elsewhere({options.wallet}));
    }
    if (!job.elsewhere) {
        FARTHING_TRY(job.signer, make_signer(options));
    }
    return job;
}

template <class T>
Task<Result<T>> unless_interrupted(Task<Result<T>> task, World& world, const Narrator& narrator) {
    using namespace asio::experimental::awaitable_operators;
    Signals signals(world.loop);
    auto ended = co_await (std::move(task) || signals.until_told_to_stop(*world.log));
    if (auto* done = std::get_if<0>(&ended)) co_return std::move(*done);
    if (const auto payment = narrator.payment(); payment && narrator.paid_request_sent()) {
        co_return fail(Errc::outcome_unknown,
                       "interrupted after the payment was sent: it may have been made; " +
                           wallet::how_to_find_out(*payment));
    }
    co_return fail(Errc::closed, "interrupted");
}

int report_end(const Options& options, Result<wallet::PaidResponse>& answer, Output& output,
               const Narrator& narrator, const Till& till) {
    if (answer) return report_answer(options, *answer, output);
    if (!output.spill_file().empty()) answer.error().detail += "; " + output.spill_reason();
    const auto payment = narrator.payment();
    if (payment && kind_of(answer.error().code) == Kind::unknown) {
        return report_unknown(answer.error(), *payment, options.output.json);
    }
    if (const auto* const refusal = till.refusal(answer.error())) {
        return report_refusal(options.wallet, answer.error(), *refusal);
    }
    const bool interrupted = answer.error().code == Errc::closed;
    const int code = report(answer.error());
    return interrupted && answer.error().detail == "interrupted" ? kInterruptedExit : code;
}

int run_pay(Options options) {
    auto chosen = chosen_wallet(options);
    if (!chosen) return report(chosen.error());
    options.wallet = *std::move(chosen);
    auto job = make_job(options);
    if (!job) return report(job.error());
    Narrator narrator(options.verbose);
    auto output_options = options.output;
    // What -I asks for is the headers: they are what there is to print.
    output_options.headers = output_options.headers || (options.head && !output_options.json);
    Output output(std::move(output_options), narrator);
    if (!options.dry_run) {
        if (auto ready = output.prepare(); !ready) return report(ready.error());
    }
    World world(Level::error);
    const auto signers = net::Client::make(world.env(), world.loop, {});
    if (job->elsewhere) {
        job->signer = std::make_unique<wallet::RemoteSigner>(*signers, *job->elsewhere);
    }
    Till till;
    if (!options.wallet.empty() && !options.dry_run) {
        auto ready = till.open({options.wallet}, options.errand, job->signer->address(), world);
        if (!ready) return report(ready.error());
    }
    net::ClientConfig client_config;
    client_config.connect_timeout = kConnectTimeout;
    client_config.response_timeout = kAnswerTimeout;
    client_config.read_timeout = kAnswerTimeout;
    client_config.ca_file = options.ca_file;
    const auto client = net::Client::make(world.env(), world.loop, client_config);
    wallet::Payer payer(world.env(), *client, *job->signer, job->assets, job->config, &narrator,
                        till.treasury());
    if (options.dry_run) {
        auto task = unless_interrupted(payer.quote(job->url, job->request), world, narrator);
        const auto quote = run_blocking(world.loop, std::move(task));
        return quote ? report_quote(options, *quote) : report(quote.error());
    }
    auto task = unless_interrupted(payer.download(job->url, job->request, output), world, narrator);
    auto answer = run_blocking(world.loop, std::move(task));
    const int code = report_end(options, answer, output, narrator, till);
    std::fflush(nullptr);
    till.tell(world);
    return code;
}

std::function<std::string(const std::string&)> is_readable() { return why_unreadable; }

void add_request_options(CLI::App& command, Options& options) {
    command.add_option("url", options.url, "what to get; http:// when it names no scheme")
        ->required();
    command.add_option("-X,--request", options.method, "method (default: GET, POST with data)");
    command.add_option("-H,--header", options.headers, "a header, \"Name: value\"")
        ->take_all()
        ->allow_extra_args(false);
    command.add_option("-d,--data", options.data, "send this; @FILE its lines, @- stdin's")
        ->take_all()
        ->allow_extra_args(false);
    command.add_option("--data-binary", options.data_binary, "the same without changing line ends")
        ->take_all()
        ->allow_extra_args(false);
    command.add_flag("-I,--head", options.head, "ask for the headers only, and print them");
    command.add_option("--max-redirs", options.redirects_max, "redirects to follow; 0: none")
        ->capture_default_str();
    command.add_option("--max-time", options.max_time, "give up after this time: 30, 500ms, 2m");
    command.add_option("--retry", options.retries, "repeat a failed request so many times")
        ->capture_default_str();
    command
        .add_option("--ca-file,--cacert", options.ca_file,
                    "certificates to trust, PEM (default: the system's)")
        ->check(is_readable());
}

void add_output_options(CLI::App& command, Options& options) {
    auto& output = options.output;
    command.add_option("-o,--output", output.file, "write the body to this file");
    auto* include = command.add_flag("-i,--include", output.headers, "headers before the body");
    command.add_flag("-v,--verbose", options.verbose, "tell the conversation on stderr");
    command.add_flag("-s,--silent", output.silent, "no progress bar and no warnings");
    command.add_flag("-f,--fail", output.fail,
                     "exit with 22 and no body when the answer's status is 400 or more");
    command.add_flag("--json", output.json, "one JSON line: status, what was paid, body")
        ->excludes(include);
}

void add_payment_options(CLI::App& command, Options& options) {
    command.add_option(
        "--max-amount", options.max_amount,
        "the most to pay: '$0.10' or '0.1 USDC' (default: '$0.10'; with --wallet, what "
        "the pact allows)");
    command
        .add_option("--network", options.networks,
                    "pay on this network only (eip155:8453 or base); may be repeated")
        ->take_all()
        ->allow_extra_args(false);
    command
        .add_option("--assets", options.assets_file,
                    "TOML file with [[asset]] tables: tokens to pay with besides the known ones")
        ->check(is_readable());
    command.add_flag("--dry-run", options.dry_run,
                     "say what would be paid and why; sign and pay nothing");
    auto* keystore = command
                         .add_option("--keystore", options.keystore,
                                     "the key file to pay from (default: the key in FARTHING_KEY)")
                         ->check(is_readable());
    auto* wallet = command.add_option(
        "--wallet", options.wallet,
        "pay from this wallet: its key, within its pact, accounted for in its ledger (default: "
        "FARTHING_WALLET, if that is set and no --keystore is named)");
    wallet->excludes(keystore);
    command.add_option("--task", options.errand.task, "what the payment is for: the id of a task");
    command.add_option("--reason", options.errand.reason, "and why, in words, for the operator");
    command.add_option("--tool", options.errand.tool, "the tool that is called (MCP)");
    command
        .add_option("--password-file", options.password_file,
                    "its password (default: FARTHING_PASSWORD, else it is asked for)")
        ->check(is_readable());
}

}  // namespace

void add_pay(CLI::App& app, Run& run) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand("pay", "get a URL and pay for it when that is asked");
    command->footer(
        "Exit codes: 0 an answer came; 2 bad arguments; 3 refused, by your rules, the pact or the "
        "server;\n4 unavailable, nothing was paid; 5 the payment may have been made: find it out "
        "before you pay again;\n22 with --fail, an HTTP error; 70 a bug of ours; 130 interrupted "
        "before anything was paid.");
    add_request_options(*command, *options);
    add_output_options(*command, *options);
    add_payment_options(*command, *options);
    command->callback([options, &run] { run = [options] { return run_pay(*options); }; });
}

}  // namespace farthing::app
