#include "mcp_edge/session/client_requests.h"

#include <string>

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

TEST(ClientRequestsTest, HandsAnAnswerToWhoeverAsked) {
  ClientRequests requests;
  std::string first, second;
  const std::string a = requests.Expect([&](ClientAnswer answer) { first = answer.result_json; });
  const std::string b = requests.Expect([&](ClientAnswer answer) { second = answer.error_message; });
  EXPECT_NE(a, b);
  EXPECT_TRUE(requests.Deliver(b, {.result_json = "", .error_code = -1, .error_message = "no"}));
  EXPECT_TRUE(requests.Deliver(a, {.result_json = "{}", .error_message = ""}));
  EXPECT_EQ(first, "{}");
  EXPECT_EQ(second, "no");
}

TEST(ClientRequestsTest, IgnoresLateAndUnknownAnswers) {
  ClientRequests requests;
  int answers = 0;
  const std::string id = requests.Expect([&](ClientAnswer) { ++answers; });
  EXPECT_FALSE(requests.Deliver("7", {}));
  EXPECT_TRUE(requests.Deliver(id, {}));
  EXPECT_FALSE(requests.Deliver(id, {}));
  const std::string forgotten = requests.Expect([&](ClientAnswer) { ++answers; });
  requests.Forget(forgotten);
  EXPECT_FALSE(requests.Deliver(forgotten, {}));
  EXPECT_EQ(answers, 1);
}

}  // namespace
}  // namespace mcp_edge
