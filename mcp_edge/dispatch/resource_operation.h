// Reads a resource (`resources/read`).

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_RESOURCE_OPERATION_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_RESOURCE_OPERATION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "mcp_edge/dispatch/service_operation.h"
#include "mcp_edge/tools/tool_service_client.h"

namespace mcp_edge {

// Who may be given the same answer.
enum class ReadCaching {
  kNobody,  // not even the same caller again: the request answers questions
  kCaller,  // what is read depends on the caller's scopes
  kAnybody,
};

class ResourceOperation final : public ServiceOperation {
 public:
  // `request`: all but answers and state. The clock of `terms` must outlive the operation.
  ResourceOperation(std::shared_ptr<ToolServiceClient> service, gatehouse::tool::v1::ReadResourceRequest request,
                    OperationTerms terms, ReadCaching caching);

  std::unique_ptr<Round> Begin(const InputResponses& responses, absl::string_view state) override;
  std::string Identity() const override;
  RoundEvent Refuse(absl::string_view text) override;
  RpcError Broken(const absl::Status& problem) override;

  // What comes of the end of a call.
  RoundEvent Finished(const gatehouse::tool::v1::ReadResourceResult& result);
  RoundEvent Failed(const absl::Status& status);

 private:
  void LogFailure(const absl::Status& status) const;

  const std::shared_ptr<ToolServiceClient> service_;
  gatehouse::tool::v1::ReadResourceRequest request_;
  const OperationTerms terms_;
  const ReadCaching caching_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_RESOURCE_OPERATION_H_
