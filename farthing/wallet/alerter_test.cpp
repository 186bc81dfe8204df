// SPDX-License-Identifier: Apache-2.0
// Alerts on their way from the ledger to whoever is told: at least once, in order, also after the
// end of a process, and nobody waits behind somebody else's dead sink.
#include "farthing/wallet/alerter.hpp"

#include "farthing/wallet/test_sinks.hpp"

using namespace farthing;
using namespace farthing::wallet;
using namespace farthing::wallet::test;
using namespace std::chrono_literals;

namespace {

/// An alerter with the ledger it reads, as one process has them; gone with this.
class Teller {
  public:
    Teller(Telling& world, const std::vector<SinkConfig>& sinks)
        : loop_(world.bench),
          ledger_(ledger::Ledger::open(world.env, world.bench.loop, world.folder.path).value()),
          running_(world.bench.loop) {
        Alerter::Parts parts{*world.client, *ledger_, Folder{world.folder.path},
                             CountingSigner().address()};
        auto made = Alerter::make(world.env, world.bench.loop, std::move(parts), sinks);
        REQUIRE_MESSAGE(made.has_value(), to_string(made.error()));
        alerter_ = *std::move(made);
    }
    ~Teller() {
        running_.cancel();
        loop_.run(running_.join());
    }
    Teller(const Teller&) = delete;
    Teller& operator=(const Teller&) = delete;

    void start() { running_.spawn(alerter_->run()); }
    Told tell_now(std::chrono::milliseconds limit = net::test::kPatience) {
        const auto told = loop_.run(alerter_->tell_now(limit));
        REQUIRE_MESSAGE(told.has_value(), to_string(told.error()));
        return *told;
    }
    ledger::Entry alert(std::string_view name, std::string_view text = "") {
        ledger::Alert event;
        event.name = name;
        event.text = text;
        auto entry = ledger_->transact_now(
            [&](ledger::Transaction& transaction) { return transaction.append(event); });
        REQUIRE_MESSAGE(entry.has_value(), to_string(entry.error()));
        return *std::move(entry);
    }

  private:
    net::test::Bench& loop_;
    std::unique_ptr<ledger::Ledger> ledger_;
    std::unique_ptr<Alerter> alerter_;
    TaskGroup running_;
};

struct Office : Telling {
    /// Until somebody waits for a moment to come, and how long it takes.
    std::chrono::milliseconds pause() {
        const auto is_waited_for = [this] {
            const auto next = clock.next_deadline();
            return next && *next > clock.steady_now();
        };
        until(is_waited_for);
        return std::chrono::duration_cast<std::chrono::milliseconds>(*clock.next_deadline() -
                                                                     clock.steady_now());
    }
    /// Lets the pause pass.
    void wait() { clock.advance(pause()); }
    [[nodiscard]] long counted(const std::string& name, const std::string& sink) const {
        const auto text = "\n" + bench.metrics.expose();
        const auto line = "\n" + name + "{sink=\"" + sink + "\"} ";
        const auto at = text.find(line);
        return at == std::string::npos ? -1 : std::stol(text.substr(at + line.size()));
    }
};

/// `seq` of each request, in the order in which they came.
std::vector<std::uint64_t> seqs(const std::vector<Got>& got) {
    std::vector<std::uint64_t> out;
    for (const auto& each : got)
        out.push_back(json::parse(each.body).value().at("seq").to_number<std::uint64_t>());
    return out;
}

std::vector<std::uint64_t> seqs(const std::string& lines) {
    std::vector<std::uint64_t> out;
    std::istringstream in(lines);
    for (std::string line; std::getline(in, line);)
        out.push_back(json::parse(line).value().at("seq").to_number<std::uint64_t>());
    return out;
}

using Seqs = std::vector<std::uint64_t>;

/// No pause this long is made while there is something to tell.
constexpr auto kIdle = 500ms;

}  // namespace

