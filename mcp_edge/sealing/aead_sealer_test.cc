#include "mcp_edge/sealing/aead_sealer.h"

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

class AeadSealerTest : public testing::Test {
 protected:
  static SealingKey Key(const std::string& id, char fill) { return {id, std::string(kSealingKeyBytes, fill)}; }

  absl::Time Later() const { return clock_.Now() + absl::Hours(1); }

  common::FakeClock clock_;
  AeadSealer sealer_{{Key("a", 'a')}, clock_};
};

TEST_F(AeadSealerTest, WhatIsSealedCanBeOpened) {
  for (const std::string& content :
       {std::string(), std::string("state"), std::string("\0\xff", 2), std::string(64 << 10, 'x')}) {
    const std::string sealed = sealer_.Seal(content, "binding", Later());
    const auto opened = sealer_.Open(sealed, "binding");
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(*opened, content);
    EXPECT_EQ(sealed.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
  }
}

TEST_F(AeadSealerTest, TheResultIsOtherEachTimeAndShowsNothing) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.insert(sealer_.Seal("a secret", "binding", Later()));
  EXPECT_EQ(seen.size(), 100);
  std::string bytes;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(*seen.begin(), &bytes));
  EXPECT_EQ(bytes.find("secret"), std::string::npos);
  EXPECT_EQ(bytes.find("binding"), std::string::npos);
}

TEST_F(AeadSealerTest, AnyChangeIsNoticed) {
  std::string bytes;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(sealer_.Seal("state", "binding", Later()), &bytes));
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const char bit : {1, 64}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ bit);
      EXPECT_EQ(sealer_.Open(absl::WebSafeBase64Escape(changed), "binding").status().code(),
                absl::StatusCode::kInvalidArgument)
          << i;
    }
    EXPECT_FALSE(sealer_.Open(absl::WebSafeBase64Escape(bytes.substr(0, i)), "binding").ok());
  }
}

TEST_F(AeadSealerTest, WhatIsAddedIsNoticed) {
  const std::string sealed = sealer_.Seal("state", "binding", Later());
  for (const char* tail : {"-TAMPERED", "A", "=", "==", " ", "\n"}) {
    EXPECT_EQ(sealer_.Open(sealed + tail, "binding").status().code(), absl::StatusCode::kInvalidArgument) << tail;
  }
}

TEST_F(AeadSealerTest, AnotherBindingIsRefused) {
  const std::string sealed = sealer_.Seal("state", "binding", Later());
  for (const char* binding : {"", "bindin", "binding2"}) {
    EXPECT_EQ(sealer_.Open(sealed, binding).status().code(), absl::StatusCode::kInvalidArgument) << binding;
  }
}

TEST_F(AeadSealerTest, WhatWasNeverSealedIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("AQA"), std::string("%%%"), std::string(2 << 20, 'A')}) {
    EXPECT_EQ(sealer_.Open(text, "binding").status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(AeadSealerTest, ItExpires) {
  const std::string sealed = sealer_.Seal("state", "binding", Later());
  clock_.Advance(absl::Minutes(59));
  EXPECT_TRUE(sealer_.Open(sealed, "binding").ok());
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(sealer_.Open(sealed, "binding").status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(AeadSealerTest, ReplicasWithTheSameKeysOpenEachOthersAndOthersDoNot) {
  const AeadSealer same({Key("b", 'b'), Key("a", 'a')}, clock_);
  const AeadSealer other({Key("a", 'x')}, clock_);
  const AeadSealer unknown({Key("b", 'a')}, clock_);
  const std::string sealed = sealer_.Seal("state", "binding", Later());
  EXPECT_TRUE(same.Open(sealed, "binding").ok());
  EXPECT_FALSE(other.Open(sealed, "binding").ok());
  EXPECT_FALSE(unknown.Open(sealed, "binding").ok());
  EXPECT_FALSE(sealer_.Open(same.Seal("state", "binding", Later()), "binding").ok());
}

TEST_F(AeadSealerTest, KeysCanBeExchangedWhileItServes) {
  const std::string sealed = sealer_.Seal("state", "binding", Later());
  EXPECT_FALSE(sealer_.SetKeys({Key("a", 'a')}));
  EXPECT_TRUE(sealer_.SetKeys({Key("b", 'b'), Key("a", 'a')}));
  EXPECT_TRUE(sealer_.Open(sealed, "binding").ok());
  sealer_.SetKeys({Key("b", 'b')});
  EXPECT_FALSE(sealer_.Open(sealed, "binding").ok());
}

}  // namespace
}  // namespace mcp_edge
