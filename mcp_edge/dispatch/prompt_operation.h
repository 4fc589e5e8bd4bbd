// Fills in a prompt (`prompts/get`).

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_PROMPT_OPERATION_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_PROMPT_OPERATION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/dispatch/service_operation.h"

namespace mcp_edge {

class PromptOperation final : public ServiceOperation {
 public:
  // `request`: all but answers and state. The clock of `terms` must outlive the operation.
  PromptOperation(std::shared_ptr<const PromptEntry> entry, gatehouse::tool::v1::GetPromptRequest request,
                  OperationTerms terms);

  std::unique_ptr<Round> Begin(const InputResponses& responses, absl::string_view state) override;
  std::string Identity() const override;
  RoundEvent Refuse(absl::string_view text) override;
  RpcError Broken(const absl::Status& problem) override;

  // What comes of the end of a call.
  RoundEvent Finished(const gatehouse::tool::v1::GetPromptResult& result);
  RoundEvent Failed(const absl::Status& status);

 private:
  void LogFailure(const absl::Status& status) const;

  const std::shared_ptr<const PromptEntry> entry_;
  gatehouse::tool::v1::GetPromptRequest request_;
  const OperationTerms terms_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_PROMPT_OPERATION_H_
