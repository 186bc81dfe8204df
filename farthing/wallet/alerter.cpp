// SPDX-License-Identifier: Apache-2.0
#include "farthing/wallet/alerter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "farthing/base/hex.hpp"
#include "farthing/base/printable.hpp"
#include "farthing/io/task_group.hpp"
#include "farthing/ledger/payments.hpp"

namespace farthing::wallet {
namespace {

using ledger::Transaction;

/// Between two looks for new alerts.
constexpr std::chrono::milliseconds kPoll{500};
constexpr std::chrono::milliseconds kBackoff{1'000};
constexpr std::chrono::milliseconds kBackoffMax{60'000};
/// A sink that is new hears of what is younger than this.
constexpr ledger::UnixMillis kNewSinkWithin = 86'400'000;
constexpr std::size_t kPage = 100;
constexpr std::size_t kTextMax = 1'000;

bool takes(const std::vector<std::string>& list, const std::string& name) {
    return list.empty() || std::ranges::count(list, name) > 0;
}

/// From where `reader` goes on.
Result<ledger::Seq> begin_of(Transaction& transaction, const std::string& reader) {
    FARTHING_TRY(const auto cursor, transaction.cursor(reader));
    if (cursor) return *cursor;
    FARTHING_TRY(const auto now, transaction.now());
    const ledger::Filter young{.kind = "alert", .from = now - std::min(now, kNewSinkWithin)};
    FARTHING_TRY(const auto first, transaction.read(young, 0, 1));
    ledger::Seq seq = 0;
    if (first.empty()) {
        FARTHING_TRY(const auto last, transaction.last());
        seq = last.seq;
    } else {
        seq = first.front().seq - 1;
    }
    FARTHING_CHECK(transaction.put_cursor(reader, seq));
    return seq;
}

/// What was decided, as far as it helps whoever reads the alert.
json::Object summary_of(const ledger::Entry& entry) {
    const auto& decision = std::get<ledger::Decision>(entry.event);
    json::Object out{{"seq", entry.seq},
                     {"verdict", ledger::to_text(decision.verdict)},
                     {"condition", decision.condition},
                     {"method", decision.method},
                     {"url", legible(decision.url, kTextMax)},
                     {"vendor", decision.vendor},
                     {"network", decision.network},
                     {"asset", decision.asset},
                     {"payTo", decision.pay_to},
                     {"amount", decision.amount.to_decimal()},
                     {"dollars", ledger::dollars(decision.value)},
                     {"task", legible(decision.task, kTextMax)},
                     {"reason", legible(decision.reason, kTextMax)}};
    return out;
}

}  // namespace

struct Alerter::Sink {
    std::string name;
    std::string reader;  ///< of its cursor
    std::vector<std::string> take;
    std::unique_ptr<Messenger> messenger;
    Counter& told;
    Counter& failed;
};

Alerter::Alerter(Env env, Loop& loop, Parts parts)
    : env_(env), loop_(loop), parts_(std::move(parts)) {}
Alerter::~Alerter() = default;

Result<std::unique_ptr<Alerter>> Alerter::make(Env env, Loop& loop, Parts parts,
                                               const std::vector<SinkConfig>& sinks) {
    std::unique_ptr<Alerter> out(new Alerter(env, loop, std::move(parts)));
    for (const auto& each : sinks) {
        FARTHING_TRY(auto messenger, make_messenger(env, loop, out->parts_.client, each));
        const Labels labels{{"sink", std::string(messenger->kind())}};
        auto& told =
            env.metrics.counter("farthing_alerts_told_total", "Alerts taken by a sink", labels);
        auto& failed = env.metrics.counter("farthing_alerts_failed_total",
                                           "Attempts to tell an alert that failed", labels);
        out->sinks_.push_back(std::make_unique<Sink>(
            Sink{each.name, "alert:" + each.name, each.take, std::move(messenger), told, failed}));
    }
    return out;
}

Task<> Alerter::run() {
    const auto file = (parts_.folder.path / "alerts.lock").string();
    while (!locked_) {
        locked_ = lock_.take(file).has_value();
        if (!locked_) co_await env_.clock.sleep(kPoll);
    }
    TaskGroup group(loop_);
    for (auto& each : sinks_) group.spawn(follow(*each));
    // With nobody to tell it waits like the others: it is told when to end.
    while (sinks_.empty()) co_await env_.clock.sleep(kBackoffMax);
    co_await group.join();
}

Task<Result<Told>> Alerter::tell_now(std::chrono::milliseconds limit) {
    Told out;
    if (!has_sinks()) co_return out;
    const auto file = (parts_.folder.path / "alerts.lock").string();
    const bool ours = locked_ || lock_.take(file).has_value();
    if (ours) {
        locked_ = true;
        std::uint64_t before = 0;
        for (const auto& each : sinks_) {
            FARTHING_CO_TRY(const auto count, co_await count_left(*each));
            before += count;
        }
        if (before > 0) {
            auto all = tell_all();
            co_await finish_within(std::move(all), limit);
        }
        out.delivered = before;
    }
    for (const auto& each : sinks_) {
        FARTHING_CO_TRY(const auto count, co_await count_left(*each));
        out.left += count;
    }
    out.delivered -= std::min(out.delivered, out.left);
    co_return out;
}

Task<bool> Alerter::tell_all() {
    TaskGroup group(loop_);
    for (auto& each : sinks_) group.spawn(tell_rest(*each));
    co_await group.join();
    co_return true;
}

Task<> Alerter::follow(Sink& sink) {
    auto backoff = kBackoff;
    for (;;) {
        const auto told = co_await tell_next(sink);
        if (told) {
            backoff = kBackoff;
            if (!*told) co_await env_.clock.sleep(kPoll);
            continue;
        }
        co_await env_.clock.sleep(backoff);
        backoff = std::min(backoff * 2, kBackoffMax);
    }
}

Task<> Alerter::tell_rest(Sink& sink) {
    for (;;) {
        const auto told = co_await tell_next(sink);
        if (!told || !*told) co_return;
    }
}

Task<Result<bool>> Alerter::tell_next(Sink& sink) {
    auto next = co_await next_for(sink);
    if (!next) {
        env_.log.warn("alerts_not_read", {{"sink", sink.name}, {"error", to_string(next.error())}});
        co_return fail(std::move(next).error());
    }
    if (!*next) co_return false;
    const auto seq = (*next)->seq;
    FARTHING_CO_TRY(auto message, co_await message_of(**std::move(next)));
    auto told = co_await sink.messenger->tell(std::move(message));
    if (!told) {
        sink.failed.add();
        env_.log.warn("alert_not_told",
                      {{"sink", sink.name}, {"seq", seq}, {"error", to_string(told.error())}});
        // It will never be taken: the others must not wait behind it.
        if (told.error().code != Errc::invalid_argument) co_return fail(std::move(told).error());
    } else {
        sink.told.add();
    }
    FARTHING_CO_CHECK(co_await move_cursor(sink.reader, seq));
    co_return true;
}

Task<Result<std::optional<ledger::Entry>>> Alerter::next_for(const Sink& sink) {
    auto work = [reader = sink.reader, take = sink.take](
                    Transaction& transaction) -> Result<std::optional<ledger::Entry>> {
        FARTHING_TRY(auto after, begin_of(transaction, reader));
        for (;;) {
            const ledger::Filter alerts{.kind = "alert"};
            FARTHING_TRY(auto page, transaction.read(alerts, after, kPage));
            for (auto& each : page) {
                if (takes(take, std::get<ledger::Alert>(each.event).name))
                    return std::optional(std::move(each));
            }
            if (page.size() < kPage) return std::optional<ledger::Entry>{};
            after = page.back().seq;
        }
    };
    co_return co_await parts_.ledger.transact(std::move(work));
}

Task<Result<Message>> Alerter::message_of(ledger::Entry entry) {
    const auto about = ledger::decision_of(entry.event);
    std::optional<ledger::Entry> decided;
    if (about) {
        const auto seq = *about;
        auto work = [seq](Transaction& transaction) { return transaction.find(seq); };
        FARTHING_CO_TRY(decided, co_await parts_.ledger.transact(std::move(work)));
    }
    const auto& alert = std::get<ledger::Alert>(entry.event);
    json::Object body{{"id", to_hex(entry.hash)}, {"wallet", parts_.agent.to_checksum()},
                      {"alert", alert.name},      {"time", ledger::time_text(entry.time)},
                      {"seq", entry.seq},         {"text", legible(alert.text, kTextMax)},
                      {"vendor", alert.vendor}};
    if (decided && std::holds_alternative<ledger::Decision>(decided->event))
        body.emplace("decision", summary_of(*decided));
    Message message{to_hex(entry.hash), alert.name, json::to_text(body)};
    co_return message;
}

Task<Result<std::uint64_t>> Alerter::count_left(const Sink& sink) {
    auto work = [reader = sink.reader,
                 take = sink.take](Transaction& transaction) -> Result<std::uint64_t> {
        FARTHING_TRY(const auto after, begin_of(transaction, reader));
        std::uint64_t count = 0;
        FARTHING_CHECK(transaction.for_each(
            {.kind = "alert"}, after, [&](const ledger::Entry& each) -> Result<> {
                const auto& alert = std::get<ledger::Alert>(each.event);
                if (takes(take, alert.name)) ++count;
                return {};
            }));
        return count;
    };
    co_return co_await parts_.ledger.transact(std::move(work));
}

Task<Result<>> Alerter::move_cursor(std::string reader, ledger::Seq seq) {
    auto work = [reader = std::move(reader), seq](Transaction& transaction) {
        return transaction.put_cursor(reader, seq);
    };
    co_return co_await parts_.ledger.transact(std::move(work));
}

}  // namespace farthing::wallet