TEST_CASE("alerter: what fails twice is told at the third time, and then the next, in order") {
    Office office;
    Seller seller(office.bench.loop, {answer(500), answer(503), answer(204), answer(204)});
    Teller teller(office, {office.webhook(seller)});
    const auto first = teller.alert("threshold", "nearly used up");
    const auto second = teller.alert("new_vendor");
    teller.start();
    CHECK(office.pause() == 1s);
    CHECK(seller.got.size() == 1);
    office.wait();
    CHECK(office.pause() == 2s);
    CHECK(seller.got.size() == 2);
    office.wait();
    CHECK(office.pause() == kIdle);
    CHECK(seqs(seller.got) == Seqs{first.seq, first.seq, first.seq, second.seq});
    for (const auto& each : seller.got) {
        signed_at(each);
        const bool is_first = &each != &seller.got.back();
        CHECK(each.header("Farthing-Id") == to_hex(is_first ? first.hash : second.hash));
        CHECK(each.header("Farthing-Alert") == (is_first ? "threshold" : "new_vendor"));
    }
    CHECK(signed_at(seller.got[2]) == signed_at(seller.got[0]) + 3);
    CHECK(office.counted("farthing_alerts_told_total", "webhook") == 2);
    CHECK(office.counted("farthing_alerts_failed_total", "webhook") == 2);
    CHECK(office.log.count("alert_not_told") == 2);
    office.bench.run(seller.stop());
}

TEST_CASE("alerter: pauses grow to a minute, and begin anew after an alert that was taken") {
    Office office;
    Seller seller(office.bench.loop, {});
    for (int i = 0; i < 8; ++i) seller.then(answer(500));
    seller.then(answer(204));
    seller.then(answer(500));
    seller.then(answer(204));
    Teller teller(office, {office.webhook(seller)});
    teller.alert("threshold");
    teller.start();
    for (const auto expected : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        CHECK(office.pause() == expected);
        office.wait();
    }
    CHECK(office.pause() == kIdle);
    teller.alert("threshold");
    office.wait();
    CHECK(office.pause() == 1s);
    office.wait();
    CHECK(office.pause() == kIdle);
    CHECK(seller.got.size() == 11);
    office.bench.run(seller.stop());
}

TEST_CASE("alerter: a sink that never answers holds up nobody else") {
    Office office;
    Seller seller(office.bench.loop, {hang()});
    auto dead = office.webhook(seller);
    dead.timeout = 60s;
    Teller teller(office, {dead, office.log_file(),
                           office.command({"sh", "-c", R"(cat >> "$0")", office.place("out")})});
    const auto first = teller.alert("threshold").seq;
    const auto second = teller.alert("new_vendor").seq;
    teller.start();
    const auto told = [&] {
        return seqs(read_all(office.place("alerts.log"))) == Seqs{first, second} &&
               office.counted("farthing_alerts_told_total", "command") == 2;
    };
    office.until(told);
    CHECK(seqs(read_all(office.place("out"))) == Seqs{first, second});
    office.until([&] { return seller.got.size() == 1; });
    CHECK(office.counted("farthing_alerts_told_total", "webhook") == 0);
    office.bench.run(seller.stop());
}

TEST_CASE("alerter: what was taken is not told again after a restart, and what came since is") {
    Office office;
    Seller seller(office.bench.loop, {answer(204), answer(204), answer(204)});
    const std::vector<SinkConfig> sinks{office.webhook(seller), office.log_file()};
    Seqs all;
    {
        Teller teller(office, sinks);
        all.push_back(teller.alert("threshold").seq);
        all.push_back(teller.alert("new_vendor").seq);
        const auto told = teller.tell_now();
        CHECK(told.delivered == 4);
        CHECK(told.left == 0);
    }
    Teller again(office, sinks);
    CHECK(again.tell_now().delivered == 0);
    all.push_back(again.alert("pay_to_changed").seq);
    again.start();
    office.until([&] { return seqs(read_all(office.place("alerts.log"))).size() == 3; });
    office.until([&] { return seller.got.size() == 3; });
    CHECK(office.pause() == kIdle);
    CHECK(seqs(seller.got) == all);
    CHECK(seqs(read_all(office.place("alerts.log"))) == all);
    office.bench.run(seller.stop());
}

