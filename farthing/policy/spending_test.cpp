// SPDX-License-Identifier: Apache-2.0
// The promise itself: no sequence of requests, clock jumps, settlements and releases spends beyond
// any limit, and a stricter pact never allows more. Checked against a model that adds up all
// events.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "farthing/policy/test_pacts.hpp"

using namespace farthing;
using namespace farthing::policy;
using namespace farthing::policy::testing;

namespace {

struct Step {
    enum class What : std::uint8_t { pay, settle, release, wait, jump };
    What what = What::pay;
    std::uint64_t amount = 0;  ///< of time, or what the cents are made of
    std::size_t who = 0;
    [[nodiscard]] std::uint64_t cents() const { return 1 + amount % 6; }
};

/// One payment as the model remembers it.
struct Spent {
    std::uint64_t time;
    std::uint64_t cents;
    std::string vendor;
    std::string task;
    bool released = false;
};

constexpr std::array kHosts{"a.example", "b.example", "x.b.example"};
constexpr std::array kTasks{"", "t1", "t2"};

Request paying(const Step& step) {
    auto what = testing::request(step.cents() * 10'000);
    what.url = std::string("https://") + kHosts[step.who % kHosts.size()] + "/";
    what.task = kTasks[step.who / kHosts.size() % kTasks.size()];
    return what;
}

/// What counts at `now` for a limit, by adding up everything there is.
std::uint64_t model_sum(const std::vector<Spent>& all, const Limit& limit, const UtcOffset& offset,
                        const Spent& about, std::uint64_t now) {
    std::uint64_t sum = 0;
    for (const auto& each : all) {
        const auto in_time = [&] {
            if (limit.per.kind == Period::Kind::pact) return true;
            if (limit.per.kind == Period::Kind::window)
                return each.time + limit.per.seconds > now && each.time <= now;
            const auto stretch = calendar_stretch(limit.per.kind, now, offset);
            return each.time >= stretch.begin && each.time < stretch.end;
        };
        const bool of_vendor =
            !limit.vendor ||
            (*limit.vendor == "each" ? each.vendor == about.vendor
                                     : HostPattern{*limit.vendor}.covers(each.vendor));
        const bool of_task = !limit.task || each.task == about.task;
        if (!each.released && of_vendor && of_task && in_time()) sum += each.cents;
    }
    return sum;
}

std::string cents_text(std::uint64_t cents) { return "$" + to_units(U256(cents), 2); }

struct Row {
    std::string_view per, scope;
};
constexpr std::array kRows{Row{"90s", ""},
                           Row{"1h", ""},
                           Row{"day", ""},
                           Row{"week", ""},
                           Row{"month", ""},
                           Row{"pact", ""},
                           Row{"10m", R"(, "vendor": "each")"},
                           Row{"day", R"(, "vendor": "*.b.example")"},
                           Row{"day", R"(, "task": "each")"}};

/// A pact with some of the rows, each with its cents.
std::string pact_with(const std::vector<std::uint64_t>& cents, std::int32_t offset) {
    std::string limits = R"({"amount": "$9", "per": "30d"})";
    for (std::size_t i = 0; i < kRows.size(); ++i) {
        if (cents[i] == 0) continue;
        limits += R"(, {"amount": ")" + cents_text(cents[i]) + R"(", "per": ")" +
                  std::string(kRows[i].per) + "\"" + std::string(kRows[i].scope) + "}";
    }
    return R"({"other_vendors": "allow", "per_request": "$5", "expires": "2099-01-01",
               "price_drift": {"history": 1000000}, "utc_offset": ")" +
           to_text(UtcOffset{offset}) + R"(", "limit": [)" + limits + "]}";
}

rc::Gen<std::vector<std::uint64_t>> any_cents() {
    return rc::gen::container<std::vector<std::uint64_t>>(kRows.size(),
                                                          rc::gen::inRange<std::uint64_t>(0, 150));
}

rc::Gen<std::vector<Step>> any_steps() {
    using What = Step::What;
    return rc::gen::container<std::vector<Step>>(rc::gen::build<Step>(
        rc::gen::set(&Step::what, rc::gen::weightedElement<What>({{8, What::pay},
                                                                  {2, What::settle},
                                                                  {2, What::release},
                                                                  {4, What::wait},
                                                                  {1, What::jump}})),
        rc::gen::set(&Step::amount, rc::gen::inRange<std::uint64_t>(1, 30)),
        rc::gen::set(&Step::who, rc::gen::inRange<std::size_t>(0, 900))));
}

}  // namespace

