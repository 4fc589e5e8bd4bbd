#include "common/secret_file.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace common {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Path() { return std::string(std::getenv("TEST_TMPDIR")) + "/secret"; }

absl::StatusOr<std::string> Read(const std::string& content) {
  std::ofstream(Path(), std::ios::binary) << content;
  return ReadSecretFile("some_secret_file", Path());
}

TEST(SecretFileTest, TheSecretIsTheLineWithoutItsEnd) {
  EXPECT_EQ(*Read("s3cret"), "s3cret");
  EXPECT_EQ(*Read("s3cret\n"), "s3cret");
  EXPECT_EQ(*Read("s3cret\r\n"), "s3cret");
  EXPECT_EQ(*Read(" with blanks: \xC3\xA9 \n"), " with blanks: \xC3\xA9 ");
  EXPECT_EQ(*Read(std::string(4096, 'x')), std::string(4096, 'x'));
}

TEST(SecretFileTest, AFileThatWasExchangedIsReadAnew) {
  EXPECT_EQ(*Read("old"), "old");
  EXPECT_EQ(*Read("new"), "new");
}

TEST(SecretFileTest, WhatIsWrongNamesFlagAndFileAndNothingOfTheContent) {
  for (const std::string& content :
       {std::string(), std::string("\n"), std::string("\r\n"), std::string("s3cret\n\n"), std::string("s3cret\nsecond"),
        std::string("s3cret\t"), std::string("s3cret\0", 7), "s3cret" + std::string(4096, 'x')}) {
    const absl::StatusOr<std::string> secret = Read(content);
    ASSERT_EQ(secret.status().code(), absl::StatusCode::kInvalidArgument) << content;
    EXPECT_THAT(std::string(secret.status().message()),
                AllOf(HasSubstr("--some_secret_file"), HasSubstr(Path()), Not(HasSubstr("s3cret"))));
  }
  const absl::Status missing = ReadSecretFile("some_secret_file", Path() + ".gone").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), AllOf(HasSubstr("--some_secret_file"), HasSubstr(Path() + ".gone")));
}

}  // namespace
}  // namespace common
