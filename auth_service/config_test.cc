#include "auth_service/config.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "common/command_line.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Config Valid() {
  Config config;
  config.issuers = {"https://id.example.com/oidc"};
  config.resources = {"https://mcp.example.com/mcp", "https://mcp.example.com/sse"};
  return config;
}

std::string FileWith(const std::string& content) {
  const std::string file_name = std::string(std::getenv("TEST_TMPDIR")) + "/file";
  std::ofstream(file_name) << content;
  return file_name;
}

TEST(ConfigTest, IssuerAndResourcesAreAllThatMustBeSet) {
  EXPECT_TRUE(Valid().Validate().ok()) << Valid().Validate();
  Config config = Valid();
  config.issuers = {"http://localhost:3100/oidc", "https://id.example.com/oidc"};
  config.resources = {"http://localhost:3001/mcp", "http://mcp.internal/mcp"};
  config.allowed_client_ids = {"a", "https://id.example.com/oidc|a"};
  EXPECT_TRUE(config.Validate().ok()) << config.Validate();
}

TEST(ConfigTest, TheTenantIsTheFirstIssuersUnlessAnotherAddressIsSet) {
  Config config = Valid();
  EXPECT_EQ(config.LogtoAddress(), "https://id.example.com");
  config.issuers = {"https://id.example.com/"};
  EXPECT_EQ(config.LogtoAddress(), "");
  config.logto_endpoint = "https://tenant.logto.app/";
  EXPECT_EQ(config.LogtoAddress(), "https://tenant.logto.app");
}

