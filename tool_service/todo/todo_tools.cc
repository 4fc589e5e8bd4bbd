#include "tool_service/todo/todo_tools.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "tool_service/sdk/content.h"
#include "tool_service/sdk/json.h"

namespace tool_service {
namespace {

using Result = absl::StatusOr<Outcome>;

constexpr char kNoArguments[] = R"({"type":"object","additionalProperties":false})";
constexpr char kTitleArgument[] =
    R"({"type":"object","properties":{"title":{"type":"string","minLength":1,"maxLength":250,)"
    R"("description":"What is to be done, in a few words."}},"required":["title"],"additionalProperties":false})";
constexpr char kIdArgument[] =
    R"({"type":"object","properties":{"id":{"type":"integer","minimum":1,)"
    R"("description":"Which one, as list_todos shows it."}},"required":["id"],"additionalProperties":false})";

constexpr char kTodo[] =
    R"({"type":"object","properties":{"id":{"type":"integer"},"title":{"type":"string"},"done":{"type":"boolean"}},)"
    R"("required":["id","title","done"],"additionalProperties":false})";
// The schema of an object with this one member.
std::string ObjectWith(absl::string_view member, absl::string_view schema) {
  return absl::StrCat(R"({"type":"object","properties":{")", member, R"(":)", schema, R"(},"required":[")", member,
                      R"("],"additionalProperties":false})");
}

nlohmann::json ToJson(const Todo& todo) { return {{"id", todo.id}, {"title", todo.title}, {"done", todo.done}}; }

absl::StatusOr<Owner> OwnerOf(const ToolContext& context) {
  const Principal* principal = context.principal();
  if (principal == nullptr || principal->issuer().empty() || principal->subject().empty()) {
    return absl::UnauthenticatedError("nobody is signed in: the call came without a verified caller");
  }
  return Owner{principal->issuer(), principal->subject()};
}

// The argument `id`.
absl::StatusOr<int64_t> IdIn(absl::string_view arguments_json) {
  const absl::StatusOr<nlohmann::json> arguments = ParseArguments(arguments_json);
  if (!arguments.ok()) return arguments.status();
  const auto id = arguments->find("id");
  if (id == arguments->end() || !id->is_number_integer()) return absl::InvalidArgumentError("id must be an integer");
  return id->get<int64_t>();
}

// What the model can mend is a result; the rest an error.
Result ToOutcome(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return ErrorResult(absl::StrCat(status.message(), "; list_todos shows those that there are"));
    case absl::StatusCode::kResourceExhausted:
      return ErrorResult(status.message());
    default:
      return status;
  }
}

Result ToOutcome(const absl::StatusOr<Todo>& todo) {
  if (!todo.ok()) return ToOutcome(todo.status());
  return JsonResult(nlohmann::json{{"todo", ToJson(*todo)}}.dump());
}

Result List(const TodoStore& store, const ToolContext& context) {
  const absl::StatusOr<Owner> owner = OwnerOf(context);
  if (!owner.ok()) return owner.status();
  nlohmann::json todos = nlohmann::json::array();
  for (const Todo& todo : store.List(*owner)) todos.push_back(ToJson(todo));
  return JsonResult(nlohmann::json{{"todos", std::move(todos)}}.dump());
}

Result Add(TodoStore& store, const ToolContext& context, absl::string_view arguments_json) {
  const absl::StatusOr<Owner> owner = OwnerOf(context);
  if (!owner.ok()) return owner.status();
  const absl::StatusOr<nlohmann::json> arguments = ParseArguments(arguments_json);
  if (!arguments.ok()) return arguments.status();
  const auto title = arguments->find("title");
  if (title == arguments->end() || !title->is_string()) return absl::InvalidArgumentError("title must be a string");
  return ToOutcome(store.Add(*owner, title->get_ref<const std::string&>()));
}

Result Complete(TodoStore& store, const ToolContext& context, absl::string_view arguments_json) {
  const absl::StatusOr<Owner> owner = OwnerOf(context);
  if (!owner.ok()) return owner.status();
  const absl::StatusOr<int64_t> id = IdIn(arguments_json);
  if (!id.ok()) return id.status();
  return ToOutcome(store.Complete(*owner, *id));
}

Result Delete(TodoStore& store, const ToolContext& context, absl::string_view arguments_json) {
  const absl::StatusOr<Owner> owner = OwnerOf(context);
  if (!owner.ok()) return owner.status();
  const absl::StatusOr<int64_t> id = IdIn(arguments_json);
  if (!id.ok()) return id.status();
  if (const absl::Status status = store.Delete(*owner, *id); !status.ok()) return ToOutcome(status);
  return JsonResult(nlohmann::json{{"deleted_id", *id}}.dump());
}

struct Description {
  const char* name;
  const char* title;
  const char* text;
  const char* input;
  std::string output;
  const char* scope;
};

Tool Describe(const Description& description) {
  Tool tool;
  tool.set_name(description.name);
  tool.set_title(description.title);
  tool.set_description(description.text);
  tool.set_input_schema_json(description.input);
  tool.set_output_schema_json(description.output);
  tool.add_required_scopes()->add_scopes(description.scope);
  tool.mutable_annotations()->set_read_only(false);
  tool.mutable_annotations()->set_destructive(false);
  tool.mutable_annotations()->set_idempotent(false);
  tool.mutable_annotations()->set_open_world(false);
  return tool;
}

}  // namespace

void AddTodoTools(Service& service, TodoStore& store) {
  Tool list = Describe({"list_todos", "List to-dos",
                        "Returns the user's to-do list, the oldest entry first, with what is done and what is not.",
                        kNoArguments, ObjectWith("todos", absl::StrCat(R"({"type":"array","items":)", kTodo, "}")),
                        "todo:read"});
  list.mutable_annotations()->set_read_only(true);
  list.mutable_annotations()->set_idempotent(true);
  const Tool add = Describe({"add_todo", "Add a to-do", "Adds an entry to the end of the user's to-do list.",
                             kTitleArgument, ObjectWith("todo", kTodo), "todo:write"});
  Tool complete = Describe({"complete_todo", "Complete a to-do",
                            "Ticks an entry of the user's to-do list off. It stays in the list.", kIdArgument,
                            ObjectWith("todo", kTodo), "todo:write"});
  complete.mutable_annotations()->set_idempotent(true);
  Tool remove = Describe({"delete_todo", "Delete a to-do",
                          "Deletes an entry of the user's to-do list, done or not. This cannot be undone.", kIdArgument,
                          ObjectWith("deleted_id", R"({"type":"integer"})"), "todo:delete"});
  remove.mutable_annotations()->set_destructive(true);

  // Run() tells of a tool that was refused. The lock of the store is held for microseconds, but may be contended: no
  // Execution::kInline.
  (void)service.AddTool(list, [&store](ToolContext& context, absl::string_view) { return List(store, context); });
  (void)service.AddTool(
      add, [&store](ToolContext& context, absl::string_view arguments) { return Add(store, context, arguments); });
  (void)service.AddTool(complete, [&store](ToolContext& context, absl::string_view arguments) {
    return Complete(store, context, arguments);
  });
  (void)service.AddTool(remove, [&store](ToolContext& context, absl::string_view arguments) {
    return Delete(store, context, arguments);
  });
}

}  // namespace tool_service
