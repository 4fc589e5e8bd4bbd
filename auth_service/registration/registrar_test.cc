#include "auth_service/registration/registrar.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "auth_service/logto/testing/fake_logto.h"
#include "auth_service/provider/not_sent.h"
#include "common/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/registry.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::RegisterClientRequest;
using gatehouse::auth::v1::RegisterClientResponse;
using gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_CLIENT_METADATA;
using gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_REDIRECT_URI;
using gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_TOKEN;
using gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_RATE_LIMITED;
using gatehouse::auth::v1::RegistrationRefusal;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kNative[] =
    R"({"redirect_uris":["http://localhost:6274/cb"],"client_name":"Inspector","token_endpoint_auth_method":"none",)"
    R"("grant_types":["authorization_code","refresh_token"]})";
constexpr char kConfidential[] =
    R"({"redirect_uris":["https://agent.example/cb","https://agent.example/cb2"],"client_name":"Agent",)"
    R"("grant_types":["authorization_code","refresh_token"],"client_uri":"https://agent.example",)"
    R"("logo_uri":"https://agent.example/logo.png","tos_uri":"https://agent.example/tos",)"
    R"("policy_uri":"https://agent.example/policy"})";
constexpr char kCreate[] = "POST /api/applications";
constexpr char kDelete[] = "DELETE /api/applications/";

class RegistrarTest : public ::testing::Test {
 protected:
  RegistrarTest() {
    options_.user_scopes = {"profile", "email"};
    options_.sleep = [this](absl::Duration pause) { pauses_.push_back(pause); };
  }

  ManagementApiOptions ApiOptions() const {
    ManagementApiOptions options;
    options.endpoint = FakeLogto::kEndpoint;
    options.client_id_file = credentials_.client_id_file;
    options.client_secret_file = credentials_.client_secret_file;
    return options;
  }

  // With the options as they are at the first call.
  Registrar& registrar() {
    if (!registrar_.has_value()) registrar_.emplace(options_, api_, metrics_, clock_);
    return *registrar_;
  }

  absl::StatusOr<RegisterClientResponse> Register(const std::string& metadata, const std::string& token = "",
                                                  const std::string& address = "192.0.2.1") {
    RegisterClientRequest request;
    request.set_metadata_json(metadata);
    request.set_initial_access_token(token);
    request.set_client_address(address);
    request.set_request_id("request-1");
    return registrar().Register(request, clock_.Now() + absl::Seconds(20), [this] { return gone_after_-- <= 0; });
  }

  // What a registration that succeeds answers.
  json Registered(const std::string& metadata) {
    const absl::StatusOr<RegisterClientResponse> response = Register(metadata);
    EXPECT_TRUE(response.ok()) << response.status();
    if (!response.ok()) return json::object();
    EXPECT_TRUE(response->has_client()) << response->refusal().description();
    json document = json::parse(response->client().document_json(), nullptr, false);
    EXPECT_EQ(document.value("client_id", ""), response->client().client_id());
    return document;
  }

  RegistrationRefusal Refused(const std::string& metadata, const std::string& token = "") {
    const absl::StatusOr<RegisterClientResponse> response = Register(metadata, token);
    EXPECT_TRUE(response.ok()) << response.status();
    EXPECT_TRUE(response.ok() && response->has_refusal());
    return response.ok() ? response->refusal() : RegistrationRefusal();
  }

  const FakeLogto::Application& TheApplication() {
    applications_ = logto_.applications();
    EXPECT_EQ(applications_.size(), 1u);
    return applications_.begin()->second;
  }

  RegistrarOptions options_;
  int gone_after_ = 1'000'000;  // questions whether the caller is gone that are answered with no
  std::vector<absl::Duration> pauses_;
  common::FakeClock clock_;
  FakeLogto logto_{clock_};
  const FakeLogtoCredentials credentials_;
  ManagementApi api_{ApiOptions(), logto_, clock_};
  prometheus::Registry registry_;
  RegistrationMetrics metrics_{registry_};
  std::optional<Registrar> registrar_;
  std::map<std::string, FakeLogto::Application> applications_;
};

