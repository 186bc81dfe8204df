// SPDX-License-Identifier: Apache-2.0
#include "app/till.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "farthing/base/printable.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/wallet/account.hpp"
#include "farthing/wallet/advice.hpp"
#include "farthing/wallet/reconcile.hpp"

namespace farthing::app {

Result<> follow_pact(const wallet::Folder& folder, bool limited, wallet::PayerConfig& config) {
    FARTHING_TRY(const auto op, folder.load_operator());
    FARTHING_TRY(const auto agent, folder.load_agent());
    FARTHING_TRY(const auto rules, load_rules(folder, op, agent));
    std::optional<scheme::Money> limit;
    if (limited) limit = config.rules.max_amount;
    wallet::follow_pact(rules.pact(), limit, config);
    return {};
}

Result<> Till::open(const wallet::Folder& folder, wallet::Errand errand, const Address& signer,
                    World& world) {
    FARTHING_TRY(wallet_, open_wallet(world, folder));
    if (wallet_->agent != signer) {
        return fail(Errc::invalid_argument,
                    fmt::format("the key file says that it is of {}, and it is of {}",
                                wallet_->agent.to_checksum(), signer.to_checksum()));
    }
    const auto now = static_cast<std::uint64_t>(world.clock.now().time_since_epoch().count());
    FARTHING_CHECK(run_blocking(world.loop, wallet::reconcile(*wallet_->ledger, now, nullptr)));
    purse_.emplace(*wallet_->mandate, std::move(errand));
    FARTHING_TRY(const auto settings, wallet::load_settings(folder));
    client_ = net::Client::make(world.env(), world.loop, {});
    auto alerter =
        wallet::Alerter::make(world.env(), world.loop,
                              {*client_, *wallet_->ledger, folder, wallet_->agent}, settings.alert);
    // A webhook's secret need not be where the agent is: then another process tells.
    if (alerter) {
        alerter_ = *std::move(alerter);
    } else {
        world.log->warn("alerts_not_told", {{"error", to_string(alerter.error())}});
    }
    return {};
}

void Till::tell(World& world) {
    if (!alerter_ || !alerter_->has_sinks()) return;
    constexpr std::chrono::milliseconds patience{2'000};
    const auto told = run_blocking(world.loop, alerter_->tell_now(patience));
    if (!told) world.log->warn("alerts_not_told", {{"error", to_string(told.error())}});
}

const wallet::Decided* Till::refusal(const Error& error) const {
    if (!purse_ || !purse_->decided() || error.code != Errc::not_allowed) return nullptr;
    const auto& decided = *purse_->decided();
    return decided.decision.verdict == policy::Verdict::allow ? nullptr : &decided;
}

int report_refusal(const std::string& wallet, const Error& error, const wallet::Decided& decided) {
    const bool asks = decided.decision.verdict == policy::Verdict::ask;
    const auto remedy = wallet::approval_command(decided.seq, wallet);
    if (isatty(STDERR_FILENO) == 1) {
        std::fprintf(stderr, "farthing: %s\n", legible(decided.decision.text).c_str());
        if (asks) {
            std::fprintf(stderr, "To approve it, the operator runs: %s\n", legible(remedy).c_str());
        }
        return exit_code(error);
    }
    auto advice = wallet::advise(error, decided);
    if (advice.approval) advice.approval->command = remedy;
    const json::Object line{{"error", json::encode(advice)}};
    std::fprintf(stderr, "%s\n", json::to_text(line).c_str());
    return exit_code(error);
}

}  // namespace farthing::app
