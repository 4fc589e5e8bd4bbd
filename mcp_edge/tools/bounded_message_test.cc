#include "mcp_edge/tools/bounded_message.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using gatehouse::tool::v1::Catalog;
using google::protobuf::io::ArrayInputStream;

bool Few(const std::string& wire) {
  ArrayInputStream stream(wire.data(), static_cast<int>(wire.size()));
  return HasFewParts(*Catalog::descriptor(), stream);
}

std::string Repeat(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

// A field of the length-delimited kind.
std::string Field(int number, const std::string& content) {
  std::string field(1, static_cast<char>(number << 3 | 2));
  size_t size = content.size();
  for (; size >= 0x80; size >>= 7) field += static_cast<char>(size | 0x80);
  return field + static_cast<char>(size) + content;
}

TEST(HasFewPartsTest, CountsMessagesAtEveryDepth) {
  const int tools = Catalog::kToolsFieldNumber;
  EXPECT_TRUE(Few(Repeat(Field(tools, ""), kMaxParts)));
  EXPECT_FALSE(Few(Repeat(Field(tools, ""), kMaxParts + 1)));
  const std::string icon = Field(gatehouse::tool::v1::Tool::kIconsFieldNumber, "");
  EXPECT_TRUE(Few(Field(tools, Repeat(icon, kMaxParts - 1))));
  EXPECT_FALSE(Few(Field(tools, Repeat(icon, kMaxParts))));
}

TEST(HasFewPartsTest, CountsStringsOfAListAndWhatIsUnknown) {
  const std::string scope = Field(gatehouse::tool::v1::ScopeSet::kScopesFieldNumber, "");
  const auto tool = [](const std::string& scopes) {
    return Field(Catalog::kToolsFieldNumber, Field(gatehouse::tool::v1::Tool::kRequiredScopesFieldNumber, scopes));
  };
  EXPECT_TRUE(Few(tool(Repeat(scope, kMaxParts - 2))));
  EXPECT_FALSE(Few(tool(Repeat(scope, kMaxParts - 1))));
  EXPECT_FALSE(Few(Repeat("\x78\x01", kMaxParts + 1)));  // field 15, a varint
}

TEST(HasFewPartsTest, TextAloneIsNoPart) {
  Catalog catalog;
  auto* const tool = catalog.add_tools();
  tool->set_name("t");
  tool->set_description(std::string(4 << 20, 'x'));
  EXPECT_TRUE(Few(catalog.SerializeAsString()));
  EXPECT_TRUE(Few(Field(Catalog::kToolsFieldNumber, Repeat(Field(1, "x"), 2 * kMaxParts))));  // the last one counts
}

TEST(HasFewPartsTest, GroupsAndDepthsThatNobodySendsAreTooMuch) {
  EXPECT_FALSE(Few("\x7b\x7c"));  // field 15, a group
  EXPECT_TRUE(Few(Field(Catalog::kToolsFieldNumber, "\xff")));
  EXPECT_TRUE(Few("\x0a\x05"));
  EXPECT_TRUE(Few(""));
}

TEST(BoundedTest, WhatHasTooManyPartsIsNotParsed) {
  const auto read = [](const std::string& wire, Bounded<Catalog>& bounded) {
    grpc::Slice slice(wire);
    grpc::ByteBuffer buffer(&slice, 1);
    return grpc::SerializationTraits<Bounded<Catalog>>::Deserialize(&buffer, &bounded).ok();
  };
  Bounded<Catalog> bounded;
  EXPECT_TRUE(read(Repeat(Field(Catalog::kToolsFieldNumber, ""), kMaxParts + 1), bounded));
  EXPECT_STREQ(bounded.flaw, "has too many parts");
  EXPECT_EQ(bounded.message.tools_size(), 0);
  EXPECT_TRUE(read(Repeat(Field(Catalog::kToolsFieldNumber, ""), kMaxParts), bounded));
  EXPECT_EQ(bounded.flaw, nullptr);
  EXPECT_EQ(bounded.message.tools_size(), kMaxParts);
  EXPECT_TRUE(read("\x0a\x05", bounded));
  EXPECT_STREQ(bounded.flaw, "cannot be decoded");
  EXPECT_EQ(bounded.message.tools_size(), 0);
  EXPECT_TRUE(read("", bounded));
  EXPECT_EQ(bounded.flaw, nullptr);
}

}  // namespace
}  // namespace mcp_edge