TEST_F(RegistrarTest, AClientOnItsUsersMachineBecomesANativeApplication) {
  const json document = Registered(kNative);
  EXPECT_EQ(document["client_id_issued_at"], absl::ToUnixSeconds(clock_.Now()));
  EXPECT_FALSE(document.contains("client_secret"));
  EXPECT_EQ(document["token_endpoint_auth_method"], "none");
  EXPECT_EQ(document["application_type"], "native");
  EXPECT_EQ(document["redirect_uris"], json::array({"http://localhost:6274/cb"}));
  EXPECT_EQ(document["grant_types"], json::array({"authorization_code", "refresh_token"}));
  EXPECT_EQ(document["response_types"], json::array({"code"}));
  EXPECT_EQ(document["scope"], "openid offline_access profile email");
  EXPECT_EQ(document["client_name"], "Inspector");
  const FakeLogto::Application& application = TheApplication();
  EXPECT_EQ(application.created["type"], "Native");
  EXPECT_EQ(application.created["isThirdParty"], true);
  EXPECT_EQ(application.created["oidcClientMetadata"]["redirectUris"], document["redirect_uris"]);
  EXPECT_EQ(application.created["customData"]["registration_request_id"], "request-1");
  EXPECT_THAT(application.user_scopes, ElementsAre("profile", "email"));
  EXPECT_TRUE(application.sign_in_experience.is_null());
  EXPECT_EQ(metrics_.registered.Value(), 1);
}

