// The input is a schema, a zero byte, and an instance. Whatever they are, compiling and checking return; what is said
// is short; and an instance that is valid is not so for the schema that says `not`.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "mcp_edge/schema/json_schema.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\0');
  const absl::string_view schema_json = input.substr(0, end);
  const absl::string_view instance = end == absl::string_view::npos ? "{}" : input.substr(end + 1);
  const auto schema = mcp_edge::JsonSchema::Compile(schema_json);
  if (!schema.ok()) {
    if (schema.status().message().empty() || schema.status().message().size() > 1024) std::abort();
    return 0;
  }
  const auto problem = (*schema)->Check(instance);
  if (problem.has_value() && (problem->empty() || problem->size() > 512)) std::abort();
  const auto opposite = mcp_edge::JsonSchema::Compile(absl::StrCat(R"({"not":)", schema_json, "}"));
  if (!opposite.ok() || problem.has_value()) return 0;  // references to the root now lead elsewhere, for one
  if (schema_json.find("$") == absl::string_view::npos && !(*opposite)->Check(instance).has_value()) std::abort();
  return 0;
}
