#include "mcp_edge/http/host_policy.h"

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

HostPolicy Policy() {
  return *HostPolicy::Create("https://mcp.example.com/mcp", {"alias.example.com", "internal:8080"},
                             {"https://app.example.com"});
}

TEST(HostPolicyTest, OwnAndConfiguredHostsAreAllowed) {
  const HostPolicy policy = Policy();
  for (const char* host : {"mcp.example.com", "MCP.example.com:443", "alias.example.com:1", "internal:8080",
                           "localhost", "localhost:3001", "127.0.0.1:5", "[::1]:3001"}) {
    EXPECT_TRUE(policy.AllowsHost(host)) << host;
  }
}

TEST(HostPolicyTest, OtherHostsAreNot) {
  const HostPolicy policy = Policy();
  for (const char* host :
       {"", "evil.example.com", "internal:81", "localhost.evil.com", "127.0.0.1.evil.com", "localhost:x",
        "localhost:", "localhost/", "[::1", "[::2]", "user@localhost", "localhost,evil", "127.0.0.2"}) {
    EXPECT_FALSE(policy.AllowsHost(host)) << host;
  }
}

TEST(HostPolicyTest, OriginsAreComparedWhole) {
  const HostPolicy policy = Policy();
  for (const char* origin : {"https://mcp.example.com", "https://app.example.com", "http://localhost:5173",
                             "http://127.0.0.1", "http://[::1]:1"}) {
    EXPECT_TRUE(policy.AllowsOrigin(origin)) << origin;
  }
  for (const char* origin : {"null", "", "http://mcp.example.com", "https://app.example.com:444", "https://evil.com",
                             "https://app.example.com.evil.com", "http://localhost@evil.com", "file://", "localhost"}) {
    EXPECT_FALSE(policy.AllowsOrigin(origin)) << origin;
  }
}

TEST(HostPolicyTest, BadSettingsAreErrors) {
  EXPECT_FALSE(HostPolicy::Create("mcp.example.com", {}, {}).ok());
  EXPECT_FALSE(HostPolicy::Create("https://a/mcp", {"https://b"}, {}).ok());
  EXPECT_FALSE(HostPolicy::Create("https://a/mcp", {}, {"b.example.com"}).ok());
  EXPECT_FALSE(HostPolicy::Create("https://a/mcp", {}, {"https://b/path"}).ok());
}

}  // namespace
}  // namespace mcp_edge
