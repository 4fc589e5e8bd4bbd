#include "mcp_edge/jsonrpc/message.h"

#include <string>

#include "absl/strings/str_cat.h"
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
  EXPECT_EQ(message.error_code, 0);
}

TEST(MessageTest, AResponseKeepsItsResultAsSent) {
  const std::string text = R"({"jsonrpc":"2.0","id":"ask-1","result": {"x": 1.50,"a":[ ]} })";
  const Message message = ParseBody(text)->messages.at(0);
  EXPECT_EQ(message.id_json, "\"ask-1\"");
  EXPECT_EQ(message.result_text, R"({"x": 1.50,"a":[ ]})");
}

TEST(MessageTest, AnErrorResponseKeepsItsCodeAndABoundedMessage) {
  Message message = One(R"({"jsonrpc":"2.0","id":3,"error":{"code":-1,"message":"User rejected"}})");
  EXPECT_EQ(message.kind, Message::Kind::kResponse);
  EXPECT_TRUE(message.result_text.empty());
  EXPECT_EQ(message.error_code, -1);
  EXPECT_EQ(message.error_message, "User rejected");
  std::string text = "x";
  while (text.size() < 400) text += "é";
  message = One(absl::StrCat(R"({"jsonrpc":"2.0","id":3,"error":{"code":1e300,"message":")", text, "\"}}"));
  EXPECT_EQ(message.error_code, 0);
  EXPECT_EQ(message.error_message, text.substr(0, 255));
  message = One(R"({"jsonrpc":"2.0","id":3,"error":"no"})");
  EXPECT_EQ(message.kind, Message::Kind::kResponse);
  EXPECT_TRUE(message.result_text.empty());
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
  EXPECT_EQ(RequestText("\"ask-1\"", "a/b", "{}"), R"({"jsonrpc":"2.0","id":"ask-1","method":"a/b","params":{}})");
  EXPECT_EQ(NotificationText("n/x", "{}"), R"({"jsonrpc":"2.0","method":"n/x","params":{}})");
}

}  // namespace
}  // namespace mcp_edge
