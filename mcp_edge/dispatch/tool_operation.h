// Runs a tool (`tools/call`).

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_TOOL_OPERATION_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_TOOL_OPERATION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/dispatch/service_operation.h"
#include "mcp_edge/edge_metrics.h"

namespace mcp_edge {

class ToolOperation final : public ServiceOperation {
 public:
  // `request`: all but answers and state. `metrics` and the clock of `terms` must outlive the operation.
  ToolOperation(std::shared_ptr<const ToolEntry> entry, gatehouse::tool::v1::CallToolRequest request,
                OperationTerms terms, int max_events, EdgeMetrics& metrics);

  // A service that says more than `max_events` in a round breaks the contract.
  std::unique_ptr<Round> Begin(const InputResponses& responses, absl::string_view state) override;
  size_t SizeBytes() const override { return request_.arguments_json().size(); }
  std::string Identity() const override;
  RoundEvent Refuse(absl::string_view text) override;
  RpcError Broken(const absl::Status& problem) override;

  // What comes of the end of a call. `cancelled`: the edge asked for it.
  RoundEvent Finished(const gatehouse::tool::v1::CallToolResult& result);
  RoundEvent Failed(const absl::Status& status, bool cancelled);

 private:
  void LogFailure(const absl::Status& status) const;

  const std::shared_ptr<const ToolEntry> entry_;
  gatehouse::tool::v1::CallToolRequest request_;
  const OperationTerms terms_;
  const int max_events_;
  EdgeMetrics& metrics_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_TOOL_OPERATION_H_
