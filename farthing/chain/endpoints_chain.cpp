// SPDX-License-Identifier: Apache-2.0
#include "farthing/chain/endpoints_chain.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/this_coro.hpp>

#include "farthing/io/signal.hpp"
#include "farthing/io/task_group.hpp"

namespace farthing::chain {
namespace {

using std::chrono::milliseconds;

/// Rounds through everybody, for what breaks now and works in a moment.
constexpr int kRounds = 2;
constexpr milliseconds kBackoff{100};

std::unexpected<Error> nobody() {
    return fail(Errc::rpc_failed, "no endpoint of the chain is up to date");
}

/// The end of a call that gave no answer. What a node says in an error of its own is said again at
/// once, and what took its whole time has had it.
bool is_worth_again(const Error& error) {
    return error.code == Errc::rpc_failed || error.code == Errc::connection_failed;
}

/// Runs `driver`, and whatever becomes of it, ends all that it started before it ends itself.
Task<> drive(TaskGroup& runners, Task<> driver) {
    std::exception_ptr thrown;
    try {
        co_await std::move(driver);
    } catch (...) {
        thrown = std::current_exception();
    }
    if (runners.size() > 0) {
        if (thrown) {
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        }
        runners.cancel();
        co_await runners.join();
        if (thrown) co_await asio::this_coro::reset_cancellation_state();
    }
    if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

/// One question to several. Entrants are started in their order.
template <class T>
struct EndpointsChain::Race {
    Race(Loop& loop, Order asked, Ask<T> question)
        : order(std::move(asked)),
          ask(std::move(question)),
          answers(order.size()),
          changed(loop),
          runners(loop) {}

    Order order;
    Ask<T> ask;
    std::size_t started = 0;
    std::vector<std::optional<Result<T>>> answers;
    Signal changed;
    TaskGroup runners;

    [[nodiscard]] std::size_t failed() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(answers, [](const auto& each) { return each && !*each; }));
    }
    [[nodiscard]] std::size_t answered() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(answers, [](const auto& each) { return each.has_value(); }));
    }
    [[nodiscard]] std::optional<std::size_t> winner() const {
        for (std::size_t i = 0; i < answers.size(); ++i) {
            if (answers[i] && *answers[i]) return i;
        }
        return std::nullopt;
    }
    /// Before the others are called off.
    void blame_the_slow() const {
        for (std::size_t i = 0; i < started; ++i) {
            if (!answers[i]) order[i]->overtaken();
        }
    }
};

template <class T>
struct EndpointsChain::Answered {
    Result<T> answer;
    EndpointPtr from;  ///< of a good answer
};

EndpointsChain::EndpointsChain(Env env, Loop& loop, Network network,
                               std::vector<EndpointConfig> endpoints, EndpointsConfig config)
    : env_(env), loop_(loop), network_(std::move(network)), config_(config) {
    invariant(!endpoints.empty(), "a chain has an endpoint");
    for (auto& each : endpoints) {
        endpoints_.push_back(std::make_shared<Endpoint>(env, std::move(each), config_));
    }
}

EndpointsChain::~EndpointsChain() = default;

// ---- Whom to ask

std::uint64_t EndpointsChain::best_head() const {
    std::uint64_t best = 0;
    for (const auto& each : endpoints_) {
        if (!each->wrong_chain) best = std::max(best, each->head().value_or(0));
    }
    return best;
}

bool EndpointsChain::is_behind(const Endpoint& at) const {
    const auto head = at.head();
    return head && best_head() - std::min(*head, best_head()) > config_.lag_max;
}

/// One whose head is not known has it as long as nobody's is known.
bool EndpointsChain::has_newest(const Endpoint& at) const {
    return at.head().value_or(0) >= best_head();
}

EndpointsChain::Order EndpointsChain::order(Whoever who) const {
    if (!several()) return endpoints_;
    // Those that are not well are still better than nobody.
    std::array<Order, 4> ranks;
    for (const auto& each : endpoints_) {
        const bool behind = is_behind(*each);
        if (each->wrong_chain || (behind && who != Whoever::is_reachable)) continue;
        const bool late = who == Whoever::has_newest ? !has_newest(*each) : behind;
        ranks[(each->is_usable() ? 0U : 2U) + (late ? 1U : 0U)].push_back(each);
    }
    Order found;
    for (const auto& rank : ranks) found.insert(found.end(), rank.begin(), rank.end());
    return found;
}

