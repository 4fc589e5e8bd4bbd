#include "tool_service/conformance/task_tools.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tool_service/conformance/asking_tools.h"
#include "tool_service/conformance/content_tools.h"
#include "tool_service/sdk/content.h"
#include "tool_service/sdk/json.h"

namespace tool_service {
namespace {

using Result = absl::StatusOr<Outcome>;

constexpr double kMaxSeconds = 3600;
constexpr char kConfirmForm[] = R"({"type":"object","properties":{"confirm":{"type":"boolean"}}})";
constexpr char kFirstForm[] = R"({"type":"object","properties":{"first":{"type":"string"}}})";
constexpr char kSecondForm[] = R"({"type":"object","properties":{"second":{"type":"string"}}})";

absl::Status Cancelled() { return absl::CancelledError("the call was cancelled"); }

Result Greet(ToolContext&, absl::string_view arguments_json) {
  const absl::StatusOr<nlohmann::json> arguments = ParseArguments(arguments_json);
  if (!arguments.ok()) return arguments.status();
  const auto name = arguments->find("name");
  const bool is_there = name != arguments->end() && name->is_string();
  return TextResult(absl::StrCat("Hello, ", is_there ? name->get<std::string>() : "World", "!"));
}

Result SlowCompute(ToolContext& context, absl::string_view arguments_json) {
  const absl::StatusOr<nlohmann::json> arguments = ParseArguments(arguments_json);
  if (!arguments.ok()) return arguments.status();
  const auto seconds = arguments->find("seconds");
  const auto label = arguments->find("label");
  const bool has_seconds = seconds != arguments->end() && seconds->is_number();
  const double time = has_seconds ? seconds->get<double>() : 1;
  if (!(time >= 0 && time <= kMaxSeconds)) {
    return ErrorResult(absl::StrCat("seconds must be between 0 and ", kMaxSeconds));
  }
  if (context.WaitForCancellation(absl::Seconds(time))) return Cancelled();
  const bool has_label = label != arguments->end() && label->is_string();
  return TextResult(absl::StrCat(has_label ? label->get<std::string>() : "slow_compute", " took ", time, " s"));
}

Result FailingJob(ToolContext& context, absl::string_view) {
  if (context.WaitForCancellation(absl::Seconds(1))) return Cancelled();
  return ErrorResult("This job always fails.");
}

Result ProtocolErrorJob(ToolContext& context, absl::string_view) {
  if (context.WaitForCancellation(absl::Milliseconds(200))) return Cancelled();
  return absl::InternalError("this job always breaks");
}

Result ConfirmDelete(ToolContext& context, absl::string_view arguments_json) {
  const absl::StatusOr<nlohmann::json> arguments = ParseArguments(arguments_json);
  if (!arguments.ok()) return arguments.status();
  const auto given = arguments->find("filename");
  const std::string filename = given != arguments->end() && given->is_string() ? given->get<std::string>() : "the file";
  const auto answer = context.AskUser("confirm", absl::StrCat("Delete ", filename, "?"), kConfirmForm);
  if (!answer) return context.NeedInput();
  const bool confirmed = answer->accepted() && answer->content.value("confirm", true);
  return TextResult(absl::StrCat(confirmed ? "Deleted " : "Kept ", filename));
}

Result MultiInput(ToolContext& context, absl::string_view) {
  const auto first = context.AskUser("first_input", "What is the first value?", kFirstForm);
  const auto second = context.AskUser("second_input", "What is the second value?", kSecondForm);
  if (!first || !second) return context.NeedInput();
  return TextResult(absl::StrCat("Got ", first->content.dump(), " and ", second->content.dump()));
}

Result ToolWithTask(ToolContext& context, absl::string_view) {
  const auto answer = context.AskUser("user_name", "What is your name?", kNameForm);
  if (!answer) return context.NeedInput();
  if (!answer->accepted()) return ErrorResult("The user did not say their name.");
  context.StartTask();
  if (context.WaitForCancellation(absl::Milliseconds(300))) return Cancelled();
  return TextResult(absl::StrCat("Hello, ", answer->content["name"].get<std::string>(), "! The task is done."));
}

}  // namespace

void AddTaskTools(Service& service) {
  Tool greet = ToolNamed("greet", "Greets somebody.");
  greet.set_input_schema_json(R"({"type":"object","properties":{"name":{"type":"string"}}})");
  (void)service.AddTool(std::move(greet), Greet);

  Tool slow = ToolNamed("slow_compute", "Takes as many seconds as it is told to.");
  slow.set_input_schema_json(
      R"({"type":"object","properties":{"seconds":{"type":"number"},"label":{"type":"string"}}})");
  slow.set_task_support(TaskSupport::TASK_SUPPORT_OPTIONAL);
  slow.mutable_timeout()->set_seconds(300);
  (void)service.AddTool(std::move(slow), SlowCompute);

  Tool failing = ToolNamed("failing_job", "Fails after a second, with a result that says so.");
  failing.set_task_support(TaskSupport::TASK_SUPPORT_REQUIRED);
  (void)service.AddTool(std::move(failing), FailingJob);

  Tool broken = ToolNamed("protocol_error_job", "Breaks, without a result.");
  broken.set_task_support(TaskSupport::TASK_SUPPORT_OPTIONAL);
  (void)service.AddTool(std::move(broken), ProtocolErrorJob);

  Tool confirm = ToolNamed("confirm_delete", "Asks whether to delete a file, and deletes nothing.");
  confirm.set_input_schema_json(R"({"type":"object","properties":{"filename":{"type":"string"}}})");
  confirm.set_task_support(TaskSupport::TASK_SUPPORT_OPTIONAL);
  (void)service.AddTool(std::move(confirm), ConfirmDelete);

  Tool multi = ToolNamed("multi_input", "Asks two questions at once.");
  multi.set_task_support(TaskSupport::TASK_SUPPORT_OPTIONAL);
  (void)service.AddTool(std::move(multi), MultiInput);

  Tool composed = ToolNamed("test_tool_with_task", "Asks the user's name, then becomes a task.");
  composed.set_task_support(TaskSupport::TASK_SUPPORT_REQUIRED);
  composed.set_announces_task_start(true);
  (void)service.AddTool(std::move(composed), ToolWithTask);
}

}  // namespace tool_service