TEST(ConfigTest, EachRuleNamesItsFlagAndTheValue) {
  struct {
    const char* message;
    void (*break_it)(Config&);
  } const cases[] = {
      {"--issuers must be set", [](Config& config) { config.issuers.clear(); }},
      {"got 17", [](Config& config) { config.issuers.assign(17, "https://id.example.com/"); }},
      {"--issuers: each must be https", [](Config& config) { config.issuers[0] = "http://id.example.com/"; }},
      {"got \"http://id.example.com/\"", [](Config& config) { config.issuers.push_back("http://id.example.com/"); }},
      {"--issuers: each must hold no query", [](Config& config) { config.issuers[0] += "?tenant=1"; }},
      {"--issuers: each must be an absolute URL", [](Config& config) { config.issuers = {"id.example.com"}; }},
      {"--issuers must not name \"https://id.example.com/oidc\" twice",
       [](Config& config) { config.issuers.push_back(config.issuers[0]); }},
      {"--resources must name 1 to 1000", [](Config& config) { config.resources.clear(); }},
      {"--resources: each must be an absolute URL", [](Config& config) { config.resources = {"mcp"}; }},
      {"--resources: each must hold no fragment", [](Config& config) { config.resources = {"https://a/mcp#x"}; }},
      {"--resources must not name \"https://a/mcp\" twice",
       [](Config& config) {
         config.resources = {"https://a/mcp", "https://a/mcp"};
       }},
      {"--resources: each must have at most 2048 bytes",
       [](Config& config) { config.resources = {"https://a/" + std::string(2048, 'a')}; }},
      {"--scopes_supported must be scopes", [](Config& config) { config.scopes_supported = {"a b"}; }},
      {"--opaque_tokens must be refuse, userinfo or introspection, got \"yes\"",
       [](Config& config) { config.opaque_tokens = "yes"; }},
      {"--opaque_tokens=introspection needs --introspection_client_id_file",
       [](Config& config) { config.opaque_tokens = "introspection"; }},
      {"--introspection_client_id_file",
       [](Config& config) {
         config.opaque_tokens = "introspection";
         config.introspection_client_id_file = "/nowhere";
       }},
      {"--allowed_client_ids must be client ids",
       [](Config& config) {
         config.allowed_client_ids = {"a", ""};
       }},
      {"--allowed_client_ids must be ids, or ISSUER|ID with one of --issuers, got \"https://other.example|a\"",
       [](Config& config) { config.allowed_client_ids = {"https://other.example|a"}; }},
      {"--allowed_client_ids must be ids, or ISSUER|ID with one of --issuers",
       [](Config& config) { config.allowed_client_ids = {config.issuers.front() + "|"}; }},
      {"--profile must be token, userinfo or logto, got \"me\"", [](Config& config) { config.profile = "me"; }},
      {"--logto_client_id_file must name a file for --profile=logto", [](Config& config) { config.profile = "logto"; }},
      {"--logto_client_secret_file must name a file that can be read, got \"/nowhere\"",
       [](Config& config) {
         config.profile = "logto";
         config.logto_client_id_file = "/dev/null";
         config.logto_client_secret_file = "/nowhere";
       }},
      {"--logto_endpoint must be set for --profile=logto, as the first of --issuers",
       [](Config& config) {
         config.profile = "logto";
         config.issuers = {"https://id.example.com/"};
       }},
      {"--logto_endpoint must be https",
       [](Config& config) {
         config.profile = "logto";
         config.logto_endpoint = "http://id.example.com";
       }},
      {"--scope_claims may name the claims name ", [](Config& config) { config.scope_claims = {"x=sub"}; }},
      {"--registration must be off or logto, got \"on\"", [](Config& config) { config.registration = "on"; }},
      {"--logto_client_id_file must name a file for --registration=logto",
       [](Config& config) { config.registration = "logto"; }},
      {"--registration_user_scopes must be of profile",
       [](Config& config) { config.registration_user_scopes = {"x"}; }},
      {"--registration_resource_scope_ids must be ids of scopes, or NAME=ID",
       [](Config& config) { config.registration_resource_scope_ids = {"a/b"}; }},
      {"--registration_allowed_hosts must be hosts in lower case without a port, got \"a:1\"",
       [](Config& config) { config.registration_allowed_hosts = {"a:1"}; }},
      {"--registration_token_file must name a file that can be read",
       [](Config& config) { config.registration_token_file = "/nowhere"; }},
      {"must hold a token of at least 16 bytes, got 15",
       [](Config& config) { config.registration_token_file = FileWith("0123456789abcde\n"); }},
      {"--registrations_per_hour must be in [1, 10000], got 0",
       [](Config& config) { config.registrations_per_hour = 0; }},
      {"--registrations_per_hour_per_address must be in [1, 10000], got 0",
       [](Config& config) { config.registrations_per_hour_per_address = 0; }},
      {"--clock_skew must be in [0, 5m], got 6m", [](Config& config) { config.clock_skew = absl::Minutes(6); }},
      {"--provider_timeout must be in [10ms, 1m], got 0",
       [](Config& config) { config.provider_timeout = absl::ZeroDuration(); }},
      {"--provider_hosts must be hosts in lower case without a port, got \"https://keys.example.net\"",
       [](Config& config) {
         config.provider_hosts = {"keys.example.com", "https://keys.example.net"};
       }},
      {"--provider_ca_file must name a file that can be read, got \"/nowhere\"",
       [](Config& config) { config.provider_ca_file = "/nowhere"; }},
      {"--metadata_refresh_interval must be in [1s, 24h], got 0",
       [](Config& config) { config.metadata_refresh_interval = absl::ZeroDuration(); }},
      {"--verdict_ttl must be in [0, 1h], got -1s", [](Config& config) { config.verdict_ttl = absl::Seconds(-1); }},
      {"--negative_verdict_ttl must be in [0, 1m], got 2m",
       [](Config& config) { config.negative_verdict_ttl = absl::Minutes(2); }},
      {"--provider_concurrency must be in [1, 1000], got 0", [](Config& config) { config.provider_concurrency = 0; }},
      {"--provider_failures_to_open must be in [1, 1000], got 0",
       [](Config& config) { config.provider_failures_to_open = 0; }},
      {"--opaque_refusals_per_second must be in [1, 100000], got 0",
       [](Config& config) { config.opaque_refusals_per_second = 0; }},
      {"--stale_if_unavailable must be in [0, 1h], got 2h",
       [](Config& config) { config.stale_if_unavailable = absl::Hours(2); }},
      {"--verdict_cache_size must be in [0, 10000000], got -1", [](Config& config) { config.verdict_cache_size = -1; }},
      {"--port must be in [0, 65535], got 70000", [](Config& config) { config.port = 70'000; }},
      {"--admin_port must be in [0, 65535], got -1", [](Config& config) { config.admin_port = -1; }},
      {"--port and --admin_port must differ, both are 50051", [](Config& config) { config.admin_port = 50051; }},
      {"--host must not be empty", [](Config& config) { config.host.clear(); }},
      {"--admin_host must not be empty", [](Config& config) { config.admin_host.clear(); }},
      {"--shutdown_grace must be in [0, 1h], got 2h", [](Config& config) { config.shutdown_grace = absl::Hours(2); }},
      {"--log_severity must be debug, info, warning or error, got \"loud\"",
       [](Config& config) { config.log_severity = "loud"; }},
  };
  for (const auto& each : cases) {
    Config config = Valid();
    each.break_it(config);
    const absl::Status status = config.Validate();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << each.message;
    EXPECT_THAT(std::string(status.message()), HasSubstr(each.message));
  }
}

TEST(ConfigTest, FlagsAreTheSettings) {
  std::vector<std::string> arguments = {"auth_service",
                                        "--issuers=https://id.example.com/oidc,https://b.example.com/",
                                        "--resources=https://a/mcp,https://a/sse",
                                        "--scopes_supported=",
                                        "--opaque_tokens=userinfo",
                                        "--allowed_client_ids=a,b",
                                        "--profile=userinfo",
                                        "--verdict_ttl=0",
                                        "--stale_if_unavailable=5m",
                                        "--clock_skew=1m",
                                        "--log_severity=warning",
                                        "--port=0"};
  std::vector<char*> argv;
  for (std::string& each : arguments) argv.push_back(each.data());
  ASSERT_TRUE(common::ParseFlags(static_cast<int>(argv.size()), argv.data()).ok());
  const Config config = ConfigFromFlags();
  EXPECT_THAT(config.issuers, ElementsAre("https://id.example.com/oidc", "https://b.example.com/"));
  EXPECT_THAT(config.resources, ElementsAre("https://a/mcp", "https://a/sse"));
  EXPECT_THAT(config.scopes_supported, ElementsAre());
  EXPECT_EQ(config.opaque_tokens, "userinfo");
  EXPECT_THAT(config.allowed_client_ids, ElementsAre("a", "b"));
  EXPECT_EQ(config.profile, "userinfo");
  EXPECT_EQ(config.verdict_ttl, absl::ZeroDuration());
  EXPECT_EQ(config.stale_if_unavailable, absl::Minutes(5));
  EXPECT_EQ(config.clock_skew, absl::Minutes(1));
  EXPECT_EQ(config.severity(), common::Severity::kWarning);
  EXPECT_EQ(config.port, 0);
  EXPECT_EQ(config.verdict_cache_size, 100'000);
  EXPECT_TRUE(config.Validate().ok()) << config.Validate();
}

}  // namespace
}  // namespace auth_service
