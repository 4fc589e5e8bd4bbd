// A tool service for tests: its catalogue and its answers are scripted.

#ifndef GATEHOUSE_MCP_EDGE_TOOLS_TESTING_FAKE_TOOL_SERVICE_H_
#define GATEHOUSE_MCP_EDGE_TOOLS_TESTING_FAKE_TOOL_SERVICE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "grpcpp/support/status.h"

namespace mcp_edge {

// What the service does with one call.
struct FakeCallScript {
  // Sent in this order.
  std::vector<gatehouse::tool::v1::CallToolEvent> events = {};
  // Then this.
  grpc::Status status = grpc::Status::OK;
  // Instead of `status`: keeps the call open until it is cancelled, or the server is killed.
  bool hang = false;
  // Waits this long before the first event (and is cancelled meanwhile if the client goes away).
  absl::Duration delay = absl::ZeroDuration();
};

// What it does with one call of a method that answers once.
template <typename Response>
struct FakeUnaryScript {
  // Sent if `status` is OK.
  Response response = {};
  grpc::Status status = grpc::Status::OK;
  // Instead: keeps the call open until it is cancelled, or the server is killed.
  bool hang = false;
};

// A call as the service saw it.
struct FakeCallRecord {
  gatehouse::tool::v1::CallToolRequest request;
  // All the metadata of the call.
  std::multimap<std::string, std::string> metadata;
  // Until the deadline, when the call arrived.
  absl::Duration time_left;
};

// A gRPC server on a free port of 127.0.0.1. Thread-safe.
class FakeToolService {
 public:
  using Handler = std::function<FakeCallScript(const gatehouse::tool::v1::CallToolRequest&)>;

  template <typename Request, typename Response>
  using UnaryHandler = std::function<FakeUnaryScript<Response>(const Request&)>;
  using ReadResourceHandler =
      UnaryHandler<gatehouse::tool::v1::ReadResourceRequest, gatehouse::tool::v1::ReadResourceResponse>;
  using GetPromptHandler = UnaryHandler<gatehouse::tool::v1::GetPromptRequest, gatehouse::tool::v1::GetPromptResponse>;
  using CompleteHandler = UnaryHandler<gatehouse::tool::v1::CompleteRequest, gatehouse::tool::v1::CompleteResponse>;
  using ListResourcesHandler =
      UnaryHandler<gatehouse::tool::v1::ListResourcesRequest, gatehouse::tool::v1::ListResourcesResponse>;

  // Starts with an empty catalogue; every call is NOT_FOUND until there is a handler. `port` 0 takes a free one. Null
  // when the port is taken.
  static std::unique_ptr<FakeToolService> Start(int port = 0);

  virtual ~FakeToolService() = default;

  // "ipv4:127.0.0.1:<port>".
  virtual std::string target() const = 0;
  virtual int port() const = 0;

  // Sends `catalog` to all that watch, and to those that come.
  virtual void SetCatalog(gatehouse::tool::v1::Catalog catalog) = 0;
  // Ends every catalogue stream with `status`, as a server does that wants its clients to connect anew.
  virtual void EndWatches(const grpc::Status& status) = 0;
  // How many catalogue streams are open, and how many were ever opened.
  virtual int open_watches() const = 0;
  virtual int watches_total() const = 0;

  // Has WatchResources from now on; until then it is UNIMPLEMENTED.
  virtual void ImplementWatchResources() = 0;
  // Tells all that watch resources of these changes, in this order.
  virtual void UpdateResources(const std::vector<std::string>& uris) = 0;
  // How many streams of updates were ever asked for, refused ones included; and ends those that are open.
  virtual int update_watches_total() const = 0;
  virtual void EndUpdateWatches(const grpc::Status& status) = 0;
  // How many updates have been sent, to all that watch.
  virtual int updates_sent() const = 0;

  // Says what to do with calls from now on. Called on the server's threads; must not block.
  virtual void OnCall(Handler handler) = 0;
  // The same for the methods that answer once.
  virtual void OnReadResource(ReadResourceHandler handler) = 0;
  virtual void OnGetPrompt(GetPromptHandler handler) = 0;
  virtual void OnComplete(CompleteHandler handler) = 0;
  virtual void OnListResources(ListResourcesHandler handler) = 0;

  // The calls so far.
  virtual std::vector<FakeCallRecord> Calls() const = 0;
  // All the metadata of the last call of a method that answers once.
  virtual std::multimap<std::string, std::string> last_unary_metadata() const = 0;
  // Waits until `count` calls (of any method) were cancelled by their clients; false when that takes longer than
  // `timeout`.
  virtual bool WaitForCancelledCalls(int count, absl::Duration timeout = absl::Seconds(30)) const = 0;
  // Waits until `count` calls have arrived.
  virtual bool WaitForCalls(int count, absl::Duration timeout = absl::Seconds(30)) const = 0;

  // Stops the server at once: calls and streams break off, the port is free again. Start(port()) brings it back.
  virtual void Kill() = 0;
};

// A tool with an empty input schema.
gatehouse::tool::v1::Tool MakeTool(absl::string_view name, absl::string_view description = "");

// A result with one text block.
gatehouse::tool::v1::CallToolEvent TextResult(absl::string_view text);

// A progress event.
gatehouse::tool::v1::CallToolEvent ProgressEvent(double progress);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TOOLS_TESTING_FAKE_TOOL_SERVICE_H_
