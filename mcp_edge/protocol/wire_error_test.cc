#include "mcp_edge/protocol/wire_error.h"

#include <set>

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

TEST(WireErrorTest, EveryKindHasItsOwnRowInItsOwnPlace) {
  std::set<absl::string_view> reasons;
  for (size_t i = 0; i < kWireErrors.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(kWireErrors[i].kind), i);
    EXPECT_TRUE(reasons.insert(kWireErrors[i].reason).second) << kWireErrors[i].reason;
  }
  EXPECT_EQ(static_cast<size_t>(WireErrorKind::kCancelled) + 1, kWireErrors.size());
}

TEST(WireErrorTest, CodesAreDefinedOnes) {
  const std::set<int> defined = {-32700, -32600, -32601, -32602, -32603, -32002, -32042, -32020, -32021, -32022};
  for (const WireError& error : kWireErrors) EXPECT_TRUE(defined.contains(error.json_rpc)) << error.reason;
}

}  // namespace
}  // namespace mcp_edge
