#include "auth_service/server/auth_grpc_service.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "auth_service/server/protected_resource_metadata.h"
#include "auth_service/token/token_form.h"
#include "common/log.h"
#include "common/rpc/pending_rpc.h"
#include "common/token_digest.h"
#include "gatehouse/auth/v1/auth.grpc.pb.h"

namespace auth_service {
namespace {

using common::PendingRpc;
using common::ReadRpcMessage;
using common::ToGrpcStatus;
using common::UnaryRpc;
using common::UnreadableRequest;
using gatehouse::auth::v1::AuthService;
using gatehouse::auth::v1::GetAuthorizationServerMetadataRequest;
using gatehouse::auth::v1::GetAuthorizationServerMetadataResponse;
using gatehouse::auth::v1::GetProtectedResourceMetadataRequest;
using gatehouse::auth::v1::GetProtectedResourceMetadataResponse;
using gatehouse::auth::v1::RegisterClientRequest;
using gatehouse::auth::v1::RegisterClientResponse;
using gatehouse::auth::v1::VerifyTokenRequest;

// Every method, in encoded form.
using RpcMethods = AuthService::WithRawMethod_VerifyToken<
    AuthService::WithRawMethod_GetProtectedResourceMetadata<AuthService::WithRawMethod_GetAuthorizationServerMetadata<
        AuthService::WithRawMethod_RegisterClient<AuthService::Service>>>>;

constexpr size_t kMaxResourceBytes = 2048;
constexpr size_t kMaxRequestIdBytes = 64;

// How many calls of a method may come at the same moment without gRPC having to keep them.
constexpr int kAwaitedCalls = 8;

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

class AuthGrpcServiceCore {
 public:
  AuthGrpcServiceCore(absl::flat_hash_map<std::string, std::string> metadata_by_resource,
                      std::vector<const Discovery*> issuers, VerdictCache& verdicts, Metrics& metrics,
                      RegistrationHandler* registrations)
      : metadata_by_resource(std::move(metadata_by_resource)),
        issuers(std::move(issuers)),
        verdicts(verdicts),
        metrics(metrics),
        registrations(registrations) {}

  const absl::flat_hash_map<std::string, std::string> metadata_by_resource;
  const std::vector<const Discovery*> issuers;
  VerdictCache& verdicts;
  Metrics& metrics;
  RegistrationHandler* const registrations;
  RpcMethods methods;
  common::RpcLoop* loop = nullptr;  // set before the first call, then constant
};

namespace {

class VerifyTokenCall final : public PendingRpc {
 public:
  explicit VerifyTokenCall(AuthGrpcServiceCore& core) : PendingRpc(*core.loop), core_(core) {}

  static void Await(AuthGrpcServiceCore& core) {
    const auto call = std::make_shared<VerifyTokenCall>(core);
    Begin(call);
    grpc::ServerCompletionQueue* const queue = core.loop->queue();
    core.methods.RequestVerifyToken(&call->context_, &call->request_bytes_, &call->writer_, queue, queue,
                                    call->AskForArrival());
  }

 private:
  void OnArrival() override {
    Await(core_);
    core_.metrics.rpcs_in_flight.Increment();
    VerifyTokenRequest request;
    if (!ReadRpcMessage(request_bytes_, request)) {
      Refuse(ToGrpcStatus(UnreadableRequest()));
      return;
    }
    const absl::Status status = Check(request, core_.metadata_by_resource.contains(request.resource()));
    if (!status.ok()) {
      core_.metrics.invalid_argument.Increment();
      common::Log(common::Severity::kWarning, "request_invalid", {{"message", status.message()}});
      Refuse(ToGrpcStatus(status));
      return;
    }
    request_id_ = request.request_id().substr(0, kMaxRequestIdBytes);
    const common::TokenDigest digest = common::DigestToken(request.token(), request.resource());
    if (const std::shared_ptr<const Verdict> found = core_.verdicts.Find(digest); found != nullptr) {
      Conclude(found, /*remembered=*/true);
      return;
    }
    core_.verdicts.Verify(digest, request.token(), request.resource(), deadline(),
                          [call = std::static_pointer_cast<VerifyTokenCall>(shared_from_this())](
                              const VerdictCache::Result& result) { call->Conclude(result, /*remembered=*/false); });
  }

