#include "auth_service/token/introspection_verifier.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "auth_service/provider/fake_http_client.h"
#include "common/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::RefusalReason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kIssuer[] = "https://id.example.com/oidc";
constexpr char kMetadata[] = "https://id.example.com/oidc/.well-known/openid-configuration";
constexpr char kIntrospection[] = "https://id.example.com/oidc/token/introspection";
constexpr char kResource[] = "https://mcp.example.com/mcp";
constexpr char kToken[] = "NzJhY2Y0ZDQtZmFrZS1vcGFxdWUtdG9rZW4tMDAwMDE";
constexpr int64_t kNow = 1'800'000'000;

// What Logto answers for an access token; `more` members are added.
std::string Active(absl::string_view more = "", absl::string_view token_type = R"("token_type":"Bearer")") {
  return absl::StrCat(R"({"active":true,"sub":"ffsuss18c8xn","client_id":"smartmail","iat":1799999990,)"
                      R"("scope":"openid profile",)",
                      token_type, more, "}");
}

class IntrospectionVerifierTest : public ::testing::Test {
 protected:
  IntrospectionVerifierTest() {
    provider_.Answer(kMetadata, 200,
                     absl::StrCat(R"({"issuer":")", kIssuer, R"(","introspection_endpoint":")", kIntrospection, "\"}"));
    EXPECT_TRUE(discovery_.Refresh().ok());
    WriteSecret("s3cret\n");
  }

  static std::string Path(absl::string_view name) { return absl::StrCat(std::getenv("TEST_TMPDIR"), "/", name); }

  static void Write(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::trunc) << content;
  }

  void WriteSecret(const std::string& content) { Write(Path("secret"), content); }

  static IntrospectionVerifier::Options Options() {
    Write(Path("id"), "gate:house\n");
    return {Path("id"), Path("secret"), absl::Seconds(5), absl::Seconds(30)};
  }

  absl::StatusOr<Verdict> Verify() {
    EXPECT_FALSE(verifier_.VerifyLocally(kToken, kResource).has_value());
    return verifier_.VerifyWithProvider(kToken, kResource, clock_.Now() + absl::Seconds(3));
  }

  absl::StatusOr<Verdict> VerifyAnswer(int status, const std::string& body) {
    provider_.Answer(kIntrospection, status, body);
    return Verify();
  }

  RefusalReason ReasonOf(const std::string& body, int status = 200) {
    const absl::StatusOr<Verdict> verdict = VerifyAnswer(status, body);
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    return verdict.ok() ? verdict->response.refusal().reason() : gatehouse::auth::v1::REFUSAL_REASON_UNSPECIFIED;
  }

  common::FakeClock clock_{absl::FromUnixSeconds(kNow)};
  FakeHttpClient provider_;
  Discovery discovery_{kIssuer, absl::Seconds(5), provider_, clock_};
  IntrospectionVerifier verifier_{Options(), discovery_, provider_, clock_};
};

TEST_F(IntrospectionVerifierTest, AnActiveTokenTellsUserClientScopesAndExpiry) {
  const std::string body = Active(absl::StrCat(R"(,"exp":)", kNow + 3600, R"(,"iss":")", kIssuer, "\""));
  const absl::StatusOr<Verdict> verdict = VerifyAnswer(200, body);
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  ASSERT_TRUE(verdict->accepted()) << verdict->detail;
  const auto& principal = verdict->response.principal();
  EXPECT_EQ(principal.issuer(), kIssuer);
  EXPECT_EQ(principal.subject(), "ffsuss18c8xn");
  EXPECT_EQ(principal.client_id(), "smartmail");
  EXPECT_THAT(principal.scopes(), ElementsAre("openid", "profile"));
  EXPECT_TRUE(principal.scopes_known());
  EXPECT_EQ(principal.claims_json(), body);
  EXPECT_EQ(principal.expire_time().seconds(), kNow + 3600);
  EXPECT_EQ(principal.token_kind(), gatehouse::auth::v1::TOKEN_KIND_OPAQUE);
  EXPECT_FALSE(principal.audience_known());
  ASSERT_EQ(principal.claim_origins_size(), 1);
  EXPECT_EQ(principal.claim_origins(0).source(), gatehouse::auth::v1::CLAIM_SOURCE_INTROSPECTION);
}

