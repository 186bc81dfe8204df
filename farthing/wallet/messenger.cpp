// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/messenger.hpp"

#include <fmt/format.h>

#include "farthing/base/hex.hpp"
#include "farthing/crypto/hmac.hpp"
#include "farthing/io/append_line.hpp"
#include "farthing/io/program.hpp"

namespace farthing::wallet {
namespace {

constexpr std::size_t kSecretMin = 16;

class Webhook final : public Messenger {
  public:
    Webhook(Env env, net::Client& client, net::Url url, Secret<std::string> secret,
            std::chrono::milliseconds timeout)
        : env_(env),
          client_(client),
          url_(std::move(url)),
          secret_(std::move(secret)),
          timeout_(timeout) {}

    Task<Result<>> tell(Message message) override {
        net::Request request;
        request.method = "POST";
        const auto now = static_cast<std::uint64_t>(env_.clock.now().time_since_epoch().count());
        request.headers.add("Content-Type", "application/json");
        request.headers.add("User-Agent", "farthing");
        request.headers.add("Farthing-Alert", message.name);
        request.headers.add("Farthing-Id", message.id);
        request.headers.add("Farthing-Signature",
                            signature_of(secret_.reveal(), now, message.body));
        request.body = std::move(message.body);
        const auto answer = co_await client_.fetch(url_, std::move(request), timeout_);
        if (!answer) co_return fail(answer.error().error);
        co_return judge(answer->status);
    }
    [[nodiscard]] std::string_view kind() const override { return "webhook"; }

  private:
    /// A redirect is no answer: what is signed for one place is not for another.
    static Result<> judge(int status) {
        if (status >= 200 && status < 300) return {};
        const auto said = fmt::format("it answered {}", status);
        const bool refused = status == 400 || status == 413 || status == 422;
        return fail(refused ? Errc::invalid_argument : Errc::origin_failed, said);
    }

    Env env_;
    net::Client& client_;
    net::Url url_;
    Secret<std::string> secret_;
    std::chrono::milliseconds timeout_;
};

class Command final : public Messenger {
  public:
    Command(Loop& loop, std::vector<std::string> words, std::chrono::milliseconds timeout)
        : loop_(loop), words_(std::move(words)), timeout_(timeout) {}

    Task<Result<>> tell(Message message) override {
        message.body.push_back('\n');
        const auto code = co_await run_program(loop_, words_, std::move(message.body), timeout_);
        if (!code) co_return fail(code.error());
        if (*code == 0) co_return Result<>{};
        co_return fail(Errc::io_failed, fmt::format("it ended with {}", *code));
    }
    [[nodiscard]] std::string_view kind() const override { return "command"; }

  private:
    Loop& loop_;
    std::vector<std::string> words_;
    std::chrono::milliseconds timeout_;
};

class LogFile final : public Messenger {
  public:
    explicit LogFile(std::string file) : file_(std::move(file)) {}

    Task<Result<>> tell(Message message) override {
        co_return append_line(file_, std::move(message.body));
    }
    [[nodiscard]] std::string_view kind() const override { return "log"; }

  private:
    std::string file_;
};

}  // namespace

Result<std::unique_ptr<Messenger>> make_messenger(Env env, Loop& loop, net::Client& client,
                                                  const SinkConfig& config) {
    if (config.log) return std::make_unique<LogFile>(*config.log);
    if (!config.webhook) return std::make_unique<Command>(loop, config.command, config.timeout);
    FARTHING_TRY(auto url, parse_private_url(*config.webhook));
    auto secret = config.secret->load();
    if (!secret) {
        return fail(Errc::invalid_config,
                    fmt::format("alert {}: secret: {}", config.name, secret.error().detail));
    }
    if (secret->reveal().size() < kSecretMin) {
        return fail(Errc::invalid_config, fmt::format("alert {}: secret: shorter than {} bytes",
                                                      config.name, kSecretMin));
    }
    return std::make_unique<Webhook>(env, client, std::move(url), *std::move(secret),
                                     config.timeout);
}

std::string signature_of(std::string_view secret, std::uint64_t time, std::string_view body) {
    const auto what = fmt::format("{}.{}", time, body);
    const auto mac = hmac_sha256(as_bytes(secret), as_bytes(what));
    return fmt::format("t={},v1={}", time, to_hex_digits(mac));
}

}  // namespace farthing::wallet