// ---- Asking

Task<Result<>> EndpointsChain::identify(EndpointPtr at) {
    auto id = co_await at->chain().chain_id();
    if (!id) co_return fail(std::move(id).error());
    const bool wrong = *id != network_.chain_id();
    if (wrong && !at->wrong_chain) {
        env_.log.error("rpc_on_another_chain",
                       {{"network", network_.id}, {"endpoint", at->name()}, {"chain_id", *id}});
    }
    at->wrong_chain = wrong;
    at->identified = !wrong;
    if (wrong) co_return fail(Errc::rpc_failed, at->name() + " is on another chain");
    co_return Result<>{};
}

template <class T>
Task<Result<T>> EndpointsChain::attempt(EndpointPtr at, Ask<T> ask) {
    Endpoint::Call call(*at);
    if (several() && !at->identified) {
        auto identified = co_await identify(at);
        if (!identified) {
            call.failed(identified.error().detail);
            co_return fail(std::move(identified).error());
        }
    }
    auto answer = co_await ask(at->chain());
    if (answer) {
        call.answered();
    } else if (answer.error().code == Errc::rpc_error) {
        call.declined();
    } else {
        call.failed(answer.error().detail);
    }
    co_return answer;
}

template <class T>
Task<> EndpointsChain::enter(std::shared_ptr<Race<T>> race, std::size_t place) {
    auto answer = co_await attempt(race->order[place], race->ask);
    race->answers[place].emplace(std::move(answer));
    race->changed.notify();
}

/// Until somebody has a good answer, or nobody will.
template <class T>
Task<> EndpointsChain::race_on(std::shared_ptr<Race<T>> race) {
    // Each may take its whole time; whoever begins last has it too.
    auto deadline = env_.clock.steady_now() + config_.timeout;
    auto next_start = env_.clock.steady_now();
    while (!race->winner() && race->failed() < race->order.size()) {
        const auto now = env_.clock.steady_now();
        const bool more = race->started < race->order.size();
        if (more && (race->failed() == race->started || now >= next_start)) {
            const auto place = race->started++;
            next_start = now + race->order[place]->usual_latency();
            deadline = now + config_.timeout;
            race->runners.spawn(enter(race, place));
            continue;
        }
        if (now >= deadline) break;
        const auto until = more ? std::min(next_start, deadline) : deadline;
        co_await race->changed.wait_until(env_.clock, until);
    }
    race->blame_the_slow();
}

/// Until everybody has answered, or has been slower than the first by `patience`.
template <class T>
Task<> EndpointsChain::gather_on(std::shared_ptr<Race<T>> race, milliseconds patience) {
    auto deadline = env_.clock.steady_now() + config_.timeout;
    bool first = false;
    for (; race->started < race->order.size(); ++race->started) {
        race->runners.spawn(enter(race, race->started));
    }
    while (race->answered() < race->order.size() && env_.clock.steady_now() < deadline) {
        if (!first && race->winner()) {
            first = true;
            deadline = std::min(deadline, env_.clock.steady_now() + patience);
            continue;
        }
        co_await race->changed.wait_until(env_.clock, deadline);
    }
    race->blame_the_slow();
}

template <class T>
Task<EndpointsChain::Answered<T>> EndpointsChain::first_good(Whoever who, Ask<T> ask) {
    Answered<T> out{nobody(), nullptr};
    for (int round = 0; round < kRounds; ++round) {
        if (round > 0) co_await env_.clock.sleep(kBackoff);
        auto asked = order(who);
        if (asked.empty()) break;
        if (asked.size() == 1) {
            auto answer = co_await attempt(asked.front(), ask);
            out.answer = std::move(answer);
            out.from = asked.front();
        } else {
            auto race = std::make_shared<Race<T>>(loop_, std::move(asked), ask);
            co_await drive(race->runners, race_on(race));
            if (const auto winner = race->winner()) {
                out.answer = *std::move(race->answers[*winner]);
                out.from = race->order[*winner];
            } else if (race->answers.front()) {
                out.answer = *std::move(race->answers.front());
            } else {
                out.answer = fail(Errc::timed_out, "no endpoint answered in time");
            }
        }
        if (out.answer || !is_worth_again(out.answer.error())) break;
    }
    co_return out;
}