TEST_CASE("spending: nothing spends beyond any limit, whatever the order and the clock") {
    std::size_t allowed = 0, refused = 0;
    const bool holds = rc::check([&] {
        const auto offset = *rc::gen::inRange<std::int32_t>(-840, 841);
        const auto mine = rules(pact_with(*any_cents(), offset));
        Budget budget(mine.meters());
        std::vector<Spent> all;
        std::vector<std::size_t> open;
        std::uint64_t clock = kNoon;
        for (const auto& step : *rc::gen::resize(150, any_steps())) {
            switch (step.what) {
                case Step::What::wait:
                    clock += step.amount * step.amount * step.amount;
                    continue;
                case Step::What::jump:
                    // Up to a fortnight, either way.
                    clock = step.who % 2 == 0 ? clock + step.amount * 40'000
                                              : clock - step.amount * 40'000;
                    continue;
                case Step::What::settle:
                case Step::What::release: {
                    if (open.empty()) continue;
                    const auto at = step.who % open.size();
                    const auto id = open[at];
                    open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
                    if (step.what == Step::What::settle) {
                        RC_ASSERT(budget.settle(std::to_string(id)).has_value());
                    } else {
                        RC_ASSERT(budget.release(std::to_string(id)).has_value());
                        all[id].released = true;
                    }
                    continue;
                }
                case Step::What::pay:
                    break;
            }
            const auto decision = decide(mine, budget, paying(step), facts(clock));
            const auto now = budget.now(clock);
            const Spent one{now, step.cents(), kHosts[step.who % kHosts.size()],
                            kTasks[step.who / kHosts.size() % kTasks.size()]};
            bool fits = true;
            for (const auto& limit : mine.pact().limit) {
                const bool about = !limit.vendor || *limit.vendor == "each" ||
                                   HostPattern{*limit.vendor}.covers(one.vendor);
                if (!about) continue;
                const auto cents = limit.amount.value.checked_div(*power_of_ten(16))->to_u64();
                fits &= model_sum(all, limit, mine.pact().utc_offset, one, now) + step.cents() <=
                        cents.value();
            }
            RC_ASSERT((decision.verdict == Verdict::allow) == fits);
            ++(fits ? allowed : refused);
            if (!fits) {
                // Nothing that is said to help later comes too early.
                const auto early = decision.retry_after;
                RC_ASSERT(!early || early->seconds > now);
                continue;
            }
            auto reservation = *decision.reservation;
            reservation.id = std::to_string(all.size());
            open.push_back(all.size());
            RC_ASSERT(budget.reserve(reservation).has_value());
            all.push_back(one);
        }
        // A checkpoint holds all of it.
        const auto again = Budget::restore(mine.meters(), budget.checkpoint());
        RC_ASSERT(again.has_value());
        RC_ASSERT(json::to_text(again->checkpoint()) == json::to_text(budget.checkpoint()));
    });
    CHECK(holds);
    CHECK(allowed > 300);
    CHECK(refused > 300);
}

TEST_CASE("spending: where one limit stood in the way, it opens exactly when it says") {
    const bool holds = rc::check([] {
        const auto mine = rules(R"({"other_vendors": "allow", "per_request": "$5",
            "price_drift": {"history": 1000000},
            "limit": [{"amount": "$0.4", "per": "1h"}]})");
        Budget budget(mine.meters());
        std::uint64_t clock = kNoon;
        int id = 0;
        for (const auto& step : *rc::gen::resize(60, any_steps())) {
            clock += step.amount * step.amount;
            const auto what = paying(step);
            const auto decision = decide(mine, budget, what, facts(clock));
            if (decision.verdict == Verdict::allow) {
                auto reservation = *decision.reservation;
                reservation.id = std::to_string(id++);
                RC_ASSERT(budget.reserve(reservation).has_value());
                continue;
            }
            const auto opens = decision.retry_after.value().seconds;
            RC_ASSERT(decide(mine, budget, what, facts(opens)).verdict == Verdict::allow);
            RC_ASSERT(decide(mine, budget, what, facts(opens - 1)).verdict == Verdict::refuse);
        }
    });
    CHECK(holds);
}

TEST_CASE("spending: a stricter pact never allows more") {
    const bool holds = rc::check([] {
        const auto cents = *any_cents();
        auto fewer = cents;
        for (std::size_t i = 0; i < fewer.size(); ++i) {
            // Lower, or a limit where there was none.
            fewer[i] = cents[i] == 0 ? *rc::gen::inRange<std::uint64_t>(0, 40)
                                     : *rc::gen::inRange<std::uint64_t>(1, cents[i] + 1);
        }
        const auto loose = rules(pact_with(cents, 0));
        auto pact = rules(pact_with(fewer, 0)).pact();
        if (*rc::gen::arbitrary<bool>()) pact.ask_above = parse_amount("$0.1").value();
        if (*rc::gen::arbitrary<bool>()) pact.other_vendors = Verdict::ask;
        if (*rc::gen::arbitrary<bool>())
            pact.deny.push_back({.host = parse_host_pattern("*.b.example").value()});
        if (*rc::gen::arbitrary<bool>())
            pact.scope.push_back({.urls = {parse_url_pattern("a.example/**").value()}});
        if (*rc::gen::arbitrary<bool>()) pact.trust_min = 50;
        const auto strict = Rules::make(pact).value();
        Budget under_loose(loose.meters()), under_strict(strict.meters());
        std::uint64_t clock = kNoon;
        int id = 0;
        for (const auto& step : *rc::gen::resize(60, any_steps())) {
            clock += step.amount * 60;
            const auto what = paying(step);
            const auto wide = decide(loose, under_loose, what, facts(clock));
            const auto narrow = decide(strict, under_strict, what, facts(clock));
            RC_ASSERT(narrow.verdict >= wide.verdict);
            if (wide.verdict != Verdict::allow) continue;
            auto reservation = *wide.reservation;
            reservation.id = std::to_string(id++);
            RC_ASSERT(under_loose.reserve(reservation).has_value());
            RC_ASSERT(under_strict.reserve(reservation).has_value());
        }
    });
    CHECK(holds);
}
