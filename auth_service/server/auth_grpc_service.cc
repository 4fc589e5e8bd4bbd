#include "auth_service/server/auth_grpc_service.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "auth_service/server/protected_resource_metadata.h"
#include "auth_service/token/token_form.h"
#include "common/log.h"
#include "common/token_digest.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::VerifyTokenRequest;
using gatehouse::auth::v1::VerifyTokenResponse;

constexpr size_t kMaxResourceBytes = 2048;

grpc::Status ToGrpcStatus(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

// The trace id of the caller (W3C Trace Context, traceparent), for the log; empty if there is none.
std::string TraceId(const grpc::CallbackServerContext& context) {
  const auto found = context.client_metadata().find("traceparent");
  if (found == context.client_metadata().end()) return "";
  const absl::string_view traceparent(found->second.data(), found->second.size());
  const std::vector<absl::string_view> parts = absl::StrSplit(traceparent.substr(0, 128), '-');
  return parts.size() < 4 ? "" : std::string(parts[1]);
}

// Fills in the response, counts and logs.
grpc::Status Conclude(const VerdictCache::Result& result, bool remembered, const std::string& trace_id,
                      Metrics& metrics, VerifyTokenResponse& response) {
  if (!result.ok()) {
    if (result.status().code() == absl::StatusCode::kDeadlineExceeded) {
      metrics.caller_gone.Increment();
    } else {
      metrics.unavailable.Increment();
    }
    common::Log(common::Severity::kWarning, "token_not_verified",
                {{"message", result.status().message()}, {"trace_id", trace_id}});
    return ToGrpcStatus(result.status());
  }
  const Verdict& verdict = **result;
  response = verdict.response;
  if (verdict.accepted()) {
    metrics.accepted.Increment();
    if (verdict.stale) metrics.stale_accepted.Increment();
  } else {
    const auto reason = verdict.response.refusal().reason();
    metrics.refused(reason).Increment();
    common::Log(common::Severity::kInfo, "token_refused",
                {{"reason", RefusalReasonName(reason)},
                 {"detail", verdict.detail},
                 {"remembered", remembered},
                 {"trace_id", trace_id}});
  }
  return grpc::Status::OK;
}

// A call that waits for its verdict. Ends by itself when gRPC is done with the call and the verdict has come.
class PendingVerification final : public grpc::ServerUnaryReactor {
 public:
  PendingVerification(std::string trace_id, VerifyTokenResponse* response, Metrics& metrics)
      : trace_id_(std::move(trace_id)), response_(response), metrics_(metrics) {
    metrics_.rpcs_in_flight.Increment();
  }

  // Called once, on any thread.
  void Complete(const VerdictCache::Result& result) {
    if (!finished_.exchange(true)) {
      Finish(Conclude(result, /*remembered=*/false, trace_id_, metrics_, *response_));
    }
    Unref();
  }

  // The caller is gone or its deadline has passed; the check goes on for others.
  void OnCancel() override {
    if (finished_.exchange(true)) return;
    metrics_.caller_gone.Increment();
    Finish(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "the caller's time is over"));
  }

  void OnDone() override {
    metrics_.rpcs_in_flight.Decrement();
    Unref();
  }

 private:
  void Unref() {
    if (references_.fetch_sub(1) == 1) delete this;
  }

  const std::string trace_id_;
  VerifyTokenResponse* const response_;  // lives until OnDone
  Metrics& metrics_;
  std::atomic<bool> finished_{false};
  std::atomic<int> references_{2};  // one for OnDone, one for Complete
};

absl::Status Check(const VerifyTokenRequest& request, bool resource_known) {
  if (request.token().empty() || request.token().size() > kMaxTokenBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("token must have 1 to ", kMaxTokenBytes, " bytes, has ", request.token().size()));
  }
  if (request.resource().empty() || request.resource().size() > kMaxResourceBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("resource must have 1 to ", kMaxResourceBytes, " bytes, has ", request.resource().size()));
  }
  if (!resource_known) {
    return absl::InvalidArgumentError(
        absl::StrCat("resource ", request.resource(), " is not one of --resources of auth_service"));
  }
  return absl::OkStatus();
}