template <class T>
Task<Result<T>> EndpointsChain::ask_one(Whoever who, Ask<T> ask) {
    auto answered = co_await first_good(who, std::move(ask));
    co_return std::move(answered.answer);
}

template <class T>
Task<std::vector<std::optional<Result<T>>>> EndpointsChain::ask_all(Order order, Ask<T> ask,
                                                                    milliseconds patience) {
    auto race = std::make_shared<Race<T>>(loop_, std::move(order), std::move(ask));
    co_await drive(race->runners, gather_on(race, patience));
    co_return std::move(race->answers);
}

Task<Result<std::uint64_t>> EndpointsChain::highest(Ask<std::uint64_t> ask) {
    auto asked = order(Whoever::not_behind);
    if (!several() || asked.empty()) {
        auto answer = co_await ask_one(Whoever::not_behind, std::move(ask));
        co_return answer;
    }
    const auto answers = co_await ask_all(std::move(asked), std::move(ask), config_.nonce_patience);
    std::optional<std::uint64_t> most;
    Error why{Errc::timed_out, "no endpoint answered in time"};
    for (const auto& each : answers) {
        if (each && *each) most = std::max(most.value_or(0), **each);
        if (each && !*each) why = each->error();
    }
    if (!most) co_return fail(std::move(why));
    co_return *most;
}

// ---- Watching

Task<> EndpointsChain::run() {
    if (!several()) co_return;
    for (;;) {
        co_await look_around();
        co_await env_.clock.sleep(config_.head_interval);
    }
}

Task<> EndpointsChain::look_around() {
    Order asked;
    for (const auto& each : endpoints_) {
        if (each->is_usable()) asked.push_back(each);
    }
    Ask<Head> ask = [](Chain& chain) { return chain.head(); };
    const auto heads = co_await ask_all(asked, std::move(ask), config_.head_interval);
    for (std::size_t i = 0; i < asked.size(); ++i) {
        if (heads[i] && *heads[i]) asked[i]->saw_block((*heads[i])->number);
    }
    const auto best = best_head();
    for (const auto& each : endpoints_) {
        if (const auto head = each->head()) each->tell_lag(best - std::min(best, *head));
    }
}

// ---- The interface

Task<Result<std::uint64_t>> EndpointsChain::chain_id() {
    Ask<std::uint64_t> ask = [](Chain& chain) { return chain.chain_id(); };
    if (!several()) {
        auto answer = co_await ask_one(Whoever::is_reachable, std::move(ask));
        co_return answer;
    }
    std::optional<std::uint64_t> good;
    Result<std::uint64_t> none = nobody();
    for (const auto& each : endpoints_) {
        auto id = co_await each->chain().chain_id();
        if (!id) {
            none = std::move(id);
            continue;
        }
        if (*id != network_.chain_id()) co_return id;
        each->identified = true;
        good = *id;
    }
    if (good) co_return *good;
    co_return none;
}

Task<Result<Head>> EndpointsChain::head(HeadAt at) {
    Ask<Head> ask = [at](Chain& chain) { return chain.head(at); };
    auto answered = co_await first_good(Whoever::has_newest, std::move(ask));
    if (answered.answer && at == HeadAt::latest) answered.from->saw_block(answered.answer->number);
    co_return std::move(answered.answer);
}

Task<Result<Fees>> EndpointsChain::fees() {
    Ask<Fees> ask = [](Chain& chain) { return chain.fees(); };
    auto answer = co_await ask_one(Whoever::not_behind, std::move(ask));
    co_return answer;
}

Task<Result<U256>> EndpointsChain::balance(Address account) {
    Ask<U256> ask = [account](Chain& chain) { return chain.balance(account); };
    auto answer = co_await ask_one(Whoever::not_behind, std::move(ask));
    co_return answer;
}

Task<Result<std::uint64_t>> EndpointsChain::pending_nonce(Address account) {
    Ask<std::uint64_t> ask = [account](Chain& chain) { return chain.pending_nonce(account); };
    auto answer = co_await highest(std::move(ask));
    co_return answer;
}

Task<Result<std::uint64_t>> EndpointsChain::mined_nonce(Address account) {
    Ask<std::uint64_t> ask = [account](Chain& chain) { return chain.mined_nonce(account); };
    auto answer = co_await highest(std::move(ask));
    co_return answer;
}

