#include "mcp_edge/jsonrpc/message.h"

#include <string>

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

// The only message in `text`.
Message One(absl::string_view text) {
  absl::StatusOr<Body> body = ParseBody(text);
  EXPECT_TRUE(body.ok()) << body.status();
  EXPECT_FALSE(body->is_batch);
  return body->messages.at(0);
}

TEST(MessageTest, ReadsARequestAndKeepsItsParamsAsSent) {
  const Message message = One(R"({"jsonrpc":"2.0","id":7,"method":"m","params":{"b":1.0, "a":2}})");
  EXPECT_EQ(message.kind, Message::Kind::kRequest);
  EXPECT_EQ(message.id_json, "7");
  EXPECT_EQ(message.method, "m");
  EXPECT_EQ(message.params_text, R"({"b":1.0, "a":2})");
  EXPECT_EQ(message.params["a"], 2);
}

TEST(MessageTest, IdsKeepTheirType) {
  EXPECT_EQ(One(R"({"jsonrpc":"2.0","id":"7","method":"m"})").id_json, "\"7\"");
  EXPECT_EQ(One(R"({"jsonrpc":"2.0","id":0,"method":"m"})").id_json, "0");
  EXPECT_EQ(One(R"({"jsonrpc":"2.0","id":1790000000000,"method":"m"})").id_json, "1790000000000");
  EXPECT_EQ(One(R"({"jsonrpc":"2.0","id":"é\"","method":"m"})").id_json, "\"é\\\"\"");
}

TEST(MessageTest, WithoutIdItIsANotification) {
  EXPECT_EQ(One(R"({"jsonrpc":"2.0","method":"m"})").kind, Message::Kind::kNotification);
}

TEST(MessageTest, ReadsAResponse) {
  const Message message = One(R"({"jsonrpc":"2.0","id":3,"result":{"x":1}})");
  EXPECT_EQ(message.kind, Message::Kind::kResponse);
  EXPECT_EQ(message.id_json, "3");
}

TEST(MessageTest, JsonThatIsNotJsonRpcIsInvalid) {
  for (const char* text :
       {"1", "{}", R"({"jsonrpc":"1.0","id":1,"method":"m"})", R"({"jsonrpc":"2.0","id":null,"method":"m"})",
        R"({"jsonrpc":"2.0","id":1.5,"method":"m"})", R"({"jsonrpc":"2.0","id":{},"method":"m"})",
        R"({"jsonrpc":"2.0","id":1,"method":5})", R"({"jsonrpc":"2.0","id":1,"method":"m","params":[1]})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","params":null})", R"({"jsonrpc":"2.0","id":1})",
        R"({"jsonrpc":"2.0","id":1,"method":"m","result":{}})", R"({"jsonrpc":"2.0","id":1,"result":{},"error":{}})"}) {
    const Message message = One(text);
    EXPECT_EQ(message.kind, Message::Kind::kInvalid) << text;
    EXPECT_FALSE(message.problem.empty()) << text;
  }
}

TEST(MessageTest, AnInvalidMessageKeepsAReadableId) {
  EXPECT_EQ(One(R"({"jsonrpc":"2.0","id":1,"method":5})").id_json, "1");
  EXPECT_EQ(One(R"({"jsonrpc":"2.0","id":null,"method":"m"})").id_json, "");
}

TEST(MessageTest, ABatchKeepsOrderAndTexts) {
  const auto body =
      ParseBody(R"([{"jsonrpc":"2.0","id":1,"method":"a","params":{"x": 1}}, {"jsonrpc":"2.0","method":"b"}, 5])");
  ASSERT_TRUE(body.ok());
  EXPECT_TRUE(body->is_batch);
  ASSERT_EQ(body->messages.size(), 3);
  EXPECT_EQ(body->messages[0].params_text, R"({"x": 1})");
  EXPECT_EQ(body->messages[1].kind, Message::Kind::kNotification);
  EXPECT_EQ(body->messages[2].kind, Message::Kind::kInvalid);
}

TEST(MessageTest, WritesResponsesOnOneLine) {
  EXPECT_EQ(ResultResponse("\"a\"", "{}"), R"({"jsonrpc":"2.0","id":"a","result":{}})");
  EXPECT_EQ(ErrorResponse("1", -32600, "bad \"x\""),
            R"({"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"bad \"x\""}})");
  EXPECT_EQ(ErrorResponse("", -32700, "no", "{\"a\":1}"),
            R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"no","data":{"a":1}}})");
  EXPECT_EQ(NotificationText("n/x", "{}"), R"({"jsonrpc":"2.0","method":"n/x","params":{}})");
}

}  // namespace
}  // namespace mcp_edge
