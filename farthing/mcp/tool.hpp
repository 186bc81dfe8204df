// SPDX-License-Identifier: Apache-2.0
// A tool that a model can call: its words, the schema of its arguments (from their type), and what
// runs. Arguments that do not fit are an answer to the model, which can mend them.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "farthing/io/env.hpp"
#include "farthing/json/schema.hpp"

namespace farthing::mcp {

/// One call under way. What it does with money is always finished; what it only waits for ends when
/// the caller has lost interest.
class Call {
  public:
    Call(Env env, Loop& loop, std::string agent)
        : env_(env), timer_(loop), agent_(std::move(agent)) {}

    /// Who calls: the name of its token, empty when there is none.
    [[nodiscard]] const std::string& agent() const { return agent_; }
    /// Whether an answer is not wanted any more.
    [[nodiscard]] bool cancelled() const { return cancelled_; }
    void cancel() {
        cancelled_ = true;
        hurry();
    }
    /// Ends its waiting, not what it does.
    void hurry() {
        hurried_ = true;
        timer_.cancel();
    }
    /// That long, or until it is to hurry: then false.
    Task<bool> pause(std::chrono::milliseconds duration);

  private:
    Env env_;
    Timer timer_;
    std::string agent_;
    bool cancelled_ = false;
    bool hurried_ = false;
};

struct ToolResult {
    std::string text;        ///< for the model: everything it has to know
    json::Value structured;  ///< the same for programs; null: none
    bool is_error = false;
};

/// For hosts that ask people before a call.
struct Hints {
    bool read_only = false;
    bool destructive = false;
    bool idempotent = false;
    bool open_world = true;  ///< speaks to strangers
};

struct Tool {
    std::string name;
    std::string title;
    std::string description;
    Hints hints;
    json::Object input_schema;
    std::optional<json::Object> output_schema;
    std::function<Task<ToolResult>(json::Object arguments, Call& call)> run;
};

/// `run` is `Task<ToolResult>(Args, Call&)`.
template <class Args, class Run>
void serve_with(Tool& tool, Run run) {
    tool.input_schema = json::schema_of<Args>();
    tool.run = [run = std::move(run)](json::Object arguments, Call& call) -> Task<ToolResult> {
        auto args = json::decode<Args>(arguments, json::Path(json::Unknown::refuse));
        if (!args) {
            ToolResult refused;
            refused.text =
                "The arguments do not fit, and nothing was done: " + args.error().detail +
                ". Mend them and call again.";
            refused.is_error = true;
            co_return refused;
        }
        co_return co_await run(std::move(*args), call);
    };
}

}  // namespace farthing::mcp