TEST_CASE("alerter: what was under way when the process ended is told again, by the same id") {
    Office office;
    Seller seller(office.bench.loop, {hang(), answer(204)});
    auto config = office.webhook(seller);
    config.timeout = 60s;
    ledger::Entry entry;
    {
        Teller teller(office, {config});
        entry = teller.alert("threshold");
        teller.start();
        office.until([&] { return seller.got.size() == 1; });
    }
    Teller again(office, {config});
    CHECK(again.tell_now().delivered == 1);
    REQUIRE(seller.got.size() == 2);
    CHECK(seller.got[0].header("Farthing-Id") == to_hex(entry.hash));
    CHECK(seller.got[1].header("Farthing-Id") == to_hex(entry.hash));
    CHECK(seller.got[0].body == seller.got[1].body);
    office.bench.run(seller.stop());
}

TEST_CASE("alerter: a webhook that redirects is not followed, and asked again where it is") {
    Office office;
    Seller other(office.bench.loop, {answer(204)});
    Seller seller(office.bench.loop,
                  {answer(307, {"Location: " + other.origin() + "/there"}), answer(204)});
    Teller teller(office, {office.webhook(seller)});
    const auto seq = teller.alert("threshold").seq;
    auto told = teller.tell_now();
    CHECK(told.delivered == 0);
    CHECK(told.left == 1);
    told = teller.tell_now();
    CHECK(told.delivered == 1);
    CHECK(seqs(seller.got) == Seqs{seq, seq});
    CHECK(other.got.empty());
    office.bench.run(seller.stop());
    office.bench.run(other.stop());
}

TEST_CASE("alerter: an alert that is refused for what it is stops none after it") {
    Office office;
    Seller seller(office.bench.loop, {answer(422), answer(204)});
    Teller teller(office, {office.webhook(seller)});
    const auto first = teller.alert("threshold").seq;
    const auto second = teller.alert("threshold").seq;
    CHECK(teller.tell_now().left == 0);
    CHECK(seqs(seller.got) == Seqs{first, second});
    CHECK(teller.tell_now().delivered == 0);
    CHECK(office.log.count("alert_not_told") == 1);
    CHECK(office.counted("farthing_alerts_told_total", "webhook") == 1);
    office.bench.run(seller.stop());
}

TEST_CASE("alerter: a command that fails is run again with the same alert, before the next") {
    Office office;
    const auto out = office.place("out");
    const auto ready = office.place("ready");
    Teller teller(office,
                  {office.command({"sh", "-c", R"(cat >> "$0"; test -e "$1")", out, ready})});
    const auto first = teller.alert("threshold").seq;
    const auto second = teller.alert("new_vendor").seq;
    teller.start();
    CHECK(office.pause() == 1s);
    CHECK(seqs(read_all(out)) == Seqs{first});
    office.write("ready", "");
    office.wait();
    CHECK(office.pause() == kIdle);
    CHECK(seqs(read_all(out)) == Seqs{first, first, second});
}

TEST_CASE("alerter: a sink hears of what it takes, and of nothing else is anything left") {
    Office office;
    auto config = office.log_file();
    config.take = {"pay_to_changed"};
    Teller teller(office, {config});
    teller.alert("threshold");
    const auto wanted = teller.alert("pay_to_changed").seq;
    teller.alert("new_vendor");
    const auto told = teller.tell_now();
    CHECK(told.delivered == 1);
    CHECK(told.left == 0);
    CHECK(seqs(read_all(office.place("alerts.log"))) == Seqs{wanted});
}

TEST_CASE("alerter: beyond many alerts that nobody takes it finds the one that somebody does") {
    Office office;
    auto config = office.log_file();
    config.take = {"pay_to_changed"};
    Teller teller(office, {config});
    for (int i = 0; i < 250; ++i) teller.alert("threshold");
    const auto wanted = teller.alert("pay_to_changed").seq;
    CHECK(teller.tell_now().delivered == 1);
    CHECK(seqs(read_all(office.place("alerts.log"))) == Seqs{wanted});
}

