#include "mcp_edge/auth/testing/fake_auth_service.h"

#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gatehouse/auth/v1/auth.grpc.pb.h"
#include "grpcpp/alarm.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace mcp_edge {
namespace {

using namespace gatehouse::auth::v1;  // NOLINT: nearly everything here is of this namespace

class GrpcFakeAuthService final : public FakeAuthService, private AuthService::CallbackService {
 public:
  explicit GrpcFakeAuthService(int port) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port), grpc::InsecureServerCredentials(), &port_);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~GrpcFakeAuthService() override {
    if (server_ != nullptr) server_->Shutdown(absl::ToChronoTime(absl::Now()));
  }

  std::string target() const override { return absl::StrCat("ipv4:127.0.0.1:", port_); }
  int port() const override { return port_; }

  void OnVerify(Verifier verifier) override {
    absl::MutexLock lock(&mutex_);
    verifier_ = std::move(verifier);
  }
  void OnRegister(Registrar registrar) override {
    absl::MutexLock lock(&mutex_);
    registrar_ = std::move(registrar);
  }
  void SetProtectedResource(absl::string_view resource, absl::string_view document_json) override {
    absl::MutexLock lock(&mutex_);
    protected_resources_[std::string(resource)] = std::string(document_json);
  }
  void SetAuthorizationServer(absl::string_view document_json) override {
    absl::MutexLock lock(&mutex_);
    authorization_server_ = std::string(document_json);
  }
  int verify_calls() const override {
    absl::MutexLock lock(&mutex_);
    return verify_calls_;
  }
  int document_calls() const override {
    absl::MutexLock lock(&mutex_);
    return document_calls_;
  }
  bool WaitForVerifyCalls(int count, absl::Duration timeout) const override {
    const auto reached = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return verify_calls_ >= count; };
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&reached), timeout);
  }

 private:
  // Answers once the delay is over.
  class Reactor final : public grpc::ServerUnaryReactor {
   public:
    explicit Reactor(const FakeVerdict& verdict) {
      if (verdict.delay <= absl::ZeroDuration()) {
        Finish(verdict.status);
        return;
      }
      alarm_.Set(absl::ToChronoTime(absl::Now() + verdict.delay),
                 [this, status = verdict.status](bool) { Finish(status); });
    }
    void OnCancel() override { alarm_.Cancel(); }
    void OnDone() override { delete this; }

   private:
    grpc::Alarm alarm_;
  };

  grpc::ServerUnaryReactor* VerifyToken(grpc::CallbackServerContext*, const VerifyTokenRequest* request,
                                        VerifyTokenResponse* response) override {
    Verifier verifier;
    {
      absl::MutexLock lock(&mutex_);
      ++verify_calls_;
      verifier = verifier_;
    }
    FakeVerdict verdict;
    if (verifier == nullptr) {
      verdict.status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the provider is away");
    } else {
      verdict = verifier(*request);
    }
    *response = verdict.response;
    return new Reactor(verdict);
  }

  grpc::ServerUnaryReactor* RegisterClient(grpc::CallbackServerContext* context, const RegisterClientRequest* request,
                                           RegisterClientResponse* response) override {
    absl::MutexLock lock(&mutex_);
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    FakeRegistration registration{.status = grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "off")};
    if (registrar_ != nullptr) registration = registrar_(*request);
    *response = registration.response;
    reactor->Finish(registration.status);
    return reactor;
  }

  grpc::ServerUnaryReactor* GetProtectedResourceMetadata(grpc::CallbackServerContext* context,
                                                         const GetProtectedResourceMetadataRequest* request,
                                                         GetProtectedResourceMetadataResponse* response) override {
    absl::MutexLock lock(&mutex_);
    ++document_calls_;
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    const auto found = protected_resources_.find(request->resource());
    if (found == protected_resources_.end()) {
      reactor->Finish(grpc::Status(grpc::StatusCode::NOT_FOUND, "not a configured resource"));
    } else {
      response->set_document_json(found->second);
      reactor->Finish(grpc::Status::OK);
    }
    return reactor;
  }

  grpc::ServerUnaryReactor* GetAuthorizationServerMetadata(grpc::CallbackServerContext* context,
                                                           const GetAuthorizationServerMetadataRequest*,
                                                           GetAuthorizationServerMetadataResponse* response) override {
    absl::MutexLock lock(&mutex_);
    ++document_calls_;
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    if (authorization_server_.empty()) {
      reactor->Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "not fetched yet"));
    } else {
      response->set_document_json(authorization_server_);
      reactor->Finish(grpc::Status::OK);
    }
    return reactor;
  }

  mutable absl::Mutex mutex_;
  Verifier verifier_ ABSL_GUARDED_BY(mutex_);
  Registrar registrar_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string> protected_resources_ ABSL_GUARDED_BY(mutex_);
  std::string authorization_server_ ABSL_GUARDED_BY(mutex_);
  int verify_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  int document_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

void SetReuseUntil(absl::Time time, VerifyTokenResponse& response) {
  response.mutable_reuse_until_time()->set_seconds(absl::ToUnixSeconds(time));
}

}  // namespace

std::unique_ptr<FakeAuthService> FakeAuthService::Start(int port) {
  auto service = std::make_unique<GrpcFakeAuthService>(port);
  if (service->port() == 0) return nullptr;
  return service;
}

FakeVerdict PrincipalVerdict(absl::string_view subject, absl::Time reuse_until) {
  FakeVerdict verdict;
  Principal& principal = *verdict.response.mutable_principal();
  principal.set_issuer("https://issuer.example/oidc");
  principal.set_subject(std::string(subject));
  principal.set_client_id("client");
  principal.set_claims_json(absl::StrCat("{\"sub\":\"", subject, "\"}"));
  SetReuseUntil(reuse_until, verdict.response);
  return verdict;
}

FakeVerdict RefusalVerdict(RefusalReason reason, absl::string_view description, absl::Time reuse_until) {
  FakeVerdict verdict;
  verdict.response.mutable_refusal()->set_reason(reason);
  verdict.response.mutable_refusal()->set_description(std::string(description));
  SetReuseUntil(reuse_until, verdict.response);
  return verdict;
}

}  // namespace mcp_edge
