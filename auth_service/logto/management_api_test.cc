#include "auth_service/logto/management_api.h"

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "auth_service/logto/testing/fake_logto.h"
#include "common/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kUser[] = "ffsuss18c8xn";
constexpr char kToken[] = "POST /oidc/token";
constexpr char kGetUser[] = "GET /api/users/ffsuss18c8xn";

std::vector<std::string> Values(const std::vector<LogtoSecret>& secrets) {
  std::vector<std::string> values;
  for (const LogtoSecret& secret : secrets) values.push_back(secret.value);
  return values;
}

class ManagementApiTest : public ::testing::Test {
 protected:
  ManagementApiTest() { logto_.AddUser(kUser, {{"username", "alice"}, {"primaryEmail", "alice@example.com"}}); }

  ~ManagementApiTest() override { logto_.Release(); }

  ManagementApiOptions Options() const {
    ManagementApiOptions options;
    options.endpoint = FakeLogto::kEndpoint;
    options.client_id_file = credentials_.client_id_file;
    options.client_secret_file = credentials_.client_secret_file;
    return options;
  }

  absl::Time Soon() const { return clock_.Now() + absl::Seconds(20); }

  absl::Status GetUser(absl::string_view id = kUser) { return api_.GetUser(id, Soon()).status(); }

  NewLogtoApplication App(LogtoApplicationType type = LogtoApplicationType::kNative) const {
    NewLogtoApplication app;
    app.name = "Agent \"<b>\" \xC3\xA9";
    app.type = type;
    app.redirect_uris = {"http://127.0.0.1/cb"};
    return app;
  }

  common::FakeClock clock_;
  FakeLogto logto_{clock_};
  const FakeLogtoCredentials credentials_;
  ManagementApi api_{Options(), logto_, clock_};
};

TEST_F(ManagementApiTest, ReadsAUserWithATokenOfItsOwn) {
  const absl::StatusOr<LogtoUser> user = api_.GetUser(kUser, Soon());
  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_FALSE(user->suspended);
  EXPECT_THAT(logto_.calls(), ElementsAre(kToken, kGetUser));
  logto_.Suspend(kUser);
  EXPECT_TRUE(api_.GetUser(kUser, Soon())->suspended);
  EXPECT_EQ(logto_.CountOf(kToken), 1);
}

TEST_F(ManagementApiTest, TheTokenIsRenewedWhenFourFifthsOfItsLifeAreOver) {
  EXPECT_TRUE(GetUser().ok());
  clock_.Advance(absl::Seconds(2879));
  EXPECT_TRUE(GetUser().ok());
  EXPECT_EQ(logto_.CountOf(kToken), 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(GetUser().ok());
  EXPECT_EQ(logto_.CountOf(kToken), 2);
}

TEST_F(ManagementApiTest, TheOldTokenServesWhileNoNewOneIsToBeHad) {
  EXPECT_TRUE(GetUser().ok());
  clock_.Advance(absl::Seconds(3000));
  logto_.Fail(kToken, HttpResponse{500, "Internal Server Error"}, 1000);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(GetUser().ok());
  EXPECT_EQ(logto_.CountOf(kToken), 2);  // asked again no sooner than after a second
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(GetUser().ok());
  EXPECT_EQ(logto_.CountOf(kToken), 3);
  clock_.Advance(absl::Seconds(599));  // its end
  EXPECT_EQ(GetUser().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(logto_.CountOf(kGetUser), 12);
}

TEST_F(ManagementApiTest, ManyWhoNeedATokenMakeOneRequestForIt) {
  logto_.Hold();
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 10; ++i) {
    callers.emplace_back([&] {
      if (GetUser().ok()) ++good;
    });
  }
  logto_.AwaitRequests(1);
  logto_.Release();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(good, 10);
  EXPECT_EQ(logto_.CountOf(kToken), 1);
}

TEST_F(ManagementApiTest, ATokenThatIsNoLongerGoodIsReplacedOnce) {
  EXPECT_TRUE(GetUser().ok());
  clock_.Advance(absl::Seconds(10));
  logto_.ForgetTokens();
  EXPECT_TRUE(GetUser().ok());
  EXPECT_THAT(logto_.calls(), ElementsAre(kToken, kGetUser, kGetUser, kToken, kGetUser));
}

TEST_F(ManagementApiTest, AnApplicationWithoutTheRoleIsNotAskedForEver) {
  logto_.Fail("GET /api", HttpResponse{401, R"({"code":"auth.unauthorized","data":{"payload":"s3cret"}})"}, 1000);
  testing::internal::CaptureStderr();
  const absl::Status status = GetUser();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the role Logto Management API access"));
  EXPECT_THAT(logto_.calls(), ElementsAre(kToken, kGetUser));
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(GetUser().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(logto_.CountOf(kToken), 2);
  EXPECT_EQ(logto_.CountOf(kGetUser), 3);
  common::FlushLog();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), Not(HasSubstr("s3cret")));
}

