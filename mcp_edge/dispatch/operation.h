// What a tool service is asked to do, as rounds: each runs until there is a result or until the client must be asked
// something, after which the same operation is begun again with the answers.
//
// Who drives the rounds decides what a question becomes: a result for modern clients, a request on the stream for
// those with a handshake, a state of the task for tasks. Operations know nothing of that.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_OPERATION_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_OPERATION_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/protocol/wire_error.h"

namespace mcp_edge {

// Answers of the client, by the keys of the questions: JSON objects as MCP defines them for the method asked for.
using InputResponses = std::map<std::string, std::string>;

// The end of an operation, rendered for the version of the request that it belongs to.
struct OperationResult {
  // The JSON-RPC `result`, decorated as the version wants it.
  std::string json;
  // A tool execution error.
  bool is_error = false;
};

// What a round says. The last five end it.
using RoundEvent =
    std::variant<gatehouse::tool::v1::Progress, gatehouse::tool::v1::LogMessage, gatehouse::tool::v1::CloseStream,
                 gatehouse::tool::v1::TaskStarted, gatehouse::tool::v1::InputRequired, OperationResult, RpcError>;

// One round. Used by one thread at a time, but for Cancel. Destroying it cancels what still runs.
class Round {
 public:
  virtual ~Round() = default;

  // Blocks until the next event. Not to be called after InputRequired, OperationResult or RpcError. After Cancel() it
  // returns an RpcError of kind kCancelled soon.
  virtual RoundEvent Next() = 0;

  // Blocks until Next() has something to return at once, or until `until`. Whether it has.
  virtual bool Wait(absl::Time until) = 0;

  // Ends the round early. Thread-safe; may be called at any time and more than once.
  virtual void Cancel() = 0;
};

// A request that passed every check. Outlives its rounds; one round at a time.
class Operation {
 public:
  virtual ~Operation() = default;

  // Begins a round; does not block. `state`: what the tool service gave with its last InputRequired; empty in the first
  // round. The time limit of a round begins here.
  virtual std::unique_ptr<Round> Begin(const InputResponses& responses, absl::string_view state) = 0;

  // What it keeps of the request that asked for it, in bytes: nothing to speak of, unless it says more.
  virtual size_t SizeBytes() const { return 0; }
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_OPERATION_H_
