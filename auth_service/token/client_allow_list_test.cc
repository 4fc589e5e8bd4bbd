#include "auth_service/token/client_allow_list.h"

#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace auth_service {
namespace {

constexpr char kFirst[] = "https://id.example.com/oidc";
constexpr char kSecond[] = "https://login.example.org/";
constexpr char kResource[] = "https://mcp.example.com/mcp";

// Knows no client locally; the provider tells that the client is the token.
class EchoVerifier final : public Verifier {
 public:
  explicit EchoVerifier(const std::string& issuer) : issuer_(issuer) {}
  std::optional<Verdict> VerifyLocally(absl::string_view token, absl::string_view) override {
    if (token != "local") return std::nullopt;
    return Accept("local");
  }
  absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view token, absl::string_view, absl::Time) override {
    if (token == "away") return absl::UnavailableError("away");
    if (token == "bad") return Refuse(gatehouse::auth::v1::REFUSAL_REASON_INACTIVE, "bad");
    return Accept(token == "unknown" ? "" : token);
  }

 private:
  Verdict Accept(absl::string_view client_id) const {
    Verdict verdict;
    verdict.response.mutable_principal()->set_issuer(issuer_);
    verdict.response.mutable_principal()->set_subject("alice");
    verdict.response.mutable_principal()->set_client_id(std::string(client_id));
    return verdict;
  }

  const std::string issuer_;
};

// "" for an accepted token, else why not.
std::string Outcome(const std::vector<std::string>& allowed, const std::string& token,
                    const std::string& issuer = kFirst) {
  EchoVerifier verifier(issuer);
  ClientAllowList list(allowed, kFirst, verifier);
  absl::StatusOr<Verdict> verdict = absl::UnknownError("");
  if (std::optional<Verdict> local = list.VerifyLocally(token, kResource)) {
    verdict = *std::move(local);
  } else {
    verdict = list.VerifyWithProvider(token, kResource, absl::InfiniteFuture());
  }
  if (!verdict.ok()) return std::string(verdict.status().message());
  if (verdict->accepted()) return "";
  return gatehouse::auth::v1::RefusalReason_Name(verdict->response.refusal().reason());
}

TEST(ClientAllowListTest, WithoutAListEveryClientIsAllowed) {
  for (const char* token : {"local", "a", "unknown"}) EXPECT_EQ(Outcome({}, token), "");
}

TEST(ClientAllowListTest, OnlyClientsOfTheListAreAllowed) {
  EXPECT_EQ(Outcome({"a", "local"}, "a"), "");
  EXPECT_EQ(Outcome({"a", "local"}, "local"), "");
  for (const char* token : {"b", "A", "a ", "local"}) {
    EXPECT_EQ(Outcome({"a"}, token), "REFUSAL_REASON_CLIENT_NOT_ALLOWED") << token;
  }
}

TEST(ClientAllowListTest, AClientIsOfOneIssuer) {
  constexpr char kRefused[] = "REFUSAL_REASON_CLIENT_NOT_ALLOWED";
  const std::string of_second = std::string(kSecond) + "|a";
  for (const char* token : {"a", "local"}) {  // what a bare id allows, no other issuer can issue
    EXPECT_EQ(Outcome({"a", "local"}, token, kFirst), "") << token;
    EXPECT_EQ(Outcome({"a", "local"}, token, kSecond), kRefused) << token;
  }
  EXPECT_EQ(Outcome({of_second}, "a", kSecond), "");
  EXPECT_EQ(Outcome({of_second}, "a", kFirst), kRefused);
  EXPECT_EQ(Outcome({of_second}, "b", kSecond), kRefused);
  EXPECT_EQ(Outcome({of_second}, of_second, kFirst), kRefused);
  EXPECT_EQ(Outcome({"b", of_second}, "b", kFirst), "");
  EXPECT_EQ(Outcome({std::string(kFirst) + "|a|b"}, "a|b", kFirst), "");
}

TEST(ClientAllowListTest, AClientThatCannotBeToldIsRefused) {
  EXPECT_EQ(Outcome({"a"}, "unknown"), "REFUSAL_REASON_CLIENT_NOT_ALLOWED");
}

TEST(ClientAllowListTest, RefusalsAndOutagesStayWhatTheyAre) {
  EXPECT_EQ(Outcome({"a"}, "bad"), "REFUSAL_REASON_INACTIVE");
  EXPECT_EQ(Outcome({"a"}, "away"), "away");
}

}  // namespace
}  // namespace auth_service