TEST_F(ManagementApiTest, ASecretThatWasExchangedIsUsedFromThenOn) {
  logto_.SetSecret("newer-s3cret");
  testing::internal::CaptureStderr();
  const absl::Status refused = GetUser();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("401, invalid_client: see --logto_client_id_file"));
  credentials_.SetSecret("newer-s3cret");
  EXPECT_EQ(GetUser().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(logto_.CountOf(kToken), 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(GetUser().ok());
  common::FlushLog();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("management_api_token_failed"));
  EXPECT_THAT(log, Not(HasSubstr("s3cret")));
}

TEST_F(ManagementApiTest, WithoutCredentialsNothingIsAsked) {
  ManagementApiOptions options = Options();
  options.client_secret_file = "/nowhere";
  ManagementApi api(options, logto_, clock_);
  const absl::Status status = api.GetUser(kUser, Soon()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("--logto_client_secret_file /nowhere"));
  EXPECT_THAT(logto_.calls(), IsEmpty());
}

TEST_F(ManagementApiTest, ATokenAnswerThatIsNoneGivesNoToken) {
  for (const char* body : {"", "Created", "[]", R"({"access_token":"t","token_type":"Bearer"})",
                           R"({"access_token":"t","token_type":"Bearer","expires_in":"3600"})",
                           R"({"access_token":"t","token_type":"Bearer","expires_in":0})",
                           R"({"access_token":"","token_type":"Bearer","expires_in":3600})",
                           R"({"access_token":"a b","token_type":"Bearer","expires_in":3600})",
                           R"({"access_token":"a\r\nX: y","token_type":"Bearer","expires_in":3600})",
                           R"({"access_token":"t","token_type":"DPoP","expires_in":3600})"}) {
    logto_.Fail(kToken, HttpResponse{200, body});
    EXPECT_EQ(GetUser().code(), absl::StatusCode::kUnavailable) << body;
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(logto_.CountOf(kGetUser), 0);
  EXPECT_EQ(ParseIssuedToken(R"({"access_token":"t","token_type":"bearer","expires_in":1e9})")->lifetime,
            absl::Hours(24));
}

TEST_F(ManagementApiTest, OnlyLogtosOwnWordSaysThatThereIsNoUser) {
  EXPECT_EQ(GetUser("nobody").code(), absl::StatusCode::kNotFound);
  logto_.Fail(kGetUser, HttpResponse{404, "Not Found"});
  EXPECT_EQ(GetUser().code(), absl::StatusCode::kUnavailable);
  logto_.Fail(kGetUser, HttpResponse{404, R"({"message":"no Route matched"})"});
  EXPECT_EQ(GetUser().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ManagementApiTest, WhatIsNoAnswerIsUnavailable) {
  for (const int status : {500, 502, 503, 429, 403, 301, 302}) {
    logto_.Fail(kGetUser, HttpResponse{status, "Internal Server Error"});
    EXPECT_EQ(GetUser().code(), absl::StatusCode::kUnavailable) << status;
  }
  for (const absl::Status& status :
       {absl::DeadlineExceededError("slow"), absl::UnavailableError("refused"), absl::ResourceExhaustedError("long")}) {
    logto_.Fail(kGetUser, status);
    EXPECT_EQ(GetUser().code(), absl::StatusCode::kUnavailable) << status;
  }
  logto_.Fail(kGetUser, HttpResponse{200, "Created"});
  EXPECT_EQ(GetUser().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ManagementApiTest, WhatIsNoIdGoesIntoNoUrl) {
  for (const std::string& id :
       {std::string(), std::string("../applications"), std::string("a/b"), std::string("a?b"), std::string("a%2Fb"),
        std::string("a b"), std::string("\xC3\xA9"), std::string(129, 'a')}) {
    EXPECT_EQ(GetUser(id).code(), absl::StatusCode::kInvalidArgument) << id;
    EXPECT_EQ(api_.DeleteApplication(id, Soon()).code(), absl::StatusCode::kInvalidArgument) << id;
    EXPECT_EQ(api_.AddUserConsentScopes(id, {}, Soon()).code(), absl::StatusCode::kInvalidArgument) << id;
    EXPECT_EQ(api_.SetSignInExperience(id, {}, Soon()).code(), absl::StatusCode::kInvalidArgument) << id;
    EXPECT_EQ(api_.GetApplicationSecrets(id, Soon()).status().code(), absl::StatusCode::kInvalidArgument) << id;
  }
  EXPECT_THAT(logto_.calls(), IsEmpty());
}

TEST_F(ManagementApiTest, ARequestTakesNoLongerThanTheCallerOrTheSettingAllows) {
  EXPECT_TRUE(GetUser().ok());
  EXPECT_EQ(logto_.requests().back().timeout, absl::Seconds(5));
  EXPECT_TRUE(api_.GetUser(kUser, clock_.Now() + absl::Milliseconds(700)).ok());
  EXPECT_EQ(logto_.requests().back().timeout, absl::Milliseconds(700));
  const size_t before = logto_.requests().size();
  EXPECT_EQ(api_.GetUser(kUser, clock_.Now()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(logto_.requests().size(), before);
}

TEST_F(ManagementApiTest, AnApplicationIsMadeInSteps) {
  NewLogtoApplication app = App(LogtoApplicationType::kTraditional);
  app.description = "made by a test";
  app.always_issue_refresh_token = true;
  app.custom_data = {{"client_uri", "https://agent.example"}, {"nothing", ""}};
  const absl::StatusOr<std::string> id = api_.CreateApplication(app, Soon());
  ASSERT_TRUE(id.ok()) << id.status();
  EXPECT_TRUE(api_.AddUserConsentScopes(*id, {{"profile", "email"}, {FakeLogto::kKnownResourceScope}}, Soon()).ok());
  LogtoBranding branding;
  branding.display_name = "Agent";
  branding.logo_uri = "https://agent.example/logo.png";
  EXPECT_TRUE(api_.SetSignInExperience(*id, branding, Soon()).ok());
  EXPECT_THAT(Values(*api_.GetApplicationSecrets(*id, Soon())), ElementsAre("secret-of-" + *id));
  const FakeLogto::Application made = logto_.applications().at(*id);
  EXPECT_EQ(made.created, json::parse(R"({"name":"Agent \"<b>\" é","type":"Traditional","isThirdParty":true,)"
                                      R"("description":"made by a test","oidcClientMetadata":{"redirectUris":)"
                                      R"(["http://127.0.0.1/cb"],"postLogoutRedirectUris":[]},"customClientMetadata":)"
                                      R"({"alwaysIssueRefreshToken":true},"customData":)"
                                      R"({"client_uri":"https://agent.example"}})"));
  EXPECT_THAT(made.user_scopes, ElementsAre("profile", "email"));
  EXPECT_THAT(made.resource_scopes, ElementsAre(FakeLogto::kKnownResourceScope));
  EXPECT_EQ(made.sign_in_experience,
            json::parse(R"({"displayName":"Agent","branding":{"logoUrl":"https://agent.example/logo.png"}})"));
  EXPECT_TRUE(api_.DeleteApplication(*id, Soon()).ok());
  EXPECT_THAT(logto_.applications(), IsEmpty());
  EXPECT_TRUE(api_.DeleteApplication(*id, Soon()).ok());  // gone is gone
  EXPECT_EQ(api_.AddUserConsentScopes(*id, {}, Soon()).code(), absl::StatusCode::kNotFound);
}

TEST_F(ManagementApiTest, ANativeApplicationHasNoSettingForRefreshTokens) {
  NewLogtoApplication app = App();
  app.always_issue_refresh_token = true;
  const absl::StatusOr<std::string> id = api_.CreateApplication(app, Soon());
  ASSERT_TRUE(id.ok()) << id.status();
  EXPECT_FALSE(logto_.applications().at(*id).created.contains("customClientMetadata"));
  EXPECT_THAT(*api_.GetApplicationSecrets(*id, Soon()), IsEmpty());
}

TEST_F(ManagementApiTest, ARefusedRequestSaysByWhichCode) {
  const absl::StatusOr<std::string> id = api_.CreateApplication(App(), Soon());
  ASSERT_TRUE(id.ok()) << id.status();
  const absl::Status unknown_scope = api_.AddUserConsentScopes(*id, {{}, {"unknown"}}, Soon());
  EXPECT_EQ(unknown_scope.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(unknown_scope.message()), HasSubstr("422, application.user_consent_scopes_not_found"));
  EXPECT_EQ(api_.AddUserConsentScopes(*id, {{"nonsense"}, {}}, Soon()).code(), absl::StatusCode::kInvalidArgument);
  NewLogtoApplication nameless = App();
  nameless.name = "";
  EXPECT_THAT(std::string(api_.CreateApplication(nameless, Soon()).status().message()),
              HasSubstr("400, guard.invalid_input"));
}

TEST_F(ManagementApiTest, AnAnswerWithoutAnIdMadeNoApplicationThatWeKnow) {
  for (const char* body : {"Created", "{}", R"({"id":""})", R"({"id":"../users"})", R"({"id":7})"}) {
    logto_.Fail("POST /api/applications", HttpResponse{200, body});
    EXPECT_EQ(api_.CreateApplication(App(), Soon()).status().code(), absl::StatusCode::kUnavailable) << body;
  }
}

TEST_F(ManagementApiTest, SecretsThatHaveExpiredAreNone) {
  const absl::Time now = clock_.Now();
  EXPECT_THAT(*ParseApplicationSecrets("[]", now), IsEmpty());
  const absl::StatusOr<std::vector<LogtoSecret>> secrets = ParseApplicationSecrets(
      R"([{"value":"a","expiresAt":1},{"value":"b","expiresAt":9999999999999},{"value":"c"}])", now);
  ASSERT_TRUE(secrets.ok()) << secrets.status();
  EXPECT_THAT(Values(*secrets), ElementsAre("b", "c"));
  EXPECT_EQ((*secrets)[0].expire_time, absl::FromUnixMillis(9999999999999));
  EXPECT_EQ((*secrets)[1].expire_time, absl::InfiniteFuture());
  for (const char* body : {"", "{}", "[1]", "[{}]", R"([{"value":""}])", R"([{"value":"a","expiresAt":"never"}])"}) {
    EXPECT_FALSE(ParseApplicationSecrets(body, now).ok()) << body;
  }
}

TEST_F(ManagementApiTest, AnErrorCodeIsTakenOnlyIfItLooksLikeOne) {
  EXPECT_EQ(LogtoErrorCode(R"({"code":"entity.not_exists_with_id"})"), "entity.not_exists_with_id");
  for (const char* body :
       {"", "[]", R"({"code":7})", R"({"code":"a b"})", R"({"code":"<script>"})", R"({"code":"é"})"}) {
    EXPECT_EQ(LogtoErrorCode(body), "") << body;
  }
}

}  // namespace
}  // namespace auth_service
