#include "tool_service/conformance/content_tools.h"

#include "absl/strings/escaping.h"
#include "tool_service/sdk/content.h"

namespace tool_service {
namespace {

constexpr char kPngBase64[] =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
constexpr char kWavBase64[] = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

std::string FromBase64(const char* text) {
  std::string bytes;
  (void)absl::Base64Unescape(text, &bytes);  // constants
  return bytes;
}

using Result = absl::StatusOr<Outcome>;

Result SimpleText(ToolContext&, absl::string_view) { return TextResult("This is a simple text response for testing."); }

Result ImageContent(ToolContext&, absl::string_view) { return ContentResult({Image(OnePixel(), "image/png")}); }

Result AudioContent(ToolContext&, absl::string_view) { return ContentResult({Audio(OneSample(), "audio/wav")}); }

Result EmbeddedResource(ToolContext&, absl::string_view) {
  return ContentResult(
      {Embedded(TextContents("test://embedded-resource", "This is an embedded resource content.", "text/plain"))});
}

Result MultipleContentTypes(ToolContext&, absl::string_view) {
  return ContentResult(
      {Text("Multiple content types test:"), Image(OnePixel(), "image/png"),
       Embedded(TextContents("test://mixed-content-resource", R"({"test":"data","value":123})", "application/json"))});
}

Result WithLogging(ToolContext& context, absl::string_view) {
  context.LogText(LogLevel::LOG_LEVEL_INFO, "Tool execution started");
  context.WaitForCancellation(absl::Milliseconds(50));
  context.LogText(LogLevel::LOG_LEVEL_INFO, "Tool processing data");
  context.WaitForCancellation(absl::Milliseconds(50));
  context.LogText(LogLevel::LOG_LEVEL_INFO, "Tool execution completed");
  return TextResult("Tool with logging executed successfully");
}

Result WithProgress(ToolContext& context, absl::string_view) {
  context.ReportProgress(0, 100);
  context.WaitForCancellation(absl::Milliseconds(50));
  context.ReportProgress(50, 100);
  context.WaitForCancellation(absl::Milliseconds(50));
  context.ReportProgress(100, 100);
  return TextResult("Tool with progress executed successfully");
}

Result ErrorHandling(ToolContext&, absl::string_view) {
  return ErrorResult("This tool intentionally returns an error for testing");
}

Result Reconnection(ToolContext& context, absl::string_view) {
  context.CloseStream();
  context.WaitForCancellation(absl::Milliseconds(100));
  return TextResult("Reconnection test completed");
}

}  // namespace

std::string OnePixel() { return FromBase64(kPngBase64); }

std::string OneSample() { return FromBase64(kWavBase64); }

Tool ToolNamed(const std::string& name, const std::string& description) {
  Tool tool;
  tool.set_name(name);
  tool.set_description(description);
  tool.set_input_schema_json(R"({"type":"object","properties":{}})");
  return tool;
}

void AddContentTools(Service& service) {
  const auto add = [&](const char* name, const char* description, Handler handler) {
    (void)service.AddTool(ToolNamed(name, description), std::move(handler));
  };
  add("test_simple_text", "Returns a text block.", SimpleText);
  add("test_image_content", "Returns an image.", ImageContent);
  add("test_audio_content", "Returns a sound.", AudioContent);
  add("test_embedded_resource", "Returns an embedded resource.", EmbeddedResource);
  add("test_multiple_content_types", "Returns a text block, an image and an embedded resource.", MultipleContentTypes);
  add("test_tool_with_logging", "Sends three log messages while it runs.", WithLogging);
  add("test_tool_with_progress", "Reports its progress three times while it runs.", WithProgress);
  add("test_error_handling", "Always fails, with a result that says so.", ErrorHandling);
  add("test_reconnection", "Closes the client's stream before it returns its result.", Reconnection);
}

}  // namespace tool_service
