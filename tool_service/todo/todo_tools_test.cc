#include "tool_service/todo/todo_tools.h"

#include <map>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tool_service/sdk/fake_tool_context.h"
#include "tool_service/todo/todo_store.h"

namespace tool_service {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class TodoToolsTest : public ::testing::Test {
 protected:
  TodoToolsTest() {
    AddTodoTools(service_, store_);
    SignIn("https://issuer", "alice");
  }

  void SignIn(const std::string& issuer, const std::string& subject) {
    context_.mutable_principal().set_issuer(issuer);
    context_.mutable_principal().set_subject(subject);
  }

  absl::StatusOr<Outcome> Call(const std::string& name, const std::string& arguments) {
    return service_.Find(name)->handler(context_, arguments);
  }

  // The structured content of a call that goes well.
  json Value(const std::string& name, const std::string& arguments = "{}") {
    const auto outcome = Call(name, arguments);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    const auto& result = std::get<CallToolResult>(*outcome);
    EXPECT_FALSE(result.is_error()) << result.ShortDebugString();
    return json::parse(result.structured_content_json());
  }

  // The text of a call that ends with a failure of the tool.
  std::string Failure(const std::string& name, const std::string& arguments) {
    const auto outcome = Call(name, arguments);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    const auto& result = std::get<CallToolResult>(*outcome);
    EXPECT_TRUE(result.is_error());
    return result.content(0).text().text();
  }

  TodoStore store_{{.owners = 10, .todos_each = 2, .title_bytes = 100}};
  Service service_{"todo"};
  FakeToolContext context_;
};

TEST_F(TodoToolsTest, AreAcceptedWithTheScopesThatTheyNeed) {
  ASSERT_TRUE(service_.startup_status().ok()) << service_.startup_status();
  std::map<std::string, std::string> scopes;
  for (const Tool& tool : service_.catalog()->tools()) {
    ASSERT_EQ(tool.required_scopes_size(), 1);
    ASSERT_EQ(tool.required_scopes(0).scopes_size(), 1);
    scopes[tool.name()] = tool.required_scopes(0).scopes(0);
    EXPECT_EQ(tool.annotations().read_only(), tool.name() == "list_todos");
    EXPECT_EQ(tool.annotations().destructive(), tool.name() == "delete_todo");
    EXPECT_TRUE(json::accept(tool.input_schema_json()));
    EXPECT_TRUE(json::accept(tool.output_schema_json()));
  }
  const std::map<std::string, std::string> expected = {{"list_todos", "todo:read"},
                                                       {"add_todo", "todo:write"},
                                                       {"complete_todo", "todo:write"},
                                                       {"delete_todo", "todo:delete"}};
  EXPECT_EQ(scopes, expected);
}

TEST_F(TodoToolsTest, KeepAListFromTheFirstEntryToTheLast) {
  EXPECT_EQ(Value("list_todos"), json::parse(R"({"todos":[]})"));
  const json added = Value("add_todo", R"({"title":"Buy \"milk\" – é"})")["todo"];
  EXPECT_EQ(added["title"], "Buy \"milk\" – é");
  EXPECT_EQ(added["done"], false);
  const std::string id = json{{"id", added["id"]}}.dump();
  EXPECT_EQ(Value("complete_todo", id)["todo"]["done"], true);
  EXPECT_EQ(Value("list_todos")["todos"].size(), 1u);
  EXPECT_EQ(Value("delete_todo", id)["deleted_id"], added["id"]);
  EXPECT_TRUE(Value("list_todos")["todos"].empty());
}

TEST_F(TodoToolsTest, WorkOnTheListOfTheCallerAlone) {
  const std::string id = json{{"id", Value("add_todo", R"({"title":"milk"})")["todo"]["id"]}}.dump();
  SignIn("https://other", "alice");
  EXPECT_TRUE(Value("list_todos")["todos"].empty());
  EXPECT_THAT(Failure("delete_todo", id), HasSubstr("there is no to-do"));
}

TEST_F(TodoToolsTest, TellTheModelWhatItCanMend) {
  EXPECT_THAT(Failure("complete_todo", R"({"id":7})"), HasSubstr("list_todos"));
  Value("add_todo", R"({"title":"one"})");
  Value("add_todo", R"({"title":"two"})");
  EXPECT_THAT(Failure("add_todo", R"({"title":"three"})"), HasSubstr("full"));
}

TEST_F(TodoToolsTest, RefuseArgumentsThatDoNotFit) {
  for (const char* arguments : {"{}", R"({"title":7})", R"({"title":""})", "[]"}) {
    EXPECT_EQ(Call("add_todo", arguments).status().code(), absl::StatusCode::kInvalidArgument) << arguments;
  }
  for (const char* arguments : {"{}", R"({"id":"1"})", R"({"id":1.5})"}) {
    EXPECT_EQ(Call("delete_todo", arguments).status().code(), absl::StatusCode::kInvalidArgument) << arguments;
    EXPECT_EQ(Call("complete_todo", arguments).status().code(), absl::StatusCode::kInvalidArgument) << arguments;
  }
}

TEST_F(TodoToolsTest, NeedAPrincipal) {
  SignIn("", "alice");
  for (const char* name : {"list_todos", "add_todo", "complete_todo", "delete_todo"}) {
    EXPECT_EQ(Call(name, R"({"id":1,"title":"x"})").status().code(), absl::StatusCode::kUnauthenticated) << name;
  }
}

}  // namespace
}  // namespace tool_service