absl::flat_hash_map<std::string, std::string> Documents(const std::vector<std::string>& resources,
                                                        const std::vector<const Discovery*>& issuers,
                                                        const std::vector<std::string>& scopes_supported) {
  std::vector<std::string> names;
  for (const Discovery* issuer : issuers) names.push_back(issuer->issuer());
  absl::flat_hash_map<std::string, std::string> documents;
  for (const std::string& resource : resources) {
    documents[resource] = ProtectedResourceMetadata(resource, names, scopes_supported);
  }
  return documents;
}

}  // namespace

AuthGrpcService::AuthGrpcService(const std::vector<std::string>& resources,
                                 const std::vector<std::string>& scopes_supported,
                                 std::vector<const Discovery*> issuers, VerdictCache& verdicts, Metrics& metrics,
                                 RegistrationHandler* registrations)
    : metadata_by_resource_(Documents(resources, issuers, scopes_supported)),
      issuers_(std::move(issuers)),
      verdicts_(verdicts),
      metrics_(metrics),
      registrations_(registrations) {}

grpc::ServerUnaryReactor* AuthGrpcService::VerifyToken(grpc::CallbackServerContext* context,
                                                       const VerifyTokenRequest* request,
                                                       VerifyTokenResponse* response) {
  if (const absl::Status status = Check(*request, metadata_by_resource_.contains(request->resource())); !status.ok()) {
    metrics_.invalid_argument.Increment();
    common::Log(common::Severity::kWarning, "request_invalid", {{"message", status.message()}});
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpcStatus(status));
    return reactor;
  }
  const common::TokenDigest digest = common::DigestToken(request->token(), request->resource());
  if (const std::shared_ptr<const Verdict> found = verdicts_.Find(digest); found != nullptr) {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(
        Conclude(found, /*remembered=*/true, found->accepted() ? "" : TraceId(*context), metrics_, *response));
    return reactor;
  }
  auto* const pending = new PendingVerification(TraceId(*context), response, metrics_);
  verdicts_.Verify(digest, request->token(), request->resource(), absl::FromChrono(context->deadline()),
                   [pending](const VerdictCache::Result& result) { pending->Complete(result); });
  return pending;
}

grpc::ServerUnaryReactor* AuthGrpcService::GetProtectedResourceMetadata(
    grpc::CallbackServerContext* context, const gatehouse::auth::v1::GetProtectedResourceMetadataRequest* request,
    gatehouse::auth::v1::GetProtectedResourceMetadataResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto document = metadata_by_resource_.find(request->resource());
  if (document == metadata_by_resource_.end()) {
    reactor->Finish(
        grpc::Status(grpc::StatusCode::NOT_FOUND, "the resource is not one of --resources of auth_service"));
    return reactor;
  }
  response->set_document_json(document->second);
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* AuthGrpcService::GetAuthorizationServerMetadata(
    grpc::CallbackServerContext* context, const gatehouse::auth::v1::GetAuthorizationServerMetadataRequest* request,
    gatehouse::auth::v1::GetAuthorizationServerMetadataResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto issuer = std::find_if(issuers_.begin(), issuers_.end(), [&](const Discovery* each) {
    return request->issuer().empty() || each->issuer() == request->issuer();
  });
  if (issuer == issuers_.end()) {
    reactor->Finish(grpc::Status(grpc::StatusCode::NOT_FOUND, "the issuer is not one of --issuers of auth_service"));
    return reactor;
  }
  const std::shared_ptr<const ProviderMetadata> metadata = (*issuer)->current();
  if (metadata == nullptr) {
    reactor->Finish(
        grpc::Status(grpc::StatusCode::UNAVAILABLE, "the provider's metadata has not been fetched yet; try again"));
    return reactor;
  }
  response->set_document_json(metadata->document_json);
  SetTimestamp(metadata->fetch_time, *response->mutable_fetch_time());
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* AuthGrpcService::RegisterClient(grpc::CallbackServerContext* context,
                                                          const gatehouse::auth::v1::RegisterClientRequest* request,
                                                          gatehouse::auth::v1::RegisterClientResponse* response) {
  if (registrations_ != nullptr) return registrations_->Handle(context, *request, response);
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status(grpc::StatusCode::UNIMPLEMENTED,
                               "clients cannot be registered here: see --registration of auth_service"));
  return reactor;
}

}  // namespace auth_service
