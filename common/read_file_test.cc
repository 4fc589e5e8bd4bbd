#include "common/read_file.h"

#include <sys/stat.h>

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace common {
namespace {

using testing::HasSubstr;

TEST(ReadFileTest, ReadsASmallFileAndSaysWhyNot) {
  const std::string folder = testing::TempDir();
  const std::string name = folder + "/a_file";
  std::ofstream(name) << "12345";
  EXPECT_EQ(*ReadFile("the file", name, 5), "12345");
  const absl::Status too_large = ReadFile("the file", name, 4).status();
  EXPECT_EQ(too_large.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(too_large.message()), HasSubstr("may have at most 4 bytes"));
  EXPECT_EQ(ReadFile("the file", folder + "/none", 5).status().code(), absl::StatusCode::kNotFound);
}

TEST(ReadFileTest, WaitsForNothing) {
  const std::string name = testing::TempDir() + "/a_pipe";
  ASSERT_EQ(mkfifo(name.c_str(), 0600), 0);
  EXPECT_EQ(ReadFile("the file", name, 5).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadFile("the file", testing::TempDir(), 5).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace common
