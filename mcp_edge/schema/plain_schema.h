// Holds JSON text against schemas of the kind that most tools have, without making a document of it. For use in this
// folder only.

#ifndef GATEHOUSE_MCP_EDGE_SCHEMA_PLAIN_SCHEMA_H_
#define GATEHOUSE_MCP_EDGE_SCHEMA_PLAIN_SCHEMA_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "mcp_edge/schema/schema_node.h"

namespace mcp_edge {

// Immutable and thread-safe.
class PlainSchema {
 public:
  // Null: `root` has other keywords than type, properties, additionalProperties, required, items, minItems and
  // maxItems, or annotations.
  static std::unique_ptr<const PlainSchema> Make(const SchemaNode& root);

  // Whether `text` is JSON (see ReadJson) that fits. False only says that CheckValue must tell.
  bool Fits(absl::string_view text) const;

 private:
  struct Node;
  class Checker;

  struct Member {
    const Node* node = nullptr;
    uint64_t required_bit = 0;
  };

  // Null pointers to nodes: anything fits.
  struct Node {
    uint8_t types = kAnyType;
    absl::flat_hash_map<std::string, Member> members;
    const Node* other_members = nullptr;
    uint64_t required = 0;  // the bits of members
    const Node* items = nullptr;
    size_t min_items = 0;
    size_t max_items = SIZE_MAX;
  };

  PlainSchema() = default;
  // Makes a node of `schema`. False: it is not plain.
  bool Add(const SchemaNode* schema, const Node*& node);
  bool AddObjectRules(const ObjectRules& rules, Node& node);
  bool AddArrayRules(const ArrayRules& rules, Node& node);

  std::deque<Node> nodes_;
  const Node* root_ = nullptr;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SCHEMA_PLAIN_SCHEMA_H_
