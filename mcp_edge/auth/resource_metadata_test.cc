#include "mcp_edge/auth/resource_metadata.h"

#include <functional>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "mcp_edge/auth/testing/fake_auth_service.h"
#include "mcp_edge/tools/grpc_channel.h"

namespace mcp_edge {
namespace {

constexpr char kMcp[] = "https://mcp.example/mcp";
constexpr char kSse[] = "https://mcp.example/sse";
constexpr char kMcpDocument[] =
    R"({"resource":"https://mcp.example/mcp", "scopes_supported":["openid","profile"],"x":1.0})";
constexpr char kSseDocument[] = R"({"resource":"https://mcp.example/sse"})";

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (!condition()) {
    if (absl::Now() > give_up) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

class ResourceMetadataTest : public ::testing::Test {
 protected:
  std::unique_ptr<ResourceMetadata> Start(bool mirror = false) {
    return std::make_unique<ResourceMetadata>(MakeChannel(service_->target()),
                                              ResourceMetadataOptions{.resources = {kMcp, kSse},
                                                                      .mirror_authorization_server = mirror,
                                                                      .refresh_interval = absl::Milliseconds(20),
                                                                      .min_backoff = absl::Milliseconds(10)});
  }

  std::unique_ptr<FakeAuthService> service_ = FakeAuthService::Start();
};

TEST_F(ResourceMetadataTest, ServesTheDocumentsAsTheyAre) {
  service_->SetProtectedResource(kMcp, kMcpDocument);
  service_->SetProtectedResource(kSse, kSseDocument);
  const auto metadata = Start();
  ASSERT_TRUE(Eventually([&] { return metadata->Ready().ok(); })) << metadata->Ready();
  EXPECT_EQ(*metadata->ProtectedResource(kMcp), kMcpDocument);
  EXPECT_EQ(*metadata->ProtectedResource(kSse), kSseDocument);
  EXPECT_EQ(metadata->Scopes(kMcp), "openid profile");
  EXPECT_EQ(metadata->Scopes(kSse), "");
  EXPECT_EQ(metadata->ProtectedResource("https://other.example/").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(metadata->AuthorizationServer().status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ResourceMetadataTest, IsUnavailableWithTheReasonUntilFetched) {
  service_->SetProtectedResource(kSse, kSseDocument);
  const auto metadata = Start();
  ASSERT_TRUE(Eventually([&] { return metadata->ProtectedResource(kSse).ok(); }));
  EXPECT_EQ(metadata->ProtectedResource(kMcp).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(metadata->Ready().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(Eventually([&] {
    return metadata->Ready().message().find("auth_service: not a configured resource") != absl::string_view::npos;
  })) << metadata->Ready();
  EXPECT_EQ(metadata->Scopes(kMcp), "");
  service_->SetProtectedResource(kMcp, kMcpDocument);
  EXPECT_TRUE(Eventually([&] { return metadata->Ready().ok(); }));
}

TEST_F(ResourceMetadataTest, MirrorsTheAuthorizationServerWhenAsked) {
  service_->SetProtectedResource(kMcp, kMcpDocument);
  service_->SetProtectedResource(kSse, kSseDocument);
  const auto metadata = Start(/*mirror=*/true);
  ASSERT_TRUE(Eventually([&] { return metadata->Ready().ok(); }));
  EXPECT_EQ(metadata->AuthorizationServer().status().code(), absl::StatusCode::kUnavailable);
  service_->SetAuthorizationServer(R"({"issuer": "https://issuer.example"})");
  ASSERT_TRUE(Eventually([&] { return metadata->AuthorizationServer().ok(); }));
  EXPECT_EQ(*metadata->AuthorizationServer(), R"({"issuer": "https://issuer.example"})");
}

TEST_F(ResourceMetadataTest, NamesTheEdgeAsThePlaceToRegisterUnlessTheProviderHasOne) {
  service_->SetProtectedResource(kMcp, kMcpDocument);
  service_->SetProtectedResource(kSse, kSseDocument);
  ResourceMetadataOptions options = {.resources = {kMcp, kSse},
                                     .mirror_authorization_server = true,
                                     .registration_endpoint = "https://mcp.example/register",
                                     .refresh_interval = absl::Milliseconds(20),
                                     .min_backoff = absl::Milliseconds(10)};
  ResourceMetadata metadata(MakeChannel(service_->target()), options);
  const std::pair<const char*, const char*> cases[] = {
      {R"({"issuer":"https://issuer.example","x": {"}":1} } )",
       R"({"issuer":"https://issuer.example","x": {"}":1} ,"registration_endpoint":"https://mcp.example/register"} )"},
      {"{}", R"({"registration_endpoint":"https://mcp.example/register"})"},
      {R"({"client_id_metadata_document_supported":true})",
       R"({"client_id_metadata_document_supported":true,"registration_endpoint":"https://mcp.example/register"})"},
      {R"({"registration_endpoint":"https://issuer.example/reg"})",
       R"({"registration_endpoint":"https://issuer.example/reg"})"},
  };
  for (const auto& [document, served] : cases) {
    service_->SetAuthorizationServer(document);
    EXPECT_TRUE(Eventually([&, served = served] {
      const absl::StatusOr<std::string> now = metadata.AuthorizationServer();
      return now.ok() && *now == served;
    })) << document
        << metadata.AuthorizationServer().value_or("");
  }
}

TEST_F(ResourceMetadataTest, FollowsChangesAndKeepsTheLastGoodDocument) {
  service_->SetProtectedResource(kMcp, kMcpDocument);
  service_->SetProtectedResource(kSse, kSseDocument);
  const auto metadata = Start();
  ASSERT_TRUE(Eventually([&] { return metadata->Ready().ok(); }));
  const std::string changed = R"({"resource":"https://mcp.example/mcp","scopes_supported":["email"]})";
  service_->SetProtectedResource(kMcp, changed);
  EXPECT_TRUE(Eventually([&] { return *metadata->ProtectedResource(kMcp) == changed; }));
  EXPECT_EQ(metadata->Scopes(kMcp), "email");
  for (const char* bad : {"", "[]", "{", R"({"resource":"https://other.example"})", R"({"resource":1})"}) {
    service_->SetProtectedResource(kMcp, bad);
    const int calls = service_->document_calls();
    EXPECT_TRUE(Eventually([&] { return service_->document_calls() >= calls + 4; }));
    EXPECT_EQ(*metadata->ProtectedResource(kMcp), changed) << bad;
  }
  service_.reset();
  EXPECT_EQ(*metadata->ProtectedResource(kMcp), changed);
  EXPECT_TRUE(metadata->Ready().ok());
}

TEST_F(ResourceMetadataTest, StopsAtOnceWhileTheServiceIsAway) {
  service_.reset();
  ResourceMetadataOptions options = {.resources = {kMcp}, .min_backoff = absl::Hours(1)};
  auto metadata = std::make_unique<ResourceMetadata>(MakeChannel("ipv4:127.0.0.1:1"), options);
  EXPECT_EQ(metadata->ProtectedResource(kMcp).status().code(), absl::StatusCode::kUnavailable);
  const absl::Time start = absl::Now();
  metadata.reset();
  EXPECT_LT(absl::Now() - start, absl::Seconds(2));
}

}  // namespace
}  // namespace mcp_edge
