#include "auth_service/server/auth_grpc_service.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "auth_service/provider/fake_http_client.h"
#include "auth_service/provider/key_set.h"
#include "auth_service/token/jwt_verifier.h"
#include "auth_service/token/opaque_verifier.h"
#include "auth_service/token/test_keys.h"
#include "auth_service/token/token_verifier.h"
#include "common/executor.h"
#include "common/log.h"
#include "common/rpc/rpc_loop.h"
#include "gatehouse/auth/v1/auth.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace auth_service {
namespace {

using gatehouse::auth::v1::AuthService;
using gatehouse::auth::v1::GetAuthorizationServerMetadataResponse;
using gatehouse::auth::v1::GetProtectedResourceMetadataResponse;
using gatehouse::auth::v1::RefusalReason;
using gatehouse::auth::v1::VerifyTokenResponse;
using ::testing::HasSubstr;

constexpr char kIssuer[] = "https://id.example.com/oidc";
constexpr char kMetadataUrl[] = "https://id.example.com/oidc/.well-known/openid-configuration";
constexpr char kJwksUri[] = "https://id.example.com/oidc/jwks";
constexpr char kUserinfo[] = "https://id.example.com/oidc/me";
constexpr char kResource[] = "https://mcp.example.com/mcp";
constexpr char kOpaque[] = "NzJhY2Y0ZDQtZmFrZS1vcGFxdWUtdG9rZW4tMDAwMDE";
constexpr char kMetadata[] = R"({"issuer":"https://id.example.com/oidc","jwks_uri":"https://id.example.com/oidc/jwks",)"
                             R"("userinfo_endpoint":"https://id.example.com/oidc/me"})";

const TestKey& Key() {
  static const auto* const key = new TestKey("ES384");
  return *key;
}

// The whole service but for the network: a real server and stub in process, with a provider that the test plays.
class AuthGrpcServiceTest : public ::testing::Test {
 protected:
  explicit AuthGrpcServiceTest(bool accept_opaque = true)
      : metrics_(registry_), opaque_(accept_opaque, absl::Seconds(5), discovery_, provider_, clock_) {
    ProviderIsUp();
    EXPECT_TRUE(discovery_.Refresh().ok());
    EXPECT_TRUE(keys_.Refresh().ok());
    server_ = Serve(service_, loop_);
    stub_ = AuthService::NewStub(server_->InProcessChannel({}));
  }

  static std::unique_ptr<grpc::Server> Serve(AuthGrpcService& service, std::optional<common::RpcLoop>& loop) {
    grpc::ServerBuilder builder;
    loop.emplace(builder);
    service.Register(builder);
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    service.Start(*loop);
    loop->Start(1);
    return server;
  }

  ~AuthGrpcServiceTest() override {
    provider_.Release();
    server_->Shutdown();
    local_.Stop();
    asking_.Stop();
    loop_->Stop();
  }

  void ProviderIsUp() {
    provider_.Answer(kMetadataUrl, 200, kMetadata);
    provider_.Answer(kJwksUri, 200, absl::StrCat("{\"keys\":[", Key().Jwk("k"), "]}"));
    provider_.Answer(kUserinfo, 200, R"({"sub":"alice","email":"alice@example.com"})");
  }

  void ProviderIsDown() {
    for (const char* url : {kMetadataUrl, kJwksUri, kUserinfo}) {
      provider_.AnswerWith(url, absl::UnavailableError("Connection refused"));
    }
  }

  std::string Jwt(absl::string_view kid = "k", absl::Duration lifetime = absl::Hours(1)) {
    return Key().Sign(absl::StrCat(R"({"alg":"ES384","typ":"at+jwt","kid":")", kid, "\"}"),
                      absl::StrCat(R"({"iss":")", kIssuer, R"(","aud":")", kResource, R"(","sub":"bob","exp":)",
                                   absl::ToUnixSeconds(clock_.Now() + lifetime), "}"));
  }