TEST_F(RegistrarTest, AServerBecomesATraditionalApplicationWithASecret) {
  const json document = Registered(kConfidential);
  EXPECT_EQ(document["client_secret"], absl::StrCat("secret-of-", document["client_id"].get<std::string>()));
  EXPECT_EQ(document["client_secret_expires_at"], 0);
  EXPECT_EQ(document["token_endpoint_auth_method"], "client_secret_basic");
  EXPECT_EQ(document["logo_uri"], "https://agent.example/logo.png");
  EXPECT_EQ(document["tos_uri"], "https://agent.example/tos");
  EXPECT_EQ(document["policy_uri"], "https://agent.example/policy");
  EXPECT_EQ(document["client_uri"], "https://agent.example");
  const FakeLogto::Application& application = TheApplication();
  EXPECT_EQ(application.created["type"], "Traditional");
  EXPECT_EQ(application.created["customClientMetadata"]["alwaysIssueRefreshToken"], true);
  EXPECT_EQ(application.created["customData"]["client_uri"], "https://agent.example");
  EXPECT_EQ(application.sign_in_experience,
            json::parse(R"({"displayName":"Agent","termsOfUseUrl":"https://agent.example/tos",)"
                        R"("privacyPolicyUrl":"https://agent.example/policy",)"
                        R"("branding":{"logoUrl":"https://agent.example/logo.png"}})"));
}

TEST_F(RegistrarTest, APageBecomesASinglePageApplication) {
  const json document =
      Registered(R"({"redirect_uris":["https://agent.example/cb"],"token_endpoint_auth_method":"none"})");
  EXPECT_EQ(document["application_type"], "web");
  EXPECT_EQ(document["grant_types"], json::array({"authorization_code"}));
  EXPECT_EQ(document["scope"], "openid profile email");
  EXPECT_FALSE(document.contains("client_secret"));
  EXPECT_EQ(TheApplication().created["type"], "SPA");
}

TEST_F(RegistrarTest, ScopesAreThoseThatWereAskedForAndMayBeHad) {
  options_.resource_scopes = {{"todo:read", FakeLogto::kKnownResourceScope}};
  const std::string with_scope = R"({"redirect_uris":["https://agent.example/cb"],"scope":")";
  EXPECT_EQ(Registered(with_scope + "email todo:read todo:write phone offline_access\"}")["scope"], "email todo:read");
  EXPECT_THAT(TheApplication().user_scopes, ElementsAre("email"));
  EXPECT_THAT(TheApplication().resource_scopes, ElementsAre(FakeLogto::kKnownResourceScope));
  EXPECT_EQ(Registered(with_scope + "nonsense\"}")["scope"], "openid");
  EXPECT_EQ(logto_.CountOf("POST /api/applications/"), 1);  // nothing to consent to, nothing asked
  EXPECT_EQ(Registered(with_scope + "\"}")["scope"], "openid profile email todo:read");
}

TEST_F(RegistrarTest, AScopeWithoutANameGoesWithEveryClient) {
  options_.resource_scopes = {{"", FakeLogto::kKnownResourceScope}};
  EXPECT_EQ(Registered(R"({"redirect_uris":["https://agent.example/cb"],"scope":"openid"})")["scope"], "openid");
  EXPECT_THAT(TheApplication().resource_scopes, ElementsAre(FakeLogto::kKnownResourceScope));
}

TEST_F(RegistrarTest, WhatIsRefusedNeverReachesLogto) {
  options_.allowed_hosts = {"agent.example"};
  testing::internal::CaptureStderr();
  EXPECT_EQ(Refused(R"({"redirect_uris":["https://evil.example/cb"]})").reason(),
            REGISTRATION_REFUSAL_REASON_INVALID_REDIRECT_URI);
  common::FlushLog();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr(R"("redirect_hosts":"evil.example")"));
  EXPECT_EQ(Refused("[]").reason(), REGISTRATION_REFUSAL_REASON_INVALID_CLIENT_METADATA);
  EXPECT_THAT(logto_.calls(), IsEmpty());
  EXPECT_EQ(metrics_.refused(REGISTRATION_REFUSAL_REASON_INVALID_REDIRECT_URI).Value(), 1);
  EXPECT_EQ(metrics_.refused(REGISTRATION_REFUSAL_REASON_INVALID_CLIENT_METADATA).Value(), 1);
}

TEST_F(RegistrarTest, AnInitialAccessTokenIsNeededIfOneIsSet) {
  options_.token_file = absl::StrCat(std::getenv("TEST_TMPDIR"), "/initial_access_token");
  std::ofstream(options_.token_file) << "let-me-in-0123456\n";
  for (const char* token : {"", "let-me-in-012345", "let-me-in-01234567", "LET-ME-IN-0123456"}) {
    EXPECT_EQ(Refused(kNative, token).reason(), REGISTRATION_REFUSAL_REASON_INVALID_TOKEN) << token;
  }
  EXPECT_THAT(logto_.calls(), IsEmpty());
  EXPECT_TRUE(Register(kNative, "let-me-in-0123456")->has_client());
  std::ofstream(options_.token_file) << "exchanged-0123456\n";
  EXPECT_EQ(Refused(kNative, "let-me-in-0123456").reason(), REGISTRATION_REFUSAL_REASON_INVALID_TOKEN);
  EXPECT_TRUE(Register(kNative, "exchanged-0123456")->has_client());
}

TEST_F(RegistrarTest, WhoGuessesTheInitialAccessTokenIsStopped) {
  options_.token_file = absl::StrCat(std::getenv("TEST_TMPDIR"), "/guessed_access_token");
  std::ofstream(options_.token_file) << "let-me-in-0123456\n";
  const auto reason = [this](const std::string& token, const std::string& address) {
    const auto response = Register(kNative, token, address);
    return response->has_refusal() ? response->refusal().reason() : 0;
  };
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(reason("", "192.0.2.1"), REGISTRATION_REFUSAL_REASON_INVALID_TOKEN);  // no guess
  }
  for (int i = 0; i < kWrongTokensPerHour; ++i) {
    EXPECT_EQ(reason(absl::StrCat("guess-", i), "192.0.2.1"), REGISTRATION_REFUSAL_REASON_INVALID_TOKEN) << i;
  }
  clock_.Advance(absl::Minutes(10));
  for (const char* token : {"guess", "", "let-me-in-0123456"}) {
    EXPECT_EQ(reason(token, "192.0.2.1"), REGISTRATION_REFUSAL_REASON_RATE_LIMITED) << token;
  }
  EXPECT_EQ(Register(kNative, "guess")->refusal().retry_after().seconds(), 50 * 60);
  EXPECT_THAT(logto_.calls(), IsEmpty());
  EXPECT_EQ(reason("let-me-in-0123456", "192.0.2.2"), 0);
  clock_.Advance(absl::Minutes(50));
  EXPECT_EQ(reason("let-me-in-0123456", "192.0.2.1"), 0);
}

TEST_F(RegistrarTest, ATokenThatIsTooShortLetsNobodyIn) {
  options_.token_file = absl::StrCat(std::getenv("TEST_TMPDIR"), "/short_access_token");
  std::ofstream(options_.token_file) << "let-me-in\n";
  testing::internal::CaptureStderr();
  EXPECT_EQ(Register(kNative, "let-me-in").status().code(), absl::StatusCode::kUnavailable);
  common::FlushLog();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("at least 16 bytes, got 9"));
  EXPECT_THAT(logto_.calls(), IsEmpty());
}

TEST_F(RegistrarTest, WithoutTheFileOfTheTokenNobodyIsLetIn) {
  options_.token_file = "/nowhere";
  EXPECT_EQ(Register(kNative, "").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(logto_.calls(), IsEmpty());
}

TEST_F(RegistrarTest, AnAddressCanRegisterSoManyInAnHour) {
  options_.per_hour_per_address = 2;
  options_.per_hour = 3;
  EXPECT_TRUE(Register(kNative)->has_client());
  EXPECT_EQ(Refused("{}").reason(), REGISTRATION_REFUSAL_REASON_INVALID_REDIRECT_URI);  // does not count
  clock_.Advance(absl::Milliseconds(500));
  EXPECT_TRUE(Register(kNative)->has_client());
  const RegistrationRefusal refusal = Refused(kNative);
  EXPECT_EQ(refusal.reason(), REGISTRATION_REFUSAL_REASON_RATE_LIMITED);
  EXPECT_EQ(refusal.retry_after().seconds(), 3600);
  EXPECT_TRUE(Register(kNative, "", "192.0.2.2")->has_client());
  EXPECT_FALSE(Register(kNative, "", "192.0.2.3")->has_client());
  EXPECT_EQ(logto_.applications().size(), 3u);
}

TEST_F(RegistrarTest, WhatCannotHaveCreatedAnythingDoesNotCount) {
  options_.per_hour_per_address = 1;
  const auto fails = [this] {
    EXPECT_EQ(Register(kNative).status().code(), absl::StatusCode::kUnavailable);
    clock_.Advance(absl::Seconds(2));  // the machine token may be asked for again
  };
  testing::internal::CaptureStderr();
  logto_.Fail("POST /oidc/token", HttpResponse{503, ""}, 3);
  for (int i = 0; i < 3; ++i) fails();
  logto_.Fail(kCreate, NotSent(absl::UnavailableError("connection refused")), 3);
  for (int i = 0; i < 3; ++i) fails();
  gone_after_ = 0;
  fails();
  gone_after_ = 1'000'000;
  common::FlushLog();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), Not(HasSubstr("registration_outcome_unknown")));
  // A request that was lost on the way may have created something.
  logto_.Fail(kCreate, absl::UnavailableError("connection reset"));
  fails();
  EXPECT_EQ(Refused(kNative).reason(), REGISTRATION_REFUSAL_REASON_RATE_LIMITED);
}

TEST_F(RegistrarTest, WhenALaterStepFailsNothingIsLeftBehind) {
  for (const char* step : {"POST /api/applications/app", "PUT /api/applications/", "GET /api/applications/"}) {
    for (const absl::StatusOr<HttpResponse>& answer :
         {absl::StatusOr<HttpResponse>(HttpResponse{500, "Internal Server Error"}),
          absl::StatusOr<HttpResponse>(HttpResponse{422, R"({"code":"application.third_party_application_only"})"}),
          absl::StatusOr<HttpResponse>(absl::DeadlineExceededError("slow"))}) {
      logto_.Fail(step, answer);
      EXPECT_EQ(Register(kConfidential).status().code(), absl::StatusCode::kUnavailable) << step;
      EXPECT_THAT(logto_.applications(), IsEmpty()) << step;
    }
  }
  EXPECT_EQ(metrics_.withdrawn.Value(), 9);
  EXPECT_EQ(metrics_.unavailable.Value(), 9);
  EXPECT_EQ(metrics_.left_behind.Value(), 0);
}

TEST_F(RegistrarTest, AnApplicationWithoutASecretIsTakenBack) {
  logto_.SetApplicationSecrets(json::array());
  EXPECT_EQ(Register(kConfidential).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(logto_.applications(), IsEmpty());
}

TEST_F(RegistrarTest, TakingBackIsTriedAFewTimes) {
  logto_.Fail("POST /api/applications/app", HttpResponse{500, "Internal Server Error"});
  logto_.Fail(kDelete, HttpResponse{500, "Internal Server Error"}, 2);
  EXPECT_EQ(Register(kNative).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(logto_.applications(), IsEmpty());
  EXPECT_EQ(logto_.CountOf(kDelete), 3);
  EXPECT_THAT(pauses_, ElementsAre(absl::Milliseconds(500), absl::Seconds(2)));
}

TEST_F(RegistrarTest, AnOperatorIsToldWhatCouldNotBeTakenBack) {
  logto_.Fail("POST /api/applications/app", HttpResponse{500, "Internal Server Error"});
  logto_.Fail(kDelete, HttpResponse{500, "Internal Server Error"}, 3);
  testing::internal::CaptureStderr();
  EXPECT_EQ(Register(kNative).status().code(), absl::StatusCode::kUnavailable);
  common::FlushLog();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("registration_left_behind"));
  EXPECT_THAT(log, HasSubstr("\"application_id\":\"" + logto_.applications().begin()->first));
  EXPECT_EQ(metrics_.left_behind.Value(), 1);
}

TEST_F(RegistrarTest, ACreationWithoutAnAnswerIsLoggedByItsRequest) {
  logto_.Fail(kCreate, absl::DeadlineExceededError("slow"));
  testing::internal::CaptureStderr();
  EXPECT_EQ(Register(kNative).status().code(), absl::StatusCode::kUnavailable);
  common::FlushLog();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("registration_outcome_unknown"));
  EXPECT_EQ(logto_.CountOf(kDelete), 0);
}

TEST_F(RegistrarTest, WhatLogtoItselfRefusesIsTheClientsFault) {
  logto_.Fail(kCreate, HttpResponse{400, R"({"code":"guard.invalid_input"})"});
  EXPECT_EQ(Refused(kNative).reason(), REGISTRATION_REFUSAL_REASON_INVALID_CLIENT_METADATA);
}

TEST_F(RegistrarTest, ACallerWhoLeavesLeavesNothingBehind) {
  for (int steps = 0; steps <= 4; ++steps) {
    gone_after_ = steps;
    EXPECT_EQ(Register(kConfidential).status().code(), absl::StatusCode::kUnavailable) << steps;
    EXPECT_THAT(logto_.applications(), IsEmpty()) << steps;
  }
  EXPECT_EQ(logto_.CountOf(kCreate), 4 + 3);  // four creations, and three steps below an application
  gone_after_ = 5;
  EXPECT_TRUE(Register(kConfidential)->has_client());
}

TEST_F(RegistrarTest, ARegistrationThatReachedNobodyIsWithdrawn) {
  const std::string id = Registered(kNative)["client_id"];
  registrar().Withdraw(id, "request-1");
  EXPECT_THAT(logto_.applications(), IsEmpty());
}

TEST_F(RegistrarTest, OneLineTellsOfEachRegistrationAndNoSecret) {
  testing::internal::CaptureStderr();
  const std::string id = Registered(kConfidential)["client_id"];
  (void)Refused(R"({"redirect_uris":["https://evil.example/s3cret#f"],"client_name":"x"})", "s3cret-token");
  common::FlushLog();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr(absl::StrCat(
                       R"("event":"client_registration","outcome":"registered","reason":"","client_id":")", id,
                       R"(","client_name":"Agent","kind":"confidential","redirect_hosts":"agent.example",)",
                       R"("client_address":"192.0.2.1","request_id":"request-1")")));
  EXPECT_THAT(log, HasSubstr(R"("outcome":"invalid_redirect_uri","reason":"redirect_uris[0] must have no fragment")"));
  EXPECT_THAT(log, Not(HasSubstr("secret-of")));
  EXPECT_THAT(log, Not(HasSubstr("s3cret")));
}

TEST_F(RegistrarTest, AFieldThatIsTooLongIsTheResourceServersMistake) {
  EXPECT_EQ(Register(std::string(64 * 1024 + 1, ' ')).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Register(kNative, std::string(8193, 'a')).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Register(kNative, "", std::string(65, '1')).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace auth_service
