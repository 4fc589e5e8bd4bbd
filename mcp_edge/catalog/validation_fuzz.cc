// The input is a catalogue message as a tool service sends it, in its encoding. Whatever it is, ValidateCatalog
// returns, each entry is either taken or refused with a reason, and what is taken can be used.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/catalog/validation.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gatehouse::tool::v1::Catalog catalog;
  if (!catalog.ParseFromArray(data, static_cast<int>(size))) return 0;
  const auto validated = mcp_edge::ValidateCatalog(catalog, "prefix.", nullptr);
  if (!validated.ok()) return 0;
  const mcp_edge::CatalogContents& contents = validated->contents;
  for (const mcp_edge::RefusedEntry& entry : validated->refused) {
    if (entry.reason.empty() || entry.name.size() > 128) std::abort();
  }
  const size_t taken = contents.tools.size() + contents.resources.size() + contents.resource_templates.size() +
                       contents.prompts.size() + contents.skills.size();
  const size_t given =
      static_cast<size_t>(catalog.tools_size() + catalog.resources_size() + catalog.resource_templates_size() +
                          catalog.prompts_size() + catalog.skills_size());
  // Refused may also be a prefix, the text and the hint.
  const size_t others = static_cast<size_t>(catalog.resource_uri_prefixes_size()) + 2;
  if (taken + validated->refused_count < given || taken + validated->refused_count > given + others) std::abort();
  if (validated->refused.size() != std::min(validated->refused_count, mcp_edge::kMaxRefusedKept)) std::abort();
  for (const mcp_edge::ToolEntry& tool : contents.tools) {
    if (tool.name.size() > 64 || tool.input_schema == nullptr) std::abort();
    if ((tool.output_schema == nullptr) != tool.tool.output_schema_json().empty()) std::abort();
    if (!tool.input_schema->Check("[]").has_value()) std::abort();  // arguments are an object
    tool.input_schema->Check(R"({"a":[1,{"b":"c"}]})");
    for (const mcp_edge::HeaderParameter& parameter : tool.header_parameters) {
      if (parameter.name.empty() || parameter.path.empty()) std::abort();
    }
  }
  const mcp_edge::CatalogSnapshot snapshot(contents, nullptr);
  for (const mcp_edge::ResourceEntry& entry : contents.resources) {
    if (!snapshot.FindReader(entry.resource.uri()).has_value()) std::abort();
  }
  for (const mcp_edge::SkillEntry& entry : contents.skills) {
    if (!snapshot.FindReader(entry.skill.uri()).has_value()) std::abort();
  }
  snapshot.FindReader("file:///a/b");
  return 0;
}
