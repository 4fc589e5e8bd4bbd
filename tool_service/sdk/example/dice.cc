// A tool service in full: one tool, which throws dice. README.md beside the SDK shows this file.

#include <random>

#include "tool_service/sdk/tool_service.h"

using namespace tool_service;  // NOLINT: short, for the page

absl::StatusOr<Outcome> ThrowDice(ToolContext& context, absl::string_view arguments_json) {
  const absl::StatusOr<nlohmann::json> arguments = ParseArguments(arguments_json);
  if (!arguments.ok()) return arguments.status();
  const int count = arguments->value("count", 1);
  if (count < 1 || count > 100) return ErrorResult("count must be between 1 and 100");
  std::random_device random;
  nlohmann::json thrown = {{"dice", nlohmann::json::array()}};
  for (int i = 1; i <= count; ++i) {
    if (context.cancelled()) return absl::CancelledError("nobody waits any more");
    thrown["dice"].push_back(std::uniform_int_distribution(1, 6)(random));
    context.ReportProgress(i, count);
  }
  return JsonResult(thrown.dump());
}

int main(int argc, char** argv) {
  Service service("dice");
  Tool tool;
  tool.set_name("throw_dice");
  tool.set_description("Throws dice with six sides and returns what they show.");
  tool.set_input_schema_json(
      R"({"type":"object","properties":{"count":{"type":"integer","minimum":1,"maximum":100}}})");
  tool.mutable_annotations()->set_read_only(true);
  (void)service.AddTool(tool, ThrowDice);  // Run() tells of what was refused
  return Run(argc, argv, service);
}
