#include "mcp_edge/schema/plain_schema.h"

#include "absl/container/inlined_vector.h"
#include "mcp_edge/jsonrpc/json_scanner.h"
#include "mcp_edge/jsonrpc/member_names.h"

namespace mcp_edge {
namespace {

constexpr size_t kMaxRequired = 64;

}  // namespace

std::unique_ptr<const PlainSchema> PlainSchema::Make(const SchemaNode& root) {
  std::unique_ptr<PlainSchema> schema(new PlainSchema);
  if (!schema->Add(&root, schema->root_)) return nullptr;
  return schema;
}

bool PlainSchema::Add(const SchemaNode* schema, const Node*& node) {
  node = nullptr;
  if (schema == nullptr || schema->accepts_anything) return true;
  Node& made = nodes_.emplace_back();
  node = &made;
  made.types = schema->accepts_nothing ? 0 : schema->types;
  if (schema->accepts_nothing) return true;
  // References are rules in place, so this is a tree, no deeper than the document that the schema was.
  if (!schema->value.empty() || schema->in_place != nullptr || schema->number != nullptr || schema->string != nullptr ||
      schema->keeps_evaluated) {
    return false;
  }
  if (schema->object != nullptr && !AddObjectRules(*schema->object, made)) return false;
  return schema->array == nullptr || AddArrayRules(*schema->array, made);
}

bool PlainSchema::AddObjectRules(const ObjectRules& rules, Node& node) {
  if (!rules.pattern_properties.empty() || rules.property_names != nullptr || rules.unevaluated_properties != nullptr ||
      !rules.dependent_required.empty() || rules.min_properties != 0 || rules.max_properties != SIZE_MAX ||
      rules.required.size() > kMaxRequired) {
    return false;
  }
  if (!Add(rules.additional_properties, node.other_members)) return false;
  for (const auto& [name, schema] : rules.properties) {
    if (!Add(schema, node.members[name].node)) return false;
  }
  for (size_t i = 0; i < rules.required.size(); ++i) {
    const auto [member, is_new] = node.members.try_emplace(rules.required[i]);
    if (is_new) member->second.node = node.other_members;
    member->second.required_bit = uint64_t{1} << i;
    node.required |= member->second.required_bit;
  }
  return true;
}

bool PlainSchema::AddArrayRules(const ArrayRules& rules, Node& node) {
  if (!rules.prefix_items.empty() || rules.contains != nullptr || rules.unevaluated_items != nullptr ||
      rules.unique_items) {
    return false;
  }
  node.min_items = rules.min_items;
  node.max_items = rules.max_items;
  return Add(rules.items, node.items);
}

// A handler for JsonScanner.
class PlainSchema::Checker {
 public:
  explicit Checker(const Node* root) : next_(root) {}

  bool fits() const { return fits_; }

  void Space(size_t, size_t) {}
  void Null() { Begin(kNull); }
  void Bool(bool) { Begin(kBoolean); }
  void String(absl::string_view, bool) { Begin(kString); }
  // 1.0 is an integer too, which is left to CheckValue.
  void Number(absl::string_view, bool is_integer) { Begin(is_integer ? kNumber | kInteger : kNumber); }

  void Open(bool is_object) {
    const Node* const node = Begin(is_object ? kObject : kArray);
    open_.push_back({node, is_object});
    names_.Open();
    next_ = node == nullptr ? nullptr : node->items;
  }

  bool Name(absl::string_view inside, bool has_escapes) {
    names_.Add(inside, has_escapes);
    if (has_escapes) fits_ = false;  // rare enough to be left to CheckValue
    next_ = nullptr;
    Container& object = open_.back();
    if (object.node == nullptr) return true;
    const auto member = object.node->members.find(inside);
    if (member == object.node->members.end()) {
      next_ = object.node->other_members;
    } else {
      next_ = member->second.node;
      object.required |= member->second.required_bit;
    }
    return true;
  }

  bool Close() {
    const Container closed = open_.back();
    open_.pop_back();
    if (const Node* const node = closed.node; node != nullptr) {
      if (closed.is_object && closed.required != node->required) fits_ = false;
      if (!closed.is_object && (closed.count < node->min_items || closed.count > node->max_items)) fits_ = false;
    }
    if (!open_.empty() && !open_.back().is_object)
      next_ = open_.back().node == nullptr ? nullptr : open_.back().node->items;
    return names_.Close();
  }

 private:
  struct Container {
    const Node* node;
    bool is_object;
    uint64_t required = 0;  // of the node's, those that were there
    size_t count = 0;       // of elements
  };

  // Counts a value of any of these types, and returns what it must fit.
  const Node* Begin(int types) {
    if (!open_.empty()) ++open_.back().count;
    if (next_ != nullptr && (next_->types & types) == 0) fits_ = false;
    return next_;
  }

  const Node* next_;  // what the next value must fit
  bool fits_ = true;
  absl::InlinedVector<Container, 16> open_;
  MemberNames names_;
};

bool PlainSchema::Fits(absl::string_view text) const {
  Checker checker(root_);
  return JsonScanner<Checker>(text, kMaxJsonDepth, checker).Scan().ok() && checker.fits();
}

}  // namespace mcp_edge
