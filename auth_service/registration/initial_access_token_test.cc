#include "auth_service/registration/initial_access_token.h"

#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(InitialAccessTokenTest, OneThatCouldBeGuessedIsNone) {
  const std::string file_name = absl::StrCat(std::getenv("TEST_TMPDIR"), "/initial_access_token");
  std::ofstream(file_name) << "0123456789abcde\n";
  const std::string message(ReadInitialAccessToken(file_name).status().message());
  EXPECT_THAT(message, HasSubstr("--registration_token_file"));
  EXPECT_THAT(message, HasSubstr("at least 16 bytes, got 15"));
  EXPECT_THAT(message, Not(HasSubstr("0123456789")));
  std::ofstream(file_name) << "0123456789abcdef\n";
  EXPECT_EQ(*ReadInitialAccessToken(file_name), "0123456789abcdef");
  EXPECT_FALSE(ReadInitialAccessToken("/nowhere").ok());
}

}  // namespace
}  // namespace auth_service
