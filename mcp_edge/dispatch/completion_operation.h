// Suggests values for an argument (`completion/complete`).

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_COMPLETION_OPERATION_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_COMPLETION_OPERATION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "mcp_edge/dispatch/service_operation.h"
#include "mcp_edge/tools/tool_service_client.h"

namespace mcp_edge {

// Of one round.
class CompletionOperation final : public ServiceOperation {
 public:
  // The clock of `terms` must outlive the operation.
  CompletionOperation(std::shared_ptr<ToolServiceClient> service, gatehouse::tool::v1::CompleteRequest request,
                      OperationTerms terms);

  std::unique_ptr<Round> Begin(const InputResponses& responses, absl::string_view state) override;
  std::string Identity() const override;
  RoundEvent Refuse(absl::string_view text) override;
  RpcError Broken(const absl::Status& problem) override;

  // What comes of the end of the call. A service that does not complete has nothing to suggest.
  RoundEvent Finished(const gatehouse::tool::v1::CompleteResponse& response);
  RoundEvent Failed(const absl::Status& status);

 private:
  const std::shared_ptr<ToolServiceClient> service_;
  const gatehouse::tool::v1::CompleteRequest request_;
  const OperationTerms terms_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_COMPLETION_OPERATION_H_
