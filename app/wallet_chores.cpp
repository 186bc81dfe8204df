// SPDX-License-Identifier: Apache-2.0
#include "app/wallet_chores.hpp"

#include <fmt/format.h>

#include "farthing/json/codec.hpp"

namespace farthing::app {

void add_chores_options(CLI::App& command, ChoresOptions& options) {
    command
        .add_option(
            "--rpc", options.rpcs,
            "a node of a chain that is paid on: what is reserved is reconciled with it, and "
            "the balance looked at; may be repeated")
        ->take_all()
        ->allow_extra_args(false);
    command.add_option("--reconcile-every", options.every, "and how often")->capture_default_str();
}

Result<std::chrono::milliseconds> read_time(const std::string& text, std::string_view option) {
    auto time = json::Codec<std::chrono::milliseconds>::decode(json::Value(text), json::Path{});
    if (time && time->count() > 0) return *time;
    return fail(Errc::invalid_argument,
                fmt::format("{}: expected a time such as 500ms, 30s or 5m", option));
}

Result<std::unique_ptr<WalletChores>> WalletChores::make(World& world, OpenAccount& opened,
                                                         const ChoresOptions& options) {
    std::unique_ptr<WalletChores> out(new WalletChores(world, opened));
    for (const auto& each : options.rpcs) {
        auto url = net::parse_url(each);
        if (!url) return fail(Errc::invalid_argument, "--rpc: " + url.error().detail);
        out->rpcs_.push_back(*std::move(url));
    }
    FARTHING_TRY(out->every_, read_time(options.every, "--reconcile-every"));
    FARTHING_TRY(const auto settings, wallet::load_settings(opened.folder));
    FARTHING_TRY(out->low_, low_limit(settings));
    FARTHING_TRY(out->alerter_, wallet::Alerter::make(world.env(), world.loop,
                                                      {*opened.client, *opened.wallet.ledger,
                                                       opened.folder, opened.wallet.agent},
                                                      settings.alert));
    return out;
}

void WalletChores::start(TaskGroup& in) {
    in.spawn(keep_reconciled());
    if (alerter_->has_sinks()) in.spawn(alerter_->run());
}

void WalletChores::log(const Result<wallet::Reconciled>& done) {
    if (!done) {
        world_.log->warn("reconcile_failed", {{"reason", to_string(done.error())}});
    } else if (done->settled + done->released > 0) {
        world_.log->info(
            "reconciled",
            {{"settled", done->settled}, {"released", done->released}, {"open", done->open}});
    }
}

Task<> WalletChores::keep_reconciled() {
    auto& ledger = *opened_.wallet.ledger;
    for (;;) {
        const auto now = static_cast<std::uint64_t>(world_.clock.now().time_since_epoch().count());
        if (rpcs_.empty()) {
            auto done = co_await wallet::reconcile(ledger, now, nullptr);
            log(done);
        }
        for (const auto& rpc : rpcs_) {
            auto done =
                co_await reconcile_with(ledger, now, *opened_.client, rpc, opened_.assets, low_);
            if (done) {
                log(done->open);
            } else {
                log(fail(std::move(done).error()));
            }
        }
        co_await world_.clock.sleep(every_);
    }
}

}  // namespace farthing::app