  grpc::Status Verify(absl::string_view token, VerifyTokenResponse& response, absl::string_view resource = kResource,
                      std::chrono::milliseconds time_left = std::chrono::minutes(10)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + time_left);
    gatehouse::auth::v1::VerifyTokenRequest request;
    request.set_token(std::string(token));
    request.set_resource(std::string(resource));
    request.set_request_id("request-1");
    return stub_->VerifyToken(&context, request, &response);
  }

  grpc::StatusCode CodeOf(absl::string_view token, absl::string_view resource = kResource) {
    VerifyTokenResponse response;
    return Verify(token, response, resource).error_code();
  }

  RefusalReason ReasonOf(absl::string_view token) {
    VerifyTokenResponse response;
    const grpc::Status status = Verify(token, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_TRUE(response.has_refusal());
    return response.refusal().reason();
  }

  std::string SubjectOf(absl::string_view token) {
    VerifyTokenResponse response;
    const grpc::Status status = Verify(token, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.principal().subject();
  }

  common::FakeClock clock_{absl::Now()};  // gRPC's deadlines are on the wall clock
  prometheus::Registry registry_;
  Metrics metrics_;
  FakeHttpClient provider_;
  Discovery discovery_{kIssuer, absl::Seconds(5), provider_, clock_};
  Discovery other_{"https://other.example.com", absl::Seconds(5), provider_, clock_};  // never fetched
  KeySet keys_{discovery_, absl::Seconds(5), provider_, clock_};
  JwtVerifier jwt_{kIssuer, absl::Seconds(30), keys_, clock_};
  OpaqueVerifier opaque_;
  TokenVerifier verifier_{jwt_, opaque_};
  common::ThreadExecutor local_{2, 10};
  common::ThreadExecutor asking_{4, 2};
  RefusalBudget budget_{1000, clock_};
  VerdictCache verdicts_{{1000, absl::Seconds(60), absl::Seconds(5), absl::ZeroDuration()},
                         verifier_,
                         {local_, asking_, asking_},
                         budget_,
                         metrics_,
                         clock_};
  AuthGrpcService service_{
      {kResource, "https://mcp.example.com/sse"}, {"openid", "profile"}, {&discovery_, &other_}, verdicts_, metrics_};
  std::optional<common::RpcLoop> loop_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<AuthService::Stub> stub_;
};

class RefusingOpaqueTest : public AuthGrpcServiceTest {
 protected:
  RefusingOpaqueTest() : AuthGrpcServiceTest(/*accept_opaque=*/false) {}
};

TEST_F(AuthGrpcServiceTest, BothKindsOfTokenAreVerified) {
  VerifyTokenResponse response;
  ASSERT_TRUE(Verify(Jwt(), response).ok());
  EXPECT_EQ(response.principal().subject(), "bob");
  EXPECT_EQ(response.principal().token_kind(), gatehouse::auth::v1::TOKEN_KIND_JWT);
  EXPECT_GT(response.reuse_until_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
  ASSERT_TRUE(Verify(kOpaque, response).ok());
  EXPECT_EQ(response.principal().subject(), "alice");
  EXPECT_EQ(response.principal().claims_json(), R"({"sub":"alice","email":"alice@example.com"})");
  EXPECT_EQ(response.principal().token_kind(), gatehouse::auth::v1::TOKEN_KIND_OPAQUE);
  EXPECT_EQ(metrics_.accepted.Value(), 2);
}

TEST_F(AuthGrpcServiceTest, ARefusalIsAnAnswerAndIsCounted) {
  EXPECT_EQ(ReasonOf("no token at all"), gatehouse::auth::v1::REFUSAL_REASON_MALFORMED);
  EXPECT_EQ(ReasonOf("e30.e30."), gatehouse::auth::v1::REFUSAL_REASON_ALGORITHM_NOT_ALLOWED);
  EXPECT_EQ(ReasonOf(Jwt("k", -absl::Hours(1))), gatehouse::auth::v1::REFUSAL_REASON_EXPIRED);
  EXPECT_EQ(ReasonOf(Jwt("unknown")), gatehouse::auth::v1::REFUSAL_REASON_UNKNOWN_KEY);
  provider_.Answer(kUserinfo, 401, "");
  EXPECT_EQ(ReasonOf(kOpaque), gatehouse::auth::v1::REFUSAL_REASON_INACTIVE);
  EXPECT_EQ(ReasonOf(kOpaque), gatehouse::auth::v1::REFUSAL_REASON_INACTIVE);
  EXPECT_EQ(metrics_.refused(gatehouse::auth::v1::REFUSAL_REASON_EXPIRED).Value(), 1);
  EXPECT_EQ(metrics_.refused(gatehouse::auth::v1::REFUSAL_REASON_INACTIVE).Value(), 2);
  EXPECT_EQ(provider_.CountOf(kUserinfo), 1);
}

TEST_F(AuthGrpcServiceTest, ATokenForAnotherResourceOfOursIsRefused) {
  VerifyTokenResponse response;
  ASSERT_TRUE(Verify(Jwt(), response, "https://mcp.example.com/sse").ok());
  EXPECT_EQ(response.refusal().reason(), gatehouse::auth::v1::REFUSAL_REASON_WRONG_AUDIENCE);
}

TEST_F(RefusingOpaqueTest, OpaqueTokensAreRefusedWithoutAskingTheProvider) {
  EXPECT_EQ(ReasonOf(kOpaque), gatehouse::auth::v1::REFUSAL_REASON_OPAQUE_NOT_ALLOWED);
  EXPECT_EQ(provider_.CountOf(kUserinfo), 0);
  EXPECT_EQ(SubjectOf(Jwt()), "bob");
}

TEST_F(AuthGrpcServiceTest, ARequestOfTheEdgeThatIsWrongIsInvalid) {
  EXPECT_EQ(CodeOf(""), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(CodeOf(std::string(8193, 'a')), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(CodeOf(kOpaque, ""), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(CodeOf(kOpaque, "https://mcp.example.com/mcp/"), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(CodeOf(kOpaque, "https://x/" + std::string(2048, 'a')), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(metrics_.invalid_argument.Value(), 5);
  EXPECT_EQ(SubjectOf(std::string(8192, 'a')), "alice");
}

TEST_F(AuthGrpcServiceTest, NoVerdictAndNoTokenEverSaysWhatItWas) {
  ProviderIsDown();
  VerifyTokenResponse response;
  testing::internal::CaptureStderr();
  const grpc::Status status = Verify(kOpaque, response);
  (void)ReasonOf("bad token with spaces");
  common::FlushLog();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message().find(kOpaque), std::string::npos);
  EXPECT_THAT(log, HasSubstr("token_not_verified"));
  EXPECT_THAT(log, HasSubstr(R"("request_id":"request-1")"));
  EXPECT_EQ(log.find(kOpaque), std::string::npos) << log;
  EXPECT_EQ(log.find("bad token"), std::string::npos) << log;
}

TEST_F(AuthGrpcServiceTest, WhileTheProviderIsDownWhatIsKnownServesOn) {
  EXPECT_EQ(SubjectOf(kOpaque), "alice");
  ProviderIsDown();
  EXPECT_EQ(SubjectOf(kOpaque), "alice");                                    // remembered
  EXPECT_EQ(SubjectOf(Jwt()), "bob");                                        // new, but the keys are here
  EXPECT_EQ(CodeOf("another-opaque-token"), grpc::StatusCode::UNAVAILABLE);  // cannot tell
  EXPECT_EQ(CodeOf(Jwt("new-key")), grpc::StatusCode::UNAVAILABLE);          // cannot tell either
  clock_.Advance(absl::Seconds(60));
  EXPECT_EQ(CodeOf(kOpaque), grpc::StatusCode::UNAVAILABLE);
  ProviderIsUp();
  EXPECT_EQ(SubjectOf(kOpaque), "alice");  // at once: an outage is not remembered
}

TEST_F(AuthGrpcServiceTest, AProviderThatHangsIsWaitedForNoLongerThanTheCallerSays) {
  provider_.Hold();
  VerifyTokenResponse response;
  EXPECT_EQ(Verify(kOpaque, response, kResource, std::chrono::milliseconds(100)).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(SubjectOf(Jwt()), "bob");
}

TEST_F(AuthGrpcServiceTest, ConcurrentChecksOfOneTokenMakeOneCall) {
  const size_t before = provider_.requests().size();
  provider_.Hold();
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 20; ++i) {
    callers.emplace_back([&] {
      if (SubjectOf(kOpaque) == "alice") ++good;
    });
  }
  provider_.AwaitRequests(before + 1);
  while (metrics_.cache_joined.Value() < 19) std::this_thread::yield();
  provider_.Release();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(good, 20);
  EXPECT_EQ(provider_.CountOf(kUserinfo), 1);
}

TEST_F(AuthGrpcServiceTest, AnImpatientCallerDoesNotSpoilItForTheOthers) {
  const size_t before = provider_.requests().size();
  provider_.Hold();
  std::thread patient([&] { EXPECT_EQ(SubjectOf(kOpaque), "alice"); });
  provider_.AwaitRequests(before + 1);
  VerifyTokenResponse response;
  EXPECT_EQ(Verify(kOpaque, response, kResource, std::chrono::milliseconds(50)).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  provider_.Release();
  patient.join();
}

TEST_F(AuthGrpcServiceTest, MoreThanCanWaitIsTurnedAway) {
  const size_t before = provider_.requests().size();
  provider_.Hold();
  // Four threads ask, two more checks wait for one of them, and for the rest there is no room.
  std::atomic<int> good{0};
  std::atomic<int> unavailable{0};
  std::vector<std::thread> callers;
  const auto call = [&](int i) {
    VerifyTokenResponse response;
    const grpc::StatusCode code = Verify(absl::StrCat("token-", i), response).error_code();
    if (code == grpc::StatusCode::OK) ++good;
    if (code == grpc::StatusCode::UNAVAILABLE) ++unavailable;
  };
  for (int i = 0; i < 4; ++i) callers.emplace_back(call, i);
  provider_.AwaitRequests(before + 4);
  for (int i = 4; i < 12; ++i) callers.emplace_back(call, i);
  while (unavailable < 6) std::this_thread::yield();
  EXPECT_EQ(metrics_.overloaded.Value(), 6);
  EXPECT_EQ(SubjectOf(Jwt()), "bob");  // needs no provider
  provider_.Release();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(good, 6);
  EXPECT_EQ(unavailable, 6);
}

TEST_F(AuthGrpcServiceTest, ACallerThatLeavesIsCounted) {
  provider_.Hold();
  grpc::ClientContext context;
  gatehouse::auth::v1::VerifyTokenRequest request;
  request.set_token(kOpaque);
  request.set_resource(kResource);
  VerifyTokenResponse response;
  std::atomic<bool> ended{false};
  stub_->async()->VerifyToken(&context, &request, &response, [&](const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
    ended = true;
  });
  while (metrics_.rpcs_in_flight.Value() < 1) std::this_thread::yield();
  context.TryCancel();
  while (!ended || metrics_.caller_gone.Value() < 1) std::this_thread::yield();
  provider_.Release();
  while (metrics_.rpcs_in_flight.Value() > 0) std::this_thread::yield();
}

TEST_F(AuthGrpcServiceTest, TheProtectedResourceMetadataIsThatOfTheResource) {
  for (const char* resource : {kResource, "https://mcp.example.com/sse"}) {
    grpc::ClientContext context;
    gatehouse::auth::v1::GetProtectedResourceMetadataRequest request;
    request.set_resource(resource);
    GetProtectedResourceMetadataResponse response;
    ASSERT_TRUE(stub_->GetProtectedResourceMetadata(&context, request, &response).ok());
    const auto document = nlohmann::json::parse(response.document_json());
    EXPECT_EQ(document["resource"], resource);
    EXPECT_EQ(document["authorization_servers"], nlohmann::json::array({kIssuer, other_.issuer()}));
    EXPECT_EQ(document["scopes_supported"], nlohmann::json::array({"openid", "profile"}));
  }
  grpc::ClientContext context;
  GetProtectedResourceMetadataResponse response;
  gatehouse::auth::v1::GetProtectedResourceMetadataRequest request;
  request.set_resource("https://mcp.example.com/other");
  EXPECT_EQ(stub_->GetProtectedResourceMetadata(&context, request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(AuthGrpcServiceTest, TheAuthorizationServerMetadataIsTheProvidersOwn) {
  grpc::ClientContext context;
  GetAuthorizationServerMetadataResponse response;
  ASSERT_TRUE(stub_->GetAuthorizationServerMetadata(&context, {}, &response).ok());
  EXPECT_EQ(response.document_json(), kMetadata);
  EXPECT_EQ(response.fetch_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
}

TEST_F(AuthGrpcServiceTest, TheAuthorizationServerMetadataOfAFurtherIssuerIsToBeHadByName) {
  const auto code_of = [&](const std::string& issuer) {
    grpc::ClientContext context;
    gatehouse::auth::v1::GetAuthorizationServerMetadataRequest request;
    request.set_issuer(issuer);
    GetAuthorizationServerMetadataResponse response;
    return stub_->GetAuthorizationServerMetadata(&context, request, &response).error_code();
  };
  EXPECT_EQ(code_of(kIssuer), grpc::StatusCode::OK);
  EXPECT_EQ(code_of(other_.issuer()), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(code_of("https://unknown.example.com"), grpc::StatusCode::NOT_FOUND);
}

TEST_F(AuthGrpcServiceTest, BeforeDiscoveryThereIsNoMetadataAndNoVerdict) {
  FakeHttpClient away;
  Discovery nothing_yet(kIssuer, absl::Seconds(5), away, clock_);
  KeySet no_keys(nothing_yet, absl::Seconds(5), away, clock_);
  JwtVerifier jwt(kIssuer, absl::Seconds(30), no_keys, clock_);
  OpaqueVerifier opaque(true, absl::Seconds(5), nothing_yet, away, clock_);
  TokenVerifier verifier(jwt, opaque);
  VerdictCache verdicts({10, absl::Seconds(60), absl::Seconds(5), absl::ZeroDuration()}, verifier,
                        {local_, asking_, asking_}, budget_, metrics_, clock_);
  AuthGrpcService service({kResource}, {}, {&nothing_yet}, verdicts, metrics_);
  std::optional<common::RpcLoop> loop;
  const std::unique_ptr<grpc::Server> server = Serve(service, loop);
  stub_ = AuthService::NewStub(server->InProcessChannel({}));
  EXPECT_EQ(CodeOf(Jwt()), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(CodeOf(kOpaque), grpc::StatusCode::UNAVAILABLE);
  grpc::ClientContext context;
  GetAuthorizationServerMetadataResponse response;
  EXPECT_EQ(stub_->GetAuthorizationServerMetadata(&context, {}, &response).error_code(), grpc::StatusCode::UNAVAILABLE);
  server->Shutdown();
  loop->Stop();
}

TEST_F(AuthGrpcServiceTest, AServiceWithoutRegistrationSaysSo) {
  grpc::ClientContext context;
  gatehouse::auth::v1::RegisterClientResponse response;
  const grpc::Status status = stub_->RegisterClient(&context, {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(status.error_message(), HasSubstr("--registration"));
}

TEST_F(AuthGrpcServiceTest, ARequestThatIsNoMessageIsRefused) {
  grpc::GenericStub stub(server_->InProcessChannel({}));
  for (const char* method :
       {"VerifyToken", "RegisterClient", "GetProtectedResourceMetadata", "GetAuthorizationServerMetadata"}) {
    const grpc::Slice slice("\xff\xff\xff");
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::ClientContext context;
    absl::Notification ended;
    grpc::StatusCode code = grpc::StatusCode::OK;
    stub.UnaryCall(&context, absl::StrCat("/gatehouse.auth.v1.AuthService/", method), grpc::StubOptions(), &request,
                   &response, [&](const grpc::Status& status) {
                     code = status.error_code();
                     ended.Notify();
                   });
    ended.WaitForNotification();
    EXPECT_EQ(code, grpc::StatusCode::INTERNAL) << method;
  }
  EXPECT_EQ(SubjectOf(Jwt()), "bob");
}

}  // namespace
}  // namespace auth_service
