#include "mcp_edge/dispatch/resource_operation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "mcp_edge/dispatch/service_status.h"
#include "mcp_edge/dispatch/unary_round.h"
#include "mcp_edge/protocol/rendering.h"
#include "mcp_edge/protocol/rpc_errors.h"

namespace mcp_edge {

namespace tool = gatehouse::tool::v1;

ResourceOperation::ResourceOperation(std::shared_ptr<ToolServiceClient> service, tool::ReadResourceRequest request,
                                     OperationTerms terms, ReadCaching caching)
    : service_(std::move(service)), request_(std::move(request)), terms_(std::move(terms)), caching_(caching) {}

std::unique_ptr<Round> ResourceOperation::Begin(const InputResponses& responses, absl::string_view state) {
  SetRoundInput(responses, state, request_);
  return std::make_unique<UnaryRound<ResourceOperation, tool::ReadResourceResponse>>(
      *this, StartUnaryCall(*service_, request_, terms_.Deadline(), terms_.trace));
}

std::string ResourceOperation::Identity() const { return absl::StrCat("resources/read\n", request_.uri()); }

RoundEvent ResourceOperation::Refuse(absl::string_view text) {
  return RpcError{WireErrorKind::kInternal, std::string(text), ""};
}

RpcError ResourceOperation::Broken(const absl::Status& problem) {
  LogFailure(problem);
  return ServiceFault(absl::InternalError(""));
}

RoundEvent ResourceOperation::Finished(const tool::ReadResourceResult& result) {
  // Without a hint nobody knows how long the contents stay as they are.
  CacheTerms cache = kNotCacheable;
  if (caching_ != ReadCaching::kNobody && result.has_cache_hint()) cache = CacheTermsOf(result.cache_hint(), cache);
  cache.ttl = std::max(cache.ttl, absl::ZeroDuration());
  if (caching_ != ReadCaching::kAnybody) cache.is_public = false;
  absl::StatusOr<std::string> rendered = RenderReadResourceResult(result, cache, terms_.version);
  if (!rendered.ok()) return Broken(rendered.status());
  return OperationResult{*std::move(rendered), /*is_error=*/false};
}

RoundEvent ResourceOperation::Failed(const absl::Status& status) {
  // Nothing to log: clients may ask for what is not there.
  if (absl::IsNotFound(status)) return ResourceNotFoundError(request_.uri(), terms_.version);
  LogFailure(status);
  const std::optional<std::string> text = TextForCaller(status);
  if (!text.has_value()) return ServiceFault(status);
  return RpcError{absl::IsInvalidArgument(status) ? WireErrorKind::kInvalidParams : WireErrorKind::kInternal, *text,
                  ""};
}

void ResourceOperation::LogFailure(const absl::Status& status) const {
  common::Log(common::Severity::kWarning, "resource_failed",
              {{"tool_service", service_->name()},
               {"request_id", terms_.request_id},
               {"code", absl::StatusCodeToString(status.code())},
               {"reason", status.message()}});
}

}  // namespace mcp_edge
