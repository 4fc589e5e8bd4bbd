// A compiled JSON Schema: what the compiler makes of the text and the checker holds values against. For use in this
// folder only.

#ifndef GATEHOUSE_MCP_EDGE_SCHEMA_SCHEMA_NODE_H_
#define GATEHOUSE_MCP_EDGE_SCHEMA_SCHEMA_NODE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "mcp_edge/schema/pattern.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {

struct SchemaNode;

// A place in a document: how it was reached, from the inside to the root. Lives on the stack.
struct JsonPlace {
  const JsonPlace* parent = nullptr;
  // The member, or null and the element.
  const std::string* key = nullptr;
  size_t index = 0;

  // As a JSON pointer (RFC 6901). The root is "".
  std::string ToPointer() const;
};

// The JSON types, as bits. Integers are numbers too.
enum JsonType : uint8_t {
  kNull = 1,
  kBoolean = 2,
  kObject = 4,
  kArray = 8,
  kNumber = 16,
  kString = 32,
  kInteger = 64,
  kAnyType = 127,
};

// A schema with the `$id` that it has, or the root: the scope of anchors (JSON Schema Core 2020-12, section 4.3.5).
struct SchemaResource {
  // Only while compiling.
  std::string base_uri;
  const nlohmann::json* json = nullptr;
  SchemaNode* root = nullptr;
  absl::flat_hash_map<std::string, SchemaNode*> anchors;  // dynamic ones included
  // Also when checking.
  absl::flat_hash_map<std::string, SchemaNode*> dynamic_anchors;
};

// The keywords of a schema, by what they are about. Those that a schema does not have cost a null pointer.

// Schemas for the same value (Core, sections 10.2 and 8.2.3).
struct InPlaceRules {
  const SchemaNode* ref = nullptr;
  // Where $dynamicRef leads if no schema on the way here has a $dynamicAnchor of `dynamic_name`. Empty: always there.
  const SchemaNode* dynamic_ref = nullptr;
  std::string dynamic_name;
  std::vector<const SchemaNode*> all_of;
  std::vector<const SchemaNode*> any_of;
  std::vector<const SchemaNode*> one_of;
  const SchemaNode* not_allowed = nullptr;
  const SchemaNode* if_schema = nullptr;
  const SchemaNode* then_schema = nullptr;
  const SchemaNode* else_schema = nullptr;
  std::vector<std::pair<std::string, const SchemaNode*>> dependent_schemas;
};

struct ObjectRules {
  absl::flat_hash_map<std::string, const SchemaNode*> properties;
  std::vector<std::pair<std::shared_ptr<const Pattern>, const SchemaNode*>> pattern_properties;
  const SchemaNode* additional_properties = nullptr;
  const SchemaNode* property_names = nullptr;
  const SchemaNode* unevaluated_properties = nullptr;
  std::vector<std::string> required;
  std::vector<std::pair<std::string, std::vector<std::string>>> dependent_required;
  size_t min_properties = 0;
  size_t max_properties = SIZE_MAX;
};

struct ArrayRules {
  std::vector<const SchemaNode*> prefix_items;
  const SchemaNode* items = nullptr;
  const SchemaNode* contains = nullptr;
  const SchemaNode* unevaluated_items = nullptr;
  size_t min_contains = 1;
  size_t max_contains = SIZE_MAX;
  size_t min_items = 0;
  size_t max_items = SIZE_MAX;
  bool unique_items = false;
};

struct NumberRules {
  std::optional<nlohmann::json> minimum;
  std::optional<nlohmann::json> maximum;
  std::optional<nlohmann::json> exclusive_minimum;
  std::optional<nlohmann::json> exclusive_maximum;
  std::optional<nlohmann::json> multiple_of;
};

struct StringRules {
  size_t min_length = 0;
  size_t max_length = SIZE_MAX;
  std::shared_ptr<const Pattern> pattern;
  std::string pattern_text;
};

// `enum`, or `const` as one of one.
struct ValueRules {
  std::vector<std::pair<size_t, nlohmann::json>> values;  // with their HashOf, sorted by it
  std::string text;                                       // for people
};

struct SchemaNode {
  const SchemaResource* resource = nullptr;
  bool accepts_nothing = false;  // the schema `false`
  bool accepts_anything = true;  // no rules at all
  bool keeps_evaluated = false;  // it has unevaluatedProperties or unevaluatedItems
  uint8_t types = kAnyType;
  std::vector<ValueRules> value;  // const, enum
  std::unique_ptr<InPlaceRules> in_place;
  std::unique_ptr<ObjectRules> object;
  std::unique_ptr<ArrayRules> array;
  std::unique_ptr<NumberRules> number;
  std::unique_ptr<StringRules> string;
};

// All of a compiled schema. Pointers between nodes stay valid when it is moved.
struct SchemaGraph {
  std::deque<SchemaNode> nodes;
  std::deque<SchemaResource> resources;
  const SchemaNode* root = nullptr;
};

// What it takes to go once through `bytes` bytes, beyond the step that led there.
inline size_t WorkOfBytes(size_t bytes) { return bytes / 64; }

// Equality as JSON Schema has it (Core, section 4.2.2): numbers by their value, so 1 and 1.0 are equal. Adds to `work`
// what it took.
bool EqualJson(const nlohmann::json& a, const nlohmann::json& b, size_t& work);

// The same for values that are EqualJson. Adds to `work` what it took.
size_t HashOf(const nlohmann::json& value, size_t& work);

// A number, exactly: a long double has room for each integer and double that the JSON library makes.
long double NumberOf(const nlohmann::json& number);

// At most 48 bytes of the JSON text of `value`, for people.
std::string ShortText(const nlohmann::json& value);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SCHEMA_SCHEMA_NODE_H_
