#include "tool_service/sdk/form.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

namespace tool_service {
namespace {

using nlohmann::json;

const json* Find(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::optional<double> NumberAt(const json& object, const char* key) {
  const json* const value = Find(object, key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->get<double>();
}

// Whether `value` keeps to the bounds that `least` and `most` name in `schema`.
bool IsBetween(const json& schema, const char* least, const char* most, double value) {
  return value >= NumberAt(schema, least).value_or(value) && value <= NumberAt(schema, most).value_or(value);
}

// Whether `value` is one of the choices of `schema`, if it has any: `enum`, or `const` in each of `titled`.
bool IsChoice(const json& schema, const char* titled, const json& value) {
  if (const json* const choices = Find(schema, "enum"); choices != nullptr && choices->is_array()) {
    if (std::find(choices->begin(), choices->end(), value) == choices->end()) return false;
  }
  const json* const choices = Find(schema, titled);
  if (choices == nullptr || !choices->is_array()) return true;
  return std::any_of(choices->begin(), choices->end(), [&](const json& choice) {
    const json* const constant = Find(choice, "const");
    return constant != nullptr && *constant == value;
  });
}

size_t CodePoints(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

bool FitsField(const json& schema, const json& value) {
  const json* const type_json = Find(schema, "type");
  const std::string type = type_json != nullptr && type_json->is_string() ? type_json->get<std::string>() : "";
  if (type == "string") {
    return value.is_string() && IsChoice(schema, "oneOf", value) &&
           IsBetween(schema, "minLength", "maxLength",
                     static_cast<double>(CodePoints(value.get_ref<const std::string&>())));
  }
  if (type == "number" || type == "integer") {
    if (!value.is_number()) return false;
    const double number = value.get<double>();
    return (type == "number" || std::trunc(number) == number) && IsBetween(schema, "minimum", "maximum", number);
  }
  if (type == "boolean") return value.is_boolean();
  if (type == "array") {
    if (!value.is_array() || !IsBetween(schema, "minItems", "maxItems", static_cast<double>(value.size())))
      return false;
    const json* const items = Find(schema, "items");
    return items == nullptr || std::all_of(value.begin(), value.end(), [&](const json& item) {
             return item.is_string() && IsChoice(*items, "anyOf", item);
           });
  }
  return true;
}

}  // namespace

bool FitsForm(const json& schema, const json& content) {
  if (!content.is_object()) return false;
  if (const json* const required = Find(schema, "required"); required != nullptr && required->is_array()) {
    for (const json& name : *required) {
      if (name.is_string() && !content.contains(name.get_ref<const std::string&>())) return false;
    }
  }
  const json* const properties = Find(schema, "properties");
  const json* const additional = Find(schema, "additionalProperties");
  const bool is_closed = additional != nullptr && *additional == false;
  for (const auto& [name, value] : content.items()) {
    const json* const field = properties == nullptr ? nullptr : Find(*properties, name.c_str());
    if (field == nullptr ? is_closed : !FitsField(*field, value)) return false;
  }
  return true;
}

}  // namespace tool_service
