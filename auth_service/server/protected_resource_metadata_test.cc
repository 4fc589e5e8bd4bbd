#include "auth_service/server/protected_resource_metadata.h"

#include "gtest/gtest.h"

namespace auth_service {
namespace {

TEST(ProtectedResourceMetadataTest, NamesTheResourceItsIssuerAndScopes) {
  EXPECT_EQ(ProtectedResourceMetadata("https://mcp.example.com/mcp", {"https://id.example.com/oidc"},
                                      {"openid", "profile", "email"}),
            R"({"resource":"https://mcp.example.com/mcp","authorization_servers":["https://id.example.com/oidc"],)"
            R"("scopes_supported":["openid","profile","email"],"bearer_methods_supported":["header"],)"
            R"("resource_name":"Gatehouse"})");
}

TEST(ProtectedResourceMetadataTest, IssuersAreInTheirOrder) {
  EXPECT_NE(ProtectedResourceMetadata("https://a/mcp", {"https://c", "https://b"}, {})
                .find(R"("authorization_servers":["https://c","https://b"])"),
            std::string::npos);
}

TEST(ProtectedResourceMetadataTest, NoScopesNoMember) {
  EXPECT_EQ(ProtectedResourceMetadata("https://a/mcp", {"https://b"}, {}).find("scopes_supported"), std::string::npos);
}

}  // namespace
}  // namespace auth_service
