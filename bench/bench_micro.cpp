// SPDX-License-Identifier: Apache-2.0
// One thread, no network: microseconds of CPU for a verification, a signature, reading a payment
// header and rendering a 402, the best of several rounds, as JSON. peers/micro.mjs does the same
// with the reference.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <limits>

#include "bench/payments.hpp"
#include "farthing/gateway/responses.hpp"
#include "farthing/io/config.hpp"
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
