#include "mcp_edge/catalog/header_parameters.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

constexpr char kAnnotation[] = "x-mcp-header";
constexpr size_t kMaxParameters = 32;
constexpr size_t kMaxNameLength = 64;

// Keywords with schemas below them (JSON Schema 2020-12), `properties` aside.
constexpr absl::string_view kSchemas[] = {
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
};
constexpr absl::string_view kMapsOfSchemas[] = {
    "$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties",
};

template <size_t kCount>
bool Has(const absl::string_view (&list)[kCount], const std::string& keyword) {
  return std::find(std::begin(list), std::end(list), keyword) != std::end(list);
}

// What a token may have besides letters and digits.
constexpr absl::string_view kMarks = "!#$%&'*+-.^_`|~";

bool IsToken(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxNameLength && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) || kMarks.find(c) != absl::string_view::npos;
  });
}

std::optional<HeaderParameter::Type> TypeOf(const json& schema) {
  const auto type = schema.find("type");
  if (type == schema.end()) return std::nullopt;
  if (*type == "string") return HeaderParameter::Type::kString;
  if (*type == "integer") return HeaderParameter::Type::kInteger;
  if (*type == "boolean") return HeaderParameter::Type::kBoolean;
  return std::nullopt;
}

// Walks through a schema. Recursion is as deep as the text, which was bounded when it was read.
class Walk {
 public:
  absl::StatusOr<std::vector<HeaderParameter>> Take(const json& input_schema) {
    VisitSchema(input_schema, /*reachable=*/true);
    if (!problem_.empty()) return absl::InvalidArgumentError(problem_);
    return std::move(parameters_);
  }

 private:
  void Refuse(absl::string_view problem) {
    if (!problem_.empty()) return;
    problem_ = absl::StrCat(kAnnotation, " of ", path_.empty() ? "a schema" : absl::StrJoin(path_, "/").substr(0, 128),
                            " in input_schema_json: ", problem);
  }

  void VisitSchema(const json& schema, bool reachable) {
    if (!schema.is_object() || !problem_.empty()) return;
    for (const auto& [keyword, value] : schema.get_ref<const json::object_t&>()) {
      if (keyword == kAnnotation) {
        TakeAnnotation(schema, value, reachable);
      } else if (keyword == "properties") {
        VisitProperties(value, reachable);
      } else if (Has(kMapsOfSchemas, keyword) && value.is_object()) {
        for (const json& member : value) VisitSchema(member, /*reachable=*/false);
      } else if (Has(kSchemas, keyword)) {
        if (value.is_array()) {
          for (const json& element : value) VisitSchema(element, /*reachable=*/false);
        }
        VisitSchema(value, /*reachable=*/false);
      }
    }
  }

  void VisitProperties(const json& properties, bool reachable) {
    if (!properties.is_object()) return;
    for (const auto& [name, schema] : properties.get_ref<const json::object_t&>()) {
      path_.push_back(name);
      VisitSchema(schema, reachable);
      path_.pop_back();
    }
  }

  void TakeAnnotation(const json& schema, const json& name, bool reachable) {
    if (!name.is_string() || !IsToken(name.get_ref<const std::string&>())) {
      return Refuse(absl::StrCat("the name is not an HTTP token of at most ", kMaxNameLength, " characters"));
    }
    if (!reachable || path_.empty()) return Refuse("only properties of properties of the root can have it");
    const std::optional<HeaderParameter::Type> type = TypeOf(schema);
    if (!type.has_value()) return Refuse("the type is not one of string, integer and boolean");
    if (!names_.insert(absl::AsciiStrToLower(name.get_ref<const std::string&>())).second) {
      return Refuse("the name is given twice");
    }
    if (parameters_.size() >= kMaxParameters) {
      return Refuse(absl::StrCat("there may be at most ", kMaxParameters, " such parameters"));
    }
    parameters_.push_back({.name = name.get<std::string>(), .path = path_, .type = *type});
  }

  std::vector<std::string> path_;
  std::set<std::string> names_;
  std::vector<HeaderParameter> parameters_;
  std::string problem_;
};

}  // namespace

absl::StatusOr<std::vector<HeaderParameter>> TakeHeaderParameters(const json& input_schema) {
  return Walk().Take(input_schema);
}

}  // namespace mcp_edge
