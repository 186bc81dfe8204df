// SPDX-License-Identifier: Apache-2.0
// The tools of a wallet: what a model may do with it. Every payment goes through wallet::Account,
// by the pact; what a tool adds are words.
#pragma once

#include "farthing/mcp/client.hpp"
#include "farthing/mcp/tool.hpp"
#include "farthing/mcp/untrusted.hpp"
#include "farthing/wallet/account.hpp"
#include "farthing/wallet/discovery.hpp"

namespace farthing::mcp {

/// What the tools work with. What it refers to outlives it, and it outlives the tools. One loop.
struct Desk {
    Desk(Env with, wallet::Account::Parts wallet_parts, wallet::Directory& services,
         std::string wallet_folder, std::string program_version);

    /// Of a whole call.
    static constexpr std::chrono::milliseconds kCallTimeout{100'000};

    Env env;
    net::Client& outward;  ///< goes where models send it: a fenced one
    ledger::Ledger& ledger;
    wallet::Account account;
    ToolLines lines;
    wallet::Account tool_account;  ///< buys over `lines`
    wallet::Directory& directory;
    std::string wallet;   ///< the folder, as the operator names it
    std::string version;  ///< of the program
    Shelf shelf;
    /// Whether an agent still may, asked once more before it pays; empty: whoever calls may.
    std::function<bool(const std::string& agent)> may_pay;

    [[nodiscard]] std::function<bool()> leave_of(const std::string& agent) const {
        if (!may_pay) return {};
        return [this, agent] { return may_pay(agent); };
    }
};

[[nodiscard]] std::vector<Tool> make_wallet_tools(Desk& desk);
/// For the model, about all of them.
[[nodiscard]] std::string wallet_instructions();

/// A tool that `work` does at this desk; programs get its answer as a `Note`.
template <class Note, class Args>
Tool make_tool(Desk& desk, std::string name, std::string title, std::string description,
               Task<ToolResult> (*work)(Desk&, Args, Call&)) {
    Tool out;
    out.name = std::move(name);
    out.title = std::move(title);
    out.description = std::move(description);
    out.output_schema = json::schema_of<Note>();
    serve_with<Args>(
        out, [&desk, work](Args args, Call& call) { return work(desk, std::move(args), call); });
    return out;
}

/// By subject; make_wallet_tools has them all.
[[nodiscard]] std::vector<Tool> make_fetch_tools(Desk& desk);
[[nodiscard]] std::vector<Tool> make_book_tools(Desk& desk);
[[nodiscard]] std::vector<Tool> make_market_tools(Desk& desk);

/// What is asked for with every payment. Errors: invalid_field, naming the member.
struct Purpose {
    std::optional<scheme::Money> max_amount;
    wallet::Errand errand;
};
[[nodiscard]] Result<Purpose> read_purpose(const std::optional<std::string>& max_amount,
                                           std::string task, std::string reason,
                                           const std::string& agent);
/// The members of arguments that say it, after those of the tool's own.
template <class T>
constexpr auto purpose_fields() {
    return std::tuple{
        field("max_amount", &T::max_amount,
              "the most you would pay for this call, such as \"$0.01\"; the pact's limits hold "
              "besides"),
        field("task", &T::task, "the id of the task this is for; some pacts want one"),
        field("reason", &T::reason,
              "why this is worth its price, for the operator; some pacts want one")};
}
[[nodiscard]] Result<net::Url> read_url(std::string_view member, const std::string& text);

}  // namespace farthing::mcp
