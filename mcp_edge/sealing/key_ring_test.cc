#include "mcp_edge/sealing/key_ring.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

std::string Secret(char fill) { return absl::Base64Escape(std::string(kSealingKeyBytes, fill)); }

TEST(KeyRingTest, KeysKeepTheirOrder) {
  const auto keys =
      ParseKeyRing(absl::StrCat("# keys\n\n2026-11 ", Secret('a'), "\r\n  old\t", Secret('b'), "  \n"), "keys");
  ASSERT_TRUE(keys.ok()) << keys.status();
  ASSERT_EQ(keys->size(), 2);
  EXPECT_EQ((*keys)[0].id, "2026-11");
  EXPECT_EQ((*keys)[0].secret, std::string(kSealingKeyBytes, 'a'));
  EXPECT_EQ((*keys)[1].id, "old");
}

TEST(KeyRingTest, MistakesNameTheLineAndTheRuleAndNotTheKey) {
  const std::string good = absl::StrCat("a ", Secret('a'), "\n");
  const std::string short_key = absl::Base64Escape("too short");
  const struct {
    std::string text;
    const char* says;
  } mistakes[] = {
      {"", "keys: there must be at least one key"},
      {"# nothing\n", "keys: there must be at least one key"},
      {absl::StrCat(good, "b\n"), "keys:2: a line must be"},
      {absl::StrCat(good, "b ", Secret('b'), " c\n"), "keys:2: a line must be"},
      {absl::StrCat(good, "b ", short_key, "\n"), "keys:2: a key must be 32 bytes"},
      {absl::StrCat(good, "b %", Secret('b'), "\n"), "keys:2: a key must be 32 bytes"},
      {absl::StrCat("\n", "b/c ", Secret('b'), "\n"), "keys:2: a key id must be"},
      {absl::StrCat(std::string(33, 'x'), " ", Secret('b'), "\n"), "keys:1: a key id must be"},
      {absl::StrCat(good, good), "keys:2: the key id \"a\" is there twice"},
  };
  for (const auto& mistake : mistakes) {
    const auto keys = ParseKeyRing(mistake.text, "keys");
    ASSERT_FALSE(keys.ok()) << mistake.text;
    EXPECT_TRUE(absl::StartsWith(keys.status().message(), mistake.says)) << keys.status();
    EXPECT_FALSE(absl::StrContains(keys.status().message(), short_key));
    EXPECT_FALSE(absl::StrContains(keys.status().message(), Secret('b')));
  }
}

TEST(KeyRingTest, ThereAreBounds) {
  std::string text;
  for (size_t i = 0; i < kMaxSealingKeys; ++i) absl::StrAppend(&text, i, " ", Secret('a'), "\n");
  EXPECT_TRUE(ParseKeyRing(text, "keys").ok());
  EXPECT_FALSE(ParseKeyRing(absl::StrCat(text, "x ", Secret('a'), "\n"), "keys").ok());
}

TEST(KeyRingTest, AFileThatIsNotThereIsNotFound) {
  EXPECT_EQ(ReadKeyRing("/nowhere/keys").status().code(), absl::StatusCode::kNotFound);
}

TEST(KeyRingTest, RandomKeysDiffer) {
  EXPECT_EQ(RandomKeyRing().front().secret.size(), kSealingKeyBytes);
  EXPECT_NE(RandomKeyRing().front().secret, RandomKeyRing().front().secret);
}

}  // namespace
}  // namespace mcp_edge
