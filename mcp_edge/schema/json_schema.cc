#include "mcp_edge/schema/json_schema.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/schema/pattern.h"
#include "mcp_edge/schema/plain_schema.h"
#include "mcp_edge/schema/schema_checker.h"
#include "mcp_edge/schema/schema_compiler.h"
#include "mcp_edge/schema/schema_node.h"

namespace mcp_edge {
namespace {

constexpr size_t kMaxSchemaBytes = 256 << 10;
constexpr size_t kMaxSubschemas = 10'000;
constexpr size_t kMaxSubschemasInAll = 100'000;
constexpr size_t kMaxPatterns = 1'000;
constexpr size_t kMaxPatternSizeInAll = 1'000'000;

// The forms that most tools have, which need no document.
enum class Form { kAnything, kAnyObject, kEmptyObject, kOther };

bool AsksForNothingBut(const SchemaNode& node) {
  return node.value.empty() && node.in_place == nullptr && node.array == nullptr && node.number == nullptr &&
         node.string == nullptr;
}

Form FormOf(const SchemaNode& root) {
  if (root.accepts_anything) return Form::kAnything;
  if (root.accepts_nothing || root.types != kObject || !AsksForNothingBut(root)) return Form::kOther;
  if (root.object == nullptr) return Form::kAnyObject;
  const ObjectRules& rules = *root.object;
  const bool empty_fits = rules.required.empty() && rules.min_properties == 0;
  const bool nothing_else = rules.properties.empty() && rules.pattern_properties.empty() &&
                            rules.additional_properties != nullptr && rules.additional_properties->accepts_nothing;
  return empty_fits && nothing_else ? Form::kEmptyObject : Form::kOther;
}

class CompiledSchema final : public JsonSchema {
 public:
  explicit CompiledSchema(SchemaGraph graph)
      : graph_(std::move(graph)), form_(FormOf(*graph_.root)), plain_(PlainSchema::Make(*graph_.root)) {}

  std::optional<std::string> Check(absl::string_view instance_json) const override {
    if (form_ == Form::kAnything) return std::nullopt;
    const absl::string_view text = absl::StripAsciiWhitespace(instance_json);
    const bool object = !text.empty() && text.front() == '{';
    if (object && form_ == Form::kAnyObject) return std::nullopt;
    if (object && form_ == Form::kEmptyObject && absl::StripLeadingAsciiWhitespace(text.substr(1)) == "}") {
      return std::nullopt;
    }
    if (plain_ != nullptr && plain_->Fits(instance_json)) return std::nullopt;
    const absl::StatusOr<nlohmann::json> value = ReadJson(instance_json, kMaxJsonDepth);
    if (!value.ok()) return absl::StrCat("cannot be read: ", value.status().message());
    return CheckValue(*graph_.root, *value);
  }

 private:
  const SchemaGraph graph_;
  const Form form_;
  const std::unique_ptr<const PlainSchema> plain_;  // null: it is not plain
};

}  // namespace

class SchemaCompiler::State {
 public:
  absl::StatusOr<std::shared_ptr<const JsonSchema>> Compile(absl::string_view schema_json) {
    if (const auto known = schemas_.find(schema_json); known != schemas_.end()) return known->second;
    absl::StatusOr<std::shared_ptr<const JsonSchema>> schema = CompileAnew(schema_json);
    schemas_.emplace(schema_json, schema);
    return schema;
  }

 private:
  absl::StatusOr<std::shared_ptr<const JsonSchema>> CompileAnew(absl::string_view schema_json) {
    if (schema_json.size() > kMaxSchemaBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("may have at most ", kMaxSchemaBytes, " bytes, has ", schema_json.size()));
    }
    if (subschemas_ > kMaxSubschemasInAll) return TooManySubschemas();
    const absl::StatusOr<nlohmann::json> schema = ReadJson(schema_json, kMaxJsonDepth);
    if (!schema.ok()) return schema.status();
    const SchemaLimits limits = {.subschemas = kMaxSubschemas,
                                 .subschemas_in_all = subschemas_,
                                 .values = schema_json.size(),
                                 .compile_pattern = [this](absl::string_view text) { return CompilePattern(text); }};
    absl::StatusOr<SchemaGraph> graph = CompileSchema(*schema, limits);
    if (!graph.ok()) return graph.status();
    if (subschemas_ > kMaxSubschemasInAll) return TooManySubschemas();
    return std::make_shared<CompiledSchema>(*std::move(graph));
  }

  static absl::Status TooManySubschemas() {
    return absl::InvalidArgumentError(
        absl::StrCat("all schemas together may have at most ", kMaxSubschemasInAll, " subschemas"));
  }

  absl::StatusOr<std::shared_ptr<const Pattern>> CompilePattern(absl::string_view text) {
    if (const auto known = patterns_.find(text); known != patterns_.end()) return known->second;
    if (patterns_.size() >= kMaxPatterns || pattern_size_ >= kMaxPatternSizeInAll) {
      return absl::InvalidArgumentError(absl::StrCat("all schemas together may have at most ", kMaxPatterns,
                                                     " patterns of ", kMaxPatternSizeInAll, " instructions"));
    }
    absl::StatusOr<std::shared_ptr<const Pattern>> pattern = Pattern::Compile(text);
    // To find out that one is too large costs about as much as the largest one.
    pattern_size_ += pattern.ok() ? (*pattern)->size() : kSizeOfRefused;
    patterns_.emplace(text, pattern);
    return pattern;
  }

  static constexpr size_t kSizeOfRefused = 10'000;

  absl::flat_hash_map<std::string, absl::StatusOr<std::shared_ptr<const JsonSchema>>> schemas_;
  absl::flat_hash_map<std::string, absl::StatusOr<std::shared_ptr<const Pattern>>> patterns_;
  size_t subschemas_ = 0;
  size_t pattern_size_ = 0;
};

SchemaCompiler::SchemaCompiler() : state_(std::make_unique<State>()) {}
SchemaCompiler::~SchemaCompiler() = default;

absl::StatusOr<std::shared_ptr<const JsonSchema>> SchemaCompiler::Compile(absl::string_view schema_json) {
  return state_->Compile(schema_json);
}

absl::StatusOr<std::shared_ptr<const JsonSchema>> JsonSchema::Compile(absl::string_view schema_json) {
  return SchemaCompiler().Compile(schema_json);
}

}  // namespace mcp_edge