TEST_F(IntrospectionVerifierTest, AsksAsAClientOfTheProvider) {
  ASSERT_TRUE(VerifyAnswer(200, Active()).ok());
  const HttpRequest request = provider_.requests().back();
  EXPECT_EQ(request.endpoint, ProviderEndpoint::kIntrospection);
  EXPECT_EQ(request.method, HttpMethod::kPost);
  EXPECT_EQ(request.basic_user, "gate:house");
  EXPECT_EQ(request.basic_password, "s3cret");
  EXPECT_EQ(request.bearer_token, "");
  EXPECT_EQ(request.content_type, "application/x-www-form-urlencoded");
  EXPECT_EQ(request.body, absl::StrCat("token=", kToken, "&token_type_hint=access_token"));
  EXPECT_EQ(request.timeout, absl::Seconds(3));
  EXPECT_EQ(verifier_.VerifyWithProvider("a+/=", kResource, clock_.Now() + absl::Seconds(60))->accepted(), true);
  EXPECT_EQ(provider_.requests().back().body, "token=a%2B%2F%3D&token_type_hint=access_token");
  EXPECT_EQ(provider_.requests().back().timeout, absl::Seconds(5));
}

TEST_F(IntrospectionVerifierTest, AChangedSecretIsUsedAtOnceAndAMissingOneIsNoVerdict) {
  ASSERT_TRUE(VerifyAnswer(200, Active()).ok());
  WriteSecret("another\n");
  ASSERT_TRUE(Verify().ok());
  EXPECT_EQ(provider_.requests().back().basic_password, "another");
  WriteSecret("");
  const absl::Status status = Verify().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("--introspection_client_secret_file"));
}

TEST_F(IntrospectionVerifierTest, WhatTheProviderDoesNotHoldActiveIsInactive) {
  EXPECT_EQ(ReasonOf(R"({"active":false})"), gatehouse::auth::v1::REFUSAL_REASON_INACTIVE);
  EXPECT_EQ(ReasonOf(R"({"active":false,"sub":"alice"})"), gatehouse::auth::v1::REFUSAL_REASON_INACTIVE);
  EXPECT_EQ(ReasonOf(R"({"error":"unsupported_token_type"})", 400), gatehouse::auth::v1::REFUSAL_REASON_INACTIVE);
}

TEST_F(IntrospectionVerifierTest, ATokenOfAnotherKindIsNoAccessToken) {
  EXPECT_TRUE(VerifyAnswer(200, Active("", R"("token_type":"bearer")"))->accepted());
  // Logto's answer for a refresh token has none.
  EXPECT_EQ(ReasonOf(Active("", R"("jti":"x")")), gatehouse::auth::v1::REFUSAL_REASON_WRONG_TYPE);
  for (const char* type : {"\"DPoP\"", "\"refresh_token\"", "null", "7", "\"\""}) {
    EXPECT_EQ(ReasonOf(Active("", absl::StrCat("\"token_type\":", type))),
              gatehouse::auth::v1::REFUSAL_REASON_WRONG_TYPE)
        << type;
  }
}

