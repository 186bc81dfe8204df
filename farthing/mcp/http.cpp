// SPDX-License-Identifier: Apache-2.0
#include "farthing/mcp/http.hpp"

#include <algorithm>

#include "farthing/base/ascii.hpp"
#include "farthing/base/hex.hpp"

namespace farthing::mcp {
namespace {

constexpr std::string_view kSessionHeader = "Mcp-Session-Id";

net::Response reply(int status, std::string_view why) {
    Fault fault;
    fault.message = why;
    net::Response out;
    out.status = status;
    out.headers.add("Content-Type", "application/json");
    out.headers.add("Cache-Control", "no-store");
    out.body = json::to_text(to_json(fault));
    return out;
}

net::Response reply(const json::Value& message) {
    net::Response out;
    out.headers.add("Content-Type", "application/json");
    out.headers.add("Cache-Control", "no-store");
    out.body = json::to_text(message);
    return out;
}

/// The media type without its parameters.
std::string media_type(std::string_view value) {
    value = value.substr(0, value.find(';'));
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    return to_lower(value);
}

/// Whether an answer in JSON is taken. A client that says nothing takes everything.
bool takes_json(const net::Headers& headers) {
    if (!headers.has("Accept")) return true;
    const auto accept = headers.joined("Accept");
    std::string_view rest = accept;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        const auto type = media_type(rest.substr(0, comma));
        if (type == "application/json" || type == "*/*" || type == "application/*") return true;
        rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    }
    return false;
}

bool asks_to_initialize(const json::Value& value) {
    const auto message = read_message(value);
    return message && message->kind == Message::Kind::request && message->method == "initialize";
}

/// What only notes or answers at once is never too much: a call has to be cancelled, say.
bool may_wait(const json::Value& value) {
    const auto message = read_message(value);
    return !message || (message->kind == Message::Kind::request && message->method == "tools/call");
}

/// Counts a call of an agent for as long as it is under way.
class UnderWay {
  public:
    UnderWay(std::map<std::string, unsigned>& calls, std::string agent)
        : calls_(calls), agent_(std::move(agent)), count_(++calls_[agent_]) {}
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;
    ~UnderWay() {
        const auto found = calls_.find(agent_);
        if (--found->second == 0) calls_.erase(found);
    }
    [[nodiscard]] unsigned count() const { return count_; }

  private:
    std::map<std::string, unsigned>& calls_;
    std::string agent_;
    unsigned count_;
};

std::optional<std::string> bearer_of(const net::Headers& headers) {
    const auto values = headers.all("Authorization");
    constexpr std::string_view scheme = "Bearer ";
    if (values.size() != 1 || values.front().size() <= scheme.size()) return std::nullopt;
    if (!net::equal_no_case(values.front().substr(0, scheme.size()), scheme)) return std::nullopt;
    return std::string(values.front().substr(scheme.size()));
}

}  // namespace

std::vector<std::string> loopback_hosts(std::string_view port) {
    std::vector<std::string> out;
    for (const auto* const each : {"127.0.0.1:", "localhost:", "[::1]:"}) {
        out.push_back(each + std::string(port));
    }
    return out;
}

Task<> Http::handle(net::ServerRequest& request, net::Responder& responder) {
    auto response = co_await answer(request);
    const auto sent = co_await responder.send(std::move(response));
    if (!sent) env_.log.debug("client_gone");
}

void Http::hurry() {
    for (const auto& [id, each] : visits_) Server::hurry(*each.session);
}

std::optional<net::Response> Http::refuse_stranger(const net::ServerRequest& request) const {
    const auto is_ours = [&](std::string_view host) {
        return std::ranges::find(hosts_, to_lower(host)) != hosts_.end();
    };
    const auto hosts = request.headers.all("Host");
    if (hosts.size() != 1 || !is_ours(hosts.front())) {
        return reply(403, "Host: not a name of this server");
    }
    for (const auto origin : request.headers.all("Origin")) {
        constexpr std::string_view http = "http://";
        if (!origin.starts_with(http) || !is_ours(origin.substr(http.size()))) {
            return reply(403, "Origin: pages of others have no business here");
        }
    }
    return std::nullopt;
}

Task<net::Response> Http::answer(net::ServerRequest& request) {
    if (auto refused = refuse_stranger(request)) co_return std::move(*refused);
    if (request.target.substr(0, request.target.find('?')) != "/mcp") {
        co_return reply(404, "no such endpoint: /mcp");
    }
    std::optional<std::string> agent;
    if (auto token = bearer_of(request.headers)) agent = co_await identify_(std::move(*token));
    if (!agent) {
        auto refused = reply(401, "Authorization: expected \"Bearer\" and a token of this wallet");
        refused.headers.add("WWW-Authenticate", "Bearer");
        co_return refused;
    }
    if (request.method == "POST") co_return co_await post(request, *agent);
    if (request.method == "DELETE") {
        const auto found = visit_of(request, *agent);
        if (!found) co_return found.error();
        Server::hurry(*(*found)->second.session);
        visits_.erase(*found);
        net::Response gone;
        gone.status = 204;
        co_return gone;
    }
    auto refused = reply(405, "expected POST or DELETE: this server opens no streams");
    refused.headers.add("Allow", "POST, DELETE");
    co_return refused;
}

