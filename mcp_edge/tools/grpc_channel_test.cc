#include "mcp_edge/tools/grpc_channel.h"

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

TEST(CheckTargetTest, TakesTheFormsOfTheManual) {
  for (const char* target :
       {"dns:///localhost:50052", "dns:///whoami.gatehouse.svc.cluster.local:50052", "ipv4:127.0.0.1:50052",
        "ipv4:127.0.0.1:1,127.0.0.2:65535", "ipv6:[::1]:50052", "unix:/run/whoami.sock"}) {
    EXPECT_TRUE(CheckTarget(target).ok()) << target << ": " << CheckTarget(target);
  }
}

TEST(CheckTargetTest, RefusesWhatCouldNeverConnect) {
  for (const char* target :
       {"", "localhost:50052", "http://localhost:50052", "dns:///localhost", "dns:///:50052", "dns:///localhost:0",
        "dns:///localhost:65536", "dns:///localhost:http", "dns:///local host:1", "dns://8.8.8.8/localhost:1",
        "ipv4:", "ipv4:127.0.0.1:1,", "unix:", "dns:///a/b:1"}) {
    EXPECT_EQ(CheckTarget(target).code(), absl::StatusCode::kInvalidArgument) << target;
  }
}

TEST(MakeChannelTest, DoesNotConnectByItself) {
  EXPECT_EQ(MakeChannel("ipv4:127.0.0.1:1")->GetState(/*try_to_connect=*/false), GRPC_CHANNEL_IDLE);
}

}  // namespace
}  // namespace mcp_edge
