#include "mcp_edge/protocol/object_writer.h"

#include <cmath>
#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

std::string Number(double value) {
  std::string out;
  AppendJsonNumber(value, out);
  return out;
}

TEST(ObjectWriterTest, MembersAreSeparated) {
  std::string out = "x";
  ObjectWriter object(out);
  object.String("a", "\"");
  object.OptionalString("b", "");
  object.Bool("c", true);
  object.Raw("d", "[1]");
  object.Close();
  EXPECT_EQ(out, R"(x{"a":"\"","c":true,"d":[1]})");
}

TEST(ObjectWriterTest, NumbersAreJson) {
  EXPECT_EQ(Number(0), "0");
  EXPECT_EQ(Number(-3), "-3");
  EXPECT_EQ(Number(0.1), "0.1");
  EXPECT_EQ(Number(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(Number(std::numeric_limits<double>::infinity()), "0");
  EXPECT_EQ(Number(std::nan("")), "0");
  EXPECT_EQ(std::stod(Number(1e300)), 1e300);
}

}  // namespace
}  // namespace mcp_edge
