#include "mcp_edge/protocol/rpc_errors.h"

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

int CodeOf(const RpcError& error) { return WireErrorOf(error.kind).json_rpc; }

TEST(RpcErrorsTest, AMissingResourceHasTheCodeOfTheVersion) {
  const RpcError modern = ResourceNotFoundError("test://\"x", ProtocolVersion::k2026_07_28);
  EXPECT_EQ(CodeOf(modern), -32602);
  EXPECT_EQ(modern.data_json, R"({"uri":"test://\"x"})");
  EXPECT_EQ(CodeOf(ResourceNotFoundError("test://x", ProtocolVersion::k2025_11_25)), -32002);
  EXPECT_EQ(CodeOf(ResourceNotFoundError("test://x", ProtocolVersion::k2024_11_05)), -32002);
}

TEST(RpcErrorsTest, MissingCapabilitiesAreAnObject) {
  const RpcError error = MissingCapabilityError(R"({"sampling":{}})");
  EXPECT_EQ(CodeOf(error), -32021);
  EXPECT_EQ(error.data_json, R"({"requiredCapabilities":{"sampling":{}}})");
}

TEST(RpcErrorsTest, UrlElicitationsAreAList) {
  const RpcError error = UrlElicitationRequiredError({"{}", "{}"});
  EXPECT_EQ(CodeOf(error), -32042);
  EXPECT_EQ(error.data_json, R"({"elicitations":[{},{}]})");
}

}  // namespace
}  // namespace mcp_edge