TEST_CASE("alerter: a sink that is new hears of the last day, and the one that was there of all") {
    Office office;
    Teller(office, {office.log_file("old.log")}).tell_now();
    auto old = office.log_file("old.log");
    auto fresh = office.log_file("new.log");
    fresh.name = "new";
    Seqs all;
    {
        Teller nobody(office, {});
        all.push_back(nobody.alert("threshold").seq);
        office.clock.advance(23h);
        all.push_back(nobody.alert("threshold").seq);
        office.clock.advance(2h);
    }
    Teller teller(office, {old, fresh});
    CHECK(teller.tell_now().delivered == 3);
    CHECK(seqs(read_all(office.place("old.log"))) == all);
    CHECK(seqs(read_all(office.place("new.log"))) == Seqs{all[1]});
}

TEST_CASE("alerter: tells now for so long and no longer, and says what is left") {
    Office office;
    Seller seller(office.bench.loop, {hang()});
    auto config = office.webhook(seller);
    config.timeout = 60s;
    Teller teller(office, {config, office.log_file()});
    teller.alert("threshold");
    teller.alert("new_vendor");
    const auto told = teller.tell_now(100ms);
    CHECK(told.delivered <= 2);
    CHECK(told.left == 4 - told.delivered);
    CHECK(told.left >= 2);
    office.bench.run(seller.stop());
}

TEST_CASE("alerter: of two on one wallet one tells, and the other takes over") {
    Office office;
    Seqs all;
    auto first = std::make_unique<Teller>(office, std::vector{office.log_file()});
    Teller second(office, {office.log_file()});
    all.push_back(first->alert("threshold").seq);
    CHECK(first->tell_now().delivered == 1);
    all.push_back(second.alert("threshold").seq);
    const auto waiting = second.tell_now();
    CHECK(waiting.delivered == 0);
    CHECK(waiting.left == 1);
    first.reset();
    CHECK(second.tell_now().delivered == 1);
    CHECK(seqs(read_all(office.place("alerts.log"))) == all);
}

TEST_CASE("alerter: what it logs holds no secret, and neither do its metrics") {
    Office office;
    Seller seller(office.bench.loop, {answer(500), lost(), hang()});
    auto config = office.webhook(seller);
    config.timeout = 50ms;
    Teller teller(office, {config});
    teller.alert("threshold");
    for (int i = 0; i < 3; ++i) teller.tell_now();
    office.bench.run(seller.stop());
    teller.tell_now();
    REQUIRE(office.log.count("alert_not_told") == 4);
    for (const auto& each : office.log.lines()) {
        const auto text = json::to_text(each.fields);
        CHECK_MESSAGE(!text.contains("hunter2"), text);
        CHECK(!text.contains(kSinkSecret));
    }
    CHECK(!office.bench.metrics.expose().contains("hunter2"));
}

TEST_CASE("alerter: an alert's text is told made legible, with who the wallet is") {
    Office office;
    Seller seller(office.bench.loop, {answer(204)});
    Teller teller(office, {office.webhook(seller)});
    const auto entry = teller.alert("pay_to_changed", "shop\x1b[2J\nmoved");
    REQUIRE(teller.tell_now().delivered == 1);
    const auto body = json::parse(seller.got.at(0).body).value().as_object();
    CHECK(body.at("id").as_string() == to_hex(entry.hash));
    CHECK(body.at("alert") == "pay_to_changed");
    CHECK(body.at("wallet").as_string() == CountingSigner().address().to_checksum());
    CHECK(body.at("time") == "2027-01-15T08:00:00Z");
    CHECK(!body.contains("decision"));
    const std::string text(body.at("text").as_string());
    CHECK(text.contains("moved"));
    CHECK(!text.contains('\x1b'));
    CHECK(!text.contains('\n'));
    office.bench.run(seller.stop());
}

TEST_CASE("alerter: a sink without a good secret is not begun with") {
    Office office;
    Seller seller(office.bench.loop, {});
    const auto config = office.webhook(seller);
    office.write("secret", "short");
    const auto ledger = ledger::Ledger::open(office.env, office.bench.loop, office.folder.path);
    REQUIRE(ledger);
    Alerter::Parts parts{*office.client, **ledger, Folder{office.folder.path}, Address{}};
    const auto made = Alerter::make(office.env, office.bench.loop, std::move(parts), {config});
    REQUIRE(!made);
    CHECK(made.error().code == Errc::invalid_config);
    office.bench.run(seller.stop());
}