Task<Result<std::vector<CallResult>>> EndpointsChain::read(std::vector<Read> reads) {
    Ask<std::vector<CallResult>> ask = [reads = std::move(reads)](Chain& chain) {
        return chain.read(reads);
    };
    auto answer = co_await ask_one(Whoever::not_behind, std::move(ask));
    co_return answer;
}

Task<Result<std::expected<std::uint64_t, Revert>>> EndpointsChain::estimate_gas(farthing::Call call,
                                                                                Address from) {
    Ask<std::expected<std::uint64_t, Revert>> ask = [call = std::move(call), from](Chain& chain) {
        return chain.estimate_gas(call, from);
    };
    auto answer = co_await ask_one(Whoever::not_behind, std::move(ask));
    co_return answer;
}

Task<Result<std::vector<std::optional<Head>>>> EndpointsChain::blocks(
    std::vector<std::uint64_t> numbers) {
    Ask<std::vector<std::optional<Head>>> ask = [numbers = std::move(numbers)](Chain& chain) {
        return chain.blocks(numbers);
    };
    auto answer = co_await ask_one(Whoever::has_newest, std::move(ask));
    co_return answer;
}

Task<Result<std::vector<Log>>> EndpointsChain::logs(LogFilter filter) {
    Ask<std::vector<Log>> ask = [filter = std::move(filter)](Chain& chain) {
        return chain.logs(filter);
    };
    auto answer = co_await ask_one(Whoever::has_newest, std::move(ask));
    co_return answer;
}

Task<Result<SendResult>> EndpointsChain::send(Bytes raw) {
    Ask<SendResult> ask = [raw = std::move(raw)](Chain& chain) { return chain.send(raw); };
    std::optional<Error> silent;       // of one that may have it
    std::optional<SendResult> spoken;  // what the last one said that answered
    bool may_have = false;
    for (const auto& each : order(Whoever::is_reachable)) {
        Order one;
        one.push_back(each);
        auto answers = co_await ask_all(std::move(one), ask, config_.timeout);
        if (!answers.front() || !*answers.front()) {
            may_have = true;
            silent = answers.front() ? answers.front()->error()
                                     : Error{Errc::timed_out, each->name() + " said nothing"};
            continue;
        }
        spoken = **std::move(answers.front());
        if (spoken->taken == Taken::accepted) co_return *spoken;
        if (spoken->taken == Taken::unclear) {
            may_have = true;
        } else if (spoken->taken != Taken::busy) {
            break;
        }
    }
    if (!spoken && silent) co_return fail(*std::move(silent));
    if (!spoken) co_return nobody();
    // One that may have it may have passed it on: then this answer is about its effects.
    if (may_have) spoken->taken = Taken::unclear;
    co_return *spoken;
}

Task<Result<std::vector<std::optional<Receipt>>>> EndpointsChain::receipts(
    std::vector<Bytes32> hashes) {
    using Receipts = std::vector<std::optional<Receipt>>;
    Ask<Receipts> ask = [hashes = std::move(hashes)](Chain& chain) {
        return chain.receipts(hashes);
    };
    auto answered = co_await first_good(Whoever::has_newest, ask);
    if (!answered.answer || !several()) co_return std::move(answered.answer);
    auto& found = *answered.answer;
    const auto is_whole = [&] {
        return std::ranges::all_of(found, [](const auto& each) { return each.has_value(); });
    };
    if (is_whole() || has_newest(*answered.from)) co_return std::move(answered.answer);
    Order others;
    for (const auto& each : order(Whoever::has_newest)) {
        if (each != answered.from && has_newest(*each)) others.push_back(each);
    }
    bool certain = false;
    const auto answers = co_await ask_all(std::move(others), std::move(ask), config_.timeout);
    for (const auto& each : answers) {
        if (!each || !*each) continue;
        certain = true;
        for (std::size_t i = 0; i < found.size(); ++i) {
            if (!found[i]) found[i] = (**each)[i];
        }
    }
    if (!certain && !is_whole()) {
        co_return fail(Errc::rpc_failed, "the endpoint with the newest block does not answer");
    }
    co_return std::move(answered.answer);
}

}  // namespace farthing::chain
