// SPDX-License-Identifier: Apache-2.0
#include "app/pay_report.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "app/pact_words.hpp"
#include "app/world.hpp"
#include "farthing/base/base64.hpp"
#include "farthing/base/hex.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/wallet/daemon_api.hpp"
#include "farthing/wire/headers.hpp"

namespace farthing::app {
namespace {

bool carries_payment(std::string_view name) {
    return net::equal_no_case(name, header::kPaymentSignature) ||
           net::equal_no_case(name, header::kPaymentV1);
}

/// One line, whatever the server put into it.
void say(char mark, std::string_view text) {
    std::fprintf(stderr, "%c %s\n", mark, legible(text).c_str());
}

}  // namespace

void Narrator::sending(const net::Url& url, const net::Request& request) {
    bool pays = false;
    for (const auto& [name, value] : request.headers) pays = pays || carries_payment(name);
    paid_request_sent_ = paid_request_sent_ || pays;
    if (!verbose_) return;
    say('*', fmt::format("to {}", url.origin()));
    say('>', fmt::format("{} {} HTTP/1.1", request.method, url.target));
    for (const auto& [name, value] : request.headers) {
        say('>', carries_payment(name)
                     ? fmt::format("{}: a signed payment, {} bytes", name, value.size())
                     : fmt::format("{}: {}", name, value));
    }
    if (!request.body.empty()) say('*', fmt::format("a body of {} bytes", request.body.size()));
}

void Narrator::received(const net::Response& head) {
    if (!verbose_) return;
    say('<', fmt::format("HTTP/1.1 {} {}", head.status, net::reason_phrase(head.status)));
    for (const auto& [name, value] : head.headers) say('<', fmt::format("{}: {}", name, value));
}

void Narrator::offered(const dialect::Offered& offered, const wallet::Choice& choice) {
    if (!verbose_) return;
    for (std::size_t i = 0; i < choice.verdicts.size(); ++i) {
        say('*', describe_entry(offered, choice, i));
    }
}

void Narrator::signing(const wallet::Payment& payment, const Bytes32& digest) {
    payment_ = payment;
    if (!verbose_) return;
    say('*',
        fmt::format("{} signs: {} to {}, until unix time {}", payment.payer.to_checksum(),
                    scheme::describe(payment.requirements.amount, payment.asset),
                    payment.requirements.pay_to, payment.valid_before.time_since_epoch().count()));
    say('*', fmt::format("nonce {}, digest {}", to_hex(payment.nonce), to_hex(digest)));
}

void Narrator::waiting(const Error& why, std::chrono::milliseconds delay) {
    if (!verbose_) return;
    say('*', fmt::format("{}; the same request again in {} ms", to_string(why), delay.count()));
}

std::optional<wallet::Payment> Narrator::payment() const {
    auto payment = payment_;
    if (payment) payment->transaction = transaction_;
    return payment;
}

std::string describe_entry(const dialect::Offered& offered, const wallet::Choice& choice,
                           std::size_t index) {
    const auto& verdict = choice.verdicts[index];
    std::string text = fmt::format("accepts[{}]", index);
    if (verdict.requirements && verdict.asset != nullptr) {
        const auto& wanted = *verdict.requirements;
        text += fmt::format(" {} on {} to {}, within {} s",
                            scheme::describe(wanted.amount, *verdict.asset),
                            in_words(wanted.network), wanted.pay_to, wanted.max_timeout_seconds);
    }
    if (verdict.refusal) return text + ": no, " + verdict.refusal->detail;
    if (choice.chosen != index) return text + ": possible, but not the cheapest";
    return text + (offered.accepts.size() > 1 ? ": yes, the cheapest" : ": yes");
}

std::string summary(const wallet::PaidResponse& answer, const std::string& body,
                    const std::string& body_file, std::uint64_t bytes) {
    const auto& payment = answer.payment;
    const bool paid = payment && payment->receipt != wallet::Payment::Receipt::none;
    json::Object line{{"status", answer.response.status}, {"paid", paid}};
    if (payment) {
        for (auto& [name, value] : json::encode(wallet::note_of(*payment)).as_object()) {
            line[name] = value;
        }
    }
    line["url"] = answer.url.to_string();
    if (!body_file.empty()) {
        line["output"] = body_file;
        line["bytes"] = bytes;
    } else if (is_utf8(body)) {
        line["body"] = body;
    } else {
        line["bodyBase64"] = to_base64(body);
    }
    return json::to_text(line);
}

int report_unknown(const Error& error, const wallet::Payment& payment, bool json) {
    if (isatty(STDERR_FILENO) == 1 && !json) return report(error);
    const auto advice = wallet::advise(error, std::nullopt, payment);
    const json::Object line{{"error", json::encode(advice)}};
    std::fprintf(stderr, "%s\n", json::to_text(line).c_str());
    return exit_code(error);
}

std::string summary(const wallet::Quote& quote, bool has_key) {
    auto line = wallet::to_json(quote);
    line["dryRun"] = true;
    line["hasKey"] = has_key;
    return json::to_text(line);
}

}  // namespace farthing::app