std::expected<Http::Visits::iterator, net::Response> Http::visit_of(
    const net::ServerRequest& request, const std::string& agent) {
    const auto id = request.headers.get(kSessionHeader);
    if (!id) return std::unexpected(reply(400, "Mcp-Session-Id: missing"));
    const auto found = visits_.find(std::string(*id));
    // The session of another agent is none.
    if (found == visits_.end() || found->second.session->agent() != agent) {
        return std::unexpected(reply(404, "no such session: initialize anew"));
    }
    const auto version = request.headers.get("MCP-Protocol-Version");
    if (version && *version != found->second.session->version()) {
        return std::unexpected(reply(
            400, "MCP-Protocol-Version: this session speaks " + found->second.session->version()));
    }
    return found;
}

Task<net::Response> Http::post(net::ServerRequest& request, const std::string& agent) {
    const auto type = request.headers.get("Content-Type");
    if (!type || media_type(*type) != "application/json") {
        co_return reply(415, "Content-Type: expected application/json");
    }
    if (!takes_json(request.headers)) {
        co_return reply(406, "Accept: expected application/json and text/event-stream");
    }
    auto body = co_await request.body->read_all(kMessageLimits.bytes_max);
    if (!body) {
        co_return reply(body.error().code == Errc::too_large ? 413 : 400, body.error().detail);
    }
    auto message = parse_text(*body);
    if (!message) {
        auto refused = reply(to_json(message.error()));
        refused.status = 400;
        co_return refused;
    }
    if (asks_to_initialize(*message)) co_return co_await start(std::move(*message), agent);
    const auto found = visit_of(request, agent);
    if (!found) co_return found.error();
    if (!may_wait(*message)) co_return co_await call(std::move(*message), *found);
    const UnderWay counted(calls_, agent);
    if (counted.count() > kCallsOfOneMax) {
        co_return reply(429, "too many calls of this agent at once");
    }
    co_return co_await call(std::move(*message), *found);
}

Task<net::Response> Http::call(json::Value message, Visits::iterator visit) {
    const auto id = visit->first;
    auto session = visit->second.session;
    ++visit->second.calls;
    visit->second.used = env_.clock.steady_now();
    const auto answer = co_await server_.handle(std::move(message), std::move(session));
    // It may have been deleted meanwhile.
    if (const auto again = visits_.find(id); again != visits_.end()) {
        --again->second.calls;
        again->second.used = env_.clock.steady_now();
    }
    if (answer) co_return reply(*answer);
    net::Response accepted;
    accepted.status = 202;
    co_return accepted;
}

Task<net::Response> Http::start(json::Value message, const std::string& agent) {
    Visit visit{std::make_shared<Session>(agent), env_.clock.steady_now(), 0};
    const auto answer = co_await server_.handle(std::move(message), visit.session);
    if (visit.session->version().empty()) {
        auto refused = reply(*answer);
        refused.status = 400;
        co_return refused;
    }
    if (!make_room(agent)) co_return reply(503, "too many sessions are busy");
    auto response = reply(*answer);
    const auto id = to_hex_digits(env_.random.bytes32());
    response.headers.add(std::string(kSessionHeader), id);
    visits_.emplace(id, std::move(visit));
    co_return response;
}

bool Http::make_room(const std::string& agent) {
    const auto now = env_.clock.steady_now();
    std::erase_if(visits_, [&](const auto& each) {
        return each.second.calls == 0 && now - each.second.used > kIdleMax;
    });
    const auto own = std::ranges::count_if(
        visits_, [&](const auto& each) { return each.second.session->agent() == agent; });
    if (static_cast<std::size_t>(own) >= kSessionsOfOneMax) return evict_idle(&agent);
    return visits_.size() < kSessionsMax || evict_idle(nullptr);
}

/// The one that was not used for the longest time goes, if none of its calls is under way.
bool Http::evict_idle(const std::string* of) {
    auto oldest = visits_.end();
    for (auto each = visits_.begin(); each != visits_.end(); ++each) {
        const auto& visit = each->second;
        if (visit.calls > 0 || (of != nullptr && visit.session->agent() != *of)) continue;
        if (oldest == visits_.end() || visit.used < oldest->second.used) oldest = each;
    }
    if (oldest == visits_.end()) return false;
    visits_.erase(oldest);
    return true;
}

}  // namespace farthing::mcp
