#include "common/secure_random.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace common {
namespace {

TEST(SecureRandomTest, IsOtherEachTime) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = UnguessableId();
    EXPECT_EQ(id.size(), kUnguessableIdLength);
    EXPECT_EQ(id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_EQ(SecureRandomBytes(7).size(), 7u);
}

}  // namespace
}  // namespace common
