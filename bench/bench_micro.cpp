// SPDX-License-Identifier: Apache-2.0
// One thread, no network: microseconds of CPU for a verification, a signature, reading a payment
// header, rendering a 402 and deciding on a payment, the best of several rounds, as JSON.
// peers/micro.mjs does the same with the reference, but for the decision, which it does not know.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <limits>

#include "bench/payments.hpp"
#include "farthing/gateway/responses.hpp"
#include "farthing/io/config.hpp"
#include "farthing/policy/decide.hpp"
#include "farthing/scheme/scheme.hpp"
#include "farthing/wire/headers.hpp"

namespace farthing::bench {
namespace {

constexpr int kRounds = 5;
constexpr double kRoundSeconds = 0.3;
constexpr std::uint64_t kNow = 1'700'000'000;
constexpr std::string_view kUrl = "http://127.0.0.1:8402/weather";
constexpr std::string_view kSite = R"(
listen = "127.0.0.1:0"
origin = "http://127.0.0.1:3000"
[facilitator]
url = "http://127.0.0.1:4020"
[[route]]
match = "GET /weather"
description = "Weather"
mime_type = "application/json"
price = "$0.001"
network = "eip155:84532"
pay_to = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
)";

/// CPU seconds of this process: others on the core do not count.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// `step` answers whether it did what it should.
template <class Step>
double microseconds(Step step) {
    auto best = std::numeric_limits<double>::max();
    for (int round = 0; round < kRounds; ++round) {
        const auto began = cpu_seconds();
        std::size_t count = 0;
        while (cpu_seconds() - began < kRoundSeconds) {
            for (int i = 0; i < 64; ++i) invariant(step(), "the measured step succeeds");
            count += 64;
        }
        best = std::min(best, (cpu_seconds() - began) * 1e6 / static_cast<double>(count));
    }
    return best;
}

/// A pact of 50 limits, and a million payments in a month of which all count for some of them.
struct Purse {
    policy::Rules rules;
    policy::Budget budget;
    policy::Request request;
    policy::Facts facts;
};

constexpr std::size_t kLimits = 50;
constexpr std::uint64_t kEntries = 1'000'000;

std::string pact_text() {
    std::string text = R"({"version": 1, "agent": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "expires": "2030-01-01", "networks": ["eip155:84532"], "per_request": "$1",
        "vendor": [{"host": "*.example.com", "category": "search"}],
        "limit": [{"amount": "$900000", "per": "month"})";
    constexpr std::array<std::string_view, 4> kAbout{
        "", R"(, "vendor": "each")", R"(, "category": "search")", R"(, "vendor": "*.example.com")"};
    for (std::size_t i = 1; i < kLimits; ++i) {
        text += fmt::format(R"(, {{"amount": "$900000", "per": "{}h"{}}})", 12 * i,
                            kAbout[i % kAbout.size()]);
    }
    return text + "]}";
}

Result<Purse> make_purse() {
    FARTHING_TRY(const auto document, json::parse(pact_text()));
    FARTHING_TRY(auto pact, policy::parse_pact(document));
    const auto agent = pact.agent;
    FARTHING_TRY(auto rules, policy::Rules::make(std::move(pact)));
    policy::Budget budget(rules.meters());
    FARTHING_TRY(const auto asset, parse_address("0x036CbD53842c5426634e7929541eC2318f3dCF7e"));
    policy::Request request{.url = "https://api.example.com/v1/search?q=weather",
                            .network = evm_network(84532),
                            .asset = asset,
                            .amount = U256(1000),
                            .lifetime = 60};
    const policy::Facts facts{.now = kNow + 2 * kEntries, .agent = agent};
    const auto first = policy::decide(rules, budget, request, {.now = kNow, .agent = agent});
    invariant(first.reservation.has_value(), "the pact of the benchmark allows its request");
    for (std::uint64_t i = 0; i < kEntries; ++i) {
        auto reservation = *first.reservation;
        reservation.id = std::to_string(i);
        reservation.time = kNow + 2 * i;
        FARTHING_CHECK(budget.reserve(std::move(reservation)));
        FARTHING_CHECK(budget.settle(std::to_string(i)));
    }
    return Purse{std::move(rules), std::move(budget), std::move(request), facts};
}

Result<std::string> measure() {
    FARTHING_TRY(const auto config, config_from_toml<gateway::Config>(kSite, "bench"));
    FARTHING_TRY(const auto site, gateway::make_site(config));
    const auto& route = site->routes.front();
    const auto unpaid = gateway::payment_required(route, kUrl, "Payment required");
    const auto required = unpaid.headers.get(header::kPaymentRequired).value_or("");
    FARTHING_TRY(const auto offer, read_offer(required));
    const auto payers = make_payers(1);
    SystemRandom random;
    FARTHING_TRY(const auto payment, sign_payment(offer, payers.front(), random, kNow));
    const auto header = dialect::to_header(payment.payload);
    const auto& scheme = *scheme::find_scheme("exact");
    const scheme::Facts facts{.asset_has_code = true};
    const scheme::Policy policy;
    const scheme::Signing signing{.payer = payers.front().address, .now = kNow};

    FARTHING_TRY(const auto purse, make_purse());

    const json::Object times{
        {"verify_us", microseconds([&] {
             const auto opened = scheme.open(payment);
             return opened && (*opened)->judge(facts, policy, kNow).has_value();
         })},
        {"sign_us", microseconds([&] {
             const auto authorization = scheme.authorize(offer.requirements, signing);
             return authorization &&
                    sign(authorization->digest, payers.front().key).recovery_id < 2;
         })},
        {"parse_us",
         microseconds([&] { return dialect::decode_payment_header(header).has_value(); })},
        {"render_us", microseconds([&] {
             const auto answer = gateway::payment_required(route, kUrl, "Payment required");
             return !gateway::to_wire(answer).empty();
         })},
        {"decide_us", microseconds([&] {
             return policy::decide(purse.rules, purse.budget, purse.request, purse.facts).verdict ==
                    policy::Verdict::allow;
         })}};
    return json::to_text(times);
}

}  // namespace
}  // namespace farthing::bench

int main() {
    const auto times = farthing::bench::measure();
    if (!times) {
        std::fprintf(stderr, "bench_micro: %s\n", farthing::to_string(times.error()).c_str());
        return 1;
    }
    std::printf("%s\n", times->c_str());
    return 0;
}