  // The check goes on for others.
  void OnAbandoned() override { core_.metrics.caller_gone.Increment(); }

  void OnDone() override { core_.metrics.rpcs_in_flight.Decrement(); }

  // Counts, logs and answers, unless the caller is gone.
  void Conclude(const VerdictCache::Result& result, bool remembered) {
    if (!Claim()) return;
    if (!result.ok()) {
      const bool is_late = result.status().code() == absl::StatusCode::kDeadlineExceeded;
      (is_late ? core_.metrics.caller_gone : core_.metrics.unavailable).Increment();
      common::Log(common::Severity::kWarning, "token_not_verified",
                  {{"message", result.status().message()}, {"request_id", request_id_}});
      FinishWithError(ToGrpcStatus(result.status()));
      return;
    }
    const Verdict& verdict = **result;
    if (verdict.accepted()) {
      core_.metrics.accepted.Increment();
      if (verdict.stale) core_.metrics.stale_accepted.Increment();
    } else {
      const auto reason = verdict.response.refusal().reason();
      core_.metrics.refused(reason).Increment();
      common::Log(common::Severity::kInfo, "token_refused",
                  {{"reason", RefusalReasonName(reason)},
                   {"detail", verdict.detail},
                   {"remembered", remembered},
                   {"request_id", request_id_}});
    }
    Finish(verdict.response);
  }

  // Ends a call that nothing is found out for.
  void Refuse(const grpc::Status& status) {
    if (Claim()) FinishWithError(status);
  }

  AuthGrpcServiceCore& core_;
  std::string request_id_;
};

// A call of RegisterClient, for somebody who waits as long as it lasts.
class RegisterClientCall final : public PendingRpc, public RegistrationHandler::Caller {
 public:
  explicit RegisterClientCall(AuthGrpcServiceCore& core) : PendingRpc(*core.loop), core_(core) {}

  static void Await(AuthGrpcServiceCore& core) {
    const auto call = std::make_shared<RegisterClientCall>(core);
    Begin(call);
    grpc::ServerCompletionQueue* const queue = core.loop->queue();
    core.methods.RequestRegisterClient(&call->context_, &call->request_bytes_, &call->writer_, queue, queue,
                                       call->AskForArrival());
  }

  // RegistrationHandler::Caller:
  bool is_gone() const override { return is_claimed(); }

  bool Answer(const absl::StatusOr<RegisterClientResponse>& outcome) override {
    if (!Claim()) return false;
    if (outcome.ok()) {
      Finish(*outcome);
    } else {
      FinishWithError(ToGrpcStatus(outcome.status()));
    }
    return true;
  }

 private:
  void OnArrival() override {
    Await(core_);
    core_.metrics.rpcs_in_flight.Increment();
    RegisterClientRequest request;
    if (!ReadRpcMessage(request_bytes_, request)) {
      if (Claim()) FinishWithError(ToGrpcStatus(UnreadableRequest()));
    } else if (core_.registrations == nullptr) {
      Answer(absl::UnimplementedError("clients cannot be registered here: see --registration of auth_service"));
    } else {
      core_.registrations->Handle(std::move(request), deadline(),
                                  std::static_pointer_cast<RegisterClientCall>(shared_from_this()));
    }
  }

  void OnDone() override { core_.metrics.rpcs_in_flight.Decrement(); }