TEST_F(IntrospectionVerifierTest, IssuerAndAudienceMustBeRightIfTheyAreThere) {
  EXPECT_TRUE(VerifyAnswer(200, Active(R"(,"iss":null,"aud":null)"))->accepted());
  EXPECT_EQ(ReasonOf(Active(R"(,"iss":"https://id.example.com/oidc/")")),
            gatehouse::auth::v1::REFUSAL_REASON_WRONG_ISSUER);
  EXPECT_EQ(ReasonOf(Active(R"(,"iss":7)")), gatehouse::auth::v1::REFUSAL_REASON_WRONG_ISSUER);
  for (const char* audience : {R"("https://mcp.example.com/mcp")", R"(["a","https://mcp.example.com/mcp"])"}) {
    const absl::StatusOr<Verdict> verdict = VerifyAnswer(200, Active(absl::StrCat(",\"aud\":", audience)));
    ASSERT_TRUE(verdict->accepted()) << audience;
    EXPECT_TRUE(verdict->response.principal().audience_known());
  }
  for (const char* audience : {"\"smartmail\"", "[]", "7", "\"https://mcp.example.com/mcp/\"", "\"\""}) {
    EXPECT_EQ(ReasonOf(Active(absl::StrCat(",\"aud\":", audience))), gatehouse::auth::v1::REFUSAL_REASON_WRONG_AUDIENCE)
        << audience;
  }
}

TEST_F(IntrospectionVerifierTest, TimesAreCheckedThoughTheProviderCallsItActive) {
  EXPECT_TRUE(VerifyAnswer(200, Active(absl::StrCat(",\"exp\":", kNow - 29)))->accepted());
  EXPECT_EQ(ReasonOf(Active(absl::StrCat(",\"exp\":", kNow - 30))), gatehouse::auth::v1::REFUSAL_REASON_EXPIRED);
  EXPECT_EQ(ReasonOf(Active(",\"exp\":\"soon\"")), gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM);
  EXPECT_TRUE(VerifyAnswer(200, Active(absl::StrCat(",\"nbf\":", kNow + 30)))->accepted());
  EXPECT_EQ(ReasonOf(Active(absl::StrCat(",\"nbf\":", kNow + 31))), gatehouse::auth::v1::REFUSAL_REASON_NOT_YET_VALID);
  EXPECT_EQ(ReasonOf(Active(",\"nbf\":[]")), gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM);
  EXPECT_FALSE(VerifyAnswer(200, Active())->response.principal().has_expire_time());
}

TEST_F(IntrospectionVerifierTest, SubjectAndScopesMustBeReadable) {
  for (const char* subject : {"", "\"sub\":null,", "\"sub\":\"\",", "\"sub\":7,"}) {
    EXPECT_EQ(ReasonOf(absl::StrCat("{", subject, R"("active":true,"token_type":"Bearer"})")),
              gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM)
        << subject;
  }
  EXPECT_EQ(ReasonOf(R"({"active":true,"token_type":"Bearer","sub":"a","scope":"mail:read\tmail:write"})"),
            gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM);
  EXPECT_EQ(ReasonOf(R"({"active":true,"token_type":"Bearer","sub":"a","scope":7})"),
            gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM);
  const absl::StatusOr<Verdict> none = VerifyAnswer(200, R"({"active":true,"token_type":"Bearer","sub":"a"})");
  EXPECT_TRUE(none->response.principal().scopes_known());
  EXPECT_EQ(none->response.principal().scopes_size(), 0);
}

TEST_F(IntrospectionVerifierTest, WhatSaysNothingOfTheTokenIsNoVerdict) {
  for (const int status : {201, 204, 302, 404, 405, 429, 500, 502, 503}) {
    EXPECT_EQ(VerifyAnswer(status, R"({"active":false})").status().code(), absl::StatusCode::kUnavailable) << status;
  }
  EXPECT_EQ(VerifyAnswer(400, R"({"error":"invalid_request"})").status().code(), absl::StatusCode::kUnavailable);
  for (const std::string& body :
       {std::string(), std::string("{}"), std::string("[]"), std::string("<html>"), std::string(R"({"active":"true"})"),
        std::string(R"({"active":1})"), std::string(R"({"active":true,"active":false})"),
        R"({"active":false,"a":")" + std::string(65'536, 'x') + "\"}"}) {
    EXPECT_EQ(VerifyAnswer(200, body).status().code(), absl::StatusCode::kUnavailable) << body.substr(0, 80);
  }
  provider_.AnswerWith(kIntrospection, absl::DeadlineExceededError("slow"));
  EXPECT_EQ(Verify().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(IntrospectionVerifierTest, RefusedCredentialsAreOurFaultAndAreToldOnceAMinute) {
  const auto lines = [&](int status, const char* body) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(VerifyAnswer(status, body).status().code(), absl::StatusCode::kUnavailable);
    common::FlushLog();
    return testing::internal::GetCapturedStderr();
  };
  const std::string first = lines(401, R"({"error":"invalid_client"})");
  EXPECT_THAT(first, HasSubstr("introspection_credentials_refused"));
  EXPECT_THAT(first, HasSubstr("--introspection_client_secret_file="));
  EXPECT_THAT(first, Not(HasSubstr("s3cret")));
  EXPECT_THAT(first, Not(HasSubstr(kToken)));
  EXPECT_EQ(lines(401, ""), "");
  EXPECT_EQ(lines(403, ""), "");
  clock_.Advance(absl::Minutes(1));
  EXPECT_THAT(lines(400, R"({"error":"invalid_client"})"), HasSubstr("introspection_credentials_refused"));
}

TEST_F(IntrospectionVerifierTest, WithoutMetadataOrEndpointThereIsNobodyToAsk) {
  Discovery nothing_yet(kIssuer, absl::Seconds(5), provider_, clock_);
  IntrospectionVerifier verifier(Options(), nothing_yet, provider_, clock_);
  EXPECT_EQ(verifier.VerifyWithProvider(kToken, kResource, absl::InfiniteFuture()).status().code(),
            absl::StatusCode::kUnavailable);
  provider_.Answer(kMetadata, 200, absl::StrCat(R"({"issuer":")", kIssuer, "\"}"));
  ASSERT_TRUE(nothing_yet.Refresh().ok());
  EXPECT_EQ(verifier.VerifyWithProvider(kToken, kResource, absl::InfiniteFuture()).status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace auth_service