  AuthGrpcServiceCore& core_;
};

// The methods that are answered at once. Each says how gRPC is asked for a call of it, and fills the response.

struct ProtectedResourceMetadataMethod {
  using Request = GetProtectedResourceMetadataRequest;
  using Response = GetProtectedResourceMetadataResponse;
  static constexpr auto kAsk = &RpcMethods::RequestGetProtectedResourceMetadata;

  static absl::Status Run(const AuthGrpcServiceCore& core, const Request& request, Response& response) {
    const auto document = core.metadata_by_resource.find(request.resource());
    if (document == core.metadata_by_resource.end()) {
      return absl::NotFoundError("the resource is not one of --resources of auth_service");
    }
    response.set_document_json(document->second);
    return absl::OkStatus();
  }
};

struct AuthorizationServerMetadataMethod {
  using Request = GetAuthorizationServerMetadataRequest;
  using Response = GetAuthorizationServerMetadataResponse;
  static constexpr auto kAsk = &RpcMethods::RequestGetAuthorizationServerMetadata;

  static absl::Status Run(const AuthGrpcServiceCore& core, const Request& request, Response& response) {
    const auto issuer = std::find_if(core.issuers.begin(), core.issuers.end(), [&](const Discovery* each) {
      return request.issuer().empty() || each->issuer() == request.issuer();
    });
    if (issuer == core.issuers.end()) {
      return absl::NotFoundError("the issuer is not one of --issuers of auth_service");
    }
    const std::shared_ptr<const ProviderMetadata> metadata = (*issuer)->current();
    if (metadata == nullptr) {
      return absl::UnavailableError("the provider's metadata has not been fetched yet; try again");
    }
    response.set_document_json(metadata->document_json);
    SetTimestamp(metadata->fetch_time, *response.mutable_fetch_time());
    return absl::OkStatus();
  }
};

template <typename Method>
class ImmediateCall final : public UnaryRpc {
 public:
  static void Await(AuthGrpcServiceCore& core) {
    ImmediateCall* const call = new ImmediateCall(core);
    grpc::ServerCompletionQueue* const queue = core.loop->queue();
    (core.methods.*Method::kAsk)(&call->context_, &call->request_bytes_, &call->writer_, queue, queue,
                                 call->AskForArrival());
  }

 private:
  explicit ImmediateCall(AuthGrpcServiceCore& core) : UnaryRpc(*core.loop), core_(core) {}

  void OnArrival() override {
    Await(core_);
    typename Method::Request request;
    typename Method::Response response;
    if (!ReadRpcMessage(request_bytes_, request)) {
      FinishWithError(ToGrpcStatus(UnreadableRequest()));
    } else if (const absl::Status status = Method::Run(core_, request, response); !status.ok()) {
      FinishWithError(ToGrpcStatus(status));
    } else {
      Finish(response);
    }
  }

  AuthGrpcServiceCore& core_;
};

}  // namespace

AuthGrpcService::AuthGrpcService(const std::vector<std::string>& resources,
                                 const std::vector<std::string>& scopes_supported,
                                 std::vector<const Discovery*> issuers, VerdictCache& verdicts, Metrics& metrics,
                                 RegistrationHandler* registrations) {
  auto documents = Documents(resources, issuers, scopes_supported);
  core_ =
      std::make_unique<AuthGrpcServiceCore>(std::move(documents), std::move(issuers), verdicts, metrics, registrations);
}

AuthGrpcService::~AuthGrpcService() = default;

void AuthGrpcService::Register(grpc::ServerBuilder& builder) { builder.RegisterService(&core_->methods); }

void AuthGrpcService::Start(common::RpcLoop& loop) {
  core_->loop = &loop;
  for (int i = 0; i < kAwaitedCalls; ++i) {
    VerifyTokenCall::Await(*core_);
    RegisterClientCall::Await(*core_);
    ImmediateCall<ProtectedResourceMetadataMethod>::Await(*core_);
    ImmediateCall<AuthorizationServerMetadataMethod>::Await(*core_);
  }
}

}  // namespace auth_service
